"""Judges captured answers. A process of its own that never imports learner code and needs no Spark.

    python -m autograder.grading.verifier REQUEST RESPONSE

`REQUEST` is a JSON file with `answers` (the folder that came out of the sandbox), `reason` (how the sandbox ended) and
`notebooks`: number → ids of the exercises to judge. `RESPONSE` becomes a JSON list of verdicts, each with `seconds`.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder import manifest, paths
from autograder.checks import KINDS, Answer
from autograder.compare import AnswerUnreadable
from autograder.grading.results import ON_HIDDEN_DATA
from autograder.grading.task import case_name
from autograder.models import ExerciseSpec, NotebookSpec, Status, Verdict
from autograder.runtime.call import Outcome
from autograder.runtime.judge import grader_fault, reference_folder, verdict

MAXIMUM_OUTCOME_BYTES = 100_000
MEMORY_BYTES = 4_000_000_000
_BELIEVED = (Status.PASSED, Status.FAILED, Status.NOT_ATTEMPTED, Status.ERROR, Status.TIMEOUT)


@dataclass(frozen=True)
class ExpectedCase:
    """One case as the verifier knows it: `name` inside the sandbox, the folder of the expected answer, what is special
    about it.
    """

    name: str
    expected: Path
    description: str = ""

    @property
    def hidden(self) -> bool:
        """Whether learners must not see its data."""
        return bool(self.description)


def main() -> None:
    """Judge what the request names."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    response = list(judge(Path(request["answers"]), request["reason"], request["notebooks"]))
    Path(sys.argv[2]).write_text(json.dumps(response), encoding="utf-8")


def judge(answers: Path, reason: str, notebooks: Mapping[str, Iterable[str]]) -> Iterable[dict[str, Any]]:
    """Verdicts as JSON on the exercises of some notebooks, in the order asked for."""
    for number, exercises in notebooks.items():
        notebook = manifest.notebook(number)
        specs = {spec.id: spec for spec in notebook.exercises}
        for exercise in exercises:
            found, seconds = judge_exercise(notebook, specs[exercise], answers / notebook.name / exercise, reason)
            yield {**found.to_json(), "seconds": seconds}


def judge_exercise(notebook: NotebookSpec, spec: ExerciseSpec, answers: Path, reason: str) -> tuple[Verdict, float]:
    """The verdict on one exercise and the seconds that its answers took. The first case that is not right decides."""
    seconds = 0.0
    deciding: Verdict | None = None
    fraction = 1.0
    try:
        for case in expected_cases(notebook, spec.id):
            outcome, taken = read_outcome(spec, answers / case.name, reason)
            seconds += taken
            found = verdict(spec, outcome, KINDS[spec.kind].load(case.expected))
            if found.status is Status.PASSED:
                continue
            fraction = min(fraction, found.points / spec.points if spec.points else 0.0)
            deciding = deciding or (about_hidden(found, outcome, case, spec.kind) if case.hidden else found)
            if found.status is not Status.PARTIAL:
                break
    except Exception as error:  # references that are missing or damaged, or a comparer that fails: never a free mark
        return grader_fault(spec.id, f"{type(error).__name__}: {error}", max_points=spec.points), seconds
    if deciding is None:
        return Verdict(spec.id, Status.PASSED, "Right.", points=spec.points, max_points=spec.points), seconds
    return replace(deciding, points=round(spec.points * fraction, 2)), seconds


def expected_cases(notebook: NotebookSpec, exercise: str) -> list[ExpectedCase]:
    """The sample and the hidden variants of an exercise."""
    cases = [ExpectedCase(case_name(0), reference_folder(exercise))]
    home = paths.hidden_folder(notebook.assignment, notebook.name)
    if (home / "index.json").exists():
        entries = json.loads((home / "index.json").read_text(encoding="utf-8"))["exercises"].get(exercise, [])
        for number, entry in enumerate(entries, start=1):
            cases.append(
                ExpectedCase(case_name(number), home / entry["expected"], entry["description"] or "other data")
            )
    return cases


def read_outcome(spec: ExerciseSpec, folder: Path, reason: str) -> tuple[Outcome, float]:
    """What the sandbox says became of one case, and the answer if there is one. Nothing in the folder is trusted."""
    document = _outcome_document(folder / "outcome.json")
    if document is None:
        return _cut_short(reason), 0.0
    try:
        status = Status(document["status"])
        message, trace = str(document["message"]), str(document["trace"])
        seconds = min(max(float(document["seconds"]), 0.0), 1e6)
    except (KeyError, ValueError, TypeError):
        return Outcome(Status.ERROR, message="What the sandbox reports about this answer is damaged."), 0.0
    if status not in _BELIEVED:
        return Outcome(Status.ERROR, message="What the sandbox reports about this answer is damaged."), seconds
    if status is not Status.PASSED:
        return Outcome(status, message=message or "The answer failed without a message.", trace=trace), seconds
    try:
        answer: Answer = KINDS[spec.kind].load(folder)
    except (AnswerUnreadable, OSError) as error:
        return Outcome(Status.ERROR, message=f"The answer could not be read: {error}"), seconds
    except Exception as error:  # a hostile file may fail in ways that no loader foresees
        return Outcome(Status.ERROR, message=f"The answer could not be read: {type(error).__name__}"), seconds
    return Outcome(Status.PASSED, answer=answer), seconds


def _outcome_document(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MAXIMUM_OUTCOME_BYTES:
            return {}
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return None
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _cut_short(reason: str) -> Outcome:
    if reason == "timeout":
        return Outcome(Status.TIMEOUT, message="The time for the whole submission was over before this exercise.")
    why = {
        "memory": "The submission was stopped for using too much memory",
        "output": "The submission was stopped for producing too much output",
    }.get(reason, "The submission's run ended")
    return Outcome(Status.ERROR, message=f"{why} before there was an answer to this exercise.")


def about_hidden(found: Verdict, outcome: Outcome, case: ExpectedCase, kind: str) -> Verdict:
    """A verdict on hidden data without anything of that data: no example rows, no values, no text that learner code
    could have filled with them.
    """
    what = f"{ON_HIDDEN_DATA}: {case.description}."
    if outcome.answer is not None:
        # Findings about DataFrames are counts and column names; those about values may name keys of the expected
        # answer.
        findings = tuple(dict.fromkeys((found.message, *found.wrong))) if kind == "dataframe" else ()
        return replace(found, message=what, wrong=findings, examples=None, trace="")
    raised = re.match(r"[A-Za-z_][\w.]{0,60}", found.message) if found.status is Status.ERROR else None
    why = {
        Status.ERROR: f" There your function raises {raised[0]}." if raised else "",
        Status.TIMEOUT: " There your function did not end in time.",
        Status.NOT_ATTEMPTED: " There your function raises NotImplementedError.",
        Status.FAILED: " There your function returns something else than on the sample.",
    }
    return replace(
        found, message=what + why.get(found.status, ""), right=(), wrong=(), examples=None, hint="", trace=""
    )


if __name__ == "__main__":
    main()
