"""Reads what a client asks for, and writes the documents that it gets."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from autograder.services.api.behaviour import Behaviour, Table

SUMMARY = "summary"
_KNOWN = ("cursor", "page", "page_size", "updated_since")


class Refusal(Exception):
    """The request is wrong: a status and a sentence for the client."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Wish:
    """What a client asks for: `size` rows from `start` on, or one `item`."""

    table: str
    item: str
    since: str
    start: int
    size: int

    @property
    def target(self) -> str:
        """The same words for all requests that mean the same."""
        since = f" changed since {self.since}" if self.since else ""
        if self.item:
            return f"/{self.table}/{self.item}{since}"
        return f"/{self.table} rows {self.start + 1} to {self.start + self.size}{since}"


def wish(path: str, behaviour: Behaviour) -> Wish:
    """What a path with its query asks for. Raises Refusal."""
    parts = urlsplit(path)
    table, _, item = unquote(parts.path).strip("/").partition("/")
    given = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    known = [name for name in _KNOWN if name != ("page" if behaviour.paging == "cursor" else "cursor")]
    for name in sorted(set(given) - set(known)):
        raise Refusal(HTTPStatus.BAD_REQUEST, f"There is no parameter {name}; there are {', '.join(known)}.")
    size = _number(given, "page_size", behaviour.page_size)
    if size > behaviour.largest_page:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, f"page_size is {size}; at most {behaviour.largest_page} rows are given out."
        )
    start = (_number(given, "page", 1) - 1) * size
    if "cursor" in given:
        start = _position(given["cursor"])
    since = given.get("updated_since", "")
    if "updated_since" in given and _moment(since) is None:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"updated_since is {since!r}; say it like 2025-06-01T00:00:00Z.")
    return Wish(table, item, since, start, size)


def lines_of(wanted: Wish, tables: Mapping[str, Table]) -> tuple[str, ...]:
    """All rows that are meant, of which pages are made; for an item, the one row. Raises Refusal."""
    if wanted.table not in tables:
        raise Refusal(HTTPStatus.NOT_FOUND, f"There is no {wanted.table!r}; there are {', '.join(tables)}.")
    table = tables[wanted.table]
    if wanted.item not in ("", SUMMARY):
        found = tuple(line for line in table.lines if table.key and str(json.loads(line).get(table.key)) == wanted.item)
        if not found:
            raise Refusal(HTTPStatus.NOT_FOUND, f"There is no {wanted.table}/{quote(wanted.item)}.")
        return found[:1]
    if not wanted.since:
        return table.lines
    if not table.updated:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{wanted.table} has no time of change, so there is no updated_since.")
    changed = [(moment, line) for line in table.lines if (moment := _moment(json.loads(line).get(table.updated)))]
    first = _moment(wanted.since)
    return tuple(line for moment, line in sorted(changed, key=lambda row: row[0]) if first and moment >= first)


def page(wanted: Wish, lines: tuple[str, ...], paging: str) -> bytes:
    """The document of a page. Rows are put together as text, so that numbers stay as they are written: 12.50 is no 12.5."""
    following = wanted.start + wanted.size
    rest: dict[str, Any] = {"page": wanted.start // wanted.size + 1, "pages": -(-len(lines) // wanted.size)}
    if paging == "cursor":
        rest = {"next": _cursor(following) if following < len(lines) else None}
    return f'{{"items": [{", ".join(chosen(wanted, lines))}], {json.dumps(rest)[1:]}'.encode()


def chosen(wanted: Wish, lines: tuple[str, ...]) -> tuple[str, ...]:
    """The rows of a page."""
    return lines[wanted.start : wanted.start + wanted.size]


def document(value: Mapping[str, Any]) -> bytes:
    """Any other document."""
    return json.dumps(dict(value)).encode()


def joined(lines: Iterable[str]) -> bytes:
    """Rows as they are, for an item."""
    return "\n".join(lines).encode()


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9])):  # noqa: SIM300
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{name} is {text!r}, which is no number from 1 on.")
    return int(text[:9])


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"row {position}".encode()).decode().rstrip("=")


def _position(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        position = int(text.removeprefix("row ")[:9])
    except (binascii.Error, ValueError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{cursor!r} is no cursor of this API.") from error
    return max(position, 0)


def _moment(text: Any) -> dt.datetime | None:
    """A time, in UTC unless it says otherwise; None for anything else."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
