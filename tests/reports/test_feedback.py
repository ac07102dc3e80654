"""A feedback page tells its learner everything that may be told, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from autograder import manifest, paths
from autograder.authoring import hidden, source
from autograder.grading.results import ON_HIDDEN_DATA
from autograder.models import Status
from autograder.reports.feedback import feedback_page
from autograder.reports.gathering import ClassResults, ReportError, gather
from autograder.reports.marks import Mark, Marks

pytestmark = pytest.mark.sandbox

SPEC = manifest.notebook("1.1")
ASSIGNMENT = SPEC.assignment
WRITTEN = next(spec for spec in SPEC.exercises if spec.kind == "written")


class Elements(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(report: Path) -> dict[str, str]:
    """The feedback pages by learner."""
    return {path.parent.name: path.read_text() for path in report.glob("feedback/*/*.html")}


def test_every_learner_has_a_page_with_all_that_the_verdict_says(report: Path, documents: dict[str, Any]) -> None:
    found = pages(report)
    assert sorted(found) == sorted(documents)
    statuses = set()
    for learner, document in documents.items():
        text = squeezed(Elements(found[learner]).text)
        assert f"{document['points']:g} of {document['max_points']:g} points" in text
        for exercise in document["exercises"]:
            statuses.add(exercise["status"])
            verdict = exercise["verdict"]
            told = [*verdict.get("right", ()), *verdict.get("wrong", ()), verdict.get("hint", "")]
            told += [exercise["message"]] if exercise["status"] != "passed" else []
            if "<script>" not in exercise["message"]:
                assert [line for line in told if squeezed(line.replace("`", "")) not in text] == []
    assert {"passed", "failed", "not_attempted", "error"} <= statuses, "the class shows what the page can show"


def test_rows_of_the_sample_show_yours_and_the_expected_value(report: Path, documents: dict[str, Any]) -> None:
    shown = 0
    for learner, page in pages(report).items():
        text = squeezed(Elements(page).text)
        for exercise in documents[learner]["exercises"]:
            table = exercise["verdict"].get("examples")
            for row in table["rows"] if table else []:
                for cell in row:
                    if isinstance(cell, dict):
                        shown += 1
                        assert f"yours: {squeezed(cell['yours'])}" in text
                        assert f"expected: {squeezed(cell['expected'])}" in text
    assert shown > 0


def test_nothing_hidden_is_on_any_page(report: Path) -> None:
    secrets = [secret for item in source.read_all() for secret in hidden.secrets(item)]
    # A message may name what is special about hidden data; that is what descriptions are for.
    secrets = [secret for secret in secrets if secret.kind != "description of a variant"]
    finder, values = hidden.Finder(secrets), hidden_values()
    assert len(secrets) > 100
    assert len(values) > 1000
    for learner, page in pages(report).items():
        text = unescape(page)
        assert list(finder.search(text)) == []
        words = set(re.findall(r"[\w@.:-]+", text))
        assert words & values == set(), learner


def hidden_values() -> set[str]:
    """Values that occur in hidden inputs or expected outputs of the notebook, and neither in sample data nor references."""
    home = paths.hidden_folder(ASSIGNMENT, SPEC.name)
    public = set()
    for path in [*paths.SAMPLES.rglob("*.parquet"), *paths.REFERENCES.rglob("*.parquet")]:
        public |= long_values(path)
    return {value for path in home.rglob("*.parquet") for value in long_values(path)} - public


def long_values(path: Path) -> set[str]:
    """The telling values of a table: words and numbers of six characters or more."""
    texts = json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False)
    return {word for word in re.findall(r"[\w@.:-]+", texts) if len(word) >= 6 and not word.isalpha()}


def test_a_result_that_shows_rows_of_hidden_data_stops_the_report(tmp_path: Path, documents: dict[str, Any]) -> None:
    hidden_ones = [
        (document, number)
        for document in documents.values()
        for number, entry in enumerate(document["exercises"])
        if entry["message"].startswith(ON_HIDDEN_DATA)
    ]
    assert hidden_ones, "some answer of the class is right on the sample only"
    document, number = json.loads(json.dumps(hidden_ones[0]))
    entry = document["exercises"][number]
    assert entry["verdict"]["examples"] is None, "the verifier leaves rows of hidden data out"
    entry["verdict"]["examples"] = {"columns": ["x"], "rows": [["1"]], "kinds": ["missing"]}
    path = tmp_path / "somebody" / f"{ASSIGNMENT}.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    with pytest.raises(ReportError, match="rows of hidden data"):
        gather(tmp_path)


def test_pages_name_no_other_learner_and_no_place_of_this_machine(report: Path, documents: dict[str, Any]) -> None:
    places = [str(place) for place in (paths.ROOT, Path.home(), report) if len(str(place)) > 3]
    for learner, page in pages(report).items():
        text = unescape(page)
        assert [
            other for other in documents if other != learner and re.search(rf"(?<!\w){re.escape(other)}(?!\w)", text)
        ] == []
        assert [place for place in places if place in text] == []


def test_places_of_this_machine_in_messages_are_left_out(results: ClassResults) -> None:
    submission = results.submissions[0]
    message = f"FileNotFoundError: {paths.ROOT}/datasets/x.csv, and {Path.home()}/y, in {paths.ROOT}."
    first = replace(submission.exercises[0], status=Status.ERROR, message=message)
    page = feedback_page(replace(submission, exercises=(first,)), results)
    assert "…/datasets/x.csv, and …/y, in …." in page


def test_markup_and_terminal_codes_of_a_learner_are_text(report: Path, hostile_text: str) -> None:
    page = pages(report)["<i>eve & co"]
    elements = Elements(page)
    # The grader has written control characters as escapes already.
    assert "ValueError: <script>alert(1)</script><img src=x onerror=alert(2)>\\x1b[31mred" in elements.text
    assert "=HYPERLINK" in elements.text
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "{{7*7}}" in page
    assert hostile_text not in page
    names = {tag for tag, _ in elements.found}
    assert names & {"script", "img", "i", "iframe", "object", "form", "link"} == set()
    assert [name for _, attributes in elements.found for name in attributes if name.startswith("on")] == []
    assert elements.text.count("<i>eve & co") == 2, "the title and the heading"


def test_an_endless_message_does_not_fill_the_page(tmp_path: Path, documents: dict[str, Any]) -> None:
    document = json.loads(json.dumps(documents["ada"]))
    document["exercises"][0].update(status="error", message="ValueError: " + "x" * 90_000)
    path = tmp_path / "ada" / f"{ASSIGNMENT}.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    found = gather(tmp_path)
    assert "x" * 1_900 in feedback_page(found.submissions[0], found)
    assert "x" * 2_001 not in feedback_page(found.submissions[0], found)


def test_pages_ask_for_nothing_and_allow_nothing(report: Path) -> None:
    for page in pages(report).values():
        elements = Elements(page)
        policy = next(
            attributes["content"] for tag, attributes in elements.found if tag == "meta" and "http-equiv" in attributes
        )
        assert policy is not None
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        addresses = [
            attributes[name] for _, attributes in elements.found for name in ("href", "src") if name in attributes
        ]
        assert [address for address in addresses if not str(address).startswith("#")] == []
        assert not re.search(r"url\(|@import", page)


def test_written_answers_show_their_mark_and_comment(graded: Path, results: ClassResults) -> None:
    waiting = feedback_page(submission_of(results, "ada"), results)
    assert "This answer is marked by a person." in waiting
    comment = "Say what <b>avg</b> does"
    cells = {
        ("ada", ASSIGNMENT): {WRITTEN.answer_cell: Mark(2.0, 0.5, comment), SPEC.exercises[0].check_cell: Mark(0.0)}
    }
    marked = gather(graded, Marks(cells, {("ada", ASSIGNMENT): 1.0}))
    submission = submission_of(marked, "ada")
    page = squeezed(Elements(feedback_page(submission, marked)).text)
    assert f"{WRITTEN.id} {WRITTEN.title} ✎ marked 2.5 of 3 points Your instructor's comment {comment}" in page
    assert "0 of 1 points, given by your instructor" in page
    before = submission_of(results, "ada").points
    assert submission.points == before - SPEC.exercises[0].points + 2.5 - 1.0
    assert "1 points were taken off" in page


def submission_of(results: ClassResults, learner: str) -> Any:
    """A learner's submission."""
    return next(submission for submission in results.submissions if submission.learner == learner)


def squeezed(text: str) -> str:
    """Text with single blanks."""
    return " ".join(text.split())
