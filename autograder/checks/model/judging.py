"""Judges predictions against labels. Knows no Spark and no learner code."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.checks.base import Answer, Judgement
from autograder.checks.model.metrics import CLASSIFICATION, METRICS, Metric, Numbers, Predicted, agreement, numbers
from autograder.checks.model.options import ModelOptions
from autograder.checks.model.scoring import PREDICTION, SCORE
from autograder.compare import AnswerUnreadable, Frame
from autograder.models import ExampleTable

SAME = 1e-6
"""How far two predictions for one row may differ, relative to the larger one, and still count as the same."""

FEW = 0.001
"""The share of rows whose predictions may differ when the model is applied in another way: sums in another order can tip a split."""

_OTHER_WAYS = {
    "half": (
        "The prediction for a row depends on which other rows are scored with it",
        "Something is computed from the rows that are being scored, such as their mean. Everything that is learnt must be learnt in `fit`.",
    ),
    "reloaded": (
        "The model predicts something else after it was saved and loaded",
        "Is a part of the model kept in a Python variable instead of in the pipeline's stages?",
    ),
}


def keys(frame: Frame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The key of each row. Raises AnswerUnreadable when a key column is missing."""
    if any(name not in frame.columns for name in names):
        raise AnswerUnreadable("The predictions have no key.")
    columns = [frame.table.column(frame.columns.index(name)).to_pylist() for name in names]
    return [tuple(str(part) for part in row) for row in zip(*columns, strict=True)]


def metric_of(frame: Frame, labels: Frame, options: ModelOptions, rate: float) -> float:
    """The metric of predictions that are complete."""
    found, _ = _aligned(frame, labels, options)
    return METRICS[options.metric].compute(_predicted(found, labels, options, rate))


def positives_of(frame: Frame, labels: Frame, options: ModelOptions) -> int:
    """How many rows complete predictions give class 1."""
    found, _ = _aligned(frame, labels, options)
    return _positives(found)


def judge(actual: Answer, expected: Answer, options: ModelOptions) -> Judgement:
    """The first complaint, or none."""
    labels: Frame = expected.payload["labels"]
    rate = float(expected.facts["rate"])
    band = (float(expected.facts["band"][0]), float(expected.facts["band"][1]))
    frames: Mapping[str, Frame] = actual.payload
    needed = {"predictions", "half", "reloaded", "shuffled"} | ({"known"} if options.known_later else set())
    if not needed <= set(frames):
        return Judgement(False, f"The answer lacks a set of predictions: {', '.join(sorted(needed - set(frames)))}.")
    found, complaint = _aligned(frames["predictions"], labels, options)
    if complaint:
        return Judgement(False, complaint, shape="predictions")
    right = ["There is one prediction for every row."]
    for complaint in _structure(actual.facts, options):
        return Judgement(False, complaint, right=tuple(right), shape="model")
    for judgement in _leaks(frames, found, labels, options):
        return _after(judgement, right)
    right.append("Nothing leaks: predictions depend on the row alone and survive saving.")
    scored = _score(_predicted(found, labels, options, rate), band, options)
    if not scored.equal or options.positives is None:
        return _after(scored, right)
    right.append(f"The {METRICS[options.metric].title} is good enough.")
    few, many = (int(number) for number in expected.facts["positives"])
    return _after(_as_many_positives(_positives(found), (few, many), options.positives), right)


def _after(judgement: Judgement, right: Sequence[str]) -> Judgement:
    return Judgement(
        judgement.equal,
        judgement.message,
        right=tuple(right),
        examples=judgement.examples,
        hint=judgement.hint,
        shape=judgement.shape,
        fraction=1.0 if judgement.equal else 0.0,
    )


