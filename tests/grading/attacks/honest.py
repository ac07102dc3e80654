"""Honest notebooks that look odd: right answers in forms that graders trip over. Each must get full marks."""

# ruff: noqa: E501 (text of learners)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.grading.samples import make_sample
from autograder.models import ExerciseSpec, NotebookSpec
from tests.grading.attacks import function
from tests.grading.attacks.packing import SETUP, graded, insert, replace, solutions


@dataclass(frozen=True)
class Honest:
    """One odd notebook: `cells` stand before the first answer, `answer` makes each answer cell from the reference answer."""

    name: str
    does: str
    cells: tuple[str, ...] = ()
    answer: Callable[[ExerciseSpec, str], str] = lambda spec, solution: solution

    def notebook(self, spec: NotebookSpec) -> NotebookNode:
        """The notebook as handed in."""
        notebook, answers = make_sample(spec, "perfect"), solutions(spec)
        for exercise in graded(spec):
            replace(notebook, exercise, self.answer(exercise, answers[exercise.id]))
        insert(notebook, *self.cells)
        return notebook


def around(before: str = "", after: str = "return answer") -> Callable[[ExerciseSpec, str], str]:
    """Answers with code before and after the call of the reference answer, in which `answer` is its result."""

    def wrapped(spec: ExerciseSpec, solution: str) -> str:
        learned = f"learned_{spec.id.replace('.', '_')}"
        body = f"{before}\nanswer = {learned}(**inputs)\n{after}"
        return solution.replace(f"def {spec.function}(", f"def {learned}(") + "\n" + function(spec, body)

    return wrapped


def _in_own_forms(spec: ExerciseSpec, solution: str) -> str:
    """The first four exercises of 1.1 by other means than the course's."""
    return {
        "1.1.1": """
def mailing_list(customers):
    customers.createOrReplaceTempView("my_own_view")
    return spark.sql("SELECT customer_id, email AS email_address, year(birth_date) AS birth_year FROM my_own_view")
""",
        "1.1.2": """
from pyspark.sql.types import StringType

@F.udf(returnType=StringType())
def tidied(text):
    return None if text is None else " ".join(word.capitalize() for word in text.split())

@F.pandas_udf("string")
def lowered(emails):
    return emails.str.lower().str.strip()

def tidy_names(raw_customers):
    return raw_customers.select("customer_id", tidied("name").alias("name"), lowered("email").alias("email"))
""",
        "1.1.3": """
def not_to_contact(customers):
    rows = customers.select("customer_id", "name", "marketing_consent").rdd.filter(lambda row: not row.marketing_consent)
    return spark.createDataFrame(rows, "customer_id BIGINT, name STRING, marketing_consent BOOLEAN")
""",
        "1.1.4": """
def from_search(web_events):
    def compared(batches):
        for batch in batches:
            found = batch["referrer"] == "https://search.example.com/"
            yield batch[["event_id"]].assign(from_search=found)
    return web_events.mapInPandas(compared, web_events.select("event_id", F.lit(True).alias("from_search")).schema)
""",
        "1.1.7": """
def reachable(customers):
    kept = customers.cache()
    kept.count()
    answer = learned(customers=kept)
    return answer.pandas_api().to_spark()
""".replace("def reachable", solution.replace("def reachable(", "def learned(") + "\ndef reachable"),
    }.get(spec.id, solution)


NOISE = """
import logging, sys, warnings
from pyspark.sql import Window
spark.sparkContext.setLogLevel("WARN")
spark.range(10).withColumn("rank", F.row_number().over(Window.orderBy("id"))).count()
spark._jvm.java.lang.System.err.println("WARN from Java")
warnings.warn("deprecated, whatever that means")
logging.basicConfig(level="DEBUG", stream=sys.stderr, force=True)
logging.getLogger("py4j").setLevel("INFO")
print("x" * 200_000)
"""

SPEAKING = """
import logging, sys, warnings
print("computing ...", *inputs)
print("[Stage 1:====>      (1 + 1) / 2]\\r", end="", file=sys.stderr, flush=True)
logging.warning("a warning")
warnings.warn("a warning")
spark.range(3).show()
"""

