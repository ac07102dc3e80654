"""The names of the files of a task. A module of its own, so that the runner knows them without loading anything else."""

TASK = "task.json"
SPARK_CONFIGURATION = "spark-conf"
JAVA = "java.json"
"""A JSON list: the command that starts Spark's JVM. Not there when it could not be found out; `spark-submit` then does."""
STARTED = "started.json"
"""Leaves the sandbox before any code of the learner runs: without it, whatever went wrong was not the learner's fault."""
