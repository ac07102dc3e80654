"""Leaves out the released cells that only show something, as long as nothing else in a submission needs them.

A notebook's worked examples take two fifths of the time in which it runs, and no mark depends on them: answers stand in cells of their
own, and what these need besides is the set-up. But a learner may use what an example has defined. So an example runs all the same when
the learner's code mentions a name that it defines, or could look names up in other ways; and after the first error everything that was
left out is run after all (`autograder.grading.runner`).

This runs in the sandbox, since it parses what learners wrote.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any

_LOOKING_UP = "eval exec compile globals locals vars dir getattr get_ipython __import__ __main__ importlib inspect sys gc f_globals user_ns"
_ANY_NAME = frozenset(_LOOKING_UP.split())
"""What can look up a name that stands nowhere in the text."""

_DEFINING = ("STORE_NAME", "STORE_GLOBAL")


def left_out(cells: Sequence[Mapping[str, Any]], plain: Callable[[str], str]) -> frozenset[int]:
    """The numbers of the cells that need not run.

    `cells` are those of a task, examples marked by `"example": True`; `plain` makes Python of a cell's text (magics, `!ls`).
    """
    examples = {number for number, cell in enumerate(cells) if cell.get("example")}
    try:
        code = {
            number: list(_codes(compile(plain(cell["source"]), "<cell>", "exec")))
            for number, cell in enumerate(cells)
            if "check" not in cell and cell["source"].strip()
        }
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # it will be told where the cell runs
        return frozenset()
    running = {number for number in code if number not in examples}
    needed = {name for number in running for name in _mentioned(code[number])}
    if needed & _ANY_NAME:
        return frozenset()
    while wanted := {number for number in examples - running if needed & _defined(code.get(number, []))}:
        running |= wanted
        needed |= {name for number in wanted for name in _mentioned(code[number])}
    return frozenset(examples - running)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code object and those of the functions and classes in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _mentioned(codes: Sequence[CodeType]) -> set[str]:
    """Global names that are read or written, and names of attributes and modules: more than needed does no harm."""
    return {part for code in codes for name in code.co_names for part in name.split(".")}


def _defined(codes: Sequence[CodeType]) -> set[str]:
    """Global names that get a value."""
    return {
        str(instruction.argval)
        for code in codes
        for instruction in dis.get_instructions(code)
        if instruction.opname in _DEFINING
    }
