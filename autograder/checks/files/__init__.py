"""Answers that are files: folders that the learner's function reads, fills, moves and overwrites.

What `files={...}` may say stands in `autograder.checks.files.options`; the argument `script` says what happens, so that a hidden
variant can let other things happen.
"""

from autograder.checks.files.check import FilesCheck
from autograder.checks.files.options import FilesOptions, Script

__all__ = ["FilesCheck", "FilesOptions", "Script"]
