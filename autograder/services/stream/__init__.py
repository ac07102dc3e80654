"""Paced streams of events into Kafka, files or a socket: `course stream`, and the same as a context manager.

    with stream.running(stream.KafkaSink(servers, "web_events"), rate=100) as live:
        ...            # events arrive while this block runs
    live.totals

`events.py` makes the records, `pacing.py` says when, `sinks.py` where to, `streaming.py` puts the three together.
"""

from autograder.services.stream.events import Events, Mixture
from autograder.services.stream.sinks import FileSink, KafkaSink, Sink, SocketSink
from autograder.services.stream.streaming import Live, Totals, running, send

__all__ = ["Events", "FileSink", "KafkaSink", "Live", "Mixture", "Sink", "SocketSink", "Totals", "running", "send"]
