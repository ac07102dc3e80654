"""A build whose floats differ in the last digits only, or whose rows come in another order, is the same build."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autograder.authoring.noise import without_noise

AREA, AGAIN = 0.7742692755874921, 0.7742692755874918


def parquet(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def as_json(value: Any) -> bytes:
    return json.dumps({"value": value, "facts": {}}).encode()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("answer.json", as_json({"roc": AREA}), as_json({"roc": AGAIN})),
        ("answer.json", as_json([1, [AREA, None]]), as_json([1, [AGAIN, None]])),
        ("answer.parquet", parquet({"c0": ["a"], "c1": [AREA]}), parquet({"c0": ["a"], "c1": [AGAIN]})),
        ("answer.parquet", parquet({"c0": [[{"x": AREA}]]}), parquet({"c0": [[{"x": AGAIN}]]})),
    ],
)
def test_noise_keeps_what_is_there(tmp_path: Path, name: str, old: bytes, new: bytes) -> None:
    (tmp_path / name).write_bytes(old)
    assert old != new
    assert without_noise(tmp_path / name, new) == old


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("answer.json", as_json(AREA), as_json(AREA + 1e-9)),
        ("answer.json", as_json(1), as_json(1.0)),
        ("answer.json", as_json({"a": AREA, "b": 1}), as_json({"b": 1, "a": AGAIN})),
        ("answer.json", as_json([AREA, 1]), as_json([AGAIN])),
        ("answer.json", as_json([AREA, "x"]), as_json([AGAIN, "y"])),
        ("answer.json", b"{", as_json(AREA)),
        ("answer.parquet", b"PAR1", parquet({"c0": [AREA]})),
        ("answer.parquet", parquet({"c0": [AREA], "c1": [1]}), parquet({"c0": [AGAIN], "c1": [2]})),
        ("answer.parquet", parquet({"c0": [AREA]}), parquet({"c1": [AGAIN]})),
        ("answer.parquet", parquet({"c0": [AREA]}), parquet({"c0": [AGAIN, AGAIN]})),
        ("answer.parquet", parquet({"c0": [AREA]}), parquet({"c0": [None]})),
        ("source.py", b"0.7742692755874921", b"0.7742692755874918"),
    ],
)
def test_everything_else_is_a_difference(tmp_path: Path, name: str, old: bytes, new: bytes) -> None:
    (tmp_path / name).write_bytes(old)
    assert without_noise(tmp_path / name, new) == new


ROWS = {"c0": ["b", "a", "a"], "c1": [[1], [2], [3]], "c2": [AREA, None, 1.0]}
TURNED = {"c0": ["a", "b", "a"], "c1": [[2], [1], [3]], "c2": [None, AGAIN, 1.0]}


def test_the_order_of_rows_is_noise_where_an_exercise_asks_for_none(tmp_path: Path) -> None:
    path, old, new = tmp_path / "answer.parquet", parquet(ROWS), parquet(TURNED)
    path.write_bytes(old)
    assert without_noise(path, new) == new
    assert without_noise(path, new, any_order=True) == old
    for name, values in {"c0": ["a", "b", "c"], "c1": [[2], [2], [3]], "c2": [None, 0.5, 1.0]}.items():
        other = parquet({**TURNED, name: values})
        assert without_noise(path, other, any_order=True) == other


def test_a_new_file_is_taken_as_it_is(tmp_path: Path) -> None:
    assert without_noise(tmp_path / "answer.json", as_json(AREA)) == as_json(AREA)
