"""Whether a tool really produced the bytes that it was asked for.

Each check answers with what is wrong, or with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

# Looks at the folder that a tool wrote into.
Guard = Callable[[Path], str]

_CHUNK = 1 << 22


def copies(sources: Sequence[Path], under: str = "") -> Guard:
    """Every file of the set, byte for byte, somewhere below the folder (or below `under` in it)."""

    def check(folder: Path) -> str:
        found = {path.name: path for path in (folder / under).rglob("*") if path.is_file()}
        for source in sources:
            copy = found.get(source.name)
            if copy is None:
                return f"{source.name} is missing"
            wrong = _differs(copy, [source])
            if wrong:
                return wrong
        return ""

    return check


def joined(sources: Sequence[Path], ending: str) -> Guard:
    """One file with this ending that is all of the set in order, byte for byte."""

    def check(folder: Path) -> str:
        # The largest one, as a tool may leave small notes.
        files = sorted((path for path in folder.rglob(f"*{ending}") if path.is_file()), key=_size)
        return _differs(files[-1], sources) if files else f"there is no *{ending}"

    return check


def at_least(total: int, ending: str) -> Guard:
    """One file of so many bytes: for what is muxed again, which cannot be compared."""

    def check(folder: Path) -> str:
        size = max((_size(path) for path in folder.rglob(f"*{ending}")), default=0)
        return "" if size >= total else f"{size} bytes of {total}"

    return check


def all_of(*guards: Guard) -> Guard:
    """Several checks; the first thing that is wrong counts."""
    return lambda folder: next(filter(None, (guard(folder) for guard in guards)), "")


def nothing(_folder: Path) -> str:
    """For tools that write nothing."""
    return ""


def _size(path: Path) -> int:
    return path.stat().st_size


def _differs(path: Path, parts: Sequence[Path]) -> str:
    size, wanted = _size(path), sum(map(_size, parts))
    if size != wanted:
        return f"{path.name} has {size} bytes instead of {wanted}"
    with path.open("rb") as whole:
        for part in parts:
            with part.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    if whole.read(len(chunk)) != chunk:
                        return f"{path.name} differs from {part.name}"
    return ""
