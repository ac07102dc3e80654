"""Turns an exception into one paragraph for the person who meets it: the class and message first, never a Java stack trace."""

from __future__ import annotations

import re

_ADVICE = {
    "UNRESOLVED_COLUMN": "Check the spelling against `printSchema()`; after a `select` or `agg`, only the columns named there are left.",
    "AMBIGUOUS_REFERENCE": "Two columns have this name, usually after a join. Join on the column's name, rename one side, or drop one.",
    "CAST_INVALID_INPUT": "Spark 4 runs in ANSI mode: a bad cast stops the query. `try_cast` gives NULL instead.",
    "DIVIDE_BY_ZERO": "Spark 4 runs in ANSI mode: dividing by zero stops the query. `try_divide` gives NULL instead.",
    "CANNOT_PARSE_TIMESTAMP": "Some text does not fit the format. `try_to_timestamp` gives NULL instead.",
    "MISSING_AGGREGATION": "Every selected column must be in the `groupBy` or inside an aggregate function.",
    "TABLE_OR_VIEW_NOT_FOUND": "Create a view of that name first, or check the spelling.",
    "PARSE_SYNTAX_ERROR": "The SQL text has a mistake near the place that the message names.",
    "DATATYPE_MISMATCH": "A function got a type that it does not take. Look at `printSchema()`, then cast on purpose.",
    "CANNOT_CONVERT_COLUMN_INTO_BOOL": "Use `&`, `|` and `~` with parentheses between columns, not `and`, `or` and `not`.",
    "NOT_COLUMN_OR_STR": "This function takes a column or a column's name; wrap a constant in `F.lit(...)`.",
    "RECURSION_LEVEL_LIMIT_EXCEEDED": "The step of your recursive query finds rows in every round. Look at its join or its `WHERE`.",
    "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE": "Both halves of a UNION must give the same types here; use CAST.",
    "UNBOUND_SQL_PARAMETER": "Pass it in `args=`. Inside a SQL script (`BEGIN ... END`) read a session variable instead.",
    "STREAMING_OUTPUT_MODE": "Mode `append` hands over a group when it can no longer change. That takes a watermark, and a grouping by its "
    "column itself or by `F.window` of it; a date computed from the column has no watermark.",
    "NotSerializableException": "Spark must send this object to its tasks and cannot. (`ObservationManager` means: Spark 4.1 does not "
    "apply a freshly fitted model in a session that has used `observe`, as Spark's `plot` does, too. Save the model and load it, and apply "
    "that one.)",
    "JVM_ATTRIBUTE_NOT_SUPPORTED": "Over Spark Connect your process has neither a JVM nor a Spark context. Say it with DataFrames and SQL.",
    "ATTRIBUTE_NOT_SUPPORTED": "The object has no such attribute. Is it a column where you wanted a DataFrame, or the other way round?",
}

_IN_OTHER_WORDS = {
    "_LEGACY_ERROR_TEMP_1299": "A query into memory can be started again from its checkpoint in output mode `complete` only.",
}
"""For messages that tell to do the wrong thing: this one, to delete the checkpoint."""

_WRAPPED = re.compile(
    r"Exception: (?:\{LINE:\d+\} )?\[(?P<condition>[A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)\] (?P<message>.*)", re.DOTALL
)
"""A Spark error that PySpark did not recognise: it arrives as a Java error with everything in its text."""


_IN_A_WORKER = " (raised inside a Python function that Spark ran for you)"


def explain(error: BaseException) -> str:
    """`CLASS: message. Advice.` For Spark errors the error condition and the first paragraph; for Python errors the last line."""
    condition, text = _condition(error), str(error)
    if condition == "STREAM_FAILED":
        return _stream_failure(text)
    if hasattr(error, "java_exception"):
        condition, text = _java_cause(error) or (condition, text)
    python_error = re.search(r"^(\w+(?:\.\w+)*(?:Error|Exception)): (.*)$", text, re.MULTILINE)
    if type(error).__name__ == "PythonException" and python_error:
        return f"{python_error[1]}: {python_error[2]}{_IN_A_WORKER}"
    bare = re.search(r"^\s*(\S.*)\n(\w+(?:\.\w+)*(?:Error|Exception))$", text, re.MULTILINE)
    if type(error).__name__ == "PythonException" and bare:
        return f"{bare[2]} at `{bare[1]}`{_IN_A_WORKER}"
    message = _first_paragraph(_said_by_postgres(error) or text)
    if not condition:
        name = type(error).__name__
        return f"{name}: {message}" if message else f"{name} was raised without a message."
    return _with_advice(condition, message)


