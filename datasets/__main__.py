"""`python -m datasets build [--check]`, `python -m datasets dictionary` and `python -m datasets pictures`."""

from __future__ import annotations

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code, 1 where `--check` found something out of date."""
    parser = argparse.ArgumentParser(prog="python -m datasets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="write the committed samples and the data dictionary")
    build.add_argument("--check", action="store_true", help="write nothing; report what is not current")
    commands.add_parser("dictionary", help="write the data dictionary only")
    commands.add_parser("pictures", help="draw the main distributions into docs/images/datasets.png")
    chosen = parser.parse_args(arguments)

    from pyspark.sql import SparkSession

    from datasets.build import current_samples, stale_samples, write_samples
    from datasets.dictionary import dictionary, stale_dictionary, write_dictionary
    from datasets.versions import committed, fingerprints, stale_fingerprints, unraised, write_fingerprints

    # Each setting keeps a run over a few thousand rows short; none of them changes a row.
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("datasets")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        if chosen.command == "dictionary":
            write_dictionary(dictionary(spark))
        elif chosen.command == "pictures":
            from datasets.pictures import draw

            draw(spark)
        else:
            samples = current_samples(spark)
            found = fingerprints(spark, samples)
            if chosen.check:
                findings = [
                    *stale_fingerprints(found, committed()),
                    *stale_samples(samples),
                    *stale_dictionary(dictionary(spark)),
                ]
                remedy = "Run `python -m datasets build` and commit what it writes."
            else:
                findings = unraised(found, committed())
                remedy = "Nothing was written."
            if findings:
                sys.stderr.write("\n".join([*findings, remedy]) + "\n")
                return 1
            if not chosen.check:
                write_samples(samples)
                write_fingerprints(found)
                write_dictionary(dictionary(spark))
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
