"""Kinds of answer: one module each, registered here in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.checks.base import Answer, Check, Judgement, Unavailable, Workspace, WrongKind
from autograder.checks.catalog import CatalogCheck
from autograder.checks.database import DatabaseCheck
from autograder.checks.dataframe import DataFrameCheck
from autograder.checks.delta import DeltaCheck
from autograder.checks.files import FilesCheck
from autograder.checks.model import ModelCheck
from autograder.checks.pandas_api import is_pandas_on_spark
from autograder.checks.stream import StreamCheck
from autograder.checks.value import ValueCheck

KINDS: dict[str, Check] = {
    check.kind: check
    for check in (
        DataFrameCheck(),
        ValueCheck(),
        DeltaCheck(),
        StreamCheck(),
        ModelCheck(),
        FilesCheck(),
        DatabaseCheck(),
        CatalogCheck(),
    )
}
"""Every kind of answer that the harness can grade, by the name the manifest uses."""


def chosen_kind(options: Mapping[str, Any]) -> str:
    """The kind that the options of a `check` call select by name; empty when the answer itself must tell."""
    return next((check.kind for check in KINDS.values() if check.option and check.option in options), "")


def kind_of(result: Any) -> str:
    """The kind of what a reference solution returned."""
    from pyspark.sql import DataFrame

    return "dataframe" if isinstance(result, DataFrame) or is_pandas_on_spark(result) else "value"


__all__ = ["KINDS", "Answer", "Check", "Judgement", "Unavailable", "Workspace", "WrongKind", "chosen_kind", "kind_of"]
