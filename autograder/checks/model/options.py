"""What `check(..., model={...})` may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.checks.model.metrics import METRICS

_REQUIRED = ("train", "test", "label", "key", "metric")
_OBSERVED = ("depth", "trees")
_OF_CLASSES = ("f1", "cost")
"""Metrics of the predicted class, for which the number of positives may count, too."""


@dataclass(frozen=True)
class ModelOptions:
    """The task that a model is for.

    `train` is the table that the function takes, `test` the one that its model is applied to; `label` is a column of both, `key` the
    columns that identify a row of `test`. `close` says how far from the baseline (0) to the weakest reference run (1) the metric must
    come. `known_later` maps columns that are not known when a prediction is made to the value that they have until then. `costs` are
    those of a false alarm and of a miss, for the metric "cost". `stages` are stages that a pipeline must have, in this order, `at_most`
    bounds the depth and the number of trees, and `features` is how many features the model must take. `inputs` are the columns that a
    model may see, beside key and label; without it, all. `settings` maps "Stage.parameter" to the value that a fitted stage must have.
    `positives` is how far the number of rows predicted 1 may be from the reference's, relative to it; without it, any number will do.
    """

    train: str
    test: str
    label: str
    key: tuple[str, ...]
    metric: str
    close: float = 0.8
    known_later: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    at_most: Mapping[str, int] = field(default_factory=dict)
    features: int = 0
    inputs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    positives: float | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ModelOptions:
        """The options of a `check` call. Raises ValueError, for the author, with what is wrong and what to write."""
        given = options["model"]
        if not isinstance(given, Mapping):
            raise ValueError(f"model= must be a dictionary with {', '.join(_REQUIRED)}; it is {given!r}.")
        missing = [name for name in _REQUIRED if not given.get(name)]
        unknown = sorted(set(given) - set(cls.__dataclass_fields__))
        if missing or unknown:
            raise ValueError(
                f"model= must have {', '.join(_REQUIRED)} and may have {', '.join(list(cls.__dataclass_fields__)[5:])}; "
                f"missing: {', '.join(missing) or 'nothing'}; unknown: {', '.join(unknown) or 'nothing'}."
            )
        lists = {name: tuple(given.get(name, ())) for name in ("key", "stages", "inputs")}
        made = cls(**{**given, **lists})
        made._check()
        return made

    def _check(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"model=: the metric {self.metric!r} is not one of {', '.join(METRICS)}.")
        if not 0 < self.close <= 1:
            raise ValueError(f"model=: `close` is {self.close}, but must be above 0 and at most 1.")
        if self.positives is not None and not (0 < self.positives < 1 and self.metric in _OF_CLASSES):
            raise ValueError(
                f"model=: `positives` is {self.positives}, but must lie between 0 and 1, with one of the metrics {', '.join(_OF_CLASSES)}."
            )
        if self.train == self.test:
            raise ValueError(
                "model=: `train` and `test` are the same table; a model must be tested on rows that it has not seen."
            )
        if self.metric == "cost" and set(self.costs) != {"false_alarm", "miss"}:
            raise ValueError('model=: the metric "cost" needs costs={"false_alarm": ..., "miss": ...}.')
        if strange := set(self.at_most) - set(_OBSERVED):
            raise ValueError(
                f"model=: `at_most` may bound {' and '.join(_OBSERVED)}, not {', '.join(sorted(strange))}."
            )
        if {self.label, *self.key} & {*self.known_later, *self.inputs}:
            raise ValueError("model=: `known_later` and `inputs` must name neither the label nor the key.")
        if self.inputs and not set(self.known_later) <= set(self.inputs):
            raise ValueError(
                "model=: a column of `known_later` that is not among the `inputs` is never seen; leave it out."
            )
        if bad := [name for name in self.settings if not re.fullmatch(r"[A-Z]\w+\.[a-z]\w+", name)]:
            raise ValueError(f'model=: `settings` names "Stage.parameter", such as "Imputer.strategy", not {bad[0]!r}.')
