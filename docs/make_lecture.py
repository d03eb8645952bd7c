"""Build the lecture as live pages, in English and Russian: ``python docs/make_lecture.py FOLDER``.

``make lecture`` does it into ``build/lecture``; the documentation has it beside its first page.
"""

from __future__ import annotations

import runpy
import sys
from html import escape
from pathlib import Path

import numpy as np

import chainrule
from chainrule.page import About, Page

ROOT = Path(__file__).resolve().parents[1]


def saturation(w, x, b, y):
    h = w * x + b
    s = 1 / (1 + np.exp(-h))
    loss = (s - y) ** 2
    return loss


def jacobians(A, x):
    y = A @ x
    z = np.sum(y**2)
    return z


#: Each page: its file, title and what is said on it, in both languages.
TEXTS = [
    (
        "circuit",
        {"en": "A first circuit", "ru": "Первый граф"},
        {
            "en": [
                "f(x, y, z) = (x + y) z, taken apart: q = x + y, f = q z. The forward pass "
                "computes the values, green. The backward pass computes the gradients, red, "
                "from the end to the beginning: local gradient times upstream gradient.",
                "Step through it with →. Each gate needs to know nothing but its own inputs.",
            ],
            "ru": [
                "f(x, y, z) = (x + y) z по частям: q = x + y, f = q z. Проход вперёд считает "
                "значения, зелёные. Проход назад считает градиенты, красные, от конца к "
                "началу: локальный градиент умножается на пришедший.",
                "Пройдите его клавишей →. Каждому узлу нужно знать только свои входы: этот "
                "процесс локален.",
            ],
        },
    ),
    (
        "neuron",
        {"en": "The neuron, gate by gate", "ru": "Нейрон, узел за узлом"},
        {
            "en": [
                "f(w, x) = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))). Four gates are all that a "
                "sigmoid is made of: their local gradients are a, exp(x), 1 and -1/x².",
                "An addition hands its gradient on to both of its inputs. A multiplication "
                "swaps them: the gradient of w0 is x0 times what comes from above.",
            ],
            "ru": [
                "f(w, x) = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))). Сигмоида состоит из четырёх "
                "узлов: их локальные градиенты — a, exp(x), 1 и -1/x².",
                "Сложение передаёт градиент обоим входам. Умножение меняет их местами: "
                "градиент по w0 — это x0, умноженное на пришедшее сверху.",
            ],
        },
    ),
    (
        "sigmoid",
        {"en": "The sigmoid, and how it saturates", "ru": "Сигмоида и её насыщение"},
        {
            "en": [
                "The sigmoid of 1.0 is about 0.73, so its local gradient is (1 - 0.73) · 0.73, "
                "about 0.2. It is never larger than a quarter.",
                "Drag w to 8 or to -8: the sigmoid comes close to 1 or 0, its slope to "
                "nothing, and the gradient of everything before it dies.",
            ],
            "ru": [
                "Сигмоида от 1.0 — около 0.73, её локальный градиент (1 - 0.73) · 0.73, около "
                "0.2. Больше четверти он не бывает.",
                "Потяните w к 8 или к -8: сигмоида подходит к 1 или к 0, её наклон — к нулю, и "
                "градиент всего, что до неё, исчезает.",
            ],
        },
    ),
    (
        "relu",
        {"en": "ReLU, and how it dies", "ru": "ReLU и как она умирает"},
        {
            "en": [
                "Where the input of a ReLU is below zero, its gradient is zero. A unit that is "
                "there for every row of the data never comes back.",
                "Set the learning rate to 1 and take a few steps down the gradient: the step "
                "is too large, and units die.",
            ],
            "ru": [
                "Если вход ReLU ниже нуля, её градиент — ноль. Нейрон, который попал туда на "
                "всех строках данных, уже не вернётся.",
                "Поставьте скорость обучения 1 и сделайте несколько шагов: шаг слишком велик, "
                "и нейроны умирают.",
            ],
        },
    ),
    (
        "network",
        {"en": "A network of two layers", "ru": "Сеть из двух слоёв"},
        {
            "en": [
                "Loss = ((σ(x W1 + b1) W2 + b2) - y)². Intermediate functions first, then "
                "their local gradients, then the error is carried backwards through them.",
                "Choose a gate and point at an entry: row and column that it is made of are "
                "marked. A gradient has the shape of its variable, so the transposes fall into "
                "place.",
            ],
            "ru": [
                "Loss = ((σ(x W1 + b1) W2 + b2) - y)². Сначала промежуточные функции, затем их "
                "локальные градиенты, затем ошибка проходит по ним назад.",
                "Выберите узел и наведите на элемент: отмечены строка и столбец, из которых он "
                "получен. Размер градиента равен размеру переменной: так находят "
                "транспонирования.",
            ],
        },
    ),
    (
        "jacobians",
        {"en": "Jacobians by their shapes", "ru": "Якобианы по размерам"},
        {
            "en": [
                "y = A x is a vector by a matrix and by a vector, z = Σ y² a number by all of "
                "them. The gradient of a number has the shape of what it is taken by.",
                "∂z/∂A = ∂z/∂y · ∂y/∂A needs no array of three axes: it is the outer product "
                "of the upstream gradient with x.",
            ],
            "ru": [
                "y = A x — вектор по матрице и по вектору, z = Σ y² — число по всем ним. "
                "Градиент числа имеет размер того, по чему он берётся.",
                "∂z/∂A = ∂z/∂y · ∂y/∂A не требует массива с тремя осями: это внешнее "
                "произведение пришедшего градиента и x.",
            ],
        },
    ),
    (
        "staged",
        {"en": "The staged function", "ru": "Функция по этапам"},
        {
            "en": [
                "f(x, y) = (x + σ(y)) / (σ(x) + (x + y)²). Its formula for the gradient would "
                "fill a board. In eight stages each line is short, and the backward pass is "
                "their mirror.",
                "x and y are used several times. Notice +=: what comes by several paths is "
                "added up. Then press “Your turn”.",
            ],
            "ru": [
                "f(x, y) = (x + σ(y)) / (σ(x) + (x + y)²). Формула её градиента заняла бы всю "
                "доску. В восьми этапах каждая строка коротка, а проход назад — их отражение.",
                "x и y используются несколько раз. Заметьте +=: пришедшее разными путями "
                "складывается. А теперь нажмите «Ваш ход».",
            ],
        },
    ),
]