def _said_by_postgres(error: BaseException) -> str:
    """The message of the server, which pg8000 hands over with a dozen other fields; empty for other errors."""
    fields = error.args[0] if error.args else None
    if not type(error).__module__.startswith("pg8000") or not isinstance(fields, dict) or "M" not in fields:
        return ""
    return f"{fields['M']} {fields.get('D', '')}".strip()


def _with_advice(condition: str, message: str) -> str:
    if condition in _IN_OTHER_WORDS:
        return _IN_OTHER_WORDS[condition]
    message = re.sub(r"^\[[A-Z_.0-9]+\]\s*", "", message)
    message = re.sub(r"\s*SQLSTATE: \w+.*$", "", message)
    message = re.sub(r"\s*If necessary set \S+ to \S+ to bypass this error\.", "", message)
    advice = next((text for name, text in _ADVICE.items() if condition.startswith(name)), "")
    return f"{condition}: {message}" + (f" {advice}" if advice else "")


def _stream_failure(text: str) -> str:
    """What ended a streaming query: Spark says it in the middle of a text that also holds ids, plans and Python frames."""
    cause = text.partition("terminated with exception: ")[2].partition("\n=== Streaming Query ===")[0] or text
    where = ""
    if "Traceback (most recent call last)" in cause:
        raised = re.findall(r"^(?:\w+\.)*(\w+): (.*)$", cause, re.MULTILINE)
        name, message = raised[-1] if raised else ("Exception", "it has no message")
        if message.startswith("["):
            cause = message
        else:
            cause, where = f"{name}: {message}", " (raised inside the function given to `foreachBatch`)"
    condition = re.match(r"\[([A-Z][A-Z0-9_.]*)\]", cause)
    said = _with_advice(condition[1], _first_paragraph(cause)) if condition else _first_paragraph(cause)
    return re.sub(r"\s*SQLSTATE: \w+", "", said) + where


def _java_cause(error: BaseException) -> tuple[str, str] | None:
    """Condition and message of the innermost Java exception of a py4j error that has a condition or a known name.

    `toArrow` wraps what went wrong in a task into "Exception thrown in awaitResult", which PySpark does not unwrap.
    """
    from py4j.protocol import Py4JError

    cause, found = getattr(error, "java_exception", None), None
    try:
        while cause is not None:
            try:
                if cause.getCondition():
                    found = (str(cause.getCondition()), str(cause.getMessage()))
            except Py4JError:  # an exception that is not Spark's
                if (name := cause.getClass().getSimpleName()) == "NotSerializableException":
                    found = (name, str(cause.getMessage()).partition("\n")[0])
                elif name == "PSQLException":
                    found = (name, str(cause.getMessage()))
            cause = cause.getCause()
    except Exception:  # the JVM is gone, so nothing more can be learned from it
        return found
    return found


def _condition(error: BaseException) -> str:
    """Spark's error condition, such as UNRESOLVED_COLUMN.WITH_SUGGESTION; empty for other errors."""
    getter = getattr(error, "getCondition", None)
    try:
        return str(getter() or "") if getter else ""
    except Exception:  # a half-built exception has no condition
        return ""


def _first_paragraph(text: str) -> str:
    """The message without plans, query contexts and Java frames; at most 400 characters."""
    kept: list[str] = []
    for line in text.strip().splitlines():
        if re.match(r"^(== |'?[A-Z]\w+ \[|\+- |\s+at |JVM stacktrace|Caused by|;\s*$)", line):
            break
        if line.strip():
            kept.append(line.strip())
    paragraph = " ".join(kept).rstrip(";").strip()
    return paragraph if len(paragraph) <= 400 else paragraph[:399] + "…"
