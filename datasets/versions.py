"""Remembers the rows of every version of every generator, so that none changes unnoticed.

`datasets/digests.json` holds rows and digest of each sample beside the version that made it. Where the rows are others
and the version is not, somebody's files and manifests would silently be wrong.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from datasets.catalog import tables
from datasets.table import Table
from datasets.writing.digest import digest_aggregates, digest_of

DIGESTS = Path(__file__).resolve().parent / "digests.json"


@dataclass(frozen=True)
class Fingerprint:
    """What one version of a generator made for the sample."""

    version: int
    rows: int
    digest: str


def fingerprint(table: Table, rows: DataFrame) -> Fingerprint:
    """Count and digest of the rows of a table, with its declared version."""
    found = rows.agg(*digest_aggregates(table)).collect()[0].asDict()
    return Fingerprint(table.version, *digest_of(found))


def fingerprints(spark: SparkSession, samples: Mapping[str, bytes]) -> dict[str, Fingerprint]:
    """The fingerprints of samples, given as Parquet files by table name (see `datasets.build.current_samples`)."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in samples.items():
            path = Path(folder) / f"{name}.parquet"
            path.write_bytes(content)
            declared = tables()[name]
            found[name] = fingerprint(declared, spark.read.schema(declared.schema).parquet(str(path)))
    return found


def committed(path: Path = DIGESTS) -> dict[str, Fingerprint]:
    """What the file remembers; empty where there is none."""
    if not path.exists():
        return {}
    return {name: Fingerprint(**entry) for name, entry in json.loads(path.read_text(encoding="utf-8")).items()}


def write_fingerprints(found: Mapping[str, Fingerprint], path: Path = DIGESTS) -> None:
    """Remember these fingerprints and no others."""
    content = {name: asdict(entry) for name, entry in found.items()}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def unraised(found: Mapping[str, Fingerprint], before: Mapping[str, Fingerprint]) -> list[str]:
    """One sentence for each table whose rows are others though its version is not higher."""
    return [
        f"{name} has other rows than version {before[name].version} of it, and its version is {entry.version}. Raise "
        f"`version` of the table in datasets/declarations/ to {before[name].version + 1}."
        for name, entry in found.items()
        if name in before
        and (entry.rows, entry.digest) != (before[name].rows, before[name].digest)
        and entry.version <= before[name].version
    ]


def stale_fingerprints(found: Mapping[str, Fingerprint], before: Mapping[str, Fingerprint]) -> list[str]:
    """`unraised`, or one sentence if the file does not remember exactly these fingerprints."""
    findings = unraised(found, before)
    if not findings and dict(found) != dict(before):
        differing = sorted(name for name in {*found, *before} if found.get(name) != before.get(name))
        findings.append(f"{DIGESTS.name} is not current for {', '.join(differing)}.")
    return findings
