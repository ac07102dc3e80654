"""Bounds on numbers that an exercise counts: commits, files, metrics. "reference" stands for the solution's own number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bound:
    """From `at_least` to `at_most`; None is no bound, "reference" the solution's own number."""

    at_least: int | str | None = None
    at_most: int | str | None = None

    @classmethod
    def of(cls, document: Any, where: str) -> Bound:
        """The bound that an option describes. Raises ValueError, which begins with `where`, when it is none."""
        known = isinstance(document, Mapping) and document and set(document) <= {"at_least", "at_most"}
        if not known or not all(value == "reference" or type(value) is int for value in document.values()):
            raise ValueError(
                f'{where}: a bound is {{"at_least": 1, "at_most": 2}} or one of them; "reference" may stand for a number.'
            )
        return cls(**document)

    def limits(self, reference: int) -> tuple[int | None, int | None]:
        """The bounds as numbers."""
        low, high = (reference if value == "reference" else value for value in (self.at_least, self.at_most))
        return (int(low) if low is not None else None, int(high) if high is not None else None)

    def broken_by(self, value: int, reference: int) -> str:
        """Why a number is out of the bounds, as the second half of a sentence; empty when it is not."""
        low, high = self.limits(reference)
        if high is not None and value > high:
            return f"{high} would be enough" if high else "none is needed"
        if low is not None and value < low:
            return f"at least {low} would be right"
        return ""


def known_keys(document: Mapping[str, Any], keys: set[str], where: str) -> None:
    """Raise ValueError, for the author, when a dictionary of options has other keys than these."""
    unknown = set(document) - keys
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(sorted(unknown))}; known are {', '.join(sorted(keys))}.")
