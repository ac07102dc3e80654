"""Answers that are a plain Python value: a number, text, a list, a dictionary."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograder.checks import figure, plan
from autograder.checks.base import Answer, Check, Judgement, WrongKind
from autograder.compare import AnswerUnreadable, compare_values

ANSWER = "answer.json"
MAXIMUM_BYTES = 1_000_000
MAXIMUM_NESTING = 50


class ValueCheck(Check):
    """Compares JSON values; with `partial=True` each right entry of a dictionary counts."""

    kind = "value"

    def capture(self, result: Any, options: Mapping[str, Any]) -> Answer:
        """Turn the value into JSON: rows become dictionaries, tuples and sets lists, decimals and dates text, figures what they show."""
        return Answer(plain(result))

    def save(self, answer: Answer, folder: Path) -> None:
        """Write `answer.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {"value": answer.payload, "facts": dict(answer.facts)}
        (folder / ANSWER).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits."""
        path = folder / ANSWER
        if path.stat().st_size > MAXIMUM_BYTES:
            raise AnswerUnreadable(f"The answer is larger than {MAXIMUM_BYTES} bytes.")
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return Answer(comparable(document["value"]), dict(document["facts"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise AnswerUnreadable(f"The answer is not readable: {error}") from error

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """Compare by value, then the condition on actions."""
        tolerance = {} if options.get("tolerance") is None else {"relative_tolerance": float(options["tolerance"])}
        difference = compare_values(actual.payload, expected.payload, **tolerance)
        if not difference.equal:
            return Judgement.of(difference, difference.fraction_right if options.get("partial") else 0.0)
        complaint = plan.complaint(actual.facts, {"actions": options.get("actions")})
        if complaint:
            return Judgement(False, complaint, right=("The value is right.",), shape="actions")
        return Judgement(True, fraction=1.0)


def comparable(value: Any, depth: int = 0) -> Any:
    """The value with lone surrogates, which JSON allows, as question marks. Raises ValueError when it is nested too deeply."""
    if depth > MAXIMUM_NESTING:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [comparable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {comparable(key): comparable(item, depth + 1) for key, item in value.items()}
    return value


def plain(value: Any) -> Any:
    """A JSON value of equal meaning. Raises WrongKind when there is none."""
    # np.float64 is a float, yet not what JSON gives back.
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, decimal.Decimal):
        return {"decimal": str(value)}
    if type(value).__name__ in ("Column", "DataFrame"):  # a Column has every attribute that one asks for
        raise WrongKind(_no_value(value))
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return {type(value).__name__: value.isoformat()}
    if figure.is_figure(value):
        return figure.described(value)
    if hasattr(value, "asDict"):
        return plain(value.asDict())
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else json.dumps(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=json.dumps)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise WrongKind(_no_value(value))


def _no_value(value: Any) -> str:
    """What is wrong with something that has no plain value."""
    if type(value).__name__ == "DataFrame":
        return (
            "Your function returned a whole DataFrame where a plain Python value is asked for. "
            "Get the value out with an action such as `count()` or `first()`."
        )
    if type(value).__name__ == "Column":
        return "Your function returned a Column, which is only a description. Compute it in a DataFrame and return the value."
    if callable(value):
        return "Your function returned a function or method. Call it: add `()`."
    return f"Your function returned a {type(value).__name__}, which is not a plain Python value."
