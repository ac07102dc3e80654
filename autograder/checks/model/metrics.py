"""Metrics of predictions, computed from labels by ourselves: nothing that learner code says about its own score counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata  # type: ignore[import-untyped]

from autograder.compare import AnswerUnreadable

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Predicted:
    """What a model says about some rows, and the truth. `score` is the probability of class 1, NaN where a model gives none.

    `rate` is the mean label of the training data, all that a baseline knows; `costs` are those of a false alarm and of a miss.
    """

    label: Numbers
    score: Numbers
    prediction: Numbers
    rate: float = 0.0
    costs: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Metric:
    """`perfect` is its best value, `baseline` what a model without features reaches. `uses` is the column that it reads."""

    title: str
    uses: str
    perfect: float
    compute: Callable[[Predicted], float]
    baseline: Callable[[Predicted], float]

    def floor(self, baseline: float, weakest: float, close: float) -> float:
        """The value that an answer must reach: `close` of the way from the baseline to the weakest reference run."""
        return baseline + close * (weakest - baseline)

    def ceiling(self, strongest: float) -> float:
        """The value beyond which something must have leaked: half of the way from the strongest reference run to perfection."""
        return (strongest + self.perfect) / 2

    def reaches(self, value: float, bound: float) -> bool:
        """Whether a value is as good as a bound, or better."""
        return value >= bound - 1e-9 if self.perfect > 0 else value <= bound + 1e-9


def area_under_roc(label: Numbers, score: Numbers) -> float:
    """The chance that a row of class 1 gets a higher score than one of class 0, ties counting half (Mann and Whitney's U).

    NaN where there is only one class.
    """
    positives = int((label == 1).sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[label == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(label: Numbers, score: Numbers) -> float:
    """The area under the precision-recall curve as a sum of steps, rows of one score taken together."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    hits = np.cumsum(label[order] == 1)[ends]
    if not hits[-1]:
        return float("nan")
    steps = np.diff(hits, prepend=0) / hits[-1]
    return float((steps * hits / (ends + 1)).sum())


def agreement(label: Numbers, score: Numbers) -> float:
    """How often the scores of two rows with different labels are in the order of their labels: 0.5 is chance, 1 perfection.

    The area under the ROC curve for two classes; for other labels from Spearman's rank correlation.
    """
    if set(np.unique(label)) <= {0.0, 1.0}:
        return area_under_roc(label, score)
    if np.ptp(score) == 0 or np.ptp(label) == 0:
        return 0.5
    return float((1 + np.corrcoef(rankdata(label), rankdata(score))[0, 1]) / 2)


def _log_loss(predicted: Predicted) -> float:
    score = np.clip(predicted.score, 1e-15, 1 - 1e-15)
    return float(-np.mean(np.where(predicted.label == 1, np.log(score), np.log(1 - score))))


def _f1(predicted: Predicted) -> float:
    said, true = predicted.prediction == 1, predicted.label == 1
    return float(2 * (said & true).sum() / max(1, said.sum() + true.sum()))


def _cost(predicted: Predicted) -> float:
    costs = predicted.costs or {}
    said, true = predicted.prediction == 1, predicted.label == 1
    alarms, misses = (said & ~true).mean(), (~said & true).mean()
    return float(costs["false_alarm"] * alarms + costs["miss"] * misses)


def _cheapest_constant(predicted: Predicted) -> float:
    costs = predicted.costs or {}
    share = float((predicted.label == 1).mean())
    return float(min(costs["false_alarm"] * (1 - share), costs["miss"] * share))


def _errors(predicted: Predicted) -> Numbers:
    return predicted.prediction - predicted.label


def _r2(predicted: Predicted) -> float:
    spread = float(((predicted.label - predicted.label.mean()) ** 2).sum())
    return 1 - float((_errors(predicted) ** 2).sum()) / spread if spread else float("nan")


def _constant(predicted: Predicted) -> Predicted:
    """The predictions of somebody who only knows the mean of the training labels."""
    same = np.full(len(predicted.label), predicted.rate)
    return Predicted(predicted.label, same, same, predicted.rate)


def _root_mean_square(predicted: Predicted) -> float:
    return float(np.sqrt((_errors(predicted) ** 2).mean()))


def _mean_absolute(predicted: Predicted) -> float:
    return float(np.abs(_errors(predicted)).mean())


def _share(predicted: Predicted) -> float:
    return float((predicted.label == 1).mean())


METRICS: dict[str, Metric] = {
    "auc": Metric("AUC", "score", 1.0, lambda p: area_under_roc(p.label, p.score), lambda p: 0.5),
    "pr_auc": Metric("area under PR", "score", 1.0, lambda p: average_precision(p.label, p.score), _share),
    "log_loss": Metric("log loss", "score", 0.0, _log_loss, lambda p: _log_loss(_constant(p))),
    "f1": Metric("F1", "prediction", 1.0, _f1, lambda p: 2 * _share(p) / (1 + _share(p))),
    "cost": Metric("mean cost", "prediction", 0.0, _cost, _cheapest_constant),
    "rmse": Metric("RMSE", "prediction", 0.0, _root_mean_square, lambda p: _root_mean_square(_constant(p))),
    "mae": Metric("MAE", "prediction", 0.0, _mean_absolute, lambda p: _mean_absolute(_constant(p))),
    "r2": Metric("R2", "prediction", 1.0, _r2, lambda p: 0.0),
}
"""By the name that `model={"metric": ...}` uses."""

CLASSIFICATION = ("auc", "pr_auc", "log_loss", "f1", "cost")


def numbers(values: Any) -> Numbers:
    """An Arrow column as floats, null as NaN. Raises AnswerUnreadable for one that has no numbers."""
    try:
        return np.array([np.nan if value is None else float(value) for value in values.to_pylist()], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise AnswerUnreadable("A column of the predictions has no numbers.") from error
