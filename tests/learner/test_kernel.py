"""The warm kernel: deadlines, deaths and names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.learner import kernel as kernel_module
from autograder.learner.kernel import Kernel, KernelLost


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    started = Kernel(tmp_path)
    started.run("pass", 60)
    yield started
    started.close()


def printed(kernel: Kernel, source: str) -> str:
    return "".join(output.get("text", output.get("ename", "")) for output in kernel.run(source, 30).outputs)


def test_a_cell_past_its_deadline_is_interrupted_and_the_kernel_goes_on(kernel: Kernel) -> None:
    printed(kernel, "kept = 7")
    ran = kernel.run("while True: pass", 0.5)
    assert ran.interrupted
    assert [output.ename for output in ran.outputs] == ["KeyboardInterrupt"]
    assert printed(kernel, "print(kept)") == "7\n"


def test_a_cell_that_refuses_the_interrupt_costs_the_kernel(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_module, "GRACE_SECONDS", 1.0)
    endless = "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except KeyboardInterrupt: pass"
    with pytest.raises(KernelLost, match=r"still running after 0\.5 seconds and could not be interrupted") as lost:
        kernel.run(endless, 0.5)
    assert lost.value.timed_out


def test_a_kernel_that_dies_is_told(kernel: Kernel) -> None:
    with pytest.raises(KernelLost, match="The Python kernel died") as lost:
        kernel.run("import os; os._exit(3)", 30)
    assert not lost.value.timed_out


def test_names_defined_since_they_were_saved_are_taken_back(kernel: Kernel) -> None:
    printed(kernel, "first = 1")
    kernel.save_names(0)
    printed(kernel, "first = 2\nhelper = 3")
    kernel.restore_names(0)
    assert printed(kernel, "print(first)") == "1\n"
    assert printed(kernel, "helper") == "NameError"


def test_the_kernel_runs_in_the_notebooks_folder(kernel: Kernel, tmp_path: Path) -> None:
    assert printed(kernel, "import os; print(os.getcwd())").strip() == str(tmp_path)
