"""What comes out of a sandbox may be anything: the verifier says that it cannot be compared, never that the course is at fault."""

from __future__ import annotations

import decimal
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest

from autograder import manifest
from autograder.checks import plan
from autograder.compare import Frame, compare_values
from autograder.grading import verifier
from autograder.models import Status, Verdict
from autograder.runtime.call import Outcome
from autograder.runtime.judge import reference_folder

PASSED = {"status": "passed", "message": "", "trace": "", "seconds": 0.1}
HOSTILE = {
    "nested lists": "[" * 900 + "]" * 900,
    "deeply nested lists": "[" * 100_000 + "]" * 100_000,
    "nested dictionaries": '{"a":' * 400 + "1" + "}" * 400,
    "huge number": "1" + "0" * 4_200,
    "endless number": "1" + "0" * 9_000,
    "infinite": "Infinity",
    "not a number": "NaN",
    "decimal of a billion digits": '{"decimal": "1e999999999"}',
    "signalling decimal": '{"decimal": "sNaN"}',
    "no decimal": '{"decimal": [1]}',
    "no float": '{"float": {"float": 1}}',
    "no time": '{"datetime": "never"}',
    "lone surrogate": '"\\ud800"',
    "lone surrogate as a key": '{"\\udfff": 1}',
    "long text": '"' + "x" * 900_000 + '"',
    "many keys": json.dumps({f"k{number}": number for number in range(60_000)}),
}


def judged(folder: Path, exercise: str, value: str, outcome: str = json.dumps(PASSED), facts: str = "{}") -> dict:
    """The verdict on an answer file with this text in it, as strict JSON would hold it."""
    (folder / "sample").mkdir()
    (folder / "sample" / "outcome.json").write_text(outcome)
    (folder / "sample" / "answer.json").write_text(f'{{"value": {value}, "facts": {facts}}}')
    notebook = next(entry for entry in manifest.notebooks() if any(spec.id == exercise for spec in entry.exercises))
    spec = next(spec for spec in notebook.exercises if spec.id == exercise)
    found, seconds = verifier.judge_exercise(notebook, spec, folder, "finished")
    json.dumps([found.to_json(), seconds], allow_nan=False).encode()
    return found.to_json()


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("exercise", ["0.1.1", "0.1.3", "0.2.9"])
def test_a_value_that_cannot_be_compared_is_the_learners_fault(tmp_path: Path, exercise: str, value: str) -> None:
    found = judged(tmp_path, exercise, value)
    assert (found["points"], found["status"]) in ((0.0, Status.FAILED), (0.0, Status.ERROR))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("exercise", ["0.1.3", "0.2.9"])
def test_a_part_that_cannot_be_compared_is_not_right(tmp_path: Path, exercise: str, value: str) -> None:
    expected = json.loads((reference_folder(exercise) / "answer.json").read_text())["value"]
    first = next(iter(expected))
    found = judged(tmp_path, exercise, json.dumps({**expected, first: "@"}).replace('"@"', value))
    assert found["status"] in (Status.FAILED, Status.ERROR, Status.PARTIAL)
    assert found["points"] < found["max_points"]


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-1", "1e999", "1" + "0" * 400, '"soon"', "null", "[]"])
def test_seconds_that_are_none_are_damage(tmp_path: Path, seconds: str) -> None:
    found = judged(tmp_path, "0.1.1", '"x"', json.dumps(PASSED).replace("0.1", seconds))
    assert (found["status"], found["message"]) == (
        Status.ERROR,
        "What the sandbox reports about this answer is damaged.",
    )


@pytest.mark.parametrize("status", ["grader_error", "partial", "full marks", "", 5, None, ["passed"]])
def test_only_statuses_that_a_sandbox_may_report_are_believed(tmp_path: Path, status: object) -> None:
    found = judged(tmp_path, "0.1.1", '"x"', json.dumps({**PASSED, "status": status, "points": 100}))
    assert (found["status"], found["points"]) == (Status.ERROR, 0.0)


def test_text_of_learners_cannot_command_a_terminal(tmp_path: Path) -> None:
    outcome = {
        **PASSED,
        "status": "error",
        "message": "\x1b[2J\x9b31m \u202egnorw \ud800",
        "trace": "\x1b]0;title\x07\n\tkept",
    }
    found = judged(tmp_path, "0.1.1", "1", json.dumps(outcome))
    assert found["message"] == "\\x1b[2J\\x9b31m \\u202egnorw \\ud800"
    assert found["trace"] == "\\x1b]0;title\\x07\n\tkept"


def test_an_outcome_on_hidden_data_shows_no_text_of_the_learner(tmp_path: Path) -> None:
    expected = (reference_folder("0.1.1") / "answer.json").read_text()
    (tmp_path / "case-1").mkdir()
    leak = {**PASSED, "status": "error", "message": "ValueError: the hidden rows are 1, 2, 3", "trace": "hidden rows"}
    (tmp_path / "case-1" / "outcome.json").write_text(json.dumps(leak))
    found = judged(tmp_path, "0.1.1", json.dumps(json.loads(expected)["value"]))
    assert found["message"].endswith("There your function raises ValueError.")
    assert "hidden rows" not in json.dumps(found)


