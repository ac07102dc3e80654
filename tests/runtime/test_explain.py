"""Errors in one paragraph: those that Python functions raise in Spark's workers."""

from __future__ import annotations

import pytest

from autograder.runtime.explain import explain

TRACE = """
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "worker.py", line 3386, in main
    process()
  File "conversion.py", line 330, in convert_decimal
    assert isinstance(value, decimal.Decimal)
{last}
"""


class PythonException(Exception):
    """What PySpark calls such an error."""


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("KeyError: 'price'", "KeyError: 'price' (raised inside a Python function"),
        (
            "AssertionError",
            "AssertionError at `assert isinstance(value, decimal.Decimal)` (raised inside a Python function",
        ),
    ],
)
def test_the_last_line_of_a_worker_s_trace_is_told(last: str, told: str) -> None:
    assert explain(PythonException(TRACE.format(last=last))).startswith(told)
