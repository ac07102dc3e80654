"""Plain values: what counts as the same value, whatever library made it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograder.checks import KINDS, Answer


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (np.float64(0.25), 0.25),
        (np.float32(0.25), 0.25),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(0.25), 0.25),
        ({"roc": np.float64(0.25), "found": [np.int32(1)]}, {"roc": 0.25, "found": [1]}),
    ],
)
def test_numbers_of_numpy_are_numbers(returned: Any, expected: Any) -> None:
    """As a learner meets them after `numpy.mean` or a pandas sum, before and after they were written to a file."""
    kind = KINDS["value"]
    assert kind.judge(kind.capture(returned, {}), Answer(expected), {}).fraction == 1.0
    other = kind.capture([returned, 0], {})
    assert kind.judge(other, Answer([expected, 0.5]), {}).fraction == 0.0
