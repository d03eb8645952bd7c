"""The commands that train networks, ask them, and say why they do not learn."""

from __future__ import annotations

import csv
import importlib.util
import io
import warnings
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from chainrule.cli.faults import Fault
from chainrule.cli.files import writing, written
from chainrule.cli.networks import folder as kept_in
from chainrule.cli.networks import network, telling
from chainrule.cli.networks.folder import Kept
from chainrule.cli.networks.prepare import Prepared, digest, encode, prepare
from chainrule.cli.networks.settings import ACTIVATIONS, OPTIMISERS, Settings
from chainrule.cli.options import file_option
from chainrule.cli.tables.reading import DATA_SETS, Table, read

__all__ = ["diagnose", "predict", "train"]

#: What can be said of a network that has been trained; the rest is about how one begins.
_OF_TRAINED = frozenset({"nan", "inf", "dead", "saturated", "vanishing", "exploding", "precision"})

Run = Annotated[
    Path, typer.Argument(metavar="RUN", show_default=False, help="The folder of a run.")
]


def _option(name: str, metavar: str, help: str) -> Any:
    return typer.Option(name, metavar=metavar, show_default=False, help=help)


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            show_default=False,
            help=f"A CSV file, or a data set of scikit-learn: {', '.join(DATA_SETS)}.",
        ),
    ] = None,
    target: Annotated[
        str | None, _option("--target", "COLUMN", "The column that is to be predicted.")
    ] = None,
    save: Annotated[
        Path | None,
        _option("--save", "RUN", "A folder to keep the run in, for predict, diagnose, --resume."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", metavar=" ", help="Go on with the run that is kept there.")
    ] = False,
    task: Annotated[
        str | None,
        _option("--task", "KIND", "classification or regression; decided by the column otherwise."),
    ] = None,
    hidden: Annotated[
        str | None, _option("--hidden", "SIZES", "Units of the hidden layers, as 64,32. \\[100]")
    ] = None,
    activation: Annotated[
        str | None, _option("--activation", "NAME", f"{', '.join(ACTIVATIONS)}. \\[relu]")
    ] = None,
    optimiser: Annotated[
        str | None, _option("--optimiser", "NAME", f"{', '.join(OPTIMISERS)}. \\[adam]")
    ] = None,
    learning_rate: Annotated[
        float | None, _option("--learning-rate", "RATE", "\\[0.001 for adam]")
    ] = None,
    epochs: Annotated[
        int | None,
        _option("--epochs", "N", "Times to go over the data at most. \\[50 to 1000]"),
    ] = None,
    patience: Annotated[
        int | None,
        _option("--patience", "N", "Stop when so many epochs bring nothing. \\[a fifth of them]"),
    ] = None,
    batch_size: Annotated[
        int | None, _option("--batch-size", "N", "Examples in a step. \\[32]")
    ] = None,
    validation: Annotated[
        float | None, _option("--validation", "SHARE", "Of the rows, is held out. \\[0.2]")
    ] = None,
    seed: Annotated[
        int | None, _option("--seed", "N", "Decides weights, order, and what is held out. \\[0]")
    ] = None,
    plot: Annotated[Path | None, file_option("--plot", "Draw the run: .png, .svg, .pdf.")] = None,
) -> int:
    """Train a network with a table.

    What the columns are is found out and said: numbers, categories, dates, what is missing, what is
    left out; and whether the target is a class or a number. A part of the rows is held out, and
    the epoch that is best on them is kept. Ctrl-C saves and stops; --resume goes on as if nothing
    had happened. The exit code is 1 where the loss becomes NaN.
    """
    options = {
        "data": data,
        "target": target,
        "task": task,
        "hidden": hidden,
        "activation": activation,
        "optimiser": optimiser,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "patience": patience,
        "batch_size": batch_size,
        "validation": validation,
        "seed": seed,
    }
    stored = _stored(save, resume)
    settings = stored.settings.resumed(options, save) if stored else Settings.given(options)
    if save is not None:
        _needed("safetensors", "--save keeps runs by safetensors", "train")
    with ExitStack() as stack:
        draft = stack.enter_context(_picture(plot)) if plot is not None else None
        table = read(settings.data)
        fingerprint = digest(table.frame)
        if stored is not None and fingerprint != stored.digest:
            raise Fault(f"{settings.data} has changed since {save} was begun: --save another run")
        made = prepare(table, settings)
        settings = settings.filled(len(made.training))
        telling.of_table(table, made)
        kept = None
        if save is not None:
            settings = replace(settings, data=_whole_path(settings.data))
            kept = Kept(save, settings, made.columns, made.goal, fingerprint)
            kept_in.write(kept)
        code, monitor = _fit(settings, made, save, resume)
        if draft is not None and plot is not None:
            if not monitor.losses:
                raise Fault(f"--plot {plot}: there was no step to draw")
            with writing("--plot", plot):
                monitor.plot().savefig(draft, dpi=120)
        if kept is not None:
            kept_in.write_seen(kept.folder, monitor.report().to_dict())
    if plot is not None:
        typer.echo(f"wrote {plot}")
    return code


