"""The class report counts right and shows what needs the instructor first, for one learner and for two hundred."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder import manifest
from autograder.models import Status
from autograder.reports import charts, statistics
from autograder.reports.class_report import class_page
from autograder.reports.gathering import ClassResults, gather
from autograder.reports.writing import write_report

pytestmark = pytest.mark.sandbox

ASSIGNMENT = manifest.notebook("1.1").assignment


def test_difficulty_counts_every_learner_once(results: ClassResults, documents: dict[str, Any]) -> None:
    lines = statistics.difficulties(results.of(ASSIGNMENT))
    assert [line.id for line in lines] == [entry["id"] for entry in documents["ada"]["exercises"]]
    for number, line in enumerate(lines):
        entries = [document["exercises"][number] for document in documents.values()]
        counted = {status: count for status, count in line.counts.items() if count}
        assert counted == dict(Counter(entry["status"] for entry in entries))
        assert line.mean_share == pytest.approx(sum(e["points"] / e["max_points"] for e in entries) / len(entries))


def test_the_same_mistake_is_one_line_whatever_its_numbers(
    mixed_class: Callable[[Path, int], Path], tmp_path: Path
) -> None:
    found = gather(mixed_class(tmp_path, 40))
    kinds = 0
    for line in statistics.difficulties(found.of(ASSIGNMENT)):
        mistakes = statistics.wrong_answers(found.of(ASSIGNMENT), line.id)
        wrong = sum(line.counts[status] for status in (Status.FAILED, Status.PARTIAL, Status.ERROR, Status.TIMEOUT))
        assert sum(mistake.count for mistake in mistakes) == wrong
        assert [mistake.count for mistake in mistakes] == sorted((m.count for m in mistakes), reverse=True)
        kinds += len(mistakes)
    assert kinds > 5


def test_mistakes_are_told_apart_by_shape_and_else_by_message(results: ClassResults) -> None:
    made = [
        ("nulls", "2 rows are missing."),
        ("nulls", "7 rows are missing."),
        ("nulls", "7 rows are missing."),
        ("", "TypeError: no"),
        ("", "TypeError: no"),
        ("", "KeyError: 'x'"),
        ("sign", "`income` is wrong."),
    ]
    base = results.submissions[0]
    class_of_seven = [
        replace(
            base,
            learner=str(number),
            exercises=(replace(base.exercises[0], status="failed", shape=shape, message=said),),
        )
        for number, (shape, said) in enumerate(made)
    ]
    found = statistics.wrong_answers(class_of_seven, base.exercises[0].id)
    assert [(mistake.count, mistake.message, mistake.learners) for mistake in found] == [
        (3, "7 rows are missing.", ("0", "1", "2")),
        (2, "TypeError: no", ("3", "4")),
        (1, "KeyError: 'x'", ("5",)),
        (1, "`income` is wrong.", ("6",)),
    ]


def test_marks_fall_into_tenths(mixed_class: Callable[[Path, int], Path], tmp_path: Path) -> None:
    folder = mixed_class(tmp_path, 10)
    for number, path in enumerate(sorted(folder.glob("*/*.json"))):
        document = json.loads(path.read_text())
        # Of 6 points, a tenth is 0.6; 1.2 / 6 * 10 is a little less than 2 in floating point.
        only = {**document["exercises"][0], "points": round(0.6 * (number + 1), 2), "max_points": 6.0}
        path.write_text(json.dumps({**document, "exercises": [only]}))
    marks = statistics.distribution(gather(folder).of(ASSIGNMENT))
    assert marks.counts == (0, 1, 1, 1, 1, 1, 1, 1, 1, 2), "10 % belongs to the second tenth, 100 % to the last"
    assert (marks.lowest, marks.highest, marks.mean) == pytest.approx((0.1, 1.0, 0.55))


def test_faults_of_the_course_and_findings_come_first(
    mixed_class: Callable[[Path, int], Path], documents: dict[str, Any], tmp_path: Path
) -> None:
    folder = mixed_class(tmp_path / "results", 12)
    for learner in ("learner003", "learner008"):
        path = folder / learner / f"{ASSIGNMENT}.json"
        document = json.loads(path.read_text())
        document["exercises"][4].update(status="grader_error", points=0.0, message="The reference <b>is gone</b>.")
        findings = documents["<i>eve & co"]["findings"]
        path.write_text(json.dumps({**document, "status": "grader_error", "findings": findings}))
    (folder / "learner005" / f"{ASSIGNMENT}.json").write_text('{"half": ')
    write_report(folder, tmp_path / "out")
    page = (tmp_path / "out" / "class.html").read_text()
    head, _, tail = page.partition('id="assignment-1"')
    assert "for 2 (learner003, learner008): The reference &lt;b&gt;is gone&lt;/b&gt;." in head
    assert "Locked cell check_1_1_1 was edited; the released one was used." in head
    assert "The nbgrader metadata of check_1_1_2 was edited." in head
    assert f"learner005/{ASSIGNMENT}.json" in head
    assert "All learners" in tail
    assert not (tmp_path / "out" / "feedback" / "learner005").exists()


@pytest.mark.parametrize("learners", [1, 200])
def test_any_size_of_class_gives_a_page_with_a_link_for_each(
    learners: int, mixed_class: Callable[[Path, int], Path], tmp_path: Path
) -> None:
    write_report(mixed_class(tmp_path / "results", learners), tmp_path / "out")
    page = (tmp_path / "out" / "class.html").read_text()
    table = page[page.index('id="learners"') :]
    assert table.count("<tr>") == learners + 1
    assert f"<strong>{learners}</strong> {'learner' if learners == 1 else 'learners'}</li>" in page
    for path in (tmp_path / "out").glob("feedback/*/*.html"):
        assert f'href="feedback/{path.parent.name}/{path.name}"' in table
    # Plotly is there once; the page of 200 learners is hardly larger than that of one.
    assert len(page) < len(charts.library()) + 400_000


def test_links_lead_to_pages_whatever_the_name(report: Path) -> None:
    page = (report / "class.html").read_text()
    for learner, quoted in (("=cmd()", "%3Dcmd%28%29"), ("<i>eve & co", "%3Ci%3Eeve%20%26%20co")):
        assert (report / "feedback" / learner / f"{ASSIGNMENT}.html").is_file()
        assert f'href="feedback/{quoted}/{ASSIGNMENT}.html"' in page


def test_text_of_learners_cannot_end_the_script(results: ClassResults) -> None:
    figure = charts.scores(statistics.distribution(results.of(ASSIGNMENT)))
    figure["layout"]["title"] = {"text": "</script><script>alert(1)</script>"}
    assert "<" not in charts.script({"x": figure}).partition("\n")[0]


def test_learners_who_need_attention_have_a_reason(results: ClassResults) -> None:
    found = statistics.attention(results, ASSIGNMENT)
    assert {submission.learner for submission, _ in found} == {
        submission.learner for submission in results.submissions if submission.share < 0.5
    }
    for submission, reason in found:
        missing = sum(entry.status == Status.NOT_ATTEMPTED for entry in submission.exercises)
        assert f"{100 * submission.share:.0f} % of the points" in reason
        assert (f"{missing} of {len(submission.exercises)} exercises not attempted" in reason) == (
            missing >= len(submission.exercises) / 2
        )
    page = class_page(results, {(entry.learner, entry.assignment): "feedback/x.html" for entry in results.submissions})
    assert "Learners who may need you" in page
