"""Answer files come out of a sandbox: whatever they hold, reading them ends in a frame or in AnswerUnreadable."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autograder.compare import AnswerUnreadable, Frame, ReadLimits, compare_frames

SMALL = Frame.from_arrow(pa.table({"k": ["a", "b", None], "x": [1.5, None, float("nan")], "l": [["u"], [], None]}))


def parquet(path: Path, table: pa.Table, schema: object) -> Path:
    with pq.ParquetWriter(path, table.schema, compression="zstd", store_schema=False) as writer:
        writer.add_key_value_metadata({"spark_schema": schema if isinstance(schema, str) else json.dumps(schema)})
        writer.write_table(table)
    return path


def test_equal_rows_in_any_order_give_equal_files_once_they_are_sorted(tmp_path: Path) -> None:
    rows = [(k, x, [k]) for k in ("b", "a", None) for x in (2.0, None, float("nan"), -1.0)]
    files = set()
    for number in range(5):
        random.Random(number).shuffle(rows)
        keys, values, nested = (list(column) for column in zip(*rows, strict=True))
        frame = Frame.from_arrow(pa.table({"k": keys, "x": values, "l": nested}))
        frame.sorted().write(tmp_path / "answer.parquet")
        files.add((tmp_path / "answer.parquet").read_bytes())
        assert compare_frames(frame.sorted(), frame).equal
    assert len(files) == 1
    nothing_to_sort_by = Frame.from_arrow(pa.table({"l": [[2], [1]]}))
    assert nothing_to_sort_by.sorted().table.column("l").to_pylist() == [[2], [1]]
    assert Frame.from_arrow(pa.table({"k": pa.array([], pa.int64())})).sorted().rows == 0


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AnswerUnreadable, match=r"no answer file answer\.parquet"):
        Frame.read(tmp_path / "answer.parquet")


def test_any_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    SMALL.write(path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(AnswerUnreadable):
            Frame.read(path)


def test_flipped_bytes_end_in_a_frame_or_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    SMALL.write(path)
    whole = path.read_bytes()
    chance = random.Random(7)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            compare_frames(Frame.read(path), SMALL)
        except AnswerUnreadable:
            refused += 1
    assert refused > 100


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"k": [1]}), tmp_path / "answer.parquet")
    with pytest.raises(AnswerUnreadable, match="no Spark schema"):
        Frame.read(tmp_path / "answer.parquet")


@pytest.mark.parametrize(
    "schema",
    [
        "{",
        "[]",
        "3",
        '"integer"',
        '{"type": "struct"}',
        '{"type": "struct", "fields": [{"name": 1, "type": "string", "metadata": {}}]}',
        '{"type": "struct", "fields": [{"name": "k", "type": "nonsense", "metadata": {}}]}',
        '{"type": "struct", "fields": [{"name": "k", "type": "integer", "metadata": {}}]}',
        '{"type": "struct", "fields": []}',
        '{"type": "struct", "fields": [7]}',
        '{"type": "struct", "fields": [{"name": "k", "type": {"type": "array"}, "metadata": {}}]}',
        '{"type": "struct", "fields": [{"name": "k", "type": "string", "metadata": {"__COLLATIONS": 3}}]}',
        '{"type": "struct", "fields": [{"name": "k", "type": "decimal(99,3)", "metadata": {}}]}',
        '{"type": "struct", "fields": [{"name": "k", "type": ' + '{"type": "array", "elementType": ' * 2_000,
    ],
)
def test_a_malformed_or_untrue_schema_is_refused(tmp_path: Path, schema: str) -> None:
    path = parquet(tmp_path / "answer.parquet", pa.table({"c0": ["a"]}), schema)
    with pytest.raises(AnswerUnreadable):
        Frame.read(path)


def test_more_rows_cells_or_bytes_than_allowed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    Frame.from_arrow(pa.table({"a": [0] * 1_000, "b": ["x" * 100] * 1_000})).write(path)
    assert Frame.read(path).rows == 1_000
    for limits, said in (
        (ReadLimits(rows=999), "1,000 rows; at most 999"),
        (ReadLimits(cells=1_999), "2,000 cells; at most 1,999"),
        (ReadLimits(columns=1), "2 columns"),
        (ReadLimits(file_bytes=100), "bytes on disk"),
        (ReadLimits(decoded_bytes=100_000), "bytes in memory"),
    ):
        with pytest.raises(AnswerUnreadable, match=said):
            Frame.read(path, limits)


def test_a_dictionary_bomb_is_refused_before_it_expands(tmp_path: Path) -> None:
    """One text of 500 kB in each of a million rows: 500 GB decoded, a few kB on disk."""
    bomb = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 500_000]))
    schema = Frame.from_arrow(pa.table({"k": ["a"]})).schema
    path = parquet(tmp_path / "answer.parquet", pa.table({"c0": bomb}), schema)
    assert path.stat().st_size < 100_000
    before = pa.total_allocated_bytes()
    with pytest.raises(AnswerUnreadable, match="bytes in memory"):
        Frame.read(path)
    assert pa.total_allocated_bytes() - before < 50_000_000


def test_a_list_with_too_many_elements_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    Frame.from_arrow(pa.table({"l": pa.array([[0] * 2_000_000])})).write(path)
    assert path.stat().st_size < 10_000
    with pytest.raises(AnswerUnreadable, match="values"):
        Frame.read(path, ReadLimits(cells=1_000_000))


def test_duplicate_names_and_the_schema_survive(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array(["x"]), pa.array([{"d": 2.5}])], names=["n", "n", "ä b"])
    frame = Frame.from_arrow(table)
    frame.write(tmp_path / "answer.parquet")
    read = Frame.read(tmp_path / "answer.parquet")
    assert read.columns == ("n", "n", "ä b")
    assert (read.schema, read.table) == (frame.schema, frame.table)


def test_equal_frames_in_other_chunks_give_equal_bytes(tmp_path: Path) -> None:
    table = pa.table({"k": list(range(100)), "s": [str(i) for i in range(100)]})
    chunked = pa.concat_tables([table.slice(0, 33), table.slice(33)])
    Frame.from_arrow(table).write(tmp_path / "one")
    Frame.from_arrow(chunked).write(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    text = pa.array([b"\xff\xfe"]).view(pa.string())
    schema = Frame.from_arrow(pa.table({"k": ["a"]})).schema
    path = parquet(tmp_path / "answer.parquet", pa.table({"c0": text}), schema)
    with pytest.raises(AnswerUnreadable, match="UTF8"):
        Frame.read(path)


def test_times_beyond_the_calendar_are_compared_and_shown() -> None:
    def frame(microseconds: int) -> Frame:
        times = pa.array([microseconds, 0], pa.int64()).cast(pa.timestamp("us", "UTC"))
        return Frame.from_arrow(pa.table({"k": [1, 2], "t": times}))

    difference = compare_frames(frame(2**63 - 1), frame(2**62))
    assert difference.wrong == ("`t` is wrong in 1 of 2 rows",)
    assert difference.examples is not None
    assert len(difference.examples.rows) == 1
