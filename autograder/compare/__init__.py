"""Compares two answers, each a `Frame` (an Arrow table with its Spark schema) or a JSON value.

Knows no Spark session.
"""

from autograder.compare.difference import FrameDifference
from autograder.compare.frame import AnswerUnreadable, Frame, ReadLimits, collect
from autograder.compare.frames import FrameRules, compare_frames
from autograder.compare.values import compare_values

__all__ = [
    "AnswerUnreadable",
    "Frame",
    "FrameDifference",
    "FrameRules",
    "ReadLimits",
    "collect",
    "compare_frames",
    "compare_values",
]
