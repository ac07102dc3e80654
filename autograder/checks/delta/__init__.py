"""Answers that are Delta tables: what is in them now and was earlier, how they came to it, and what they let in.

What `delta={...}` may say stands in `autograder.checks.delta.scenario`.
"""

from autograder.checks.delta.check import DeltaCheck

__all__ = ["DeltaCheck"]
