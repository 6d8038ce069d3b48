"""The recordings that are fetched."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# The folder in the bucket.
PREFIX = "bench"


@dataclass(frozen=True)
class Recipe:
    """How a set is made, in full and for a quick look."""

    key: str
    what: str
    full: Sequence[str]
    quick: Sequence[str]


@dataclass(frozen=True)
class Set:
    """Recordings in a folder that is laid out like the bucket."""

    key: str
    what: str
    root: Path
    sids: list[str]
    # Name of each recording's playlist, or of the film.
    heads: list[str]
    # Segments in the order of the playlists; a film is one.
    segments: list[Path]
    files: list[Path]
    size: int

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.root / PREFIX

    @property
    def gib(self) -> float:
        """How much it is."""
        return self.size / 2**30


RECIPES = {
    recipe.key: recipe
    for recipe in (
        Recipe(
            "A",
            "1000 segments of 1 MiB",
            ["hls", "--slices=1000", "--bytes=1M"],
            ["hls", "--slices=250", "--bytes=1M"],
        ),
        Recipe(
            "B",
            "4000 segments of 90 KiB, sound only",
            ["hls", "--slices=4000", "--bytes=90K", "--plays=9", "--audio-only"],
            ["hls", "--slices=1000", "--bytes=90K", "--plays=9", "--audio-only"],
        ),
        Recipe("C", "one MP4 of 2 GiB", ["film", "--bytes=2G"], ["film", "--bytes=512M"]),
        Recipe(
            "D",
            "100 recordings of 40 segments of 1 MiB",
            # No slower than it must be: the bytes are four times those of A.
            ["hls", "--recordings=100", "--slices=40", "--bytes=1M"],
            ["hls", "--recordings=10", "--slices=40", "--bytes=1M"],
        ),
        # Five seconds and more of a link, for a quick run; the full one takes A.
        Recipe("L", "700 segments of 1 MiB", [], ["hls", "--slices=700", "--bytes=1M"]),
        Recipe(
            "K",
            "500 segments of 300 KiB",
            ["hls", "--slices=500", "--bytes=300K"],
            ["hls", "--slices=500", "--bytes=300K"],
        ),
    )
}


def make(key: str, quick: bool, work: Path, loopback: Path) -> Set:
    """Makes a set in the work folder."""
    recipe = RECIPES[key]
    root = work / "sets" / key
    what, *options = recipe.quick if quick else recipe.full
    command = [str(loopback), "make", what, f"--out={root / PREFIX}", *options]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return read(key, recipe.what, root, made["sids"], made["heads"])


def read(key: str, what: str, root: Path, sids: list[str], heads: list[str]) -> Set:
    """A set that is there."""
    folder = root / PREFIX
    segments = [path for head in heads for path in _segments(folder / head)]
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return Set(key, what, root, sids, heads, segments, files, sum(path.stat().st_size for path in files))


def _segments(head: Path) -> list[Path]:
    if head.suffix != ".m3u8":
        return [head]
    lines = head.read_text(encoding="utf-8").splitlines()
    return [head.parent / line for line in lines if line and not line.startswith("#")]