def _aligned(frame: Frame, labels: Frame, options: ModelOptions) -> tuple[dict[str, Numbers], str]:
    """Score and prediction in the order of the labels, and what is wrong with the set of rows, empty when nothing is."""
    wanted = keys(labels, options.key)
    found = keys(frame, options.key)
    place = {key: position for position, key in enumerate(found)}
    unknown = sum(key not in set(wanted) for key in place)
    absent = sum(key not in place for key in wanted)
    if absent:
        return {}, (
            f"{absent} of {len(wanted)} rows have no prediction. A stage has dropped them: "
            '`handleInvalid="skip"` drops rows with NULLs or with categories that the training data did not have, as does '
            "`na.drop()`. Every row needs a prediction."
        )
    if unknown or len(found) > len(wanted):
        return {}, f"The model returns {len(found)} rows for {len(wanted)}. Every row must come out exactly once."
    order = [place[key] for key in wanted]
    values = {}
    for name in (SCORE, PREDICTION):
        if name not in frame.columns:
            raise AnswerUnreadable(f"The predictions have no column {name}.")
        values[name] = numbers(frame.table.column(frame.columns.index(name)))[order]
    holes = int((~np.isfinite(values[SCORE]) | ~np.isfinite(values[PREDICTION])).sum())
    if holes:
        return {}, f"{holes} of {len(wanted)} predictions are NULL, NaN or infinite."
    outside = int(((values[SCORE] < 0) | (values[SCORE] > 1)).sum())
    if options.metric in CLASSIFICATION and outside:
        return {}, f"{outside} of {len(wanted)} probabilities lie outside of 0 to 1."
    return values, ""


def _predicted(found: Mapping[str, Numbers], labels: Frame, options: ModelOptions, rate: float) -> Predicted:
    truth = numbers(labels.table.column(labels.columns.index(options.label)))
    return Predicted(truth, found[SCORE], found[PREDICTION], rate, options.costs or None)


def _structure(facts: Mapping[str, Any], options: ModelOptions) -> Iterator[str]:
    """What the model should consist of and does not."""
    stages = [str(name) for name in facts.get("stages", ())] if isinstance(facts.get("stages"), list) else []
    remaining = iter(stages)
    for wanted in options.stages:
        if not any(stage == wanted for stage in remaining):
            yield (
                f"The pipeline needs a stage `{wanted}`, in the order {', '.join(options.stages)}; "
                f"yours has {', '.join(stages) or 'none'}."
            )
    for name, bound in options.at_most.items():
        if _count(facts, name) > bound:
            what = {"depth": "levels deep", "trees": "trees large"}[name]
            yield f"The model is {_count(facts, name)} {what}; at most {bound} are allowed."
    if options.features and _count(facts, "features") != options.features:
        yield f"The model takes {_count(facts, 'features')} features; {options.features} are asked for."
    settings = facts.get("settings")
    for name, value in options.settings.items():
        if not isinstance(settings, dict) or settings.get(name) != value:
            stage, parameter = name.split(".")
            yield f"The stage `{stage}` needs another `{parameter}`: read again what the task says about it."


def _count(facts: Mapping[str, Any], name: str) -> int:
    """A whole number among the facts; 0 for anything else."""
    value = facts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _leaks(
    frames: Mapping[str, Frame], found: Mapping[str, Numbers], labels: Frame, options: ModelOptions
) -> Iterator[Judgement]:
    if options.known_later:
        known, complaint = _aligned(frames["known"], labels, options)
        if complaint or _differing(known, found):
            columns = ", ".join(f"`{name}`" for name in options.known_later)
            yield Judgement(
                False,
                f"The model looks at {columns}, which is not known yet when the prediction is needed. "
                "It looks excellent in training, and fails in practice.",
                hint=f"Leave {columns} out of the features.",
                shape="leak",
            )
    for name, (complaint, hint) in _OTHER_WAYS.items():
        count = _differing_by_key(frames[name], frames["predictions"], options, whole=name == "reloaded")
        if count:
            yield Judgement(False, f"{complaint} ({count} rows).", hint=hint, shape="leak")
    nonsense, complaint = _aligned(frames["shuffled"], labels, options)
    if complaint:
        yield Judgement(False, f"After training on shuffled labels: {complaint}", shape="predictions")
    else:
        yield from _shuffled(nonsense, found, labels, options)


def _shuffled(
    nonsense: Mapping[str, Numbers], found: Mapping[str, Numbers], labels: Frame, options: ModelOptions
) -> Iterator[Judgement]:
    """A model of shuffled labels must be nearer to chance than to the model of the true ones.

    Not 0.5 plus or minus three standard errors: features that matter make a random direction agree with the labels by much more than
    that (standard deviation 0.03 to 0.06 in a simulation of the churn data, where the error alone gives 0.018).
    """
    truth = _predicted(found, labels, options, 0.0).label
    score = SCORE if options.metric in CLASSIFICATION else PREDICTION
    honest, lucky = agreement(truth, found[score]), agreement(truth, nonsense[score])
    if honest > 0.5 and lucky - 0.5 > (honest - 0.5) / 2:
        yield Judgement(
            False,
            "The model does as well when the labels of the training data are shuffled. So it has not learnt from them, but knows the "
            "answers from elsewhere.",
            examples=ExampleTable(
                ("order of pairs that is right",),
                ((f"{honest:.2f}",), (f"{lucky:.2f}",), ("0.50",)),
                ("true labels", "shuffled labels", "chance"),
            ),
            hint="Does the function fit on its parameter, or on a table from outside?",
            shape="leak",
        )


