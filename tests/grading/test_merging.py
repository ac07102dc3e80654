"""A newer result about some exercises takes its place in the earlier one, and totals and status follow."""

from __future__ import annotations

from autograder.grading.merging import Change, changes, merged, says_the_same
from autograder.grading.results import ExerciseResult, Result

ORDER = ["1", "2", "3"]


def result(status: str, *exercises: tuple[str, str, float], **fields: object) -> Result:
    found = tuple(ExerciseResult(name, what, points, 2.0, what) for name, what, points in exercises)
    total = sum(exercise.points for exercise in found)
    return Result("ada", "a", status, points=total, max_points=2.0 * len(found), exercises=found, **fields)  # type: ignore[arg-type]


def test_points_are_those_of_all_exercises_in_course_order() -> None:
    earlier = result("graded", ("1", "passed", 2.0), ("2", "failed", 0.0), ("3", "partial", 0.5))
    found = merged(earlier, result("graded", ("2", "passed", 2.0)), ORDER)
    assert [(entry.id, entry.status) for entry in found.exercises] == [
        ("1", "passed"),
        ("2", "passed"),
        ("3", "partial"),
    ]
    assert (found.points, found.max_points) == (4.5, 6.0)
    assert changes(earlier, found) == (Change("2", "failed, 0 of 2", "passed, 2 of 2"),)


def test_exercises_that_left_the_course_leave_the_result() -> None:
    earlier = result("graded", ("1", "passed", 2.0), ("2", "passed", 2.0))
    found = merged(earlier, result("graded", ("3", "failed", 0.0)), ["1", "3"])
    assert (found.points, found.max_points) == (2.0, 4.0)
    assert [(change.exercise, change.after) for change in changes(earlier, found)] == [
        ("3", "failed, 0 of 2"),
        ("2", "not there"),
    ]


def test_a_run_that_was_cut_short_stays_so_until_what_it_left_out_is_graded() -> None:
    earlier = result("stopped", ("1", "passed", 2.0), ("2", "error", 0.0), ("3", "error", 0.0), message="stopped")
    one = merged(earlier, result("graded", ("2", "passed", 2.0)), ORDER)
    assert (one.status, one.message) == ("stopped", "stopped")
    both = merged(earlier, result("graded", ("2", "passed", 2.0), ("3", "failed", 0.0)), ORDER)
    assert (both.status, both.message) == ("graded", "")


def test_a_fault_of_the_grader_is_not_hidden_by_another_exercise() -> None:
    earlier = result("grader_error", ("1", "grader_error", 0.0), ("2", "failed", 0.0), message="a fault")
    assert merged(earlier, result("graded", ("2", "passed", 2.0)), ORDER).status == "grader_error"
    assert merged(earlier, result("graded", ("1", "passed", 2.0)), ORDER).status == "graded"


def test_code_that_once_ran_unconfined_is_always_told() -> None:
    earlier = result("graded", ("1", "passed", 2.0), ("2", "failed", 0.0), isolation="none")
    assert merged(earlier, result("graded", ("2", "passed", 2.0), isolation="bubblewrap"), ORDER).isolation == "none"


def test_results_say_the_same_when_only_times_and_digests_differ() -> None:
    earlier = result("graded", ("1", "passed", 2.0), graded_at="2026-01-01T00:00:00Z", course_digest="a", seconds=3.0)
    later = result(
        "graded",
        ("1", "passed", 2.0),
        graded_at="2026-02-01T00:00:00Z",
        course_digest="b",
        seconds=4.0,
        timing={"steps": {"sandbox": 4.0}},
    )
    assert says_the_same(Result.from_json(earlier.to_json()), later)
    assert not says_the_same(earlier, result("graded", ("1", "failed", 0.0)))
