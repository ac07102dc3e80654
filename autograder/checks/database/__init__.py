"""Answers that are the state of a PostgreSQL database, or what was read from it; the server is a real one.

What `database={...}` may say stands in `autograder.checks.database.scenario`.
"""

from autograder.checks.database.check import DatabaseCheck

__all__ = ["DatabaseCheck"]
