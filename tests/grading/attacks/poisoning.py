"""Attacks on what comes after: other exercises, and the next notebook, which shares the Java process with this one."""

# ruff: noqa: E501 (text of learners)

from __future__ import annotations

from tests.grading.attacks import Attack
from tests.grading.attacks.forging import WRITE_TO_PIPES

ALONE = (
    Attack(
        "poisoned Spark",
        "replaces tables, views, built-in functions and createOrReplaceTempView, and leaves settings in the Java process",
        cell="""
from pyspark.sql import DataFrame, functions as F
java = spark.sparkContext._jvm
for name in ("customers", "orders", "trips", "zones"):
    spark.range(1).createOrReplaceTempView(name)
    spark.range(1).createOrReplaceGlobalTempView(name)
for name in ("year", "lower", "trim", "coalesce", "count"):
    spark.udf.register(name, lambda *values: None)
DataFrame.createOrReplaceTempView = lambda self, name: None
java.java.util.TimeZone.setDefault(java.java.util.TimeZone.getTimeZone("Asia/Tokyo"))
java.java.lang.System.setProperty("spark.sql.ansi.enabled", "false")
java.java.lang.System.setProperty("spark.sql.shuffle.partitions", "1")
java.org.apache.spark.sql.SparkSession.setDefaultSession(spark._jsparkSession)
spark.conf.set("spark.sql.caseSensitive", True)
spark.sql("SET spark.sql.session.timeZone = Asia/Tokyo")
""",
    ),
    Attack(
        "programs left behind",
        "starts programs through Java and by double forks that write forged answers for as long as they live",
        cell=WRITE_TO_PIPES
        + """
import os, signal, threading, atexit, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
program = "while true; do for f in /tmp/course/answers/*/*; do echo '{}' > $f/outcome.json; echo x > $f/answer.parquet; done; sleep 0.2; done"
java = spark.sparkContext._jvm.java
shell = spark._sc._gateway.new_array(java.lang.String, 3)
shell[0], shell[1], shell[2] = "/bin/sh", "-c", program
java.lang.Runtime.getRuntime().exec(shell)
atexit.register(lambda: write_to_pipes(b'{"event": "end"}\\n'))
threading.Thread(target=lambda: time.sleep(10_000), daemon=False).start()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            while True:
                write_to_pipes(b'{"event": "captured", "exercise": "1.2.1", "case": "sample", "status": "passed", "seconds": 0}\\n')
                time.sleep(0.2)
        os._exit(0)
""",
    ),
    Attack(
        "events for others",
        "writes into the pipe of events that every exercise of the notebook has passed",
        cell=WRITE_TO_PIPES
        + """
for exercise in FACTS["exercises"]:
    for case in ("sample", "case-1", "case-2", "case-3", "case-4"):
        event = {"event": "captured", "exercise": exercise, "case": case, "status": "passed", "message": "Right.", "trace": "", "seconds": 0}
        write_to_pipes((json.dumps(event) + "\\n").encode())
""",
        told="could not be taken out",
    ),
)

QUIET = (
    Attack(
        "stopped session",
        "stops Spark in the middle of its answer and returns a frame of the session that is gone",
        body="frame = spark.range(1)\nspark.stop()\nreturn frame",
    ),
    Attack(
        "forked process",
        "forks in its answer, and both processes go on with the notebook",
        body="import os\nos.fork()\nreturn None",
        told="nothing (None)",
        statuses=("failed",),
    ),
)
