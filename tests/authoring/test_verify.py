"""Every rule of `course verify` finds what it is there for; a course without faults has no findings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder import render
from autograder.authoring import rules
from autograder.authoring.rules import Finding
from autograder.authoring.verify import verify

NAME = "2.1_joins_sets_duplicates"
MODULE = "02_joins_windows_udfs"
SOURCE = f"solutions/{MODULE}/{NAME}.py"
TWIN = f"solutions/{MODULE}/{NAME}.ipynb"
LEARNER = f"modules/{MODULE}/{NAME}.ipynb"


@dataclass(frozen=True)
class Fault:
    """A rule, how to break the course, and what the finding must say."""

    rule: str
    break_it: Callable[[Path], None]
    says: str


def replaced(old: str, new: str, file: str = SOURCE) -> Callable[[Path], None]:
    """Replace the first occurrence of a text that must be there."""

    def change(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        assert old in text, old
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def removed(first: str, last: str) -> Callable[[Path], None]:
    """Remove the part of the source from one text up to another, which stays."""

    def change(root: Path) -> None:
        text = (root / SOURCE).read_text(encoding="utf-8")
        start = text.index(first)
        (root / SOURCE).write_text(text[:start] + text[text.index(last, start + 1) :], encoding="utf-8")

    return change


def declared(item: str, because: str = "a reason") -> Callable[[Path], None]:
    """Add a cell that declares an equivalent mutant of 2.1.1."""
    hints = '# %% [markdown] hints="2.1.1"'
    return replaced(hints, f'# %% [markdown] equivalent="2.1.1" because="{because}"\n# {item}\n\n{hints}')


def notebook(file: str, change: Callable[[list[dict[str, object]]], None]) -> Callable[[Path], None]:
    """Change the cells of a generated notebook."""

    def apply(root: Path) -> None:
        document = json.loads((root / file).read_text(encoding="utf-8"))
        change(document["cells"])
        (root / file).write_text(json.dumps(document), encoding="utf-8")

    return apply


def output(**content: object) -> Callable[[list[dict[str, object]]], None]:
    """Put another output into the first code cell."""

    def change(cells: list[dict[str, object]]) -> None:
        next(cell for cell in cells if cell["cell_type"] == "code")["outputs"] = [content]

    return change


def failing_verdict(cells: list[dict[str, object]]) -> None:
    """Make the solution of 2.1.2 fail."""
    for cell in cells:
        for found in cell.get("outputs", ()):  # type: ignore[attr-defined]
            data = found.get("data", {}).get(render.MIME)
            if data and data["exercise"] == "2.1.2":
                data["status"] = "failed"


def written(name: str, text: str = "") -> Callable[[Path], None]:
    """Add a file."""

    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")

    return change


def renamed(root: Path) -> None:
    """Give the source a name that its title does not have."""
    (root / SOURCE).rename((root / SOURCE).with_name("2.1_joins_unions.py"))


def moved(root: Path) -> None:
    """Put the source into the folder of another module."""
    (root / "solutions" / "03_x").mkdir()
    (root / SOURCE).rename(root / "solutions" / "03_x" / f"{NAME}.py")


def twice(root: Path) -> None:
    """Have the same notebook in another folder, too."""
    text = (root / SOURCE).read_text(encoding="utf-8")
    written(f"solutions/02_other/{NAME}.py", text)(root)


def numbered_like_an_exercise(root: Path) -> None:
    """Have another notebook 2.1.3, which is an exercise of this one."""
    text = (root / SOURCE).read_text(encoding="utf-8").replace("# # 2.1 ", "# # 2.1.3 ", 1)
    written(f"solutions/{MODULE}/2.1.3_joins_sets_duplicates.py", text)(root)


PRINTED = {"output_type": "stream", "name": "stdout"}

FAULTS = [
    Fault("title_number_and_file_name_agree", renamed, "the file name has 'unions', which the title"),
    Fault("title_number_and_file_name_agree", moved, "notebook 2.1 lies in 03_x"),
    Fault("first_cell_says_what_to_expect", replaced("# - count by group\n", ""), "it lists 2 objectives"),
    Fault(
        "first_cell_says_what_to_expect",
        replaced("**Before this:**", "Before this:"),
        "does not say `**Before this:**`",
    ),
    Fault("first_cell_says_what_to_expect", replaced("**Data:** retail", "**Data:**"), "does not say `**Data:**`"),
    Fault("first_cell_says_what_to_expect", replaced("**Time:** 60", "**Time:** 91"), "takes 91 minutes"),
    Fault(
        "first_cell_says_what_to_expect",
        replaced("**Time:** 60 minutes", "**Time:** 181 minutes (two sittings)"),
        "takes 181 minutes",
    ),
    Fault("recap_and_databricks_box_are_there", replaced("# ## Recap", "# ## The end"), "no recap card"),
    Fault(
        "recap_and_databricks_box_are_there", replaced("**On Databricks:**", "Databricks:"), "no box about Databricks"
    ),
    Fault("plots_are_labelled", removed("axes.set_xlabel", "figure.tight_layout"), "draws a plot without axis labels"),
    Fault("text_is_finished_and_tidy", replaced("# ## Groups", "# ## Groups TODO"), "it says TODO"),
    Fault("text_is_finished_and_tidy", replaced("# ## Groups", "# ## Groups "), "white space at its end"),
    Fault(
        "there_are_enough_exercises", removed('# %% check="2.1.6"', "# %% [markdown] hints"), "5 automatically graded"
    ),
    Fault(
        "there_are_enough_exercises",
        removed('# %% [markdown] written="2.1.7"', "# %% [markdown]\n# ## Recap"),
        "no written question",
    ),
    Fault("ids_count_up", replaced('check="2.1.4"', 'check="2.1.5"'), ":2.1.5: 2.1.4 should come here"),
    Fault("ids_count_up", replaced('right="2.1.4"', 'right="2.1.44"'), "right='2.1.44' belongs to no exercise"),
    Fault("ids_are_unique", twice, ":2.1.6: 2 notebooks or exercises"),
    Fault("ids_are_unique", numbered_like_an_exercise, ":2.1.3: a notebook and an exercise have this number"),
    Fault(
        "cells_of_an_exercise_are_complete", removed('# %% answer="2.1.2"', '# %% check="2.1.2"'), "has 0 answer cells"
    ),
    Fault(
        "cells_of_an_exercise_are_complete",
        replaced(' title="Orders with a discount"', ""),
        "2.1.2: its answer cell has no title",
    ),
    Fault(
        "cells_of_an_exercise_are_complete",
        replaced('check="2.1.2" points=1', 'check="2.1.2" points=0'),
        "its points are 0",
    ),
    Fault(
        "cells_of_an_exercise_are_complete",
        replaced('written="2.1.7" points=2', 'written="2.1.7"'),
        "2.1.7: its points are None",
    ),
    Fault(
        "checks_call_check",
        replaced('check("2.1.2", discounted', 'check("2.1.1", discounted'),
        "2.1.2: `check` is called with another",
    ),
    Fault(
        "checks_call_check",
        replaced('check("2.1.2", discounted, key=["order_id"])', "pass"),
        "2.1.2: its check cell calls `check` 0 times",
    ),
    Fault(
        "checks_call_check",
        replaced('check("2.1.2", discounted', 'check("2.1.2", counted'),
        "2.1.2: its answer cell does not define",
    ),
    Fault(
        "solutions_are_hidden",
        removed('    return orders.select("order_id", "channel")', "    ### END"),
        "its solution is empty",
    ),
    Fault("solutions_are_hidden", replaced("    ### END SOLUTION\n", ""), "its solution markers do not pair"),
    Fault(
        "solutions_are_hidden", replaced("    ### BEGIN", "    return orders\n    ### BEGIN"), "it is already solved"
    ),
    Fault(
        "stubs_are_not_attempted",
        replaced("raise NotImplementedError()", "return 1", LEARNER),
        "2.1.1: the learner's cell",
    ),
    Fault(
        "functions_say_what_they_take",
        replaced('    """(order_id BIGINT, channel STRING), one row per order."""\n', ""),
        "no docstring",
    ),
    Fault(
        "functions_say_what_they_take",
        replaced("def channels(orders: DataFrame)", "def channels(orders)"),
        "`orders` has no type",
    ),
    Fault(
        "functions_say_what_they_take", replaced("def channels(orders: ", "def channels(order: "), "`order` is no table"
    ),
    Fault(
        "functions_say_what_they_take",
        replaced('{"wanted": "shipped"}', '{"status": "shipped"}'),
        "`wanted` is no table",
    ),
    Fault(
        "functions_say_what_they_take",
        replaced("wanted: str) -> int", "wanted: str)"),
        "2.1.3: `count_status` does not say what type",
    ),
    Fault("hints_come_in_stages", removed("# 2. `F.countDistinct` counts", "# %% wrong"), "2.1.5: it has 1 hints"),
    Fault(
        "hints_come_in_stages",
        replaced("# 2. `F.countDistinct` counts different values.", "# 2."),
        "2.1.5: hint 2 is empty",
    ),
    Fault(
        "hints_come_in_stages",
        replaced("`select` takes the names", '`return orders.select("order_id",  "channel")` takes the names'),
        "2.1.1: hint 2 contains the solution's line",
    ),
    Fault("answers_test_the_grader", removed('# %% wrong="2.1.1"', "# %% wrong"), "2.1.1: it has 2 wrong answers"),
    Fault("answers_test_the_grader", replaced(' because="extra"', ""), "2.1.2: wrong answer 1 has no `because`"),
    Fault(
        "answers_test_the_grader",
        removed('# %% right="2.1.1"', "# %% [markdown]"),
        "2.1.1: it has no other right answer",
    ),
    Fault(
        "answers_test_the_grader",
        replaced("def channels(orders):", "def channel(orders):"),
        "a wrong answer does not define `channels`",
    ),
    Fault(
        "equivalent_mutants_exist",
        declared("- number: 1 → 2"),
        "2.1.1: no mutant is named `number: 1 → 2`",
    ),
    Fault("equivalent_mutants_exist", declared("none"), "2.1.1: an `equivalent` cell names no mutant"),
    Fault(
        "equivalent_mutants_exist",
        declared("- drop call: .select('order_id', 'channel')", because=" "),
        "2.1.1: an `equivalent` cell gives no reason",
    ),
    Fault(
        "hidden_variants_are_there",
        removed('variant(\n    "2.1.4"', "### END HIDDEN"),
        "2.1.4: it has no hidden variant",
    ),
    Fault(
        "hidden_variants_are_there",
        replaced('"the orders of another shop"', '""'),
        "2.1.2: variant 'other shop' has no description",
    ),
    Fault(
        "hidden_variants_are_there",
        replaced('"2.1.4",\n    "unknown', '"2.1.5",\n    "unknown'),
        "2.1.4: its variant 'unknown channel'",
    ),
    Fault(
        "hidden_variants_are_there",
        replaced('"nobody"', '"other shop"'),
        "2 variants are named 'other shop'",
    ),
    Fault(
        "hidden_variants_are_there",
        replaced("### BEGIN HIDDEN TESTS\none_moment", "one_moment"),
        "learners would see a `variant",
    ),
    Fault(
        "written_questions_have_a_mark_scheme",
        removed("# === BEGIN MARK", "# %% [markdown]\n# ## Recap"),
        "2.1.7: it has no mark scheme",
    ),
    Fault(
        "written_questions_have_a_mark_scheme",
        replaced(' title="What a number hides"', ""),
        "2.1.7: the question has no title",
    ),
    Fault(
        "nothing_hidden_is_in_the_learners_notebook",
        notebook(
            LEARNER,
            lambda cells: cells[2].update(
                source="return  orders.filter( F.col('discount_code').isNotNull()).select('order_id',\n 'discount_code')".replace(
                    "'", '"'
                )
            ),
        ),
        "2.1.2: learners can read this line of the solution",
    ),
    Fault(
        "nothing_hidden_is_in_the_learners_notebook",
        notebook(
            LEARNER, lambda cells: cells[2].update(source="# 1 point: names tables in which amounts or costs are found")
        ),
        "2.1.7: learners can read this line of the mark scheme",
    ),
    Fault(
        "nothing_hidden_is_in_the_learners_notebook",
        notebook(LEARNER, lambda cells: cells[2].update(source="generate(spark, seed=8121)")),
        "2.1.2: learners can read this line of the hidden seed",
    ),
    Fault(
        "notebooks_are_built_from_this_source",
        replaced("# ## Groups", "# ## Rows in groups"),
        "not made from the present source",
    ),
    Fault(
        "notebooks_are_built_from_this_source",
        lambda root: (root / LEARNER).unlink(),
        "it is missing; run `course build 2.1`",
    ),
    Fault("solutions_pass_and_print_nothing_odd", notebook(TWIN, failing_verdict), "2.1.2: its solution is failed"),
    Fault(
        "solutions_pass_and_print_nothing_odd",
        notebook(TWIN, output(**PRINTED, text="/home/anna/x")),
        "a path of this machine, /home/anna",
    ),
    Fault(
        "solutions_pass_and_print_nothing_odd",
        notebook(TWIN, output(output_type="error", ename="KeyError", evalue="", traceback=[])),
        "it stopped with KeyError",
    ),
    Fault(
        "solutions_pass_and_print_nothing_odd",
        notebook(TWIN, output(output_type="stream", name="stderr", text="x")),
        "wrote to stderr",
    ),
    Fault("learners_start_without_outputs", notebook(LEARNER, output(**PRINTED, text="678")), "it has outputs"),
    Fault(
        "links_lead_somewhere",
        notebook(LEARNER, lambda cells: cells[0].update(source="[next](../02_x/2.9.ipynb)")),
        "leads nowhere",
    ),
    Fault(
        "manifest_lists_every_exercise",
        replaced('check="2.1.2" points=1', 'check="2.1.2" points=4'),
        "2.1.2: the manifest and the source",
    ),
    Fault(
        "no_unexpected_files",
        written(f"modules/{MODULE}/2.1_solution.ipynb", "{}"),
        "2.1_solution.ipynb: nothing of the course",
    ),
    Fault(
        "no_unexpected_files",
        written(f"modules/{MODULE}/hidden/{NAME}/index.json", "{}"),
        "index.json: nothing of the course",
    ),
    Fault("no_unexpected_files", written("solutions/notes.txt"), "solutions/notes.txt: nothing of the course"),
    Fault(
        "no_unexpected_files",
        written(f"solutions/{MODULE}/hidden/2.0_old/index.json", "{}"),
        "hidden/2.0_old: there is no source",
    ),
    Fault("sources_are_formatted", replaced("spark = SparkSession", "spark   =   SparkSession"), "it is not formatted"),
]


def apply_rule(name: str, root: Path) -> list[Finding]:
    """The findings of one rule."""
    course = rules.load(root)
    for rule in rules.course_rules:
        if rule.__name__ == name:
            return list(rule(course))
    rule = next(rule for rule in rules.lesson_rules if rule.__name__ == name)
    return [finding for lesson in course.lessons for finding in rule(lesson)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}: {fault.says}")
def test_a_rule_finds_its_fault(spoilt: Path, fault: Fault) -> None:
    assert apply_rule(fault.rule, spoilt) == []
    fault.break_it(spoilt)
    findings = [str(finding) for finding in apply_rule(fault.rule, spoilt)]
    assert any(fault.says in finding for finding in findings), findings


def test_every_rule_is_shown_to_find_something() -> None:
    registered = {rule.__name__ for rule in [*rules.lesson_rules, *rules.course_rules]}
    assert registered == {fault.rule for fault in FAULTS}


def test_a_source_that_cannot_be_read_is_one_finding_and_hides_no_other(spoilt: Path) -> None:
    replaced("**Time:** 60 minutes", "an hour")(spoilt)
    findings = [str(finding) for finding in verify(spoilt)]
    assert findings[0].startswith(f"{SOURCE}: the first cell must say `**Time:** NN minutes`")
    assert any("the manifest and the source do not agree" in finding for finding in findings)


def test_findings_of_one_notebook_can_be_asked_for(spoilt: Path) -> None:
    replaced("# ## Groups", "# ## Groups TODO")(spoilt)
    written("solutions/notes.txt")(spoilt)
    assert len([finding for finding in verify(spoilt, ["2.1"]) if "TODO" in finding.problem]) == 1
    assert verify(spoilt, ["3.1"]) == []


def test_a_long_notebook_says_that_it_takes_two_sittings(spoilt: Path) -> None:
    replaced("**Time:** 60 minutes", "**Time:** 180 minutes (two sittings)")(spoilt)
    assert not [finding for finding in verify(spoilt) if "minutes" in finding.problem]


def test_the_command_prints_findings_and_fails(spoilt: Path) -> None:
    replaced("**Time:** 60", "**Time:** 91")(spoilt)
    code = "from autograder.cli import main; main()"
    environment = {"COURSE_ROOT": str(spoilt), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code, "verify"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert f"{SOURCE}:cell 0: the notebook takes 91 minutes; cut it so that it takes 45 to 90" in done.stdout


def test_the_command_is_content_with_this_course() -> None:
    from autograder.commands.verify import command

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.output) == (0, "The course is in order.\n")
