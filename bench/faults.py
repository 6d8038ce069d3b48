"""The recording, the fault cases, and the servers that play them: an S3 server (or a plain web server) and
the fault proxy in front of it, both from this project's test kit (`loopback`), on any free ports.
"""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from judge import sha256

SID = "38f8e3cfdc474cd56fc1ceba380d7e1a"
NAME = f"{SID}_math_7b"
BUCKET = "lessons"
PREFIX = "school/math"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "secretkey"
SEGMENTS = 20

# The segment in the middle that is hit, and the one of the same length whose bytes come in its place.
BAD = 12
OTHER = 13

# The packets that carry the picture.
VIDEO_PID = 0x100

# From here on nothing comes while a tool is to be killed.
KILL_FROM = 10


@dataclass(frozen=True)
class Recording:
    """A recording of twenty segments, in a folder laid out like a bucket."""

    bucket: Path

    @property
    def folder(self) -> Path:
        """Where its objects are."""
        return self.bucket / PREFIX

    @property
    def playlist(self) -> Path:
        """Its playlist."""
        return self.folder / f"{NAME}.m3u8"

    def segments(self) -> list[Path]:
        """Its segments, in the playlist's order."""
        names = [line for line in self.playlist.read_text().splitlines() if line and not line.startswith("#")]
        return [self.folder / name for name in names]

    def digests(self) -> dict[str, str]:
        """SHA-256 of every object, the playlist's too, by name."""
        return {path.name: sha256(path) for path in (*self.segments(), self.playlist)}


