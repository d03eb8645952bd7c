"""CSV files as tables of texts, whatever separates and encodes them; and well-known data sets."""

from __future__ import annotations

import csv
import difflib
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule.cli.faults import Fault, reason
from chainrule.cli.tables.values import writes_decimal_commas

__all__ = ["DATA_SETS", "Table", "read"]

#: Data sets that scikit-learn brings.
DATA_SETS = ("digits", "iris", "wine", "breast_cancer", "diabetes")

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LOOKED_AT = 200  # lines that the separator is guessed from
_CELLS = 2000  # rows that decimal commas are looked for in
_OTHER = (".xlsx", ".xls", ".ods", ".parquet", ".feather", ".json", ".npy", ".npz")


@dataclass
class Table:
    """A table of texts.

    Attributes:
        name: what messages call it.
        frame: a pandas DataFrame of strings.
        separator: between two values.
        commas: whether numbers have decimal commas.
        notes: what there is to say about it.
        target: the column that is to be predicted, where the data set says so.
        alike: whether all numbers are measured in the same unit, as pixels are.
    """

    name: str
    frame: Any
    separator: str = ","
    commas: bool = False
    notes: list[str] = field(default_factory=list)
    target: str | None = None
    alike: bool = False

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [str(name) for name in self.frame.columns]

    def find(self, name: str) -> str:
        """Return the name of a column.

        Raises:
            Fault: there is none, or more than one.
        """
        if f"{name}.1" in self.columns and f"two columns are called {name}" in " ".join(self.notes):
            raise Fault(f"{self.name}: two columns are called {name}: give one another name")
        if name in self.columns:
            return name
        close = [c for c in self.columns if c.strip().lower() == name.strip().lower()]
        close = close or difflib.get_close_matches(name, self.columns, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it has {listed(self.columns)}"
        more = next((f"; {note}" for note in self.notes if note.startswith("the first line")), "")
        raise Fault(f"{self.name} has no column {name}: {hint}{more}")


def listed(names: list[str], most: int = 8) -> str:
    """Return names with commas, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def read(source: str) -> Table:
    """Read a CSV file, or a data set by its name.

    Raises:
        Fault: it cannot be read, or is no table.
    """
    path = Path(source).expanduser()
    if source in DATA_SETS and not path.exists():
        return _data_set(source)
    if path.suffix.lower() in _OTHER:
        raise Fault(f"{source} is no CSV file: save it as one")
    text, notes = _text(path, source)
    separator = _separator(text)
    frame = _frame(text, separator, path.name)
    notes += _about_header(text, separator, path.name)
    if not len(frame):
        raise Fault(f"{path.name} has a header and no rows")
    cells = frame.head(_CELLS).to_numpy().ravel()
    commas = writes_decimal_commas(cells, separator)
    return Table(path.name, frame, separator, commas, notes)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise Fault("tables are read by pandas: pip install 'chainrule[train]'") from None
    return pandas


def _text(path: Path, source: str) -> tuple[str, list[str]]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        here = path.parent.glob("*.csv") if path.parent.is_dir() else ()
        names = [*DATA_SETS, *(str(p) for p in here)]
        close = difflib.get_close_matches(source, names, n=1)
        raise Fault(
            f"there is no file {source}"
            + (
                f"; did you mean {close[0]}?"
                if close
                else f", and no data set of scikit-learn: {', '.join(DATA_SETS)}"
            )
        ) from None
    except OSError as error:
        raise Fault(f"{source} cannot be read: {reason(error)}") from error
    if not data.strip():
        raise Fault(f"{source} is empty")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace"), []
    if b"\x00" in data[:10_000]:
        raise Fault(f"{source} is no text file")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        note = "it is not UTF-8, and was read as Windows-1252"
        return data.decode("cp1252", errors="replace"), [note]


def _separator(text: str) -> str:
    """Return the separator that parts most lines into as many values as the header."""
    lines = [line for line in text.splitlines()[:_LOOKED_AT] if line.strip()]

    def fits(separator: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            return 0.0, 0
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    scores = {separator: fits(separator) for separator in SEPARATORS}
    best = max(scores, key=lambda s: (scores[s][0] > 0.5, scores[s][1] * scores[s][0]))
    return best if scores[best][1] else ","


def _frame(text: str, separator: str, name: str) -> Any:
    pandas = _pandas()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame = pandas.read_csv(
                io.StringIO(text),
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skipinitialspace=True,
            )
    except pandas.errors.ParserWarning:
        raise Fault(f"{name}: the rows have more values than the header has names") from None
    except pandas.errors.ParserError as error:
        raise Fault(f"{name}: {_parser_words(str(error))}") from None
    except pandas.errors.EmptyDataError:
        raise Fault(f"{name} is empty") from None
    frame.columns = _different([" ".join(str(column).split()) for column in frame.columns])
    frame = frame.fillna("").apply(lambda column: column.str.strip())
    return frame[(frame != "").any(axis=1)].reset_index(drop=True)


def _different(names: list[str]) -> list[str]:
    """Return names with a number behind those that have been there."""
    found: list[str] = []
    for name in names:
        new, k = name, 0
        while new in found:
            k += 1
            new = f"{name}.{k}"
        found.append(new)
    return found


def _parser_words(message: str) -> str:
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if found:
        expected, line, saw = found.groups()
        return f"line {line} has {saw} values, the header has {expected}"
    found = re.search(r"EOF inside string starting at row (\d+)", message)
    if found:
        return f"a quotation mark in line {int(found[1]) + 1} is never closed"
    return message.strip().rpartition("C error: ")[2]


def _about_header(text: str, separator: str, file: str) -> list[str]:
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    first = next((row for row in rows if any(row)), [])
    names = [" ".join(name.split()) for name in first]
    notes = []
    for name, count in Counter(names).items():
        if count > 1 and name:
            others = ", ".join(f"{name}.{k}" for k in range(1, count))
            notes.append(
                f"{'two' if count == 2 else count} columns are called {name}: "
                f"the later ones were read as {others}"
            )
    if names and all(re.fullmatch(r"[-+.\deE]+", name) for name in names):
        notes.append(
            f"the first line, {listed(names, 4)}, was read as names of columns: are they missing?"
        )
    return notes


def _data_set(name: str) -> Table:
    try:
        from sklearn import datasets
    except ImportError:
        raise Fault(f"{name} comes with scikit-learn: pip install 'chainrule[train]'") from None
    _pandas()
    found: Any = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = found.frame
    if name in ("iris", "wine", "breast_cancer"):
        names = [str(n) for n in found.target_names]
        frame["target"] = [names[k] for k in frame["target"]]
    return Table(name, frame.astype(str), target="target", alike=name == "digits")
