"""Answers leave the sandbox as a stream of named files that can neither escape the folder nor exceed the limits."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import pytest

from autograder.grading.exchange import ExchangeError, read_regular, receive, send


def receive_bytes(data: bytes, folder: Path, maximum_bytes: int = 10_000, maximum_files: int = 10) -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            try:
                pipe.write(data)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        receive(
            reading,
            folder,
            maximum_bytes=maximum_bytes,
            maximum_files=maximum_files,
            deadline=time.monotonic() + 20,
        )
    finally:
        os.close(reading)
        writer.join()


def test_files_arrive_as_they_were_sent(tmp_path: Path) -> None:
    stream = io.BytesIO()
    send(stream, "1.1_notebook/1.1.1/sample/answer.parquet", bytes(range(256)) * 20)
    send(stream, "report.json", b"")
    receive_bytes(stream.getvalue(), tmp_path)
    assert (tmp_path / "1.1_notebook/1.1.1/sample/answer.parquet").read_bytes() == bytes(range(256)) * 20
    assert (tmp_path / "report.json").read_bytes() == b""


def test_a_name_that_ends_like_a_half_written_file_stops_nothing(tmp_path: Path) -> None:
    stream = io.BytesIO()
    for name in ("outcome.json.part", "outcome.json", "answer.parquet"):
        send(stream, f"1.1_notebook/1.1.1/sample/{name}", name.encode())
    receive_bytes(stream.getvalue(), tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*.*") if path.is_file()) == [
        "answer.parquet",
        "outcome.json",
        "outcome.json.part",
    ]


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/../../b", "a//b", ".hidden", "a b", "a\\b", "a/.", "é"]
)
def test_names_that_could_leave_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(ExchangeError) as caught:
        receive_bytes(f"{name} 1\nx".encode(), home)
    assert caught.value.reason == "damaged"
    assert list(tmp_path.rglob("*")) == [home]


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="twice"):
        receive_bytes(b"a 3\noneb 3\ntwoa 5\nother", tmp_path)
    assert (tmp_path / "a").read_bytes() == b"one"


def test_too_many_bytes_end_the_reception_and_keep_what_was_complete(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError) as caught:
        receive_bytes(b"a 3\noneb 999999\n" + b"x" * 999_999, tmp_path)
    assert caught.value.reason == "output"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_too_many_files_end_the_reception(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError) as caught:
        receive_bytes(b"".join(f"f{number} 0\n".encode() for number in range(11)), tmp_path)
    assert caught.value.reason == "output"


@pytest.mark.parametrize("data", [b"a 5\nfour", b"a five\n", b"a\n", b"x" * 5_000])
def test_a_damaged_stream_leaves_no_half_file(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError) as caught:
        receive_bytes(data, tmp_path)
    assert caught.value.reason == "damaged"
    assert list(tmp_path.iterdir()) == []


def test_a_silent_sender_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    start = time.monotonic()
    with pytest.raises(ExchangeError) as caught:
        receive(reading, tmp_path, maximum_bytes=10, maximum_files=1, deadline=start + 0.3)
    os.close(reading)
    os.close(writing)
    assert caught.value.reason == "timeout"
    assert time.monotonic() - start < 5


def test_links_and_devices_are_never_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo"):
        with pytest.raises(OSError):
            read_regular(tmp_path / name, 100)
    with pytest.raises(OSError, match="at most"):
        read_regular(tmp_path / "secret", 5)


@pytest.mark.parametrize("names", [("a/b", "a/b/c"), ("a/b/c", "a/b")])
def test_a_name_that_is_a_file_and_a_folder_is_damage(names: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(ExchangeError) as caught:
        receive_bytes("".join(f"{name} 1\nx" for name in names).encode(), tmp_path)
    assert caught.value.reason == "damaged"
    assert (tmp_path / names[0]).read_bytes() == b"x"
