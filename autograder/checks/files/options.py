"""What `files={...}` of a `check` call may say, read and checked.

`"given": {"landing": {...}}` are folders that the harness fills. Each is a parameter of the learner's function, which gets its path.

- `"table"`: the table of `datasets` whose rows arrive; `"where"`: a SQL condition and `"select"`: SQL expressions, applied to it
  first, in this order.
- `"format"`: "parquet", "orc", "avro", "csv" or "json" as Spark writes it with `"options"`, in the table's order, cut into
  `"files"` files (1), in folders by `"partitioned_by"`; files are called `part-00001.<format>`, `part-00002...`.
- `"format": "lines"`: plain text files. Each row gives a line: its column `value`, or the SQL expression `"line"`. `"name"` is a SQL
  expression for the file that a row belongs to (`"concat('day=', day, '/', part, '.json')"`); without it rows are cut into `"files"`
  files with the ending `"suffix"` ("txt"). `"header"` is a first line for each file. `"text"` is a SQL aggregate that gives the
  whole text of a file instead (`"to_json(collect_list(struct(*)))"`).
- `"modified"`: when the files were last changed (UTC), in order of their names; one minute apart from 2025-06-01 00:00:00 unless given.
- `"stays": True`: which files are still there at the end is part of the answer.
- `"served": {...}`: an API gives the rows out; see `autograder.checks.files.served`.

`"made": {"target": {...}}` are folders that the function writes. Each is a parameter: a path at which nothing is yet.

- `"format"`, `"options"`, `"schema"`: how the folder is read back ("delta" and "lines" are allowed too); `"key"`, `"tolerance"`,
  `"ordered"` are for comparing its rows, `"content": False` leaves them out.
- `"partitioned_by": ["month"]`: the partition columns, as the folders say; `"tree": True`: the set of these folders too.
- `"files": bound`, `"rows_per_file": bound` (the largest file), `"kept_files": bound` (files from before that were not touched).
- `"header": True`: the first line of CSV files has the names of the columns; `"compression": "gzip"`; `"names": True`: the names of
  the files.
- `"setup": {...}`: what is there before the first run, described as for `given`.
- `"optional": True`: a missing folder is as good as one without rows.

`"returns"`: True compares what the last run returned, a DataFrame or a plain value; "each" the list of what all runs returned, which
also tells of runs that must fail whether they did.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.checks.bounds import Bound, known_keys
from autograder.checks.files.served import BEHAVIOUR, WHOLE_ROW, Served

SCRIPT = "script"
"""The name of the argument that holds the script."""

RETURNED = "returned"
RAISED = {"raised": True}
"""What stands among the results of all runs for one that ended with an error, as it had to."""

MAXIMUM_FRAMES = 8
FORMATS = ("parquet", "orc", "avro", "csv", "json")
LINES, DELTA = "lines", "delta"
COMPRESSIONS = {"gzip": "gz", "snappy": "snappy", "zstd": "zstd", "lz4": "lz4", "bzip2": "bz2", "none": ""}
"""What compression is called by Spark's writers, and what a file's name then holds."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_FIRST_TIME = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
_LAYOUTS = ("partitioned_by", "tree", "files", "rows_per_file", "kept_files", "header", "compression", "names")


class WrongOptions(ValueError):
    """A `check` call asks for something that this kind of answer does not know; the message says what it knows."""


@dataclass(frozen=True)
class Source:
    """Rows as files, in the harness's hands; see the module's docstring."""

    table: str
    where: str = ""
    select: tuple[str, ...] = ()
    format: str = "parquet"
    options: Mapping[str, Any] = field(default_factory=dict)
    files: int = 1
    partitioned_by: tuple[str, ...] = ()
    line: str = "value"
    name: str = ""
    header: str | None = None
    text: str = ""
    suffix: str = "txt"
    modified: tuple[dt.datetime, ...] = ()
    stays: bool = False
    served: Served | None = None

    def moment(self, number: int) -> float:
        """When the file of this number (from 0) was last changed, in seconds since 1970."""
        if number < len(self.modified):
            return self.modified[number].timestamp()
        first = self.modified[-1] if self.modified else _FIRST_TIME
        steps = number - len(self.modified) + 1 if self.modified else number
        return (first + dt.timedelta(minutes=steps)).timestamp()


