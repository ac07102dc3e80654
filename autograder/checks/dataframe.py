"""Answers that are a DataFrame, with what its physical plan and its actions must look like."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.checks import plan
from autograder.checks.base import Answer, Check, Judgement, WrongKind
from autograder.checks.pandas_api import as_spark
from autograder.checks.returned import describe
from autograder.compare import AnswerUnreadable, Frame, FrameRules, compare_frames
from autograder.services import connect

ANSWER = "answer.parquet"
FACTS = "facts.json"
MAXIMUM_FACTS_BYTES = 100_000
OTHER_SESSION = (
    "Your function returned a DataFrame of the notebook's own session. Here it runs over Spark Connect: "
    "begin with its parameters, and use no session and no table from outside."
)


class DataFrameCheck(Check):
    """Compares rows, columns and types; `plan=` and `actions=` add conditions on how the answer was computed."""

    kind = "dataframe"
    tells_values = False  # findings are counts and names of columns

    def capture(self, result: Any, options: Mapping[str, Any]) -> Answer:
        """Collect the DataFrame once, as Arrow."""
        from pyspark.sql import DataFrame

        if options.get("pandas_api"):
            result = as_spark(result)
        if not isinstance(result, DataFrame):
            raise WrongKind(f"Your function must return a DataFrame, but it returned {describe(result)}")
        if result.isStreaming:
            raise WrongKind(
                "Your function returned a streaming DataFrame, which has no end. Read the data with `spark.read`, not `readStream`."
            )
        if options.get("connect") and not connect.is_remote(result):
            raise WrongKind(OTHER_SESSION)
        facts = plan.observed(result, options["plan"]) if "plan" in options else {}
        return Answer(Frame.from_spark(result), facts)

    def save(self, answer: Answer, folder: Path) -> None:
        """Write `answer.parquet` and, where something was observed, `facts.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        answer.payload.write(folder / ANSWER)
        if answer.facts:
            (folder / FACTS).write_text(json.dumps(answer.facts, sort_keys=True))

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits."""
        facts_file = folder / FACTS
        facts: dict[str, Any] = {}
        if facts_file.exists():
            if facts_file.stat().st_size > MAXIMUM_FACTS_BYTES:
                raise AnswerUnreadable(f"{FACTS} is larger than {MAXIMUM_FACTS_BYTES} bytes")
            try:
                facts = json.loads(facts_file.read_text())
            except ValueError as error:
                raise AnswerUnreadable(f"{FACTS} is not JSON: {error}") from error
            if not isinstance(facts, dict):
                raise AnswerUnreadable(f"{FACTS} is not a JSON object")
        return Answer(Frame.read(folder / ANSWER), facts)

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """First the content, then the conditions on plan and actions."""
        difference = compare_frames(actual.payload, expected.payload, rules(options))
        if not difference.equal:
            return Judgement.of(difference)
        complaint = plan.complaint(actual.facts, options, expected.facts)
        if complaint:
            return Judgement(False, complaint, right=("The rows are right.",), shape="plan")
        return Judgement(True, right=difference.right, fraction=1.0)


def rules(options: Mapping[str, Any]) -> FrameRules:
    """The comparer's rules from the options of a `check` call."""
    ordered = options.get("ordered", False)
    chosen: dict[str, Any] = {
        "ordered": tuple(ordered) if isinstance(ordered, list | tuple) else bool(ordered),
        "key": tuple(options.get("key", ())),
        "column_order": bool(options.get("column_order", False)),
        "joins": bool(options.get("joins", True)),
    }
    if options.get("tolerance") is not None:
        chosen["relative_tolerance"] = float(options["tolerance"])
    return FrameRules(**chosen)
