"""Who is compared, and how each is called.

Every peer has a line with the defaults that it ships with, and where it documents stricter flags one with
those. Flags that only keep a batch job from being asked a question (`-y`, `--force`), that say where the
output goes, or that keep settings of the machine out are in both lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from faults import BUCKET, PREFIX, SID, Case, Stage

# What a tool reads. Object movers by a listing never see the playlist; with a list of URLs they are told what
# there should be.
PLAYLIST = "playlist"
LISTING = "listing"
URLS = "URLs"

# Two kinds of tools, which are given different things: the URL of a playlist, or a bucket.
HLS = "HLS downloaders"
MOVERS = "Object movers"


@dataclass(frozen=True)
class Contender:
    """One line of the tables: a tool with its flags."""

    name: str
    group: str
    # The program: recfetch, or a name of `peers`.
    program: str
    reads: str
    arguments: Callable[[Stage], list[str]]
    # What it leaves: pieces in this folder, a joined file in that one (globs below the cell's folder).
    pieces: str = ""
    joined: tuple[str, ...] = ()
    # Which server it reads from: see `faults.played`.
    server: str = "s3"
    environment: dict[str, str] = field(default_factory=dict)
    note: str = ""
    # Other programs that it calls.
    needs: tuple[str, ...] = ()

    @property
    def keeping(self) -> str:
        """How bytes that are not the object's come.

        For movers under the right object's ETag and checksums, so that there is something to compare them
        with in the answer too; for the others under headers that fit the wrong bytes, as from a bucket that
        really holds them: no listing tells what they should be.
        """
        return "keeping:" if self.group == MOVERS else ""

    def why_not(self, case: Case) -> str:
        """Why a case does not apply to this tool; empty where it does."""
        if self.reads == PLAYLIST:
            return ""
        if case.name == "not ended":
            return "reads no playlist"
        if case.name == "absent" and self.reads == LISTING:
            return "copies what is listed; what is absent is not"
        return ""


def _recfetch_store(stage: Stage) -> list[str]:
    where = ["--vendor", "s3", "--endpoint", stage.url, "--path-style", "--bucket", BUCKET]
    return ["fetch", SID, *where, "--prefix", PREFIX, "--out", "out"]


def _ffmpeg(stage: Stage, *flags: str) -> list[str]:
    return ["-nostdin", "-y", *flags, "-i", stage.playlist_url, "-c", "copy", "recording.ts"]


def _yt_dlp(stage: Stage, *flags: str) -> list[str]:
    return ["--ignore-config", *flags, "-o", "recording.%(ext)s", stage.playlist_url]


def _streamlink(stage: Stage, *flags: str) -> list[str]:
    return ["--no-config", "--force", *flags, "-o", "recording.ts", stage.playlist_url, "best"]


def _vsd(stage: Stage, *flags: str) -> list[str]:
    return ["save", stage.playlist_url, "-o", "recording.ts", *flags]


def _s5cmd(stage: Stage, *command: str) -> list[str]:
    return ["--endpoint-url", stage.url, *command, f"s3://{BUCKET}/{PREFIX}/*", "out/"]


def _rclone(*flags: str) -> list[str]:
    return ["copy", *flags, f":s3:{BUCKET}/{PREFIX}", "out"]


def _aws(stage: Stage, *command: str) -> list[str]:
    return ["--endpoint-url", stage.url, "s3", *command, f"s3://{BUCKET}/{PREFIX}/", "out"]


def _curl(stage: Stage, *flags: str) -> list[str]:
    out = ["--remote-name-all", "--output-dir", "out", "--create-dirs"]
    return ["--disable", *out, *flags, *stage.object_urls()]


def _rclone_environment() -> dict[str, str]:
    # A remote without a settings file; the endpoint is added when it is known.
    return {
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENV_AUTH": "true",
        # The server here knows no other listing.
        "RCLONE_S3_LIST_VERSION": "2",
        "RCLONE_CONFIG": "/dev/null",
    }


MEDIA = ("*.ts", "*.mp4", "*.mkv")

CONTENDERS = (
    # HLS downloaders.
    Contender(
        "recfetch fetch URL --join",
        HLS,
        "recfetch",
        PLAYLIST,
        lambda stage: ["fetch", stage.playlist_url, "--join", "--out", "out"],
        pieces=f"out/{SID}/data",
        joined=("out/*.ts",),
    ),
    Contender(
        "recfetch fetch URL --join (no digests)",
        HLS,
        "recfetch",
        PLAYLIST,
        lambda stage: ["fetch", stage.playlist_url, "--join", "--out", "out"],
        pieces=f"out/{SID}/data",
        joined=("out/*.ts",),
        server="web",
        note="from a plain web server, which publishes no digest",
    ),
    Contender(
        "yt-dlp", HLS, "yt-dlp", PLAYLIST, lambda stage: _yt_dlp(stage), joined=MEDIA, needs=("ffmpeg",)
    ),
    Contender(
        "yt-dlp --abort-on-unavailable-fragments",
        HLS,
        "yt-dlp",
        PLAYLIST,
        lambda stage: _yt_dlp(stage, "--abort-on-unavailable-fragments"),
        joined=MEDIA,
        needs=("ffmpeg",),
    ),
    Contender("streamlink", HLS, "streamlink", PLAYLIST, lambda stage: _streamlink(stage), joined=MEDIA),
    Contender(
        "streamlink --stream-segment-attempts 10 --stream-timeout 30 --hls-live-restart",
        HLS,
        "streamlink",
        PLAYLIST,
        lambda stage: _streamlink(
            stage, "--stream-segment-attempts", "10", "--stream-timeout", "30", "--hls-live-restart"
        ),
        joined=MEDIA,
        note="it documents no flag that makes it fail on a segment; it does when nothing comes for 30 s",
    ),
    Contender("ffmpeg -c copy", HLS, "ffmpeg", PLAYLIST, lambda stage: _ffmpeg(stage), joined=MEDIA),
    Contender(
        "ffmpeg -c copy -xerror -err_detect explode -rw_timeout 30 s",
        HLS,
        "ffmpeg",
        PLAYLIST,
        lambda stage: _ffmpeg(stage, "-xerror", "-err_detect", "explode", "-rw_timeout", "30000000"),
        joined=MEDIA,
    ),
    Contender("vsd save", HLS, "vsd", PLAYLIST, lambda stage: _vsd(stage), joined=MEDIA, needs=("ffmpeg",)),
    # Object movers.
    Contender(
        "recfetch fetch SID",
        MOVERS,
        "recfetch",
        PLAYLIST,
        _recfetch_store,
        pieces=f"out/{SID}/data",
    ),
    Contender(
        "recfetch fetch SID --keep joined",
        MOVERS,
        "recfetch",
        PLAYLIST,
        lambda stage: [*_recfetch_store(stage), "--keep", "joined"],
        joined=(f"out/{SID}/data/*.ts",),
    ),
    Contender("s5cmd cp", MOVERS, "s5cmd", LISTING, lambda stage: _s5cmd(stage, "cp"), pieces="out"),
    Contender(
        "s5cmd sync",
        MOVERS,
        "s5cmd",
        LISTING,
        lambda stage: _s5cmd(stage, "sync"),
        pieces="out",
    ),
    Contender(
        "rclone copy",
        MOVERS,
        "rclone",
        LISTING,
        lambda stage: _rclone(),
        pieces="out",
        environment=_rclone_environment(),
        note="compares MD5 by default",
    ),
    Contender(
        "rclone copy --checksum",
        MOVERS,
        "rclone",
        LISTING,
        lambda stage: _rclone("--checksum"),
        pieces="out",
        environment=_rclone_environment(),
    ),
    Contender(
        "aws s3 cp", MOVERS, "aws", LISTING, lambda stage: _aws(stage, "cp", "--recursive"), pieces="out"
    ),
    Contender(
        "aws s3 sync --checksum-mode ENABLED",
        MOVERS,
        "aws",
        LISTING,
        lambda stage: _aws(stage, "sync", "--exact-timestamps", "--checksum-mode", "ENABLED"),
        pieces="out",
        note="with --exact-timestamps",
    ),
    Contender(
        "aws s3 cp (SHA-256 kept)",
        MOVERS,
        "aws",
        LISTING,
        lambda stage: _aws(stage, "cp", "--recursive", "--checksum-mode", "ENABLED"),
        pieces="out",
        server="s3 sha256",
        note="--checksum-mode ENABLED, objects uploaded with a SHA-256; CRC-64/NVME needs its extra `crt`",
    ),
    Contender(
        "aria2c -i LIST",
        MOVERS,
        "aria2",
        URLS,
        lambda stage: ["--no-conf", "-i", "urls", "-d", "out"],
        pieces="out",
    ),
    Contender(
        "aria2c -i LIST -c --retry-wait 1",
        MOVERS,
        "aria2",
        URLS,
        lambda stage: ["--no-conf", "-i", "urls", "-d", "out", "--continue=true", "--retry-wait=1"],
        pieces="out",
    ),
    Contender(
        "curl --remote-name-all",
        MOVERS,
        "curl",
        URLS,
        lambda stage: _curl(stage),
        pieces="out",
    ),
    Contender(
        "curl --fail --fail-early --retry 5 --retry-all-errors --speed-time 30",
        MOVERS,
        "curl",
        URLS,
        lambda stage: _curl(
            stage,
            *("--fail", "--fail-early", "--remove-on-error", "--retry", "5", "--retry-all-errors"),
            *("--speed-limit", "1", "--speed-time", "30"),
        ),
        pieces="out",
        note="with --remove-on-error",
    ),
)
