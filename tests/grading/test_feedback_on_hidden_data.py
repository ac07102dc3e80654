"""What feedback tells about hidden data: which variant and how many rows, never a value of the expected answer."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from autograder import manifest
from autograder.compare import Frame
from autograder.grading import verifier
from autograder.grading.verifier import ExpectedCase
from autograder.models import Status

NOTEBOOK = manifest.notebook("1.1")
SPEC = next(exercise for exercise in NOTEBOOK.exercises if exercise.id == "1.1.1")
SECRETS = ("Confidential", "98765", "74656", "4321", "2017")
"""What every value of the expected answer on hidden data contains, as text."""


def expected() -> pa.Table:
    """Rows of which every value is a secret."""
    rows = range(1, 13)
    return pa.table(
        {
            "customer_id": pa.array([4_321_000 + row for row in rows], pa.int64()),
            "name": [f"Confidential {row}" for row in rows],
            "amount": pa.array([98_765.0 for _ in rows], pa.float64()),
            "visits": pa.array([74_656 for _ in rows], pa.int64()),
            "day": pa.array([dt.date(2017, 1, row) for row in rows]),
            "tags": pa.array([[f"Confidential tag {row}"] for row in rows]),
        }
    )


def _column(table: pa.Table, name: str, values: object) -> pa.Table:
    index = table.column_names.index(name)
    return table.set_column(index, name, pa.array(values, table.schema.field(name).type))


GUESSES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "nothing": lambda table: table.slice(0, 0),
    "one row less": lambda table: table.slice(1),
    "every row twice": lambda table: pa.concat_tables([table, table]),
    "ones": lambda table: _column(_column(table, "amount", [1.0] * 12), "visits", [1] * 12),
    "zeros": lambda table: _column(_column(table, "amount", [0.0] * 12), "visits", [0] * 12),
    "nulls": lambda table: _column(_column(table, "amount", [None] * 12), "name", [None] * 12),
    "half of each": lambda table: table.set_column(2, "amount", pc.divide(table["amount"], 2.0)),
    "one more of each": lambda table: table.set_column(3, "visits", pc.add(table["visits"], 1)),
    "capitals": lambda table: table.set_column(1, "name", pc.utf8_upper(table["name"])),
    "blanks": lambda table: table.set_column(1, "name", pc.binary_join_element_wise(table["name"], " ", "")),
    "text": lambda table: _column(table, "name", ["guess"] * 12),
    "a day later": lambda table: _column(table, "day", [dt.date(2000, 1, 1)] * 12),
    "other tags": lambda table: _column(table, "tags", [[] for _ in range(12)]),
    "other keys": lambda table: _column(table, "customer_id", list(range(12))),
    "other column": lambda table: table.rename_columns(["customer_id", "name", "amount", "visits", "day", "other"]),
    "other types": lambda table: table.set_column(3, "visits", table["visits"].cast(pa.int32())),
    "other order": lambda table: table.take(pa.array(range(11, -1, -1))),
}


@pytest.mark.parametrize("guess", [name for name in GUESSES if name != "other order"])
def test_a_guess_at_hidden_data_is_told_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guess: str) -> None:
    found = judged(tmp_path, monkeypatch, GUESSES[guess])
    assert found["status"] == Status.FAILED
    assert "on hidden data: the description" in found["message"]
    text = json.dumps({**found, "message": found["message"].replace("the description", "")}, ensure_ascii=False)
    assert not re.search(r"[×+-] ?\d", str(found["hint"]))  # 1 / 98765 would be the value, too
    assert not [secret for secret in SECRETS if secret.lower() in text.replace(",", "").lower()], text


def test_the_right_rows_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(tmp_path, monkeypatch, GUESSES["other order"])["status"] == Status.PASSED


def judged(folder: Path, monkeypatch: pytest.MonkeyPatch, guess: Callable[[pa.Table], pa.Table]) -> dict[str, object]:
    """The verdict on an answer that is right on the sample and a guess on hidden data."""
    public = pa.table(
        {name: column.slice(0, 0) for name, column in zip(expected().column_names, expected(), strict=True)}
    )
    tables = {"sample": (public, public), "case-1": (expected(), guess(expected()))}
    for name, (right, answer) in tables.items():
        for home, table in ((folder / "expected" / name, right), (folder / "answers" / name, answer)):
            home.mkdir(parents=True)
            Frame.from_arrow(table).write(home / "answer.parquet")
        outcome = {"status": "passed", "message": "", "trace": "", "seconds": 0.1}
        (folder / "answers" / name / "outcome.json").write_text(json.dumps(outcome))
    cases = [
        ExpectedCase("sample", folder / "expected" / "sample"),
        ExpectedCase("case-1", folder / "expected" / "case-1", "the description"),
    ]
    monkeypatch.setattr(verifier, "expected_cases", lambda notebook, exercise: cases)
    return verifier.judge_exercise(NOTEBOOK, SPEC, folder / "answers", "finished")[0].to_json()