def _whole_path(data: str) -> str:
    """Return where a table is, from whichever folder one asks."""
    return str(Path(data).expanduser().resolve()) if Path(data).expanduser().exists() else data


def _stored(save: Path | None, resume: bool) -> Kept | None:
    if resume:
        if save is None:
            raise Fault("--resume goes on with a run that was kept: say which, --save RUN")
        return kept_in.read(save)
    if save is not None and save.exists() and not save.is_dir():
        raise Fault(f"--save {save}: this is a file, not a folder")
    if save is not None and kept_in.exists(save):
        raise Fault(f"a run is kept in {save} already: --resume goes on with it; or --save another")
    return None


def _fit(settings: Settings, made: Prepared, save: Path | None, resume: bool) -> tuple[int, Any]:
    """Train, and say what has come of it. Return the exit code, and the monitor."""
    from chainrule import nn
    from chainrule import train as training
    from chainrule.diagnose import Monitor

    assert settings.epochs is not None  # filled in
    assert settings.patience is not None
    model = network.build(settings, made.x.shape[1], made.goal.width)
    telling.of_network(settings, made, nn.count(model))
    monitor = Monitor()
    name, metric = network.metric_of(made.goal)
    parts = [(made.x[rows], made.y[rows]) for rows in (made.training, made.held)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run = training.fit(
                model,
                network.loss_of(made.goal),
                parts[0],
                network.optimiser_of(settings),
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                validation=parts[1],
                metrics={name: metric},
                stopping=training.EarlyStopping(patience=settings.patience),
                monitor=monitor,
                checkpoint=save,
                resume=resume,
                seed=settings.seed,
            )
        except training.CheckpointError as error:
            raise Fault(str(error)) from error
    telling.of_end(settings, made, run, parts)
    if not monitor.losses and run.stopped == "epochs":
        telling.say(f"all {run.epoch} epochs had been trained: --epochs N goes further")
    diverged = [w.message for w in caught if w.category is training.DivergenceWarning]
    for message in diverged:
        typer.echo(f"{typer.style('stopped:', fg='red', bold=True)} {message}", err=True)
    telling.of_health(monitor.report(), save)
    if run.stopped == "interrupted":
        how = "it was not kept: --save RUN keeps it"
        if save is not None:
            how = f"chainrule train --save {save} --resume goes on"
        typer.echo(f"interrupted in epoch {run.epoch + 1}; {how}", err=True)
        return 130, monitor
    if save is not None:
        typer.echo(f"kept in {save}: chainrule predict {save} TABLE.csv")
    return (1 if diverged else 0), monitor


def predict(
    run: Run,
    table: Annotated[
        str, typer.Argument(metavar="TABLE", show_default=False, help="A CSV file to predict for.")
    ],
    output: Annotated[
        Path | None, file_option("--output", "Write there; to standard output otherwise.")
    ] = None,
) -> int:
    """Predict for each row of a table, with a network that was trained and saved.

    The table needs the columns that were trained with. It is written again with columns of what is
    predicted. If it has the target, too, it is said how good the predictions are.
    """
    kept = kept_in.read(run)
    model, _ = kept_in.restored(kept)
    if output is not None and Path(table).exists() and output.exists() and output.samefile(table):
        raise Fault(f"--output {output}: this would overwrite the table")
    with ExitStack() as stack:
        draft = None
        if output is not None:
            draft = stack.enter_context(written("--output", output))
        found = read(table)
        x = encode(kept.columns, found.frame, found.commas, telling.note)
        outputs = np.asarray(model(x))
        text = _as_csv(found, kept.goal.decode(outputs))
        if draft is None:
            typer.echo(text, nl=False)
        else:
            assert output is not None
            with writing("--output", output):
                draft.write_text(text, encoding="utf-8")
    if output is not None:
        typer.echo(f"wrote {output}: {len(found.frame):,} rows")
    telling.of_score(kept, found, outputs)
    return 0


def diagnose(
    run: Run,
    data: Annotated[
        str | None,
        _option("--data", "DATA", "The table, if it is not where it was when it was trained with."),
    ] = None,
    plot: Annotated[
        Path | None, file_option("--plot", "Draw activations and gradients: .png, .svg, .pdf.")
    ] = None,
) -> int:
    """Say what keeps a network from learning, or may.

    It is looked at three times: what was seen in training, the network as it began, and as it is
    now. The exit code is 1 where something was found.
    """
    from chainrule import diagnose as of_diagnose

    kept = kept_in.read(run)
    source = data or kept.settings.data
    if data is None and source not in DATA_SETS and not Path(source).exists():
        raise Fault(f"{run} was trained with {source}, which is not there: --data says where it is")
    table = read(source)
    if digest(table.frame) != kept.digest:
        raise Fault(f"{source} is not the table that {run} was trained with")
    made = prepare(table, kept.settings)
    model, notes = kept_in.restored(kept)
    loss, optimiser = network.loss_of(made.goal), network.optimiser_of(kept.settings)
    arrays = made.x[made.training], made.y[made.training]
    with ExitStack() as stack:
        draft = stack.enter_context(_picture(plot)) if plot is not None else None
        clean = telling.of_course(notes["history"])
        seen = kept_in.read_seen(kept.folder)
        reports = [] if seen is None else [("in training", telling.in_options(_report(seen)))]
        first = network.build(kept.settings, made.x.shape[1], made.goal.width)
        for when, each, kinds in (("at the start", first, None), ("now", model, _OF_TRAINED)):
            report = of_diagnose.diagnose(
                each,
                loss,
                arrays,
                optimiser=optimiser if kinds is None else None,
                batch_size=kept.settings.batch_size,
                seed=kept.settings.seed,
                kinds=kinds,
            )
            reports.append((when, telling.in_options(report)))
        for when, report in reports:
            telling.of_report(when, report)
        if draft is not None and plot is not None:
            with writing("--plot", plot):
                reports[-1][1].plot().savefig(draft, dpi=120)
    if plot is not None:
        typer.echo(f"wrote {plot}")
    return 0 if clean and all(report for _, report in reports) else 1


def _report(data: dict[str, Any]) -> Any:
    from chainrule.diagnose import Finding, Report

    findings = [Finding(**{**f, "cures": tuple(f["cures"])}) for f in data["findings"]]
    return Report(tuple(findings), data["title"])


def _as_csv(found: Table, predicted: dict[str, list[str]]) -> str:
    names = list(found.columns)
    columns = [found.frame[name].tolist() for name in found.frame.columns]
    for name, values in predicted.items():
        names.append(_new(f"predicted {name}" if name != "probability" else name, names))
        columns.append(values)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=found.separator, lineterminator="\n")
    writer.writerow(names)
    rows: Iterable[Any] = zip(*columns, strict=True)
    writer.writerows(rows)
    return stream.getvalue()


def _new(name: str, names: list[str]) -> str:
    while name in names:
        name += " (new)"
    return name


def _picture(plot: Path) -> Any:
    """Return a context that yields where a picture is drawn, if it can be."""
    if plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise Fault(f"--plot {plot}: write a name that ends with .png, .svg or .pdf")
    _needed("matplotlib", "--plot draws with matplotlib", "plots")
    return written("--plot", plot)


def _needed(package: str, why: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise Fault(f"{why}: pip install 'chainrule[{extra}]'")
