"""A CSV file that Canvas imports into its gradebook.

Format: "How do I import grades in the Gradebook?" in Canvas's instructor guide, and the importer itself
(github.com/instructure/canvas-lms, lib/gradebook_importer.rb). The first columns must be Student, ID, SIS User ID, SIS
Login ID, Section; each assignment follows as "Title (id)", where a title without an id makes a new assignment; the
second row begins with "Points Possible". Canvas finds a person by ID, then SIS user ID, then SIS login ID, then name,
asks about people whom it does not find, and leaves a mark alone where the cell is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.grading.printable import one_line
from autograder.reports.exports.tables import table
from autograder.reports.gathering import ClassResults
from autograder.reports.roster import Person

_PEOPLE = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def canvas(results: ClassResults, people: Sequence[Person], assignment_ids: Mapping[str, str] | None = None) -> str:
    """The text of the file.

    Parameters
    ----------
    results: what is exported, in points.
    people: everybody, learners without a submission among them; their cells stay empty.
    assignment_ids: assignment → its id in Canvas, where it exists there already.
    """
    assignments = results.course_assignments
    known = assignment_ids or {}
    marks = {(entry.learner, entry.assignment): entry.points for entry in results.submissions}
    titles = [f"{name} ({known[name]})" if name in known else name for name in assignments]
    possible = ["    Points Possible", "", "", "", "", *(results.max_points(name) for name in assignments)]
    rows = [
        (
            person.name or one_line(person.learner),
            person.canvas_id,
            person.sis_user_id,
            person.sis_login_id,
            person.section,
            *(marks.get((person.learner, name), "") for name in assignments),
        )
        for person in people
    ]
    return table((*_PEOPLE, *titles), [possible, *rows])
