"""Attacks that want to end, stop or slow down the run: their own exercise pays, the next ones and other learners do not."""

# ruff: noqa: E501 (text of learners)

from __future__ import annotations

from tests.grading.attacks import Attack

ENDING = (
    Attack(
        "sleep that cannot be interrupted",
        "sleeps for ever and swallows every exception",
        body="import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass",
        told="still running after",
        statuses=("timeout",),
    ),
    Attack(
        "busy in C",
        "is busy in one call of C code that never gives way, with all signals blocked",
        body="import re, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))\nre.match(r'(a+)+$', 'a' * 60 + 'b')",
        told="still running after",
        found="did not end in time and was stopped",
        statuses=("timeout",),
    ),
    Attack(
        "endless job",
        "starts a Spark job that takes years",
        body="return spark.range(10**13).selectExpr('sum(id % 7 + sqrt(id)) AS total').collect()",
        told="still running after",
        statuses=("timeout",),
    ),
    Attack(
        "endless end of life",
        "returns an object whose destructor never returns",
        body="class Undead:\n    def __del__(self):\n        while True: pass\nUndead()\nreturn None",
        statuses=("timeout",),
    ),
    Attack(
        "end of the process",
        "ends the Python process",
        body="import os\nos._exit(0)",
        told="ended the whole Python process",
        found="ended the Python process",
        statuses=("error",),
    ),
    Attack(
        "fork bomb",
        "forks until nothing is left",
        body="import subprocess, time\nsubprocess.Popen(['bash', '-c', 'bomb() { bomb | bomb & }; bomb; wait'])\nwhile True: time.sleep(0.1)",
        found="processes and threads were asked for",
        statuses=("timeout", "error"),
    ),
    Attack(
        "memory",
        "takes all memory",
        body="hog = []\nwhile True:\n    hog.append(bytearray(b'x') * 100_000_000)",
        told="ended the whole Python process",
        found="More memory was asked for than the 2.2 GB",
        statuses=("error", "timeout"),  # on a machine that is busy, the deadline may come first
    ),
    Attack(
        "end of Java",
        "ends the Java process of Spark",
        body="spark.sparkContext._jvm.java.lang.Runtime.getRuntime().halt(1)\nreturn spark.range(1)",
        told="Java process",
        found="ended the Java process",
        statuses=("error",),
    ),
)
