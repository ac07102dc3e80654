"""The API itself: decides what each request gets, and speaks HTTP."""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from autograder.services.api import pages
from autograder.services.api.behaviour import CUT, SLOW, Behaviour, Table
from autograder.services.api.pages import Refusal, Wish
from autograder.services.api.record import Facts, Record, Request


@dataclass(frozen=True)
class _Answer:
    """What is sent. `slow` answers are noted only once it is known whether the client waits."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    slow: bool = False
    target: str = ""
    rows: int = 0


class Api:
    """A running API: `url` is where it is; `facts` and `requests` tell what clients did."""

    def __init__(self, tables: Mapping[str, Table], behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._tables = dict(tables)
        self._record = Record()
        self._lock = threading.Lock()
        self._admitted, self._opens = 0, 0.0
        self._owner = os.getpid()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """The beginning of all addresses, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in the order of the answers."""
        with self._lock:
            return tuple(self._record.requests)

    @property
    def facts(self) -> Facts:
        """What clients did so far."""
        with self._lock:
            return self._record.facts()

    def publish(self, name: str, lines: Iterable[str]) -> None:
        """Add rows to a table, at its end."""
        with self._lock:
            table = self._tables[name]
            self._tables[name] = replace(table, lines=(*table.lines, *lines))

    def forget(self) -> None:
        """Begin a new record and a new count of requests; the failures of the plan come again."""
        with self._lock:
            self._record = Record()
            self._admitted, self._opens = 0, 0.0

    def stop(self) -> None:
        """End the API and its connections. Calling it again, or in a fork of the process, does nothing."""
        if os.getpid() == self._owner:
            self._owner = 0
            self._server.shutdown()
            self._server.end_connections()
            self._server.server_close()

    def answer(self, path: str, authorization: str) -> _Answer:
        """What a GET gets. All but slow answers are in the record when this returns, before the client has its answer."""
        wanted: Wish | Refusal
        try:
            wanted = pages.wish(path, self.behaviour)
            target = wanted.target
        except Refusal as refusal:
            wanted, target = refusal, path
        with self._lock:
            now = time.monotonic()
            self._record.arrived(target, now)
            wait = self._gate(now)
            if wait:
                # Clients that share the pages all ask for the summary: who of them was told to wait, nobody knows.
                shared = isinstance(wanted, Wish) and wanted.item == pages.SUMMARY
                self._record.refused(target, 0.0 if shared else now + wait)
                message = pages.document({"error": f"Too many requests; try again in {wait:.3f} seconds."})
                return _Answer(HTTPStatus.TOO_MANY_REQUESTS, message, {"Retry-After": f"{wait:.3f}"})
            self._record.let_in(target)
            try:
                return self._served(self._allowed(wanted, authorization), target)
            except Refusal as refusal:
                self._record.turned_down(target, refusal.status)
                return _Answer(refusal.status, pages.document({"error": str(refusal)}))

    def came_late(self, answer: _Answer, waited: bool) -> None:
        """Note what became of a slow answer."""
        with self._lock:
            if waited:
                self._record.given_out(answer.target, answer.rows, page=True, slowly=True)
            else:
                # No pause: the client has waited already, and when it stopped is not known exactly.
                self._record.failed(answer.target, 0, SLOW, until=0.0)

    def _allowed(self, wanted: Wish | Refusal, authorization: str) -> Wish:
        if self.behaviour.token and authorization != f"Bearer {self.behaviour.token}":
            raise Refusal(HTTPStatus.UNAUTHORIZED, "Say who you are: Authorization: Bearer <token>.")
        if isinstance(wanted, Refusal):
            raise wanted
        return wanted

    def _served(self, wanted: Wish, target: str) -> _Answer:
        lines = pages.lines_of(wanted, self._tables)
        if wanted.item:
            summary = {"rows": len(lines), "largest_page": self.behaviour.largest_page}
            body = pages.document(summary) if wanted.item == pages.SUMMARY else pages.joined(lines)
            self._record.given_out(target, 1, page=False)
            return _Answer(HTTPStatus.OK, body)
        attempt = self._record.asked_for_page(target)
        failure = self.behaviour.failure(wanted.start // wanted.size + 1, attempt)
        until = time.monotonic() + self.behaviour.pause * 2**attempt
        if failure.isdecimal():
            self._record.failed(target, int(failure), failure, until)
            return _Answer(int(failure), pages.document({"error": HTTPStatus(int(failure)).phrase}))
        rows = len(pages.chosen(wanted, lines))
        if failure == CUT:
            self._record.failed(target, HTTPStatus.OK, failure, until)
        elif failure != SLOW:
            self._record.given_out(target, rows, page=True)
        body = pages.page(wanted, lines, self.behaviour.paging)
        return _Answer(HTTPStatus.OK, body, {}, failure == CUT, failure == SLOW, target, rows)

    def _gate(self, now: float) -> float:
        """Seconds that the client must wait; 0 when the request is let in."""
        if not self.behaviour.burst:
            return 0.0
        if now >= self._opens:
            if self._admitted < self.behaviour.burst:
                self._admitted += 1
                return 0.0
            self._admitted, self._opens = 0, now + self.behaviour.retry_after
            return self.behaviour.retry_after
        # The header says milliseconds; rounded up, so that nobody who waits as told is refused for it.
        return math.ceil((self._opens - now) * 1000) / 1000


def start(tables: Mapping[str, Table], behaviour: Behaviour | None = None) -> Api:
    """An API on a free port of the loopback address. It ends with `stop`, or with this process."""
    return Api(tables, behaviour or Behaviour())


@contextlib.contextmanager
def serve(tables: Mapping[str, Table], behaviour: Behaviour | None = None) -> Iterator[Api]:
    """An API for the time of a `with` block; see `start`."""
    running = start(tables, behaviour)
    try:
        yield running
    finally:
        running.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, api: Api) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, since clients keep theirs open."""
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle of an answer is no error."""

    def end_connections(self) -> None:
        """End what clients have kept open."""
        with self._guard:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # Headers and body go together; apart, the client's delayed acknowledgement costs 40 ms.
    server: _Server

    def do_GET(self) -> None:
        """Answer one request."""
        api = self.server.api
        answer = api.answer(self.path, self.headers.get("Authorization", ""))
        if answer.slow:
            waited = not self._client_leaves(api.behaviour.slow)
            api.came_late(answer, waited)
            if not waited:
                self.close_connection = True
                return
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.cut:
            self.close_connection = True
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing: what was asked is in the record."""

    def _client_leaves(self, seconds: float) -> bool:
        """Wait, and tell whether the client has closed the connection meanwhile."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except ConnectionError:
            return True