@dataclass(frozen=True)
class Made:
    """What is looked at in a folder that the function writes; see the module's docstring."""

    format: str = "parquet"
    options: Mapping[str, Any] = field(default_factory=dict)
    schema: str = ""
    content: bool = True
    key: tuple[str, ...] = ()
    tolerance: float | None = None
    ordered: bool | tuple[str, ...] = False
    partitioned_by: tuple[str, ...] | None = None
    tree: bool = False
    files: Bound | None = None
    rows_per_file: Bound | None = None
    kept_files: Bound | None = None
    header: bool | None = None
    compression: str = ""
    names: bool = False
    setup: Source | None = None
    optional: bool = False


@dataclass(frozen=True)
class FilesOptions:
    """The value of `files=`, checked."""

    given: Mapping[str, Source]
    made: Mapping[str, Made]
    returns: bool | str = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> FilesOptions:
        """The options of a `check` call. Raises WrongOptions."""
        try:
            return cls._of(options.get("files"))
        except ValueError as error:
            raise WrongOptions(str(error)) from error

    @classmethod
    def _of(cls, document: Any) -> FilesOptions:
        if not isinstance(document, Mapping):
            raise WrongOptions('files= is a dictionary with "given", "made" or both.')
        known_keys(document, {"given", "made", "returns"}, "files=")
        given = {name: _source(value, f"files= given {name!r}") for name, value in document.get("given", {}).items()}
        made = {name: _made(value, f"files= made {name!r}") for name, value in document.get("made", {}).items()}
        returns = document.get("returns", False)
        if returns not in (False, True, "each"):
            raise WrongOptions('files=: "returns" is True or "each".')
        for name in [*document.get("given", {}), *document.get("made", {})]:
            if (
                not _NAME.fullmatch(name)
                or name in (RETURNED, SCRIPT, BEHAVIOUR, "spark")
                or (name in given and name in made)
            ):
                raise WrongOptions(
                    f"files=: {name!r} cannot be the name of a folder; use small letters, digits and _, each name once."
                )
        if not made and not returns and not any(source.stays or source.served for source in given.values()):
            raise WrongOptions('files=: nothing would be compared; say "made", "returns" or "stays".')
        if sum(wish.content for wish in made.values()) + bool(returns) > MAXIMUM_FRAMES:
            raise WrongOptions(f"files=: at most {MAXIMUM_FRAMES} folders and results can be compared.")
        return cls(given, made, returns)

    @property
    def folders(self) -> list[str]:
        """The names of the given folders: of all that is given but APIs."""
        return [name for name, source in self.given.items() if source.served is None]

    @property
    def sources(self) -> list[Source]:
        """All rows that the harness writes."""
        return [*self.given.values(), *(wish.setup for wish in self.made.values() if wish.setup)]


@dataclass(frozen=True)
class Script:
    """What happens; the argument `script` of a `check` call or of a hidden variant.

    Steps are "feed N" (the next N files of every given folder arrive), "feed rest", "remove landing/part-00001.csv" (a file goes
    away), "damage landing/part-00001.csv" (it loses its second half), "run" (the learner's function is called), "run failing" (it is
    called, and must raise an error) and "set spark.sql.adaptive.enabled=false" (a setting of the learner's session). Without a
    script everything arrives, and the function is called once.
    """

    steps: tuple[str, ...] = ("feed rest", "run")

    @classmethod
    def of(cls, given: Any, options: FilesOptions) -> Script:
        """The script that an argument describes. Raises WrongOptions."""
        if given is None:
            return cls()
        if not isinstance(given, list | tuple) or not {"run", "run failing"} & set(given):
            raise WrongOptions('The argument `script` is a list of steps with at least one "run" or "run failing".')
        if "run failing" in given and options.returns != "each":
            raise WrongOptions(
                'script: "run failing" needs files={"returns": "each"}, which tells whether it has failed.'
            )
        for step in given:
            verb, _, what = str(step).partition(" ")
            folder, _, name = what.partition("/")
            known = (
                step in ("run", "run failing")
                or (verb == "set" and re.fullmatch(r"spark\.[^=]+=.+", what))
                or (verb == "feed" and (what == "rest" or what.isdigit()))
                or (verb in ("remove", "damage") and folder in options.folders and name and ".." not in name)
            )
            if not known:
                raise WrongOptions(
                    f'script has the step {step!r}; steps are "feed N", "feed rest", "remove <given>/<file>", '
                    '"damage <given>/<file>", "set <spark setting>=<value>", "run" and "run failing".'
                )
        return cls(tuple(given))


