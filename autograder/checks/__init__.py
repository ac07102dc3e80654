"""Kinds of answer: one module each, registered here in one line each."""

from __future__ import annotations

from typing import Any

from autograder.checks.base import Answer, Check, Judgement, WrongKind
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.value import ValueCheck

KINDS: dict[str, Check] = {check.kind: check for check in (DataFrameCheck(), ValueCheck())}
"""Every kind of answer that the harness can grade, by the name the manifest uses."""


def kind_of(result: Any) -> str:
    """The kind of what a reference solution returned."""
    from pyspark.sql import DataFrame

    return "dataframe" if isinstance(result, DataFrame) else "value"


__all__ = ["KINDS", "Answer", "Check", "Judgement", "WrongKind", "kind_of"]
