"""The course's autograder. Notebooks import `check` and `hint`; `variant` is for authors.

Importing it points Spark at the course's configuration, so it comes before the first Spark session. The three functions
are looked up when first used: `course --help` and `course doctor` must be quick, and run where Spark cannot.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from autograder.setup.spark_configuration import prepare_environment as _prepare_environment

if TYPE_CHECKING:
    from autograder.runtime.check import check, hint, variant

__all__ = ["check", "hint", "variant"]

_prepare_environment()


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("autograder.runtime"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
