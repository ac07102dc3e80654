"""Every page in a real browser: it draws, asks for nothing, says nothing on the console, and everybody can read it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder.reports.writing import write_report

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")  # fmt: skip

PROBLEMS = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")
"""Returns a list of sentences: what on the page breaks a rule of accessibility, contrast in the current scheme included."""


@dataclass(frozen=True)
class Browser:
    """A Chromium that is told the colour scheme and the width."""

    driver: Any

    def open(self, path: Path, *, scheme: str = "light", width: int = 1280) -> None:
        """Show a page and wait until it is loaded."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(path.resolve().as_uri())

    def run(self, script: str) -> Any:
        """The value of a script on the page."""
        return self.driver.execute_script(script)

    def console(self) -> list[str]:
        """What was written to the console, violations of the page's policy included, since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call, the pages themselves aside."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not (url.startswith("file:") and url.partition("#")[0].endswith(".html"))]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this file."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver_program = shutil.which("chromedriver")
    assert program, "These tests need Chromium: apt-get install chromium chromium-driver"
    assert driver_program, "These tests need chromedriver: apt-get install chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_program))
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="module")
def pages(
    report: Path, mixed_class: Callable[[Path, int], Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """All pages of the small class, and the class report of thirty learners."""
    folder = tmp_path_factory.mktemp("thirty")
    write_report(mixed_class(folder / "results", 30), folder / "out")
    return [*sorted(report.glob("feedback/*/*.html")), report / "class.html", folder / "out" / "class.html"]


def test_pages_ask_for_nothing_and_say_nothing(browser: Browser, pages: list[Path]) -> None:
    browser.console(), browser.requests()
    for page in pages:
        browser.open(page)
        assert browser.run("return document.querySelector('h1').innerText") != ""
        assert browser.console() == [], page
        assert browser.requests() == [], page


def test_the_policy_stops_what_gets_into_a_page(browser: Browser, report: Path, tmp_path: Path) -> None:
    for page in (report / "class.html", next(report.glob("feedback/*/*.html"))):
        text = page.read_text().replace(
            "</main>", "<script>document.title = 'run'</script><img src='http://127.0.0.1:9/x'></main>"
        )
        (tmp_path / "changed.html").write_text(text)
        browser.open(tmp_path / "changed.html")
        assert browser.run("return document.title") != "run"
        assert len([line for line in browser.console() if "Content Security Policy" in line]) >= 2
    browser.requests()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_drawn_in_the_colours_of_the_scheme(browser: Browser, pages: list[Path], scheme: str) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    browser.open(pages[-1], scheme=scheme)
    drawn = browser.run(
        "return [...document.querySelectorAll('.chart')].map(chart => ["
        " chart.querySelectorAll('.bars .point path, .scatterlayer .point').length,"
        " getComputedStyle(chart.querySelector('.xtitle')).fill])"
    )
    ink = browser.run("return getComputedStyle(document.body).color")
    assert len(drawn) == 3
    scores, difficulty, seconds = (points for points, _ in drawn)
    assert scores == 10
    exercises = browser.run("return document.querySelectorAll('#seconds-1 + details tbody tr').length")
    assert exercises >= 8
    assert seconds == 2 * exercises
    assert difficulty >= exercises
    assert {colour for _, colour in drawn} == {ink}
    too_high = "return [...document.querySelectorAll('.chart')].filter(chart => chart.scrollHeight > chart.clientHeight + 1).length"
    assert browser.run(too_high) == 0, "a chart lies over what follows it"
    buttons = browser.run("return [...document.querySelectorAll('.modebar-btn')].map(button => button.dataset.title)")
    assert set(buttons) == {"Zoom", "Pan", "Reset axes"}, "no button sends learners' data anywhere"
    browser.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark" if scheme == "light" else "light"}]},
    )
    WebDriverWait(browser.driver, 20).until(
        lambda _: browser.run("return getComputedStyle(document.querySelector('.xtitle')).fill") != ink,
        "the charts follow when the scheme changes",
    )


def test_each_chart_has_its_numbers_in_a_table(browser: Browser, pages: list[Path]) -> None:
    browser.open(pages[-1])
    bars = browser.run("return figures['scores-1'].data[0].y")
    table = browser.run(
        "return [...document.querySelectorAll('#scores-1 + details tbody td')].map(cell => +cell.textContent)"
    )
    assert table == bars
    assert sum(bars) == 30
    counts = browser.run(
        "return figures['difficulty-1'].data.map(bar => [bar.name, bar.customdata.map(line => line[1])])"
    )
    head = browser.run(
        "return [...document.querySelectorAll('#difficulty-1 + details thead th')].map(cell => cell.textContent)"
    )
    body = browser.run(
        "return [...document.querySelectorAll('#difficulty-1 + details tbody tr')].map("
        " row => [...row.cells].map(cell => cell.textContent))"
    )
    for name, values in counts:
        assert [int(row[head.index(name)]) for row in body] == values


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_every_page(browser: Browser, pages: list[Path], scheme: str) -> None:
    for page in pages:
        browser.open(page, scheme=scheme)
        browser.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        assert browser.run(PROBLEMS) == [], page


def test_the_rules_of_accessibility_find_what_breaks_them(browser: Browser, report: Path, tmp_path: Path) -> None:
    page = next(report.glob("feedback/ada/*.html")).read_text()
    for before, after, found in (
        ("<h3 ", "<h5 ", "goes from h2 to h5"),
        ('scope="col"', "", "has no scope"),
        ('lang="en"', "", "no language"),
        ("<main", "<div", "main"),
        ("--quiet: #545e6d", "--quiet: #a0a8b4", "contrast"),
        ('aria-labelledby="overview"', 'aria-labelledby="nowhere"', "nowhere"),
    ):
        assert before in page
        # The policy names the digest of the style sheet, which is changed here.
        changed = page.replace(before, after).replace("http-equiv", "name")
        (tmp_path / "broken.html").write_text(changed)
        browser.open(tmp_path / "broken.html")
        assert [problem for problem in browser.run(PROBLEMS) if found in problem] != [], found


def test_pages_fit_a_phone(browser: Browser, pages: list[Path]) -> None:
    for page in pages:
        browser.open(page, width=390)
        assert browser.run("return document.documentElement.scrollWidth") <= 390, page


def test_the_keyboard_reaches_the_content_first(browser: Browser, pages: list[Path]) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser.open(pages[0])
    ActionChains(browser.driver).send_keys(Keys.TAB).perform()
    assert browser.run("return document.activeElement.textContent") == "Skip to the content"
    assert browser.run("return document.activeElement.getBoundingClientRect().left") >= 0
    ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
    assert browser.run("return document.activeElement.id") == "content"


def test_printed_pages_show_folded_tables_and_no_dark_ground(browser: Browser, pages: list[Path]) -> None:
    browser.open(pages[-1], scheme="dark")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        height = browser.run(
            "return document.querySelector('#scores-1 + details table').getBoundingClientRect().height"
        )
        assert height > 100
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
