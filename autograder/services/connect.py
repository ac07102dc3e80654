"""A Spark Connect server inside the JVM of a classic session, and sessions that speak to it.

A second JVM would not fit beside the first on a small machine. Spark's server can be started in any JVM that has a Spark
context: the client then speaks gRPC over the loopback interface, as with a server far away, and meets the same limits.
The server belongs to the Spark context and is found again by every process that shares the JVM.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.session import SparkSession as RemoteSession

_SERVICE = "org.apache.spark.sql.connect.service.SparkConnectService$"
_MODE = "SPARK_CONNECT_MODE_ENABLED"
"""While this environment variable is there, PySpark's functions and builders are those of Spark Connect."""

_TOKEN = "spark.connect.authenticate.token"  # noqa: S105 (the name of a setting)
_ADDRESS = "spark.course.connect.address"


def address(spark: SparkSession) -> str:
    """The URL of the Connect server of a classic session (`sc://localhost:PORT/;token=...`); started when first asked for.

    It listens to this machine only, and to those who know the token: whoever may connect may run any code.
    """
    java: Any = spark._jvm
    settings = java.org.apache.spark.SparkEnv.get().conf()
    if settings.contains(_ADDRESS):
        return str(settings.get(_ADDRESS))
    service = getattr(getattr(java, _SERVICE), "MODULE$")
    if service.started():  # it has outlived the Spark context that it was started for
        nothing = java.scala.Option.empty()
        service.stop(nothing, nothing)
    token = secrets.token_hex(16)
    settings.set("spark.connect.grpc.binding.address", "127.0.0.1")
    settings.set("spark.connect.grpc.binding.port", "0")
    settings.set(_TOKEN, token)
    service.start(spark.sparkContext._jsc.sc())
    # With the name "localhost" the client sends a token without encryption; with a number it insists on TLS.
    url = f"sc://localhost:{service.localPort()}/;token={token}"
    settings.set(_ADDRESS, url)
    return url


@contextlib.contextmanager
def connected(spark: SparkSession) -> Iterator[RemoteSession]:
    """A new Connect session, which is the active one of this thread until the block ends; it is closed then.

    Meanwhile `pyspark.sql.functions` of the whole process make columns for Connect. `SparkSession.builder` refuses to make
    sessions, as it does wherever a classic one is running.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as RemoteSession

    url = address(spark)
    before = os.environ.get(_MODE)
    os.environ[_MODE] = "1"
    session = None
    try:
        session = RemoteSession.builder.remote(url).create()
        # Server and client are one machine: a server that does not answer is dead, and need not be asked for ten minutes.
        session.client.set_retry_policies([DefaultPolicy(max_retries=4, max_backoff=1_000)])
        # Here no connection is lost that results would have to be asked for again over another. What PySpark 4.1 keeps for it, a pool of
        # threads, freezes Python now and then: a session that the garbage collector finds while `submit` holds the pool's lock
        # waits for that lock, in the same thread (SPARK-55406).
        session.client.disable_reattachable_execute()
        activate(session)
        yield session
    finally:
        if session is not None:
            session.stop()
            # The client of a closed session would still try to reach the server when Python ends.
            atexit.unregister(session.client._cleanup_ml_cache)
        if before is None:
            os.environ.pop(_MODE, None)


def activate(session: RemoteSession) -> None:
    """Make a Connect session the active one of this thread."""
    kind: Any = type(session)
    kind._default_session = kind._active_session.session = session


def is_remote(session: Any) -> bool:
    """Whether a session is one of Spark Connect."""
    return type(session).__module__.startswith("pyspark.sql.connect.")
