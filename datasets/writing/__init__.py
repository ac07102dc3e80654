"""Writes tables of any scale into files: plans and estimates, writes table by table, and keeps a manifest.

`Request` says what is wanted and is checked without Spark, `write` makes it.
"""

from datasets.writing.errors import DataError
from datasets.writing.estimate import size_text
from datasets.writing.request import Request, names_of
from datasets.writing.writer import Result, plan, write

__all__ = ["DataError", "Request", "Result", "names_of", "plan", "size_text", "write"]