def make_recording(bucket: Path) -> Recording:
    """Makes it by ffmpeg, the same bytes on every run."""
    recording = Recording(bucket)
    script = Path(__file__).resolve().parent.parent / "scripts" / "make-fixtures"
    subprocess.run([str(script), str(recording.folder), str(SEGMENTS)], check=True)
    return recording


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong."""

    name: str
    what: str
    can_be_whole: bool
    # Only how long a tool waits decides; it costs no CPU.
    waits: bool = False
    limit: int = 240
    # Kill it on the way and start it again, with what then befell the disk.
    kills: bool = False
    flips_on_disk: bool = False

    def lines(self, bad: Path, other: Path, late: list[str], keeping: str = "") -> list[str]:
        """The script of the fault proxy. `late` are the segments that do not come before the kill; `keeping`
        is the word that leaves the right object's ETag and checksums above the wrong bytes.
        """
        half = bad.stat().st_size // 2
        script = {
            "archived": ["archived always"],
            "empty": [f"{keeping}empty always"],
            "short": [f"{keeping}short={half} always"],
            "html": ["html always"],
            "flipped": [f"flip={flip_at(bad.read_bytes())} always"],
            "swapped": [f"{keeping}swap={PREFIX}/{other.name} always"],
            "cut once": [f"cut={half} 1"],
            # A tool that goes on where it was gets no further: the same place breaks again.
            "cut always": [f"cut={half} 1", "cut=0 always"],
            "503 twice": ["slowdown 2"],
            "503 always": ["slowdown always"],
            "stalled once": [f"stall={half} 1"],
            "stalled": [f"stall={half} 1", "stall=0 always"],
        }.get(self.name, [])
        if self.kills:
            return [f"{name} stall={half} always" for name in late]
        return [f"{bad.name} {step}" for step in script]


# In the order in which they are shown.
CASES = (
    Case("clean", "Nothing goes wrong: shows that the tool is called as it wants to be.", True),
    Case("absent", "The segment is not there: 404, and not in the listing.", False),
    Case("archived", "Its GET is answered 403 `InvalidObjectState`.", False),
    Case("empty", "It comes as 200 with no bytes.", False),
    Case("short", "It comes as 200 with its first half, as if that were all.", False),
    Case("html", "It comes as 200 with a sign-in page.", False),
    Case("flipped", "One bit in the middle of its picture is wrong.", False),
    Case("swapped", "Another segment's bytes come, of the same length.", False),
    Case("cut once", "The connection ends in the middle of it, the first time.", True),
    Case(
        "cut always",
        "The connection ends in the middle of it, and behind that no byte comes.",
        False,
        True,
        360,
    ),
    Case("503 twice", "`503 SlowDown`, two times.", True),
    Case("503 always", "`503 SlowDown`, each time.", False, True, 360),
    Case(
        "stalled once",
        "It stops in the middle and the connection stays open, the first time.",
        True,
        True,
        360,
    ),
    Case(
        "stalled",
        "It stops in the middle and the connection stays open; further tries bring nothing.",
        False,
        True,
        360,
    ),
    Case(
        "not ended",
        "The playlist has no `#EXT-X-ENDLIST`: nobody knows whether that is all.",
        False,
        True,
        120,
    ),
    Case(
        "killed", "SIGKILL with a part of the segments there, then the same command again.", True, kills=True
    ),
    Case(
        "killed, flipped",
        "The same, and a bit flips on disk in a segment that was finished (its time is kept).",
        True,
        kills=True,
        flips_on_disk=True,
    ),
)


def flip_at(segment: bytes) -> int:
    """An offset in the middle of a segment, inside of a picture: where no structure shows the damage."""
    for packet in range(len(segment) // 2 // 188, len(segment) // 188):
        at = packet * 188
        pid = (segment[at + 1] & 0x1F) << 8 | segment[at + 2]
        # What stuffs a packet comes first, the picture last.
        stuffed = segment[at + 4] if segment[at + 3] & 0x20 else 0
        if pid == VIDEO_PID and stuffed < 100:
            return at + 188 - 12
    raise ValueError("no picture in the second half of the segment")


@dataclass(frozen=True)
class Servers:
    """Which servers there are: where the programs come from, and what the S3 server keeps."""

    loopback: Path
    # CRC-64/NVME is what S3 keeps of every object since December 2024, unless its uploader chose another.
    keeps_checksums: bool


@contextmanager
def played(
    servers: Servers, recording: Recording, case: Case, kind: str, keeping: str, folder: Path
) -> Iterator[Stage]:
    """The servers of one cell: `kind` is "s3", "s3 sha256" or "web"; `keeping` as above."""
    bucket = folder / "bucket"
    shutil.copytree(recording.bucket, bucket)
    here = Recording(bucket)
    segments = here.segments()
    bad, other = segments[BAD], segments[OTHER]
    late = [path.name for path in segments[KILL_FROM:]]
    lines = case.lines(bad, other, late, keeping)
    if case.name == "absent":
        bad.unlink()
    if case.name == "not ended":
        text = here.playlist.read_text().replace("#EXT-X-ENDLIST\n", "")
        here.playlist.write_text(text)
    stage = Stage(servers, here, kind, folder)
    try:
        stage.start(lines)
        stage.check()
        yield stage
        stage.check()
    finally:
        stage.stop()


class StageError(Exception):
    """The servers failed, not the tool."""


class Stage:
    """A server and the proxy in front of it, running."""

    def __init__(self, servers: Servers, recording: Recording, kind: str, folder: Path) -> None:
        self.recording = recording
        self._servers = servers
        self._kind = kind
        self._folder = folder
        self._errors = folder / "servers"
        self._upstream: subprocess.Popen[str] | None = None
        self._proxy: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self, lines: list[str]) -> None:
        """Starts both."""
        self._upstream, upstream = self._listening(self._server())
        self._upstream_url = upstream
        self._start_proxy(lines, 0)

    def check(self) -> None:
        """Whether both still answer. A tool is not to be blamed for servers that do not."""
        try:
            with urllib.request.urlopen(self.playlist_url, timeout=30) as answer:
                if answer.read() == self.recording.playlist.read_bytes():
                    return
            reason = "the playlist is not the playlist"
        except OSError as error:
            reason = str(error)
        states = [server.poll() if server else None for server in (self._upstream, self._proxy)]
        raise StageError(f"the servers do not answer: {reason}; {states}; {self._errors.read_text()}")

    def mend(self) -> None:
        """The same proxy on the same port, without faults."""
        port = int(self.url.rsplit(":", 1)[1])
        _end(self._proxy)
        self._start_proxy([], port)

    def stop(self) -> None:
        """Ends both."""
        _end(self._proxy)
        _end(self._upstream)

    @property
    def playlist_url(self) -> str:
        """Where the playlist is."""
        return f"{self._base()}/{self.recording.playlist.name}"

    def object_urls(self) -> list[str]:
        """Where every object is, the playlist last; what is absent is asked for too."""
        names = [path.name for path in self.recording.segments()]
        return [f"{self._base()}/{name}" for name in (*names, self.recording.playlist.name)]

    def _base(self) -> str:
        bucket = "" if self._kind == "web" else f"/{BUCKET}"
        return f"{self.url}{bucket}/{PREFIX}"

    def _start_proxy(self, lines: list[str], port: int) -> None:
        script = self._folder / "faults"
        script.write_text("\n".join(lines) + "\n")
        command = ["fault", "--upstream", self._upstream_url, "--script", str(script)]
        command += ["--dir", str(self.recording.bucket), "--port", str(port)]
        self._proxy, self.url = self._listening(command)

    def _server(self) -> list[str]:
        if self._kind == "web":
            return ["web", "--dir", str(self.recording.bucket)]
        command = ["s3", "--dir", str(self.recording.bucket), "--bucket", BUCKET, "--public"]
        command += ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]
        if self._servers.keeps_checksums:
            command += ["--checksum", "sha256" if self._kind == "s3 sha256" else "crc64nvme"]
        return command

    def _listening(self, arguments: list[str]) -> tuple[subprocess.Popen[str], str]:
        # Should this program be killed, they end by themselves.
        command = [str(self._servers.loopback), *arguments, "--seconds", "1800"]
        with self._errors.open("a") as errors:
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert server.stdout
        line = server.stdout.readline()
        if line.startswith("listening "):
            return server, line.removeprefix("listening ").strip()
        _end(server)
        raise StageError(f"{arguments[0]} did not start: {self._errors.read_text()}")


def keeps_checksums(loopback: Path) -> bool:
    """Whether the S3 server can keep checksums beside its objects."""
    done = subprocess.run([str(loopback), "s3", "--help"], capture_output=True, text=True, check=True)
    return "--checksum " in done.stdout


def _end(server: subprocess.Popen[str] | None) -> None:
    if server:
        server.kill()
        server.wait()
        if server.stdout:
            server.stdout.close()