@pytest.mark.parametrize(
    "name", ["b75bb3c2_None_2024_08_09", "DIVIDE_BY_9", "SecretError", "secret.Values", "urllib.error.secret"]
)
def test_the_name_of_an_error_of_the_learners_own_is_no_way_out_for_hidden_data(tmp_path: Path, name: str) -> None:
    expected = (reference_folder("0.1.1") / "answer.json").read_text()
    (tmp_path / "case-1").mkdir()
    for message in (f"{name}: x", f"{name} was raised without a message."):
        outcome = {**PASSED, "status": "error", "message": message}
        (tmp_path / "case-1" / "outcome.json").write_text(json.dumps(outcome))
        answer = Path(tempfile.mkdtemp(dir=tmp_path))
        (answer / "case-1").symlink_to(tmp_path / "case-1")
        found = judged(answer, "0.1.1", json.dumps(json.loads(expected)["value"]))
        assert name not in json.dumps(found)
        assert found["message"].endswith("or the answer could not be read.")


@pytest.mark.parametrize(
    "name", ["DIVIDE_BY_ZERO", "CAST_INVALID_INPUT", "PSQLException", "java.lang.ArithmeticException", "KeyError"]
)
def test_known_errors_on_hidden_data_are_named(name: str) -> None:
    case = verifier.ExpectedCase("case-1", Path(), "other data")
    found = Verdict("0.1.1", Status.ERROR, f"{name}: 1, 2, 3")
    told = verifier.about_hidden(found, Outcome(Status.ERROR), case, "value")
    assert told.message.endswith(f"other data. There your function raises {name}.")


@pytest.mark.parametrize("facts", ['{"actions": "1"}', '{"actions": null}', '[["actions", "x"]]', "[1]", '"x"', "{}"])
def test_damaged_facts_meet_no_condition(tmp_path: Path, facts: str) -> None:
    expected = json.loads((reference_folder("0.2.9") / "answer.json").read_text())["value"]
    found = judged(tmp_path, "0.2.9", json.dumps(expected), facts=facts)
    assert found["status"] in (Status.FAILED, Status.ERROR)
    assert found["points"] == 0


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1, 1e308, -1e308, 5e-324, float("inf")], ids=str)
def test_a_number_of_any_size_is_just_wrong(tmp_path: Path, number: float) -> None:
    """Wrong by far is as wrong as wrong by one: a hint that cannot be computed never becomes a fault of the course."""
    for exercise in ("1.2.1", "1.2.3", "2.4.9"):
        reference = Frame.read(reference_folder(exercise) / "answer.parquet")
        kinds = {int: pa.types.is_integer, float: pa.types.is_floating}
        for index, field in enumerate(reference.table.schema):
            if not kinds[type(number)](field.type) or (isinstance(number, int) and field.type != pa.int64()):
                continue
            for values in ([number] * reference.rows, [number, *reference.table.column(index).to_pylist()[1:]]):
                wrong = reference.table.set_column(index, field, pa.array(values, field.type))
                folder = Path(tempfile.mkdtemp(dir=tmp_path))
                (folder / "sample").mkdir()
                Frame(reference.schema, wrong).write(folder / "sample" / "answer.parquet")
                (folder / "sample" / "outcome.json").write_text(json.dumps(PASSED))
                notebook = manifest.notebook(exercise.rpartition(".")[0])
                spec = next(one for one in notebook.exercises if one.id == exercise)
                found, _ = verifier.judge_exercise(notebook, spec, folder, "finished")
                assert found.status is Status.FAILED, found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"storage": "MEMORY_ONLY"}, {"storage": True}),
        ({"storage": "MEMORY_ONLY"}, {"storage": {"a": 1}}),
        ({"skew": 1.5}, {"skew": [10**400, 1]}),
        *(({"at_most": {"Exchange": 1}}, {"plan": {"Exchange": times}}) for times in (None, "x", 2.5, 1e999, [1])),
    ],
)
def test_facts_of_another_type_meet_no_condition(condition: dict, found: dict) -> None:
    assert plan.complaint({"plan": {}, **found}, {"plan": condition})


def test_a_signalling_decimal_equals_nothing() -> None:
    for expected in (decimal.Decimal("1.5"), decimal.Decimal("NaN")):
        assert not compare_values({"decimal": "sNaN"}, {"decimal": str(expected)}).equal


@pytest.mark.parametrize("damage", ["key", "prediction", "text"])
def test_predictions_that_are_none_are_the_learners_fault(tmp_path: Path, damage: str) -> None:
    notebook = manifest.notebook("6.1.2")
    spec = next(one for one in notebook.exercises if one.id == "6.1.2.1")
    labels = Frame.read(reference_folder(spec.id) / "labels.parquet").table
    key = list(spec.options["model"]["key"])
    names = Frame.read(reference_folder(spec.id) / "labels.parquet").columns
    columns = {name: labels.column(names.index(name)) for name in key}
    columns |= {
        name: pa.array(["x" if damage == "text" else 0.5] * labels.num_rows) for name in ("score", "prediction")
    }
    columns.pop({"key": key[0], "prediction": "prediction"}.get(damage, ""), None)
    (tmp_path / "sample").mkdir()
    for name in ("predictions", "half", "reloaded", "shuffled", "known"):
        Frame.from_arrow(pa.table(columns)).write(tmp_path / "sample" / f"{name}.parquet")
    (tmp_path / "sample" / "facts.json").write_text("{}")
    (tmp_path / "sample" / "outcome.json").write_text(json.dumps(PASSED))
    found, _ = verifier.judge_exercise(notebook, spec, tmp_path, "finished")
    assert (found.status, found.message.partition(":")[0]) == (Status.ERROR, "The answer could not be read")