def _source(document: Any, where: str, formats: tuple[str, ...] = (*FORMATS, LINES)) -> Source:
    if not isinstance(document, Mapping) or not isinstance(document.get("table"), str):
        raise WrongOptions(f'{where}: give a dictionary with at least "table".')
    if "served" in document:
        return _api(document, where)
    known_keys(document, set(Source.__dataclass_fields__), where)
    found = Source(
        **{
            **document,
            **{name: tuple(document.get(name, ())) for name in ("select", "partitioned_by")},
            "modified": tuple(_moment(moment) for moment in document.get("modified", ())),
        }
    )
    if found.format not in formats:
        raise WrongOptions(f"{where}: the format is one of {', '.join(formats)}.")
    if type(found.files) is not int or found.files < 1:
        raise WrongOptions(f'{where}: "files" is a positive number.')
    of_lines = {"line", "name", "header", "text", "suffix"} & set(document)
    if of_lines and found.format != LINES:
        raise WrongOptions(f'{where}: {", ".join(sorted(of_lines))}: only for "format": "lines".')
    if found.format == LINES and (found.options or found.partitioned_by):
        raise WrongOptions(f'{where}: "lines" are written without Spark; use "name" for folders.')
    if found.text and not found.name:
        raise WrongOptions(f'{where}: "text" needs "name".')
    return found


def _api(document: Mapping[str, Any], where: str) -> Source:
    """Rows that an API gives out."""
    known_keys(document, {"table", "select", "line", "files", "served"}, f"{where} (served)")
    served = Served.of(document["served"], document["table"], where)
    line, files = document.get("line", WHOLE_ROW), document.get("files", 1)
    select = tuple(document.get("select", ()))
    return Source(document["table"], select=select, format=LINES, files=files, line=line, served=served)


def _made(document: Any, where: str) -> Made:
    if not isinstance(document, Mapping):
        raise WrongOptions(f"{where}: give a dictionary, {{}} when only the rows of Parquet files count.")
    known_keys(document, set(Made.__dataclass_fields__), where)
    values: dict[str, Any] = dict(document)
    for name in ("files", "rows_per_file", "kept_files"):
        if name in values:
            values[name] = Bound.of(values[name], f"{where}, {name}")
    if "setup" in values:
        values["setup"] = _source(values["setup"], f"{where}, setup", (*FORMATS, LINES, DELTA))
        if values["setup"].served:
            raise WrongOptions(f'{where}: "served" is for given rows.')
    for name in ("key", "partitioned_by"):
        if name in values:
            values[name] = tuple(values[name])
    if isinstance(values.get("ordered"), list):
        values["ordered"] = tuple(values["ordered"])
    found = Made(**values)
    _makes_sense(found, where)
    return found


def _makes_sense(wish: Made, where: str) -> None:
    """Raise WrongOptions for wishes that no folder of the format can fulfil."""
    if wish.format not in (*FORMATS, LINES, DELTA):
        raise WrongOptions(f"{where}: the format is one of {', '.join((*FORMATS, LINES, DELTA))}.")
    if wish.header is not None and not (wish.format == "csv" and wish.schema):
        raise WrongOptions(f'{where}: "header" is for CSV files with a "schema".')
    if wish.compression and (wish.compression not in COMPRESSIONS or wish.format in ("avro", LINES, DELTA)):
        raise WrongOptions(
            f'{where}: "compression" is one of {", ".join(COMPRESSIONS)}, for parquet, orc, csv and json.'
        )
    if wish.format == DELTA and any(getattr(wish, name) not in (None, False, "") for name in _LAYOUTS):
        raise WrongOptions(f"{where}: of a Delta table only the rows are looked at here; see `delta=`.")
    if wish.kept_files and not wish.setup:
        raise WrongOptions(f'{where}: "kept_files" needs "setup".')


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