INDEX = {
    "en": ("Backpropagation, live", "Seven pages to drag, to step through, and to complete."),
    "ru": ("Backpropagation вживую", "Семь страниц: двигать, проходить по шагам, дописывать."),
}


def explanations():
    """Return what each page explains, by the names of the files."""
    lecture = runpy.run_path(str(ROOT / "examples" / "lecture.py"))
    params, x, y = lecture["relu_values"]()
    small = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([0.5, -1.0, 2.0])
    explain = chainrule.explain
    return {
        "circuit": explain(lecture["circuit"], *lecture["CIRCUIT"].values()),
        "neuron": explain(lecture["neuron"], *lecture["NEURON"].values()),
        "sigmoid": explain(saturation, 1.0, 1.0, 0.0, 0.0),
        "relu": explain(lecture["relu_network"], *params.values(), x, y, argnums=(0, 1, 2, 3)),
        "network": explain(lecture["network"], *lecture["network_values"]().values()),
        "jacobians": explain(jacobians, *small),
        "staged": explain(lecture["staged"], *lecture["STAGED"].values()),
    }


def build(folder):
    """Write the pages and their index into a folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = explanations()
    names = [f"{name}.html" for name, _, _ in TEXTS]
    paths = []
    for k, (name, title, text) in enumerate(TEXTS):
        about = About(
            title,
            text,
            home="index.html",
            previous=names[k - 1] if k else None,
            next=names[k + 1] if k + 1 < len(names) else None,
        )
        paths.append(folder / names[k])
        Page(shown[name], about=about).save(paths[-1])
    paths.append(folder / "index.html")
    paths[-1].write_text(_index(shown), encoding="utf-8")
    return paths


def _index(shown):
    cards = []
    for name, title, text in TEXTS:
        picture = shown[name].svg()
        words = "".join(
            f'<div lang="{language}"><h2>{escape(title[language])}</h2>'
            f"<p>{escape(text[language][0])}</p></div>"
            for language in title
        )
        cards.append(f'<a href="{name}.html"><div class="picture">{picture}</div>{words}</a>')
    heads = "".join(
        f'<div lang="{language}"><h1>{escape(title)}</h1><p>{escape(said)}</p></div>'
        for language, (title, said) in INDEX.items()
    )
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(INDEX["en"][0])}</title>
<style>
body {{ margin: 0 auto; max-width: 1180px; padding: 1.5em; color: #1f2328; background: #fff;
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }}
nav {{ float: right; display: flex; gap: 0.6em; }}
body:has(#en:checked) [lang="ru"], body:has(#ru:checked) [lang="en"] {{ display: none; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(21em, 1fr)); gap: 1.2em; }}
a {{ display: flex; flex-direction: column; gap: 0.4em; padding: 1em 1.2em; color: inherit;
  text-decoration: none; border: 1px solid #d5dce3; border-radius: 12px; }}
a:hover, a:focus-visible {{ border-color: #0a5fb4; box-shadow: 0 2px 14px #0a5fb422; }}
h1 {{ margin: 0; font-size: 1.6em; }}
h2 {{ margin: 0; font-size: 1.1em; color: #0a5fb4; }}
p {{ margin: 0 0 0.6em; }}
a p {{ font-size: 0.9em; }}
.picture {{ height: 9em; overflow: hidden; }}
.picture svg {{ width: 100%; height: 100%; min-width: 0 !important; }}
</style>
</head>
<body>
<nav>
<label><input type="radio" name="language" id="en" checked> English</label>
<label><input type="radio" name="language" id="ru"> Русский</label>
</nav>
<header>{heads}</header>
<main>
{"".join(cards)}
</main>
</body>
</html>
"""


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "lecture"
    for path in build(folder):
        print(path)


if __name__ == "__main__":
    main()
