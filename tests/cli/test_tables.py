"""Tables of odd kinds: what is read, what columns are taken for, and what is said of it."""

import numpy as np
import pandas
import pytest

from chainrule.cli.faults import Fault
from chainrule.cli.networks.prepare import encode, prepare
from chainrule.cli.networks.settings import Settings
from chainrule.cli.tables.columns import described, from_json, to_json
from chainrule.cli.tables.goal import Classes, Quantity
from chainrule.cli.tables.reading import read
from chainrule.cli.tables.values import as_numbers, writes_decimal_commas

ROWS = 24
AREA = [f"{50 + 1.5 * k:.1f}" for k in range(ROWS)]
COLOUR = ["red", "green", "blue"] * (ROWS // 3)
PRICE = [f"{1000 + 30 * k + 7 * (k % 5):.1f}" for k in range(ROWS)]


def csv(*columns, separator=","):
    header, *rows = zip(*[(name, *values) for name, values in columns], strict=True)
    return "".join(separator.join(row) + "\n" for row in (header, *rows))


def prepared(tmp_path, text, target="price", encoding="utf-8", **options):
    file = tmp_path / "table.csv"
    file.write_bytes(text.encode(encoding))
    table = read(str(file))
    return table, prepare(table, Settings.given({"data": str(file), "target": target, **options}))


def kinds(made):
    return {kind: " ".join(names) for kind, names in described(made.columns)}


DOLLARS = [f'"$ 1,{price[1:]}"' for price in PRICE]
QUOTED = '","'
PLAIN = csv(("area", AREA), ("colour", COLOUR), ("price", PRICE))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (PLAIN, "utf-8"),
        (PLAIN.replace(",", ";").replace(".", ","), "utf-8"),  # as in Germany
        (PLAIN.replace(",", "\t"), "utf-16"),
        (PLAIN.replace(",", " | "), "utf-8-sig"),
        ("".join(f'"{line.replace(",", QUOTED)}"\r\n' for line in PLAIN.splitlines()), "utf-8"),
        (csv(("area", AREA), ("colour", COLOUR), ("price", DOLLARS)), "cp1252"),
    ],
)
def test_the_same_table_however_it_is_written(tmp_path, text, encoding):
    _, made = prepared(tmp_path, text, encoding=encoding)
    assert kinds(made) == {"numbers": "area", "categories": "colour (3)"}
    assert isinstance(made.goal, Quantity)
    assert made.goal.centre == pytest.approx(1345 + 14 - 0.5 * 14 / 12, rel=2e-3)
    assert made.x.shape == (ROWS, 4)
    np.testing.assert_allclose(made.x[made.training, 0].mean(), 0, atol=1e-9)
    np.testing.assert_allclose(made.x[made.training, 0].std(), 1)
    assert len(made.held) == 5
    assert not set(made.held) & set(made.training)


