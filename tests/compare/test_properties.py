"""Properties that hold for every frame: equality under permutation, and that no single change goes unnoticed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from autograder.compare import Frame, FrameRules, compare_frames

TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "long": (pa.int64(), st.integers(-3, 3)),
    "text": (pa.string(), st.sampled_from(["", "a", "A", "b "])),
    "double": (pa.float64(), st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e9, math.nan, math.inf, -math.inf])),
    "more": (pa.float64(), st.floats(-10, 10).map(lambda value: round(value, 3))),
    "list": (pa.list_(pa.float64()), st.lists(st.sampled_from([0.0, 1.5, None, math.nan]), max_size=2)),
    "struct": (
        pa.struct([("x", pa.int32()), ("y", pa.float64())]),
        st.fixed_dictionaries({"x": st.one_of(st.none(), st.integers(0, 1)), "y": st.sampled_from([0.5, None])}),
    ),
    "map": (
        pa.map_(pa.string(), pa.int64()),
        st.dictionaries(st.sampled_from("abc"), st.integers(0, 1)).map(lambda entries: list(entries.items())),
    ),
}
Rows = list[dict[str, Any]]


@st.composite
def rows(draw: st.DrawFn, minimum: int = 0) -> Rows:
    """Rows over some of the columns, small enough that equal rows and equal cells are common."""
    names = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4, unique=True))
    row = st.fixed_dictionaries({name: st.one_of(st.none(), TYPES[name][1]) for name in names})
    drawn: Rows = draw(st.lists(row, min_size=minimum, max_size=12))
    return drawn or [dict.fromkeys(names)] * minimum


def frame(rows: Rows, names: list[str]) -> Frame:
    columns = [pa.array([row[name] for row in rows], type=TYPES[name][0]) for name in names]
    return Frame.from_arrow(pa.Table.from_arrays(columns, names=names))


def names_of(rows: Rows) -> list[str]:
    return list(rows[0])


def same(one: Any, other: Any) -> bool:
    """Equality of generated values, written independently of the comparer."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        if one and isinstance(one[0], tuple):
            return sorted(one) == sorted(other)
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_an_answer_equals_itself_in_any_order_of_rows_and_columns(data: st.DataObject) -> None:
    original = data.draw(rows(minimum=1))
    shuffled = data.draw(st.permutations(original))
    names = data.draw(st.permutations(names_of(original)))
    difference = compare_frames(frame(shuffled, names), frame(original, names_of(original)))
    assert difference.equal, difference


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_noise_within_the_tolerance_is_never_a_difference(data: st.DataObject) -> None:
    """Also where the noise changes how the rows sort."""
    values = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 1)), max_size=15))
    noise = st.floats(-0.4e-9, 0.4e-9)
    noisy = [(x + data.draw(noise), y + data.draw(noise), k) for x, y, k in values]
    frames = [
        Frame.from_arrow(
            pa.table(
                {
                    "x": pa.array([float(row[0]) for row in side], pa.float64()),
                    "y": pa.array([float(row[1]) for row in side], pa.float64()),
                    "k": pa.array([row[2] for row in side], pa.int64()),
                }
            )
        )
        for side in (noisy, data.draw(st.permutations(values)))
    ]
    difference = compare_frames(frames[0], frames[1], FrameRules(absolute_tolerance=1e-9))
    assert difference.equal, difference


