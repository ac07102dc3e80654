"""What a service says when it cannot do its work: one sentence with the remedy, never a stack trace."""

from __future__ import annotations


class ServiceUnavailable(Exception):
    """A service cannot be had here; the message says why and what to do."""
