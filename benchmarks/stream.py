"""How exactly `course stream` keeps its pace into Kafka: 100 records a second for a minute, 20,000, and as many as it can.

python benchmarks/stream.py [--publish]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import Consumer, TopicPartition
from publishing import publish, table

from autograder.services import kafka, stream

MIXTURE = stream.Mixture(late=0.05, duplicates=0.01, bad=0.02)
NO_LIMIT = 1_000_000


@dataclass
class Pace:
    """One measured run: `furthest` is the most that the count was away from rate times seconds, in seconds."""

    rate: float
    totals: stream.Totals
    furthest: float
    arrived: int

    def row(self) -> list[str]:
        """A row of the published table."""
        paced = self.rate < NO_LIMIT
        return [
            f"{self.rate:,.0f}" if paced else "no limit",
            f"{self.totals.seconds:.0f}",
            f"{self.totals.rate:,.1f}",
            f"{(self.totals.rate / self.rate - 1) * 100:+.2f} %" if paced else "",
            f"{self.furthest * 1000:,.0f}" if paced else "",
            f"{self.arrived:,} of {self.totals.sent:,}",
        ]


def measured(servers: str, rate: float, seconds: float) -> Pace:
    """Send for some seconds into a topic of its own."""
    furthest = 0.0

    def look(totals: stream.Totals) -> None:
        nonlocal furthest
        furthest = max(furthest, abs(totals.seconds - totals.sent / rate))

    name = f"at-{rate:.0f}"
    events = stream.Events(rate, datetime.now(UTC), mixture=MIXTURE)
    totals = stream.send(events, stream.KafkaSink(servers, name), duration=seconds, seen=look)
    reader = Consumer({"bootstrap.servers": servers, "group.id": "benchmark"})
    arrived = reader.get_watermark_offsets(TopicPartition(name, 0), timeout=30)[1]
    reader.close()
    return Pace(rate, totals, furthest, arrived)


def main() -> None:
    """Measure and print; publish on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/benchmarks.md")
    options = parser.parse_args()
    with kafka.broker() as broker:
        runs = [measured(broker.servers, *run) for run in ((100, 60), (20_000, 60), (NO_LIMIT, 20))]
    header = ["asked for (per second)", "seconds", "per second", "away by", "furthest (ms)", "in the topic"]
    text = table(header, [run.row() for run in runs])
    print(text)
    if options.publish:
        publish("stream", text)


if __name__ == "__main__":
    main()