@settings(deadline=None, max_examples=250)
@given(st.data())
def test_one_changed_cell_is_found(data: st.DataObject) -> None:
    original = data.draw(rows(minimum=1))
    name = data.draw(st.sampled_from(names_of(original)))
    place = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.one_of(st.none(), TYPES[name][1]))
    assume(not same(value, original[place][name]))
    changed = [{**row, name: value} if number == place else row for number, row in enumerate(original)]
    shuffled = data.draw(st.permutations(changed))
    difference = compare_frames(frame(shuffled, names_of(original)), frame(original, names_of(original)))
    assert not difference.equal
    assert difference.stage == "rows"
    assert difference.wrong
    assert difference.examples is not None
    assert 1 <= len(difference.examples.rows) <= 2
    assert len(original) - 1 == round(difference.fraction_right * len(original))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_one_added_or_dropped_row_is_one_difference(data: st.DataObject) -> None:
    original = data.draw(rows(minimum=1))
    place = data.draw(st.integers(0, len(original) - 1))
    names = names_of(original)
    dropped = data.draw(st.permutations(original[:place] + original[place + 1 :]))
    whole, short = frame(original, names), frame(dropped, names)
    for actual, expected, kind in ((short, whole, "missing"), (whole, short, "extra")):
        difference = compare_frames(actual, expected)
        assert not difference.equal
        assert difference.examples is not None
        assert difference.examples.kinds == (kind,)
        assert len(difference.wrong) == 1


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_row_that_stands_in_for_another_is_found(data: st.DataObject) -> None:
    """(a, a, b) is not (a, b, b), although both have the same rows when each is counted once."""
    original = data.draw(rows(minimum=2))
    places = st.integers(0, len(original) - 1)
    source, target = data.draw(places), data.draw(places)
    assume(any(not same(original[source][name], original[target][name]) for name in original[0]))
    copied = [original[source] if number == target else row for number, row in enumerate(original)]
    difference = compare_frames(
        frame(data.draw(st.permutations(copied)), names_of(original)), frame(original, names_of(original))
    )
    assert not difference.equal
    assert difference.stage == "rows"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_column_that_is_dropped_doubled_or_renamed_is_found(data: st.DataObject) -> None:
    whole = frame(original := data.draw(rows(minimum=1)), names_of(original))
    name = data.draw(st.sampled_from(names_of(original)))
    place = whole.table.column_names.index(name)
    changed = {
        "dropped": whole.table.remove_column(place),
        "doubled": whole.table.append_column(name, whole.table.column(place)),
        "renamed": whole.table.rename_columns([f"{other}_" if other == name else other for other in whole.columns]),
    }
    for what, table in changed.items():
        if not table.num_columns:
            continue
        for actual, expected in ((Frame.from_arrow(table), whole), (whole, Frame.from_arrow(table))):
            difference = compare_frames(actual, expected)
            assert not difference.equal, what
            assert difference.stage == "columns", what


@settings(deadline=None, max_examples=15)
@given(original=rows(minimum=1), partitions=st.integers(1, 6))
def test_an_answer_equals_itself_in_any_partitioning(spark: SparkSession, original: Rows, partitions: int) -> None:
    """The whole way through Spark, where partitions decide in which order rows arrive."""
    names = names_of(original)
    answer = spark.createDataFrame(frame(original, names).table)
    difference = compare_frames(Frame.from_spark(answer.repartition(partitions)), Frame.from_spark(answer.coalesce(1)))
    assert difference.equal, difference


@settings(deadline=None, max_examples=100)
@given(original=rows(minimum=1))
def test_a_frame_survives_its_file_byte_for_byte(original: Rows, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("frames")
    written = frame(original, names_of(original))
    written.write(folder / "one.parquet")
    read = Frame.read(folder / "one.parquet")
    read.write(folder / "two.parquet")
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()
    assert compare_frames(read, written, FrameRules(ordered=True, column_order=True)).equal


def test_noise_among_very_many_ties_is_no_difference() -> None:
    """Each row has a thousand partners within the tolerance in one column, and the noise shuffles the other."""
    generator = np.random.default_rng(3)
    x, y = generator.integers(0, 20, 20_000) / 7, generator.integers(0, 5, 20_000) / 3
    shuffle = generator.permutation(len(x))
    noisy = x[shuffle] * (1 + generator.normal(size=len(x)) * 1e-14)
    expected = Frame.from_arrow(pa.table({"x": x, "y": y}))
    assert compare_frames(Frame.from_arrow(pa.table({"x": noisy, "y": y[shuffle]})), expected).equal
    noisy[5] += 1e-6
    wrong = compare_frames(Frame.from_arrow(pa.table({"x": noisy, "y": y[shuffle]})), expected)
    assert wrong.fraction_right == (len(x) - 1) / len(x)
