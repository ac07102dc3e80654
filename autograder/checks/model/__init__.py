"""Answers that are a model: the harness has the function fit it, applies it to rows with hidden labels, and keeps what it predicts.

`check(..., model={"train": ..., "test": ..., "label": ..., "key": [...], "metric": ...})`; all options: `options.ModelOptions`.
Metrics are computed where the labels are, in the verifier, from predictions alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.checks.base import Answer, Check, Judgement, Workspace
from autograder.checks.model import judging
from autograder.checks.model.metrics import METRICS
from autograder.checks.model.options import ModelOptions
from autograder.checks.model.scoring import (
    Trials,
    observed,
    other_half,
    reordered,
    shuffled_labels,
    with_labels,
)
from autograder.compare import AnswerUnreadable, Frame, ReadLimits

FACTS = "facts.json"
FRAMES = ("predictions", "reloaded", "half", "known", "shuffled", "labels")
LIMITS = ReadLimits(rows=1_000_000, cells=10_000_000, columns=10, file_bytes=50_000_000, decoded_bytes=500_000_000)
MAXIMUM_FACTS_BYTES = 100_000
ORDERS = ("first", "second")
"""Other orders of the training data that the reference solution is fitted on: other bootstrap samples, other candidates for splits."""


class ModelCheck(Check):
    """Compares a metric of predictions with a band, and looks for leaks."""

    kind = "model"
    option = "model"
    tells_values = False  # messages name properties; numbers stand in the example table, which hidden data never show

    def tables(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The table that the model is applied to."""
        return (ModelOptions.of(options).test,)

    def withheld(self, options: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        """The labels of that table, and what becomes known as late as they do."""
        chosen = ModelOptions.of(options)
        return {chosen.test: (chosen.label, *chosen.known_later)}

    def run(
        self, function: Callable[..., Any], inputs: Mapping[str, Any], options: Mapping[str, Any], workspace: Workspace
    ) -> Answer:
        """Fit once on the training data and once on shuffled labels; predict the test rows in several ways."""
        chosen = ModelOptions.of(options)
        trials = Trials(function, inputs, chosen, workspace)
        test = trials.test_table()
        model = trials.fit(trials.training, "true")
        frames = {
            "predictions": trials.score(model, test, "all"),
            "half": trials.score(model, other_half(test), "half"),
            "reloaded": trials.score(trials.saved_and_loaded(model), test, "again"),
        }
        if chosen.known_later:
            frames["known"] = trials.score(model, trials.as_if_known(test), "known")
        fresh = shuffled_labels(trials.training.column(chosen.label).to_pylist())
        learnt_nothing = trials.fit(with_labels(trials.training, chosen.label, fresh), "shuffled")
        frames["shuffled"] = trials.score(learnt_nothing, test, "shuffled")
        return Answer(frames, observed(model))

    def reference(
        self,
        answer: Answer,
        function: Callable[..., Any],
        inputs: Mapping[str, Any],
        options: Mapping[str, Any],
        workspace: Workspace,
    ) -> Answer:
        """The labels, and the bands in which metric and `positives` lie when the training data come in other orders."""
        chosen = ModelOptions.of(options)
        trials = Trials(function, inputs, chosen, workspace)
        whole = workspace.tables[chosen.test].select(*chosen.key, chosen.label).orderBy(*chosen.key)
        labels = Frame.from_spark(whole)
        common = set(judging.keys(labels, chosen.key)) & set(
            judging.keys(Frame.from_arrow(trials.training), chosen.key)
        )
        if common:
            raise ValueError(
                f"model=: {len(common)} keys of {chosen.test} are also in {chosen.train}; a test needs other rows."
            )
        values = trials.training.column(chosen.label).to_pylist()
        rate = float(sum(values) / len(values))
        test = trials.test_table()
        predictions = [answer.payload["predictions"]]
        for order in ORDERS:
            model = trials.fit(reordered(trials.training, order), order)
            predictions.append(trials.score(model, test, order))
        found = [judging.metric_of(frame, labels, chosen, rate) for frame in predictions]
        band = [math.floor(min(found) * 1000) / 1000, math.ceil(max(found) * 1000) / 1000]
        facts: dict[str, Any] = {"band": band, "rate": round(rate, 6)}
        if chosen.positives is not None:
            counts = [judging.positives_of(frame, labels, chosen) for frame in predictions]
            facts["positives"] = [min(counts), max(counts)]
        return Answer({"labels": labels}, facts)

    def save(self, answer: Answer, folder: Path) -> None:
        """Write one Parquet file for each set of predictions, and `facts.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in answer.payload.items():
            frame.write(folder / f"{name}.parquet")
        (folder / FACTS).write_text(json.dumps(answer.facts, sort_keys=True) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> Answer:
        """Read what `save` wrote, within limits; files of other names are not looked at."""
        facts = folder / FACTS
        if not facts.is_file() or facts.stat().st_size > MAXIMUM_FACTS_BYTES:
            raise AnswerUnreadable(f"{FACTS} is missing or larger than {MAXIMUM_FACTS_BYTES} bytes.")
        try:
            document = json.loads(facts.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise AnswerUnreadable(f"{FACTS} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise AnswerUnreadable(f"{FACTS} is not a JSON object.")
        present = [name for name in FRAMES if (folder / f"{name}.parquet").is_file()]
        if not present:
            raise AnswerUnreadable("There are no predictions.")
        return Answer({name: Frame.read(folder / f"{name}.parquet", LIMITS) for name in present}, document)

    def judge(self, actual: Answer, expected: Answer, options: Mapping[str, Any]) -> Judgement:
        """First every prediction must be there and mean something, then nothing may leak, then the metric counts."""
        return judging.judge(actual, expected, ModelOptions.of(options))


__all__ = ["METRICS", "ModelCheck", "ModelOptions"]