NOTEBOOKS = (
    Honest(
        "noise",
        "WARN logs, prints to both streams, log messages and progress bars, in cells and in functions",
        (NOISE,),
        around(SPEAKING),
    ),
    Honest(
        "plots",
        "plots, widgets and rich output in every function",
        (
            "%matplotlib inline\nimport matplotlib.pyplot as plt\nimport plotly.express as px\nplt.plot([1, 2]);",
            "from IPython.display import HTML, display\ndisplay(HTML('<b>hello</b>'))\npx.line(x=[1, 2], y=[1, 2]).show()\nspark.range(2)",
        ),
        around(
            "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\naxes.bar([1, 2], [3, 4])\nplt.show()\ndisplay(spark.range(2).toPandas())"
        ),
    ),
    Honest("slow", "answers that are slow but right", (), around("import time\ntime.sleep(0.8)")),
    Honest(
        "other order",
        "columns in another order, rows in another order where none is asked for, in many partitions",
        (),
        lambda spec, solution: around(
            "from pyspark.sql import functions as F",
            after="answer = answer.select(*reversed(answer.columns))\nreturn "
            + (
                "answer"
                if spec.options.get("ordered") or spec.options.get("plan")
                else "answer.repartition(7).orderBy(F.rand())"
            ),
        )(spec, solution),
    ),
    Honest(
        "own helpers",
        "helper functions, classes, constants and imports in cells of their own, also an error on the way",
        (
            "import dataclasses\nfrom functools import reduce\nimport numpy as np",
            "@dataclasses.dataclass(frozen=True)\nclass Step:\n    function: object\n    def __call__(self, **inputs):\n        return self.function(**inputs)",
            "def call(function, inputs):\n    return Step(function)(**inputs)",
            "1 / 0  # left over from trying",
            "",
        ),
        lambda spec, solution: (
            solution.replace(f"def {spec.function}(", f"def learned_{spec.function}(")
            + "\n"
            + function(spec, f"return call(learned_{spec.function}, inputs)")
        ),
    ),
    Honest(
        "new session",
        "stops Spark in the notebook and starts it again with other settings",
        (
            'spark.stop()\nspark = SparkSession.builder.appName("again").config("spark.sql.shuffle.partitions", 200).config("spark.ui.enabled", False).getOrCreate()',
            "spark.range(5).groupBy().count().collect()\nspark.sparkContext.stop()",
            "spark = SparkSession.builder.getOrCreate().newSession()\nspark.range(5).count()",
            SETUP,
        ),
    ),
    Honest(
        "other settings",
        "ANSI mode switched off and on, 200 partitions, case sensitivity, another time zone and back, a current database",
        (
            'spark.conf.set("spark.sql.ansi.enabled", False)\nspark.sql("SELECT 1 / 0").show()\nspark.conf.set("spark.sql.ansi.enabled", True)',
            'spark.conf.set("spark.sql.shuffle.partitions", 200)\nspark.conf.set("spark.sql.caseSensitive", True)\nspark.conf.set("spark.sql.adaptive.enabled", True)',
            'spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")\nspark.sql("SELECT current_timestamp()").show()\nspark.conf.set("spark.sql.session.timeZone", "UTC")',
            'spark.sql("CREATE DATABASE IF NOT EXISTS mine")\nspark.sql("USE mine")\nspark.range(3).write.mode("overwrite").saveAsTable("kept")',
        ),
    ),
    Honest(
        "magics",
        "%%time above every answer, shell commands, %timeit, %who, a question mark, %%capture",
        (
            "!ls -la",
            "%%capture\nprint('caught')",
            "%timeit -n1 -r1 sum(range(10))\n%who\nfiles = !ls\nspark.range?",
            "%%bash\necho hello",
            "%pip --version",
        ),
        lambda spec, solution: "%%time\n" + solution,
    ),
    Honest(
        "other means",
        "SQL on own views, Python and pandas UDFs, RDDs, mapInPandas, the pandas API, cached frames",
        (
            'spark.range(3).createOrReplaceTempView("my_own")\nspark.sql("CREATE OR REPLACE TEMP VIEW another AS SELECT * FROM my_own")',
        ),
        _in_own_forms,
    ),
    Honest(
        "forms of functions",
        "decorators, annotations, defaults, redefinition, lambdas, await in a cell, names in other scripts",
        (
            "import asyncio\nawait asyncio.sleep(0)\nasync def later():\n    return 1\nawait later()",
            "import functools\ndef gemessen(größe: 'int | None' = None):\n    def decorator(function):\n        @functools.wraps(function)\n        def 名前(*arguments, **named):\n            return function(*arguments, **named)\n        return 名前\n    return decorator",
        ),
        lambda spec, solution: (
            f"def {spec.function}():\n    raise ValueError('an earlier try')\n\n{solution}\n"
            f"@gemessen(größe=3)\ndef {spec.function}_({', '.join(name + '=None' for name in spec.parameters)}, *, größe: int = 3, **mehr: object):\n"
            f"    return {spec.function}_früher(**{{name: value for name, value in locals().items() if name in {spec.parameters!r}}})\n"
            f"{spec.function}_früher = {spec.function}\n{spec.function} = lambda {', '.join(spec.parameters)}: {spec.function}_({', '.join(f'{name}={name}' for name in spec.parameters)})\n"
        ),
    ),
)
