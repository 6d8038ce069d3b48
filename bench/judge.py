"""What is right and what is wrong: the rules by which a tool is judged after a fault.

A recording that can be had whole in the end (the connection broke once, the server was busy twice, the tool
was killed and started again) asks for exit code 0 AND every byte right. One that cannot (a segment is absent
or damaged and stays so) asks for an exit code that is not 0 AND that no file with a final name holds wrong or
too few bytes. What does not end within the limit hangs, which is wrong.

A wrong with exit code 0 is silent: nobody will look. A wrong that says so by its exit code is told.

Files are judged by where they end up. A mover's final names are the objects' own; a joiner's is the one file
that it joins into. Names that say of themselves that they are unfinished (`.part`, `.partial.ts`, `.ytdl`, a
file with an `.aria2` beside it) are not final.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Left(Enum):
    """What is on disk under final names when a tool has ended."""

    ALL = "all of it, right"
    PART = "a part, right"
    BAD = "wrong bytes under a final name"
    NOTHING = "nothing"


class Mark(Enum):
    """One cell of the compact table."""

    RIGHT = "✔"
    SILENT = "✘"
    TOLD = "◐"
    HANGS = "∞"
    NONE = "–"


@dataclass(frozen=True)
class Verdict:
    """How a tool did in a case."""

    mark: Mark
    why: str

    @property
    def is_right(self) -> bool:
        """Right by the rules above."""
        return self.mark is Mark.RIGHT


def judge(code: int | None, left: Left, can_be_whole: bool) -> Verdict:
    """The rules. No code means that the tool had not ended within the limit."""
    if code is None:
        return Verdict(Mark.HANGS, f"did not end; {left.value}")
    if can_be_whole:
        if code == 0 and left is Left.ALL:
            return Verdict(Mark.RIGHT, "whole, and says so")
        if code == 0:
            return Verdict(Mark.SILENT, f"says it is whole; {left.value}")
        return Verdict(Mark.TOLD, f"could be had whole; {left.value}")
    if code == 0:
        return Verdict(Mark.SILENT, f"says it is whole; {left.value}")
    if left is Left.BAD:
        return Verdict(Mark.TOLD, f"fails, but leaves {left.value}")
    return Verdict(Mark.RIGHT, f"fails; {left.value}")


def left_pieces(folder: Path, wanted: Mapping[str, str]) -> tuple[Left, list[str]]:
    """What a mover left in a folder: SHA-256 by final name are wanted. Gives also which are wrong."""
    right, wrong = 0, []
    for name, digest in sorted(wanted.items()):
        path = folder / name
        if not path.is_file() or is_marked_unfinished(path):
            continue
        if sha256(path) == digest:
            right += 1
        else:
            wrong.append(name)
    if wrong:
        return Left.BAD, wrong
    if right == len(wanted):
        return Left.ALL, []
    return (Left.PART if right else Left.NOTHING), []


def left_joined(files: Iterable[Path], is_whole: Mapping[Path, bool]) -> tuple[Left, list[str]]:
    """What a joiner left: the files that have a final name, and whether each is the whole recording."""
    files = sorted(files)
    wrong = [path.name for path in files if not is_whole[path]]
    if wrong:
        return Left.BAD, wrong
    return (Left.ALL if files else Left.NOTHING), []


def worst(*lefts: Left) -> Left:
    """Of a tool that keeps pieces and joins: both have to be there, and neither may be wrong."""
    if Left.BAD in lefts:
        return Left.BAD
    if all(left is Left.ALL for left in lefts):
        return Left.ALL
    return Left.NOTHING if all(left is Left.NOTHING for left in lefts) else Left.PART


def is_marked_unfinished(path: Path) -> bool:
    """Whether a file says of itself, by its name or the one beside it, that it is not finished."""
    unfinished = re.search(r"\.(part|ytdl|partial|temp|tmp|aria2)(-Frag\d+)?(\.|$)", path.name)
    return bool(unfinished) or path.with_name(path.name + ".aria2").exists()


def sha256(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_segment(output: str, bad: str, others: Iterable[str], number: int) -> bool:
    """Whether the output says which segment is bad: by its name, or by its number (from 0 or from 1).

    A line of a kind that good segments get too (`Opening ... for reading`) says nothing about this one.
    """
    # Some write names short: what tells segments apart is what comes last.
    bad_one, *good_ones = (name.rsplit(".", 1)[0].rsplit("_", 1)[-1] for name in (bad, *others))

    def shape(line: str) -> str:
        for one in (bad_one, *good_ones):
            line = line.replace(one, "<segment>")
        # Sizes, rates, times and the names that tools give to their jobs are different each time.
        line = re.sub(r"\b(0x)?[0-9a-f]{6,}\b", "#", line)
        line = re.sub(r"\d+(\.\d+)?\s*([KMGT]i?)?(B(/s)?)?|n/a", "#", line)
        return " ".join(line.split())

    usual: set[str] = set()
    suspects: set[str] = set()
    for line in re.split(r"[\r\n]+", output):
        found = re.findall(r"(?:fragment|segment)s?\s*(?:number)?\s*#?:?\s*(\d+)", line, re.I)
        numbers = {int(digits) for digits in found}
        if bad_one in line or numbers & {number, number + 1}:
            suspects.add(shape(line))
        elif numbers or any(one in line for one in good_ones):
            usual.add(shape(line))
    return bool(suspects - usual)
