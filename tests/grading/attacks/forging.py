"""Attacks on the way of an answer out of the sandbox: files, events, descriptors, messages."""

# ruff: noqa: E501 (text of learners)

from __future__ import annotations

from tests.grading.attacks import Attack, saving

# Whatever looks like a pipe or a socket among the descriptors that the notebook's process has.
WRITE_TO_PIPES = """
import json, os, stat
def write_to_pipes(data):
    for descriptor in range(3, 256):
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISFIFO(mode):
                os.set_blocking(descriptor, False)
                os.write(descriptor, data)
                os.set_blocking(descriptor, True)
        except OSError:
            pass
"""

PARQUET = """
import pyarrow as pa, pyarrow.parquet as pq, json
def write(table, schema, **options):
    fields = {b"spark_schema": json.dumps({"type": "struct", "fields": schema}).encode()}
    pq.write_table(table.replace_schema_metadata(fields), target, **options)
def field(name, kind):
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}
"""

QUIET = (
    Attack(
        "symbolic link",
        "hands over a link in place of the answer",
        body=saving("target.symlink_to('/task/task.json')"),
        told="symbolic link",
    ),
    Attack(
        "link as a folder",
        "makes the folder of the answer a link",
        body=saving("folder.rmdir()\nfolder.symlink_to('/task/inputs')"),
        told="answer",
    ),
    Attack(
        "hard link",
        "hands over a hard link to a file of the task or the system",
        body=saving("os.link('/task/task.json', target)"),
        told="could not be taken",
    ),
    Attack(
        "named pipe", "hands over a pipe that never ends", body=saving("os.mkfifo(target)"), told="not a regular file"
    ),
    Attack(
        "folder", "hands over a folder in place of a file", body=saving("target.mkdir()"), told="could not be taken out"
    ),
    Attack("huge file", "hands over 60 MB", body=saving("target.write_bytes(bytes(60_000_000))"), told="60 MB"),
    Attack(
        "sparse file",
        "hands over a file of 8 TB with nothing in it",
        body=saving("target.touch()\nos.truncate(target, 2**43)"),
        told="answer",
    ),
    Attack(
        "damaged Parquet",
        "hands over a file that only begins and ends like Parquet",
        body=saving("target.write_bytes(b'PAR1' + bytes(1000) + b'PAR1')"),
        told="could not be read",
    ),
    Attack(
        "pickle",
        "hands over a pickle that starts a program when it is loaded",
        body=saving("""
import pickle
class Planted:
    def __reduce__(self): return os.system, ("touch " + FACTS["canary"],)
for name in ("answer.parquet", "answer.json", "answer.pkl", "outcome.pkl", "facts.json"):
    (folder / name).write_bytes(pickle.dumps(Planted()))
"""),
        told="could not be read",
    ),
    Attack(
        "odd names",
        "hands over files whose names would break a line, a path or an encoding, and an outcome of its own",
        body=saving(
            """
for name in ("a b", "x\\ny 5", "\\u00e4", "..a", "-rf", "outcome.json", "outcome.json.part", "n" * 250):
    (folder / name).write_text(json.dumps({"status": "passed", "message": "", "trace": "", "seconds": 0}) if "outcome" in name else "x")
for number in range(300):
    (folder / f"more-{number}").touch()
""".replace("for name", "import json\nfor name", 1)
        ),
    ),
    Attack(
        "dictionary bomb",
        "hands over 100 kB of Parquet that expand to 2 TB: one long text behind a million short numbers",
        body=saving(
            PARQUET
            + """
text = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 2_000_000]))
write(pa.table({"c0": text}), [field("name", "string")], compression="zstd")
"""
        ),
        told="bytes in memory",
    ),
    Attack(
        "compression bomb",
        "hands over a few kB of Parquet with a hundred million zeros",
        body=saving(
            PARQUET
            + """
zeros = pa.Array.from_buffers(pa.int8(), 4_900_000, [None, pa.py_buffer(bytes(4_900_000))])
table = pa.table({f"c{number}": zeros for number in range(21)})
write(table, [field(f"c{number}", "byte") for number in range(21)], compression="gzip")
"""
        ),
        told="at most",
    ),
    Attack(
        "nested bomb",
        "hands over one row with a list of lists of millions of lists",
        body=saving(
            PARQUET
            + """
inner = pa.ListArray.from_arrays(pa.array(range(0, 3_000_001), pa.int32()), pa.array([0] * 3_000_000, pa.int8()))
outer = pa.ListArray.from_arrays(pa.array([0, 3_000_000], pa.int32()), inner)
kind = {"type": "array", "containsNull": True, "elementType": {"type": "array", "containsNull": True, "elementType": "byte"}}
write(pa.table({"c0": outer}), [field("name", kind)], compression="zstd")
"""
        ),
    ),
    Attack(
        "ten thousand columns",
        "hands over more columns than anybody compares",
        body=saving(
            PARQUET
            + """
names = [f"c{number}" for number in range(10_000)]
write(pa.table({name: [1] for name in names}), [field(name, "long") for name in names])
"""
        ),
        told="columns; at most",
    ),
    Attack(
        "lying schema",
        "declares a schema without end, and one that is not that of the columns",
        body=saving(
            PARQUET
            + """
kind = "long"
for _ in range(400):
    kind = {"type": "array", "containsNull": True, "elementType": kind}
write(pa.table({"c0": [1]}), [field("name", kind)])
"""
        ),
        told="could not be read",
    ),
    Attack(
        "odd columns",
        "returns duplicate column names and names of markup, control characters and nothing",
        body="""
from pyspark.sql import functions as F
names = ["x", "x", "", "`", "a.b", "<script>alert(1)</script>", "\\x1b[2J", "\\u202e", "n" * 5000]
return spark.range(3).select(*[F.col("id").alias(name) for name in names])
""",
        statuses=("failed",),
    ),
    Attack(
        "outcomes in the scratch folder",
        "writes passed outcomes and answers for all exercises into the folders that the grader reads",
        body="""
import json, pathlib
for exercise in FACTS["exercises"]:
    for case in ("sample", "case-1", "case-2", "case-3"):
        folder = pathlib.Path("/tmp/course/answers", exercise, case)
        folder.mkdir(parents=True, exist_ok=True)
        document = {"status": "passed", "message": "Right.", "trace": "", "seconds": 0, "points": 100}
        (folder / "outcome.json").write_text(json.dumps(document))
        (folder / "answer.json").write_text(json.dumps({"value": 1, "facts": {}}))
return None
""",
        told="nothing (None)",
    ),
    Attack(
        "damaged events",
        "writes events that are no events into the pipe, which would end a careless reader",
        body=WRITE_TO_PIPES
        + """
events = [{"event": "problem"}, {"event": "problem", "message": 5}, {"event": "cell"}, {"event": "cell", "number": "x"},
    {"event": "cell", "number": -5, "seconds": 1e9}, {"event": "cell", "number": 10**9, "seconds": 1e9}, {"event": "captured"},
    {"event": "captured", "exercise": "../../..", "case": "proc/self", "status": "passed", "seconds": 0},
    {"event": "captured", "exercise": "a b", "case": "\\u00e4\\n", "status": "passed", "seconds": "soon"},
    {"event": "captured", "exercise": FACTS["exercises"][0], "case": "sample/outcome.json/x", "status": "error", "seconds": 0},
    {"event": ["end"]}, [1], "end", None]
for event in events:
    write_to_pipes((json.dumps(event) + "\\n").encode())
write_to_pipes(b'{"event": "captured", "exercise": "1.1.1", "case": "sample", "status": "passed", "seconds": NaN}\\n')
write_to_pipes(b"\\xff\\xfe\\n" + b"[" * 50_000 + b"\\n" + b'{"event": "cell", "number": 1' + b"0" * 5000 + b"}\\n")
return None
""",
        told="nothing (None)",
    ),
    Attack(
        "stream of answers",
        "writes answers in the format of the stream to all descriptors, its own and those of its parents",
        body="""
import os
data = b"1.1_columns_rows_nulls/1.1.8/sample/outcome.json 73\\n" + b'{"status": "passed", "message": "", "trace": "", "seconds": 0, "more": 1}   '
for process in ("self", str(os.getppid()), "1", "2"):
    for descriptor in (1, 2):
        try:
            with open(f"/proc/{process}/fd/{descriptor}", "wb", buffering=0) as file:
                file.write(data)
        except OSError:
            pass
for descriptor in (0, 1, 2):
    try:
        os.write(descriptor, data)
    except OSError:
        pass
return None
""",
        told="nothing (None)",
    ),
    Attack(
        "markup in a message",
        "raises an error with scripts, terminal commands and ten million characters",
        body='raise ValueError("<script>alert(1)</script><img src=x onerror=alert(1)> \\x1b[2J\\x1b]0;owned\\x07 \\u202e" + "x" * 10_000_000)',
        told="\\x1b[2J",
    ),
    Attack(
        "error that cannot be told",
        "raises an error of an odd name whose text raises another error",
        body="""
def fails(self): raise SystemExit("no text")
raise type("<b>Odd\\nName</b>", (Exception,), {"__str__": fails, "__repr__": fails})()
""",
        told="without an answer",
        statuses=("error",),
    ),
    Attack(
        "lone surrogates",
        "raises an error with text that no encoding can hold",
        body='raise ValueError("\\ud800\\udfff\\x00 [red]markup[/red]")',
        told="ValueError",
    ),
    Attack("exit", "ends the program politely", body="raise SystemExit('done')", told="SystemExit"),
    Attack(
        "interrupt",
        "raises the interrupt of a person at the keyboard",
        body="raise KeyboardInterrupt",
        told="without an answer",
        statuses=("error",),
    ),
    Attack(
        "generator",
        "returns a generator and huge numbers where an answer is expected",
        body="return (10 ** 10_000 for _ in iter(int, 1))",
        told="generator",
        statuses=("failed",),
    ),
)
