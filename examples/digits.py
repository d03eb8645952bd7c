"""Train the lecture's network on scikit-learn's handwritten digits, in plain NumPy.

    Loss = ((sigmoid(x W1 + b1) W2 + b2) - y)^2

The gradient comes from ``chainrule.value_and_grad``; everything else is NumPy. At the end the
gradient is printed as the code that a person would have derived by hand.

Run it with ``make demo``, or ``python examples/digits.py --epochs 60 --hidden 64``.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import chainrule


def sigmoid(h):
    return 1 / (1 + np.exp(-h))


def predict(params, x):
    h1 = x @ params["W1"] + params["b1"]
    z1 = sigmoid(h1)
    z2 = z1 @ params["W2"] + params["b2"]
    return z2


def mean_squared_error(params, x, y):
    z2 = predict(params, x)
    loss = np.sum((z2 - y) ** 2) / len(x)
    return loss


def initial(rng, inputs, hidden, outputs):
    return {
        "W1": rng.normal(size=(inputs, hidden)) / np.sqrt(inputs),
        "b1": np.zeros(hidden),
        "W2": rng.normal(size=(hidden, outputs)) / np.sqrt(hidden),
        "b2": np.zeros(outputs),
    }


def train(params, x, y, epochs, rate, batch, rng, console, momentum=0.9):
    """Train by gradient descent with momentum; returns the parameters and the last loss."""
    value_and_gradient = chainrule.value_and_grad(mean_squared_error)
    velocity = {name: np.zeros_like(p) for name, p in params.items()}
    columns = TextColumn("training"), BarColumn(), TextColumn("{task.fields[note]}")
    loss = np.nan
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("train", total=epochs, note="")
        for epoch in range(epochs):
            order = rng.permutation(len(x))
            for start in range(0, len(x), batch):
                rows = order[start : start + batch]
                loss, gradients = value_and_gradient(params, x[rows], y[rows])
                for name, g in gradients.items():
                    velocity[name] = momentum * velocity[name] - rate * g
                    params[name] = params[name] + velocity[name]
            progress.update(task, advance=1, note=f"epoch {epoch + 1:3}  loss {loss:.4f}")
    return params, loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    console = Console()
    rng = np.random.default_rng(options.seed)
    images, labels = load_digits(return_X_y=True)
    x_train, x_test, t_train, t_test = train_test_split(
        images / 16.0, labels, test_size=0.25, random_state=options.seed, stratify=labels
    )
    y_train = np.eye(10)[t_train]
    console.print(
        f"{len(x_train)} digits to learn from, {len(x_test)} to test on\n"
        f"network 64-{options.hidden}-10, sigmoid, squared error"
    )
    params = initial(rng, 64, options.hidden, 10)
    params, _ = train(
        params, x_train, y_train, options.epochs, options.rate, options.batch, rng, console
    )
    accuracy = np.mean(np.argmax(predict(params, x_test), axis=1) == t_test)
    console.print(f"accuracy on the test digits: [bold]{accuracy:.1%}[/bold]\n")
    if accuracy < 0.95:
        raise SystemExit("the network was to reach 95 %: train it for longer, --epochs 60")

    console.print("The gradient of its loss, as code:\n")
    staged = chainrule.stage(mean_squared_error, params, x_train[:32], y_train[:32], argnums=0)
    console.print(Syntax(staged.source, "python", background_color="default", word_wrap=True))


if __name__ == "__main__":
    main()
