"""Tells noise from another result.

Spark adds up the parts of some sums in the order in which its tasks end (an area under a curve, for instance), so that the last digits of a
reference may differ from build to build. The rows of a join may come in another order as well, since Spark chooses the side that it
broadcasts by what is finished first. A build that differs in nothing else is the same build.
"""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from autograder.compare.frame import sorted_rows

NOISE = 1e-12
"""The relative difference of two floats that counts as none; verdicts allow a thousand times as much or more."""


def without_noise(path: Path, content: bytes, any_order: bool = False) -> bytes:
    """What the file at `path` holds if `content`, the JSON or Parquet file to replace it, differs in noise only; else `content`.

    With `any_order` the order of a table's rows is noise, too.
    """
    if path.suffix not in (".json", ".parquet") or not path.is_file():
        return content
    old = path.read_bytes()
    if old == content:
        return content
    try:
        if path.suffix == ".parquet":
            same = _same_table(old, content, any_order)
        else:
            same = _same(json.loads(old), json.loads(content))
    except (ValueError, pa.ArrowException):  # what is on disk is damaged
        return content
    return old if same else content


def _same(old: Any, new: Any) -> bool:
    """Whether two JSON values are equal but for noise."""
    if type(old) is not type(new):
        return False
    if isinstance(old, float):
        return old == new or math.isclose(old, new, rel_tol=NOISE)
    if isinstance(old, dict):
        return list(old) == list(new) and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)


def _same_table(old: bytes, new: bytes, any_order: bool) -> bool:
    one, other = pq.read_table(io.BytesIO(old)), pq.read_table(io.BytesIO(new))
    if not one.schema.equals(other.schema, check_metadata=True) or one.num_rows != other.num_rows:
        return False
    if any_order:
        one, other = sorted_rows(one), sorted_rows(other)
    return all(
        first.equals(second) or (_has_floats(first.type) and _same(first.to_pylist(), second.to_pylist()))
        for first, second in zip(one.columns, other.columns, strict=True)
    )


def _has_floats(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_has_floats(kind.field(position).type) for position in range(kind.num_fields))
    return bool(pa.types.is_floating(kind))
