"""Attacks that look for what learners must not see. Each raises an error that lists what it has reached."""

# ruff: noqa: E501 (text of learners)

from __future__ import annotations

from tests.grading.attacks import Attack

REPORT = 'raise RuntimeError("reached: " + ", ".join(reached))'

ATTEMPT = """
reached = []
def attempt(name, action):
    try:
        if action():
            reached.append(name)
    except BaseException:
        pass
"""


def looking(lines: str) -> str:
    """A body that makes attempts and raises an error with what was reached."""
    return ATTEMPT + lines + "\n" + REPORT


QUIET = (
    Attack(
        "files",
        "reads references, solutions, tests, hidden answers, the git history, other learners, results and the gradebook",
        body=looking("""
import pathlib
root = pathlib.Path(FACTS["root"])
for name in ("references", "manifest.json.bak"):
    attempt(name, lambda: any((root / "autograder" / name).iterdir()))
for name in ("solutions", "modules", ".git", "tests", "results", "gradebook.db", "capstone", ".course/progress"):
    attempt(name, lambda: (root / name).exists())
for name in FACTS["private"]:
    attempt(name, lambda: pathlib.Path(name).exists())
attempt("password hashes", lambda: bool(pathlib.Path("/etc/shadow").read_text()))
attempt("home folders", lambda: pathlib.Path("/home").exists())
attempt("a control probe: the inputs", lambda: any(pathlib.Path("/task/inputs").iterdir()))
"""),
        told="reached: a control probe: the inputs",
    ),
    Attack(
        "the task",
        "searches the task for expected answers, descriptions of hidden variants, hints and hidden tests",
        body=looking("""
import json
notebooks = json.load(open("/task/task.json"))["notebooks"]
cells = [cell for notebook in notebooks for cell in notebook["cells"] if "check" in cell]
task = json.dumps(cells)
cases = [case for cell in cells for case in cell["cases"]]
attempt("more than inputs", lambda: any(set(case) - {"name", "files", "arguments"} for case in cases))
attempt("descriptions", lambda: any(text in task for text in FACTS["descriptions"]))
attempt("hidden tests", lambda: "variant(" in task or "HIDDEN TESTS" in task or "MARK SCHEME" in task)
attempt("points", lambda: any(cell["check"]["points"] or cell["check"]["hints"] for cell in cells))
attempt("a control probe: the cases", lambda: len(cases) > 8)
"""),
        told="reached: a control probe: the cases",
    ),
    Attack(
        "frames and objects",
        "walks the frames of its callers and all objects for expected answers and other learners' data",
        body=looking("""
import gc, sys
frame, names = sys._getframe(), set()
while frame is not None:
    names |= {name for name in (*frame.f_locals, *frame.f_globals)}
    frame = frame.f_back
attempt("names of expected answers", lambda: any("expected" in name or "reference" in name for name in names))
texts = [value for value in gc.get_objects() if isinstance(value, dict) and any(
    isinstance(key, str) and key in ("expected", "reference_folder", "rubric") for key in value)]
attempt("verifier in memory", lambda: "autograder.grading.verifier" in sys.modules)
attempt("a control probe: the grader's frames", lambda: "outcomes" in names)
"""),
        told="reached: a control probe: the grader's frames",
    ),
    Attack(
        "writing",
        "writes to the system, to the task, to the grader's own code and to everything of the host that it knows",
        body=looking("""
import os, pathlib
def writes(path):
    pathlib.Path(path).write_text("x")
    return True
root = FACTS["root"]
for folder in ("/", "/usr", "/etc", "/task", "/task/inputs", "/dev", "/proc/sys/kernel", root, root + "/autograder", root + "/datasets"):
    attempt("writing to " + folder, lambda: writes(folder + "/planted"))
for path in (root + "/autograder/checks/dataframe.py", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", *FACTS["private"]):
    attempt("writing " + path, lambda: writes(path))
attempt("a control probe: the scratch folder", lambda: writes("/tmp/planted"))
"""),
        told="reached: a control probe: the scratch folder",
    ),
    Attack(
        "network",
        "looks for networks, services of the host on loopback and sockets, and name servers",
        body=looking("""
import socket
def connects(family, address):
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(2)
    connection.connect(address)
    return True
attempt("a network card", lambda: any(name != "lo" for _, name in socket.if_nameindex()))
attempt("loopback of the host", lambda: connects(socket.AF_INET, ("127.0.0.1", FACTS["port"])))
attempt("loopback of the host, 6", lambda: connects(socket.AF_INET6, ("::1", FACTS["port"])))
attempt("abstract socket of the host", lambda: connects(socket.AF_UNIX, "\\0" + FACTS["abstract"]))
attempt("name server", lambda: socket.getaddrinfo("example.invalid", 80) or socket.gethostbyname("localhost.localdomain"))
attempt("raw packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("a control probe: own loopback", lambda: socket.create_server(("127.0.0.1", 0)).getsockname()[1])
"""),
        told="reached: a control probe: own loopback",
    ),
    Attack(
        "processes",
        "looks for processes, environments, memory and open files of the grader and the host, and attaches to its parent",
        body=looking("""
import ctypes, os, pathlib
library = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()
others = [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()]
def said(name): return b"".join((pathlib.Path("/proc") / str(p) / name).read_bytes() for p in others if os.access(f"/proc/{p}/{name}", os.R_OK))
attempt("processes of the host", lambda: b"pytest" in said("cmdline"))
attempt("environment of the host", lambda: FACTS["planted"].encode() in said("environ") or FACTS["planted"] in str(os.environ))
attempt("memory of the parent", lambda: open(f"/proc/{parent}/mem", "rb"))
attempt("maps of the parent", lambda: open(f"/proc/{parent}/maps").read())
attempt("open files of the parent", lambda: os.listdir(f"/proc/{parent}/fd"))
attempt("attaching to the parent", lambda: library.ptrace(16, parent, 0, 0) == 0)
attempt("attaching to the first process", lambda: library.ptrace(16, 1, 0, 0) == 0)
attempt("a descriptor of the parent", lambda: [fd for fd in range(8) if library.syscall(438, os.pidfd_open(parent), fd, 0) >= 0])
attempt("a control probe: own processes", lambda: os.getpid() in others)
"""),
        told="reached: a control probe: own processes",
    ),
    Attack(
        "privileges",
        "becomes root, makes user namespaces, mounts, devices and control groups",
        body=looking("""
import ctypes, os, subprocess
library = ctypes.CDLL(None, use_errno=True)
attempt("root", lambda: os.getuid() == 0)
attempt("becoming root", lambda: os.setuid(0) is None)
attempt("user namespaces", lambda: library.unshare(0x10000000) == 0)
attempt("user namespaces by program", lambda: subprocess.run(["unshare", "-U", "true"]).returncode == 0)
attempt("mounting", lambda: subprocess.run(["mount", "-t", "tmpfs", "none", "/tmp"]).returncode == 0)
attempt("devices", lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0)) is None)
attempt("control groups", lambda: bool(os.listdir("/sys/fs/cgroup")))
attempt("system settings", lambda: bool(os.listdir("/sys")))
attempt("kernel memory", lambda: open("/proc/kcore", "rb").read(1))
attempt("kernel log", lambda: open("/dev/kmsg", "rb"))
attempt("programs with the rights of root", lambda: b"uid=0" in subprocess.run(["su", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL).stdout)
attempt("a control probe: a program", lambda: subprocess.run(["true"]).returncode == 0)
"""),
        told="reached: a control probe: a program",
    ),
    Attack(
        "keyring",
        "reads a key from the session keyring of the person who grades, and leaves one for other learners",
        body=looking("""
import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
attempt("a key of the person who grades", lambda: call(250, 10, -3, b"user", FACTS["planted"].encode(), 0) > 0)
attempt("a control probe: a key of its own", lambda: call(248, b"user", b"left", b"for others", 10, -3) > 0)
"""),
        told="reached: a control probe: a key of its own",
    ),
    Attack(
        "Java",
        "reads files, starts programs and opens connections as the Java process, and looks at what it inherits",
        body=looking("""
import os, stat
java = spark.sparkContext._jvm
path = lambda name: java.java.nio.file.Paths.get(name, java.java.util.Collections.emptyList().toArray(spark._sc._gateway.new_array(java.java.lang.String, 0)))
files = java.java.nio.file.Files
root = FACTS["root"]
attempt("password hashes", lambda: files.readString(path("/etc/shadow")))
attempt("references", lambda: java.java.io.File(root + "/autograder/references").list().length > 0)
attempt("solutions", lambda: java.java.io.File(root + "/solutions").exists())
attempt("references by Spark", lambda: spark.read.option("recursiveFileLookup", True).format("binaryFile").load("file:" + root + "/autograder/references").count())
attempt("a network", lambda: java.java.net.Socket("127.0.0.1", FACTS["port"]).isConnected())
attempt("a program as root", lambda: java.java.lang.Runtime.getRuntime().exec("mount -t tmpfs none /mnt").waitFor() == 0)
virtual = java.java.lang.ProcessHandle.current().pid()
java.java.lang.System.err.print("x" * 3_000_000)
attempt("a file of the host as its log", lambda: stat.S_ISREG(os.stat(f"/proc/{virtual}/fd/2").st_mode))
attempt("a control probe: its own version", lambda: java.java.lang.System.getProperty("java.version"))
"""),
        told="reached: a control probe: its own version",
    ),
    Attack(
        "expected answers of the caller",
        "returns whatever DataFrame its caller, or the running test, calls expected",
        body="""
import sys
from pyspark.sql import DataFrame
frame = sys._getframe()
while frame is not None:
    for names in (frame.f_locals, frame.f_globals):
        for name, value in list(names.items()):
            if isinstance(value, DataFrame) and "expected" in name:
                return value
    frame = frame.f_back
raise LookupError("nobody holds an expected answer")
""",
        told="nobody holds an expected answer",
    ),
    Attack(
        "gradebook",
        "gives itself extra credit in the gradebook",
        body=looking("""
import glob, os, pathlib, sqlite3
def credited(path):
    database = sqlite3.connect(path, timeout=5)
    with database:
        return database.execute("UPDATE grade SET extra_credit = 10, manual_score = 10, needs_manual_grade = 0").rowcount
here = pathlib.Path.cwd()
known = [folder / "gradebook.db" for folder in (here, *here.parents)] + [*pathlib.Path("/tmp").glob("*/gradebook.db")]
for path in known:
    attempt("a gradebook", lambda: path.exists() and credited(path))
attempt("a control probe: a database", lambda: sqlite3.connect(":memory:"))
"""),
        told="reached: a control probe: a database",
    ),
    Attack(
        "tests in the notebook",
        "looks for the tests of the running notebook in its history, its namespace and the files around it",
        body=looking("""
import pathlib
from IPython import get_ipython
shell = get_ipython()
sources = [str(source) for source in shell.user_ns.get("In", ())] + [str(c) for c in getattr(shell.history_manager, "input_hist_raw", ())]
attempt("hidden tests", lambda: any("variant(" in source or "HIDDEN" in source for source in sources))
attempt("expected answers", lambda: [name for name in shell.user_ns if "expected" in name or "solution" in name])
attempt("notebooks", lambda: any(pathlib.Path(".").rglob("*.ipynb")))
attempt("a control probe: its own function", lambda: "inputs" not in shell.user_ns and "spark" in shell.user_ns)
"""),
        told="reached: a control probe: its own function",
    ),
)
