"""Runs a solution twin in a real kernel in record mode and makes its outputs reproducible."""

from __future__ import annotations

import configparser
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.authoring.notebooks import MEASURED_TAG
from autograder.runtime.check import RECORD_VARIABLE

SANITIZE = Path(__file__).with_name("sanitize.cfg")
CELL_TIMEOUT_SECONDS = 300


class TwinFailed(Exception):
    """A solution twin does not run cleanly; the message names the cell and shows the error."""


def execute(notebook: NotebookNode, name: str, record_folder: Path, work_folder: Path) -> NotebookNode:
    """Execute in `work_folder`, recording into `record_folder`. Returns the notebook with sanitised outputs. Raises TwinFailed."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(work_folder)}},
        record_timing=False,
        coalesce_streams=True,  # how output is cut into messages depends on time
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    environment = {
        **os.environ,
        RECORD_VARIABLE: str(record_folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    try:
        client.execute(env=environment)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise TwinFailed(f"{name}: {error}") from error
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs = [_sanitised(output, name) for output in cell.outputs]
            cell.outputs = [] if MEASURED_TAG in cell.metadata.get("tags", ()) else outputs
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {key: value for key, value in notebook.metadata.language_info.items()
                                       if key in ("name", "file_extension", "mimetype", "pygments_lexer")}  # fmt: skip
    return notebook


def replacements() -> list[tuple[re.Pattern[str], str]]:
    """The patterns of sanitize.cfg with what stands for them."""
    parser = configparser.RawConfigParser()
    parser.read(SANITIZE)
    return [(re.compile(parser[section]["regex"]), parser[section]["replace"]) for section in parser.sections()]


def _sanitised(output: NotebookNode, name: str) -> NotebookNode:
    if output.get("name") == "stderr":
        raise TwinFailed(
            f"{name}: the solution writes to stderr, which looks like a failure to learners: {output.text[:300]}"
        )
    output.pop("execution_count", None) if output.output_type != "execute_result" else None
    if output.output_type == "stream":
        output.text = _clean(output.text)
    for mime, content in output.get("data", {}).items():
        if isinstance(content, str) and not mime.startswith("image/"):
            output.data[mime] = _clean(content)
        elif mime.endswith("json"):
            output.data[mime] = json.loads(_clean(json.dumps(content)))
    return output


def _clean(text: Any) -> str:
    for pattern, stand_in in replacements():
        text = pattern.sub(stand_in, text)
    return str(text)