def _score(predicted: Predicted, band: tuple[float, float], options: ModelOptions) -> Judgement:
    metric = METRICS[options.metric]
    value, baseline = metric.compute(predicted), metric.baseline(predicted)
    weakest, strongest = band if metric.perfect else band[::-1]
    floor = metric.floor(baseline, weakest, options.close)
    examples = _numbers_table(metric, value, band, baseline, floor)
    if strongest != metric.perfect and metric.reaches(value, metric.ceiling(strongest)):
        return Judgement(
            False,
            f"The {metric.title} is better than the data allow. Something that is only known afterwards must have leaked into the model.",
            examples=examples,
            hint="Which column could only be filled in after the outcome? Are test rows among those that the model was fitted on?",
            shape="leak",
        )
    if metric.reaches(value, floor):
        return Judgement(True)
    guess = metric.reaches(baseline, value)
    side = "below" if metric.perfect > 0 else "above"
    lost = "no better than a guess that uses no feature" if guess else f"{side} what a model that does the task reaches"
    return Judgement(False, f"The {metric.title} on new rows is {lost}.", examples=examples, shape="weak model")


def _as_many_positives(count: int, band: tuple[int, int], tolerance: float) -> Judgement:
    """Whether about as many rows are predicted 1 as by the reference runs. A metric may be flat where this number is not."""
    fewest, most = band[0] * (1 - tolerance), band[1] * (1 + tolerance)
    if fewest <= count <= most:
        return Judgement(True)
    rows = ((f"{count:,}",), (f"{math.ceil(fewest):,} to {math.floor(most):,}",))
    return Judgement(
        False,
        f"The model predicts class 1 too {'rarely' if count < fewest else 'often'}.",
        examples=ExampleTable(("rows predicted 1",), rows, ("your model", "a model that does the task")),
        hint="What decides between the classes is the weight that each of them has in training, or the threshold.",
        shape="positives",
    )


def _positives(found: Mapping[str, Numbers]) -> int:
    return int((found[PREDICTION] == 1).sum())


def _numbers_table(
    metric: Metric, value: float, band: tuple[float, float], baseline: float, floor: float
) -> ExampleTable:
    rows = ((f"{value:.3f}",), (f"{floor:.3f}",), (f"{band[0]:.3f} to {band[1]:.3f}",), (f"{baseline:.3f}",))
    return ExampleTable(
        (metric.title,), rows, ("your model", "enough", "a model that does the task", "without any feature")
    )


def _differing(one: Mapping[str, Numbers], other: Mapping[str, Numbers]) -> int:
    """How many rows have another score or prediction, if more than a few."""
    close = np.ones(len(one[SCORE]), dtype=bool)
    for name in (SCORE, PREDICTION):
        close &= np.isclose(one[name], other[name], rtol=SAME, atol=SAME)
    count = int((~close).sum())
    return count if count > FEW * len(close) else 0


def _differing_by_key(part: Frame, whole_frame: Frame, options: ModelOptions, *, whole: bool) -> int:
    """How many rows of `part` are predicted otherwise than in the whole; all that are missing count."""
    everything = _by_key(whole_frame, options)
    found = _by_key(part, options)
    expected = len(everything) if whole else (len(everything) + 1) // 2
    shared = [key for key in found if key in everything]
    missing = expected - len(shared)
    one = {
        name: np.array([found[key][position] for key in shared]) for position, name in enumerate((SCORE, PREDICTION))
    }
    other = {
        name: np.array([everything[key][position] for key in shared])
        for position, name in enumerate((SCORE, PREDICTION))
    }
    return max(0, missing) + (_differing(one, other) if shared else 0)


def _by_key(frame: Frame, options: ModelOptions) -> dict[tuple[Any, ...], tuple[float, float]]:
    for name in (SCORE, PREDICTION):
        if name not in frame.columns:
            raise AnswerUnreadable(f"The predictions have no column {name}.")
    values = [numbers(frame.table.column(frame.columns.index(name))) for name in (SCORE, PREDICTION)]
    return dict(zip(keys(frame, options.key), zip(*values, strict=True), strict=True))
