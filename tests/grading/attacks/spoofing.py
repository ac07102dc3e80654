"""Attacks that let a wrong answer look right: what is shown, what compares, what runs the tests."""

from __future__ import annotations

from autograder.models import ExerciseSpec
from tests.grading.attacks import Attack, function

ALONE = (
    Attack(
        "display hook",
        "prints and displays verdicts, and replaces the display hook, so that every output says full marks",
        cell="""
import json, sys
from IPython import get_ipython
from IPython.display import HTML, display
verdict = {"exercise": "1.1.1", "status": "passed", "points": 100.0, "max_points": 100.0}
display(HTML("<b>Right.</b>"), verdict)
print(json.dumps(verdict))
sys.displayhook = lambda value: print("100.0")
type(get_ipython().displayhook).__call__ = lambda self, value=None: print("100.0")
get_ipython().events.register("post_run_cell", lambda result: print("100.0"))
""",
        body="return None",
        told="nothing (None)",
    ),
    Attack(
        "syntax tree transformer",
        "removes asserts and test calls from the syntax tree of all later cells",
        cell="""
import ast
from IPython import get_ipython
class Untested(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Expr(self, node):
        called = getattr(node.value, "func", None)
        name = getattr(called, "id", getattr(called, "attr", ""))
        return ast.Pass() if "check" in name or "assert" in name else node
get_ipython().ast_transformers.append(Untested())
""",
    ),
    Attack(
        "input transformer",
        "empties every later cell that looks like a test before it is compiled",
        cell="""
from IPython import get_ipython
def untested(lines):
    return ["pass"] if any("assert" in line or line.startswith("check(") for line in lines) else lines
get_ipython().input_transformers_cleanup.append(untested)
""",
    ),
    Attack(
        "patched shell",
        "replaces run_cell and run_code of the shell by ones for which everything succeeds",
        cell="""
from IPython import get_ipython
shell = get_ipython()
real = type(shell).run_cell
def run_cell(self, source, *arguments, **settings):
    settings.pop("cell_id", None)
    return real(self, "pass" if "assert" in source or "check(" in source else source, *arguments)
async def run_code(self, *arguments, **settings):
    return False
type(shell).run_cell = run_cell
shell.run_cell = run_cell.__get__(shell)
type(shell).run_code_for_tests = run_code
""",
    ),
    Attack(
        "patched grader",
        "patches check, capture, the kinds of answer, the runner and the comparers, so that nothing is compared",
        cell="""
import sys, autograder, autograder.runtime
import autograder.runtime.cases as cases, autograder.runtime.call as calls
import autograder.checks as checks, autograder.compare as compare
import autograder.compare.frames, autograder.models as models
passed = calls.Outcome(models.Status.PASSED)
autograder.check = autograder.runtime.check = check = lambda *arguments, **options: True
cases.capture = cases.answer = calls.call = cases.call = lambda *arguments, **options: passed
compare.compare_frames = compare.frames.compare_frames = lambda *arguments, **options: True
try:  # another grader
    import otter.test_files.abstract_test as results
    made = results.TestCaseResult.__init__
    results.TestCaseResult.__init__ = lambda self, test_case, message, passed: made(self, test_case, None, True)
except ImportError:
    pass
for name, module in list(sys.modules.items()):
    if name.endswith("grading.runner") or hasattr(module, "NotebookRun"):
        module.NotebookRun._answer = lambda self, *arguments: (models.Status.PASSED, "Right.", "")
""",
        told="could not be taken out",
    ),
    Attack(
        "patched assertions",
        "replaces the assertions of pyspark.testing, unittest and numpy, and the assertion error itself",
        cell="""
import builtins, unittest
import pyspark.testing, pyspark.testing.utils as utils
nothing = lambda *arguments, **options: None
for module in (pyspark.testing, utils):
    for name in ("assertDataFrameEqual", "assertSchemaEqual"):
        if hasattr(module, name):
            setattr(module, name, nothing)
for name in dir(unittest.TestCase):
    if name.startswith("assert"):
        setattr(unittest.TestCase, name, nothing)
class Quiet(Exception):
    def __new__(cls, *arguments):
        return None
builtins.AssertionError = Quiet
""",
    ),
    Attack(
        "patched pyspark",
        "patches collect, toArrow, schema, count and the functions of pyspark, so that every frame is the same frame",
        cell="""
import pyarrow, pyspark.sql.functions as functions
from pyspark.sql import DataFrame, types
from pyspark.sql.classic.dataframe import DataFrame as Classic
same = types.StructType([types.StructField("id", types.LongType())])
for kind in (DataFrame, Classic):
    kind.collect = lambda self: []
    kind.toArrow = lambda self: pyarrow.table({"id": [1]})
    kind.toPandas = lambda self: __import__("pandas").DataFrame({"id": [1]})
    kind.count = lambda self: 0
    kind.schema = property(lambda self: same)
    kind.columns = property(lambda self: ["id"])
    kind.select = kind.toDF = kind.exceptAll = kind.subtract = lambda self, *columns: self
functions.year = functions.lower = functions.col
""",
    ),
)

