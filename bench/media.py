"""What is in a joined file, told by ffprobe and ffmpeg: for tools that rewrite the stream."""

from __future__ import annotations

import filecmp
import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fingerprint:
    """Every packet's kind and the hash of its payload, stream by stream; no containers, no times."""

    packets: tuple[tuple[str, str], ...]

    def counts(self) -> dict[str, int]:
        """How many packets of each kind there are."""
        return dict(Counter(kind for kind, _ in self.packets))


def fingerprint(ffprobe: Path, path: Path) -> Fingerprint:
    """Reads all packets of a file. What cannot be read has none."""
    command = [str(ffprobe), "-v", "quiet", "-show_packets", "-show_data_hash", "sha256", "-of", "json"]
    command += ["-show_entries", "packet=codec_type,data_hash", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packets = json.loads(done.stdout or "{}").get("packets", [])
    except json.JSONDecodeError:
        packets = []
    told = [(packet.get("codec_type", ""), packet.get("data_hash", "")) for packet in packets]
    # How sound and picture lie between each other is the container's matter.
    return Fingerprint(tuple(sorted(told, key=lambda packet: packet[0])))


def pictures(ffmpeg: Path, path: Path) -> str:
    """A digest of all decoded pictures."""
    command = [
        str(ffmpeg),
        "-v",
        "quiet",
        "-nostdin",
        "-i",
        str(path),
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
    ]
    command += ["-f", "md5", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def concatenate(parts: list[Path], into: Path) -> Path:
    """All bytes one after the other."""
    with into.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    return into


def same_bytes(left: Path, right: Path) -> bool:
    """Whether two files are the same, byte for byte."""
    return filecmp.cmp(left, right, shallow=False)
