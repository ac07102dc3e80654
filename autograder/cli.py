"""The `course` command. Each verb is a file of `autograder/commands/` that is imported only when it is used."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import click

# jsonschema, which nbformat imports, takes this package for addresses in JSON if it is there. Its import builds 38 parsers, three
# seconds of every command that reads notebooks, which have no such field. Without it jsonschema leaves these formats unchecked.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

VERBS = {
    # learners
    "setup": "autograder.commands.setup:command",
    "doctor": "autograder.commands.doctor:command",
    "lab": "autograder.commands.lab:command",
    "check": "autograder.commands.check:command",
    "hint": "autograder.commands.hint:command",
    "progress": "autograder.commands.progress:command",
    "reset": "autograder.commands.reset:command",
    "watch": "autograder.commands.watch:command",
    "data": "autograder.commands.data:command",
    "services": "autograder.commands.services:command",
    "stream": "autograder.commands.stream:command",
    # instructors
    "grade": "autograder.commands.grade:command",
    "report": "autograder.commands.report:command",
    "gradebook": "autograder.commands.gradebook:command",
    # authors
    "new": "autograder.commands.new:command",
    "build": "autograder.commands.build:command",
    "verify": "autograder.commands.verify:command",
    "mutants": "autograder.commands.mutants:command",
    "release": "autograder.commands.release:command",
}
"""Verb → where its click command is. A learner's release has fewer files; a verb without its file is not listed."""


class LazyGroup(click.Group):
    """A click group that imports a command only to run it or to print its help."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The verbs whose file is there, in the order of `VERBS`."""
        return [verb for verb, target in VERBS.items() if importlib.util.find_spec(target.partition(":")[0])]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of a verb, or None when there is none of that name."""
        if name not in self.list_commands(context):
            return None
        module, _, attribute = VERBS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pyspark-course")
def main() -> None:
    """The PySpark course: notebooks, checks and grading."""


if __name__ == "__main__":
    main()
