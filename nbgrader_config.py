"""nbgrader's settings for this course. Run nbgrader's commands from this folder; see docs/instructors.md.

`nbgrader generate_assignment --force` makes modules/ from solutions/ as `course build` does; `nbgrader autograde` runs
learners' code in the sandbox of `course grade` and takes its marks from there.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
os.environ.setdefault("COURSE_ROOT", str(ROOT))
sys.path.insert(0, str(ROOT))
# nbgrader starts `alembic` by name, which fails where the virtual environment is not activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "pyspark-course"
c.CourseDirectory.root = str(ROOT)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "modules"
c.CourseDirectory.db_url = f"sqlite:///{ROOT / 'gradebook.db'}"
# Sources and hidden variants lie beside the solution notebooks and must not be copied to learners, nor into feedback.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "__pycache__", "*.pyc", "*.py", "hidden", "feedback"]

# Our mark schemes stand in answers that are marked by hand, not in nbgrader's "task" cells.
c.ClearMarkScheme.enforce_metadata = False

c.Autograde.exporter_class = "autograder.grading.nbgrader_plugin.RebuildingExporter"
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = [
    "autograder.grading.nbgrader_plugin.GradeInSandbox",
    "autograder.grading.nbgrader_plugin.SaveMarks",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# HTML in learners' text answers is shown, not run, in the formgrader and in feedback.
c.HTMLExporter.filters = {"markdown2html": "autograder.grading.nbgrader_plugin.markdown_of_learners"}

# The formgrader's pages show the mark scheme above each written answer; feedback for learners does not.
c.HTMLExporter.preprocessors = ["autograder.grading.nbgrader_plugin.ShowMarkSchemes"]
