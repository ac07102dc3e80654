"""The `course` command itself."""

from __future__ import annotations

import subprocess
import sys


def test_commands_that_read_notebooks_do_not_wait_for_parsers_of_addresses() -> None:
    """In a process of its own; here the plugins of pytest have imported everything."""
    script = """
import sys

import autograder.cli
import nbformat

nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("text")]))
sys.exit("lark" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
