"""What runs beside the learner's code: `check`, `hint`, `variant`, fixtures, deadlines, cases."""

from autograder.runtime.check import check, hint, variant, verdict_on

__all__ = ["check", "hint", "variant", "verdict_on"]
