"""Verdicts are readable: in a terminal of 100 columns, as HTML without foreign markup, with the difference in sight."""

from __future__ import annotations

from html.parser import HTMLParser

from autograder import render
from autograder.models import Cell, ExampleTable, Status, Verdict
from autograder.render.html import verdict_html
from autograder.render.text import shortened_pair, verdict_text

LONG = "x" * 80
VERDICT = Verdict(
    "1.1.1",
    Status.FAILED,
    "`name` is wrong in 2 of 9 rows.",
    right=("The types are right.",),
    wrong=("`name` is wrong in 2 of 9 rows",),
    examples=ExampleTable(
        ("id", "name", "note", "more"),
        (
            ("1", Cell(LONG + "a", LONG + "b"), "<script>alert(1)</script>", LONG),
            ("2", Cell("Ann", "ann"), "line\nbreak", LONG),
        ),
        ("wrong", "wrong"),
    ),
    hint="Look at `name`.",
    trace="Traceback <b>",
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def test_the_terminal_shows_what_differs_within_its_width() -> None:
    text = verdict_text(VERDICT)
    assert "Ann (expected ann)" in text
    assert "xa (expected" in text and "xb)" in text
    assert "line⏎break" in text
    assert "1 more column" in text
    assert max(len(line) for line in text.splitlines()) <= 110


def test_two_long_texts_are_cut_around_their_first_difference() -> None:
    yours, expected = shortened_pair("a" * 50 + "X" + "b" * 50, "a" * 50 + "Y" + "b" * 50)
    assert "X" in yours and "Y" in expected
    assert len(yours) <= 34 and len(expected) <= 34


def test_data_cannot_add_markup_to_the_page() -> None:
    page = verdict_html(VERDICT)
    tags = Tags()
    tags.feed(page)
    ours = "div ul li code table thead tbody tr th td b br small details summary pre"
    assert set(tags.seen) == set(ours.split())
    assert "&lt;script&gt;" in page


def test_a_verdict_says_the_same_in_every_form() -> None:
    forms = render.bundle(VERDICT)
    assert forms[render.MIME]["status"] == "failed"
    assert "not right yet" in forms["text/plain"] and "not right yet" in forms["text/html"]
    assert forms["text/plain"].count("1.1.1") >= 1


def test_each_status_has_a_heading_of_its_own() -> None:
    headings = {verdict_text(Verdict("1.1.1", status, "")).splitlines()[0] for status in Status}
    assert len(headings) == len(Status)
