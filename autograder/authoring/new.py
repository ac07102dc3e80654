"""`course new`: a source to start from, which builds and verifies as it is."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from autograder import manifest, paths
from autograder.authoring import formatting, source

SKELETON = Path(__file__).with_name("skeleton.txt")


class NotCreated(Exception):
    """No source was written; the message says why and what to do."""


def new(number: str, title: str, module: str = "", *, root: Path = paths.ROOT) -> Path:
    """Write `solutions/<module>/<number>_<title>.py`; `module` may be left out when its folder exists.

    Returns the path.

    Raises NotCreated when the number is taken or malformed, the title is empty, or the module's folder cannot be told.
    Raises FormatterMissing when there is no ruff; nothing is written then, either.
    """
    if not re.fullmatch(r"\d+(\.\d+)+", number):
        raise NotCreated(f"{number!r} is no notebook number; use one such as 2.1 or 6.0.2.")
    words = re.findall(r"\w+", title.lower().replace("_", " "))
    if not words:
        raise NotCreated('The title needs words, such as "Joins, sets, duplicates".')
    existing = source.find(root / "solutions")
    for path in existing:
        if path.name.split("_")[0] == number:
            raise NotCreated(
                f"{number} is already there: {path.relative_to(root)}. Choose another number; nothing was overwritten."
            )
    path = _folder(number, module, root) / f"{number}_{'_'.join(words)}.py"
    if path.exists():
        raise NotCreated(f"{path.relative_to(root)} is already there; nothing was overwritten.")
    earlier = [
        name for name in (path.name.split("_")[0] for path in existing) if manifest.order(name) < manifest.order(number)
    ]
    text = Template(SKELETON.read_text(encoding="utf-8")).substitute(
        number=number, title=" ".join(title.split()), before=earlier[-1] if earlier else "nothing"
    )
    formatting.find_ruff()  # before anything is written
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    formatting.format_file(path, root)
    return path


def _folder(number: str, module: str, root: Path) -> Path:
    """The folder of the notebook's module: the one named, or the only one with its number."""
    prefix = f"{int(number.split('.')[0]):02d}_"
    if module:
        if not re.fullmatch(rf"{prefix}\w+", module):
            raise NotCreated(f"{number} cannot lie in {module!r}; name a folder such as {prefix}topic.")
        return root / "solutions" / module
    found = [path for path in (root / "solutions").glob(f"{prefix}*") if path.is_dir()]
    if len(found) != 1:
        problem = "there is no folder" if not found else f"there are {len(found)} folders"
        raise NotCreated(f"{problem.capitalize()} solutions/{prefix}...; say which with `--module {prefix}topic`.")
    return found[0]