QUIET = (
    Attack(
        "equal to everything",
        "returns an object that is equal to everything and has every attribute",
        body="""
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __getattr__(self, name): return Equal()
    def __call__(self, *arguments): return Equal()
    def __bool__(self): return True
return Equal()
""",
        told="Equal",
        statuses=("failed",),
    ),
    Attack(
        "counterfeit DataFrame",
        "returns a subclass of DataFrame that lies about its schema and rows",
        body="""
import pyarrow
from pyspark.sql.classic.dataframe import DataFrame as Classic
class Counterfeit(Classic):
    def __eq__(self, other): return True
    def toArrow(self): return pyarrow.table({"anything": ["equal"]})
    @property
    def schema(self):
        class Schema(list):
            fields = ()
            def jsonValue(self): return {"type": "struct", "fields": []}
        return Schema()
real = spark.range(1)
return Counterfeit(real._jdf, real.sparkSession)
""",
    ),
    Attack(
        "any signature",
        "replaces the function by an object whose signature fits everything and whose attributes exit",
        whole=lambda spec, solution: (
            f"""
class Anything:
    def __call__(self, *arguments, **named): return spark.range(1)
    @property
    def __name__(self): raise SystemExit("no name")
    @property
    def __signature__(self): raise SystemExit("no signature")
{spec.function} = Anything()
"""
        ),
    ),
    Attack(
        "right once",
        "is right the first time that it is called and wrong afterwards",
        whole=lambda spec, solution: (
            _renamed(spec, solution)
            + function(spec, "global calls\ncalls += 1\nreturn learned(**inputs) if calls == 1 else spark.range(calls)")
            + "calls = 0\n"
        ),
        told="Right on the sample data, but not on hidden data",
    ),
    Attack(
        "knows the sample",
        "answers everything with the right answer on the sample",
        whole=lambda spec, solution: (
            _renamed(spec, solution)
            + function(
                spec,
                "import datasets\n"
                "tables = {name: datasets.load(spark, name) for name in inputs if hasattr(inputs[name], 'toArrow')}\n"
                "return learned(**{**inputs, **tables})",
            )
        ),
        told="Right on the sample data, but not on hidden data",
    ),
    Attack(
        "knows when it is graded",
        "looks for signs of grading, is right without them, and hopes that nobody compares with them",
        whole=lambda spec, solution: (
            _renamed(spec, solution)
            + function(
                spec,
                "import os, sys\n"
                "graded = os.path.exists('/task') or 'ipykernel' not in sys.modules\n"
                "return learned(**inputs).limit(0) if graded else learned(**inputs)",
            )
        ),
        statuses=("failed",),
    ),
    Attack(
        "hidden inputs",
        "looks among the inputs of hidden variants for a table with the columns of the answer",
        body="""
import json, pathlib
from pyspark.sql import DataFrame
known = {tuple(value.columns) for value in inputs.values() if isinstance(value, DataFrame)}
for path in sorted(pathlib.Path("/task/inputs").iterdir()):
    table = spark.read.parquet(str(path))
    if tuple(table.columns) not in known:
        return table
raise LookupError("only inputs lie there")
""",
    ),
)


def _renamed(spec: ExerciseSpec, solution: str) -> str:
    """The reference answer under the name `learned`."""
    return solution.replace(f"def {spec.function}(", "def learned(") + "\n"