#: Columns beside area and price: what they are taken for, and what is said.
COLUMNS = {
    "constant": (["7"] * ROWS, "left out", "extra (it is always '7')"),
    "empty": ([""] * ROWS, "left out", "extra (it is empty)"),
    "numbering": ([str(k) for k in range(ROWS)], "left out", "extra (it numbers the rows)"),
    "texts": ([f"person {k}" for k in range(ROWS)], "left out", "different texts in 19 rows"),
    "booleans": (["True", "False"] * 12, "categories", "extra (2)"),
    "dates": ([f"2024-{k % 12 + 1:02d}-03" for k in range(ROWS)], "dates, in days", "extra"),
    "dates with points": ([f"{k + 1}.12.2023" for k in range(ROWS)], "dates, in days", "extra"),
    "American dates": ([f"12/{k + 1}/2023" for k in range(ROWS)], "dates, in days", "extra"),
    "unclear dates": (
        [f"0{k % 9 + 1}/0{k % 8 + 1}/2023" for k in range(ROWS)],
        "dates, in days",
        "extra: read as day/month",
    ),
    "odd numbers": (
        [*AREA[:-2], "about 3", "inf"],
        "numbers",
        "extra: 2 are no finite numbers, 'about 3', 'inf': taken as missing",
    ),
    "gaps": (["", "?", "NA", *AREA[3:]], "numbers", "extra: 3 missing, filled with the median"),
    "huge": (["1e308", *AREA[1:]], "numbers", ""),
    "far out": ([*AREA[:2], *["9e99"] * 2, *AREA[4:]], "numbers", "extra: 9e+99 is far out, "),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_all_kinds(tmp_path, name):
    values, kind, said = COLUMNS[name]
    text = csv(("площадь", AREA), ("extra", values), ("price", PRICE))
    _, made = prepared(tmp_path, text)
    assert kinds(made)[kind].startswith(("extra", "площадь"))
    assert said in " ".join([*made.notes, *kinds(made).values()])
    assert np.isfinite(made.x).all()
    assert np.abs(made.x).max() < 11
    again = tuple(from_json(to_json(column)) for column in made.columns)
    assert again == made.columns


@pytest.mark.parametrize(
    ("values", "options", "goal", "why"),
    [
        (COLOUR, {}, ("blue", "green", "red"), "texts"),
        (["yes", "no"] * 12, {}, ("no", "yes"), "texts"),
        (["10", "9"] * 12, {}, ("9", "10"), "few whole numbers"),
        (["10", "9"] * 12, {"task": "regression"}, None, "as you say"),
        (PRICE, {}, None, "24 different numbers"),
        ([f"{k / 2}" for k in range(12)] * 2, {"task": "classification"}, 12, "as you say"),
        (["1e200", "-1e200", *PRICE[2:]], {}, None, "24 different numbers"),
    ],
)
def test_classes_or_numbers(tmp_path, values, options, goal, why):
    text = csv(("area", AREA), ("price", values))
    _, made = prepared(tmp_path, text, **options)
    assert made.why == why
    if goal is None:
        assert isinstance(made.goal, Quantity)
        assert np.isfinite(made.y).all()
        back = [float(x) for x in made.goal.decode(made.y)["price"]]
        np.testing.assert_allclose(back, [float(v) for v in values], rtol=1e-5, atol=1e195)
    else:
        assert isinstance(made.goal, Classes)
        assert made.goal.values == goal or len(made.goal.values) == goal
        held = set(made.y[made.held])
        assert len(made.goal.values) > 3 or held == set(range(len(made.goal.values)))


def test_rows_without_a_target_and_columns_of_one_name(tmp_path):
    prices = ["", "NaN", *PRICE[2:]]
    text = csv(("area", AREA), (" area ", COLOUR), ("price", prices))
    table, made = prepared(tmp_path, text)
    assert made.notes[0] == "2 rows are left out that have no price"
    assert len(made.y) == ROWS - 2
    assert table.notes == ["two columns are called area: the later ones were read as area.1"]


def test_a_new_table_is_read_as_the_first_one_was(tmp_path):
    text = csv(("area", ["", *AREA[1:]]), ("colour", COLOUR), ("price", PRICE))
    _, made = prepared(tmp_path, text)
    new = tmp_path / "new.csv"
    new.write_text("colour,area,other\nred,60,1\npink,,2\n,many,3\n")
    said = []
    x = encode(made.columns, read(str(new)).frame, False, said.append)
    assert x.shape == (3, made.x.shape[1])
    np.testing.assert_array_equal(x[:, 1], [0, 1, 1])  # area is missing
    np.testing.assert_array_equal(x[:, 2:], [[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    assert said == [
        "area: 1 is no finite number, 'many': taken as missing",
        "colour: 1 missing, as never in training",
        "colour: 1 that was not there in training, 'pink'",
    ]


BAD = {
    "": "is empty",
    "a,price\n": "has a header and no rows",
    "a,price\n1,2\n": "has one row with a price: too few to learn from",
    "a,price\n1,2\n3,4,5\n": "line 3 has 3 values, the header has 2",
    'a,price\n"1,2\n': "a quotation mark in line 2 is never closed",
    "a\0,price\n": "is no text file",
    "a,prise\n1,2\n": "has no column price: did you mean prise?",
    "1.5,2\n3,4\n": "the first line, 1.5, 2, was read as names of columns: are they missing?",
    "price\n" + "1\n" * 9: "has no column but price: there is nothing to tell it from",
    "a,price,price\n" + "1,2,3\n" * 9: "two columns are called price",
    "a,price\n" + "1,2\n3,2\n" * 5: "price is always '2': there is nothing to learn",
    "a,price\n" + "1,x\n1,y\n" * 9: "has no column to learn from: a: it is always '1'",
    csv(("a", AREA), ("price", [f"{x} m" for x in AREA])): "24 different values in 24 rows",
    csv(("a", AREA), ("price", [*PRICE[:-1], "dear"])): "are no numbers, 'dear': mend them",
    csv(("a", AREA), ("price", [f"2024-01-{k + 1:02d}" for k in range(ROWS)])): "price is a date",
}


@pytest.mark.parametrize("text", BAD, ids=list(BAD.values()))
def test_tables_that_cannot_be_learnt_from(tmp_path, text):
    with pytest.raises(Fault) as raised:
        prepared(tmp_path, text)
    assert BAD[text] in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("cells", "separator", "commas"),
    [
        (["3,14", "2"], ";", True),
        (["1.250,5", "1.250"], ";", True),
        (["1,250", "7,000"], ";", True),
        (["1,250", "7,000"], ",", False),
        (["1,250", "7.5"], ";", False),
        (["1,250", "7,5"], ",", True),
        (["1,250,000"], ";", False),
        (["red, green", "1.5"], ";", False),
        (["1", "x"], ";", False),
    ],
)
def test_commas_in_numbers(cells, separator, commas):
    assert writes_decimal_commas(cells, separator) is commas


def test_a_point_that_is_no_point_is_not_read_over():
    texts = pandas.Series(["3,14", "1.250,5", "3.14", "1e3", "x", ""])
    numbers = as_numbers(texts, commas=True)
    np.testing.assert_array_equal(numbers, [3.14, 1250.5, np.nan, 1000, np.nan, np.nan])
