"""Answers that are a streaming query: the harness feeds it, stops it, breaks it and starts it again, then reads its sink.

`stream={...}` of a `check` call says what the function gets and how its answer is judged (`StreamOptions`); the argument
`scenario` says what happens to the query (`Scenario`), so that a hidden variant can let other things happen.
"""

from autograder.checks.stream.check import StreamCheck
from autograder.checks.stream.options import Scenario, StreamOptions

__all__ = ["Scenario", "StreamCheck", "StreamOptions"]
