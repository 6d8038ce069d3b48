"""What is run, with which flags."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import guard
import peers
from measure import Sample, all_cores, client_core
from servers import ACCESS, BUCKET, SECRET
from sets import PREFIX, Set

# What a tool can say of the bytes that it wrote.
NO_PROOF = "no proof"
PROOF = "proof"


@dataclass
class Tool:
    """A tool with its flags, as one case runs it."""

    name: str
    argv: Callable[[Path], list[str]]
    guard: guard.Guard
    # Bytes of media that it goes through.
    size: int
    proof: str = NO_PROOF
    # What it proves, for the table.
    proves: str = "nothing"
    env: dict[str, str] = field(default_factory=dict)
    cores: set[int] = field(default_factory=client_core)
    # Run once before the rounds, in the folder that then stays; None where each run gets an empty one.
    prepare: Callable[[Path], list[str]] | None = None
    # Called before and after each run: servers of its own, what its log says.
    before: Callable[[], None] | None = None
    after: Callable[[Sample], None] | None = None
    timeout: int = 600

    @property
    def is_ours(self) -> bool:
        """Whether it is recfetch."""
        return self.name.startswith("recfetch")


def base_env(home: Path) -> dict[str, str]:
    """What every tool gets; the user's own settings stay out."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "OSS_ACCESS_KEY_ID": ACCESS,
        "OSS_ACCESS_KEY_SECRET": SECRET,
        "RECFETCH_CONFIG": "/dev/null",
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENV_AUTH": "true",
        # Our server knows no other listing.
        "RCLONE_S3_LIST_VERSION": "2",
    }


def recfetch(
    program: Path,
    name: str,
    source: Set,
    endpoint: str,
    *flags: str,
    command: str = "fetch",
    joined: bool = False,
) -> Tool:
    """recfetch against an S3 server. With `joined`, the joined file is checked too."""
    store = [
        "--vendor",
        "self-hosted",
        "--endpoint",
        endpoint,
        "--bucket",
        BUCKET,
        "--prefix",
        PREFIX,
        "--path-style",
    ]

    def argv(out: Path) -> list[str]:
        # check keeps nothing.
        kept = ["--out", str(out), "--progress", "none"] if command == "fetch" else []
        return [str(program), command, *source.sids, *store, *kept, *flags]

    heads = [path for path in source.files if path.name in source.heads]
    check = guard.copies(source.files, "")
    if joined:
        kept = heads if "joined" in flags else source.files
        check = guard.all_of(guard.copies(kept), guard.joined(source.segments, ".ts"))
    elif command != "fetch":
        check = guard.nothing
    tool = Tool(name, argv, check, source.size, PROOF, "store digest, SHA-256, structure")
    return tool


class Peers:
    """The tools that recfetch is compared with. What is left out stands in `absent`, with the reason."""

    def __init__(self, found: dict[str, peers.Peer | None], work: Path) -> None:
        self.found = found
        self.work = work
        self.absent: dict[str, str] = {}

    def path(self, name: str) -> str:
        """The program."""
        peer = self.found.get(name)
        if not peer:
            raise FileNotFoundError(peers.why(name) or f"{name} is not there")
        return str(peer.path)

    def pick(self, needs: str, tools: list[Tool]) -> list[Tool]:
        """These tools, if that peer is there."""
        if self.found.get(needs):
            return tools
        for tool in tools:
            self.absent[tool.name] = peers.why(needs) or f"{needs} is not there"
        return []

    def _path_or(self, name: str) -> str:
        peer = self.found.get(name)
        return str(peer.path) if peer else name

    def s5cmd(self, source: Set, endpoint: str) -> list[Tool]:
        """s5cmd cp, as shipped and with the flags that cost least."""
        program = self._path_or("s5cmd")

        def tool(name: str, before: list[str], flags: list[str]) -> Tool:
            def argv(out: Path) -> list[str]:
                what = [f"s3://{BUCKET}/{PREFIX}/*", f"{out}/"]
                return [program, "--endpoint-url", endpoint, *before, "cp", *flags, *what]

            return Tool(name, argv, guard.copies(source.files), source.size)

        return self.pick(
            "s5cmd",
            [tool("s5cmd", [], []), tool("s5cmd -c1 nw16", ["--numworkers", "16"], ["--concurrency", "1"])],
        )

    def rclone(self, source: Set, endpoint: str) -> list[Tool]:
        """rclone copy: MD5 as shipped, MD5 with more at once, and without."""
        program = self._path_or("rclone")
        env = {"RCLONE_S3_ENDPOINT": endpoint}

        def tool(name: str, flags: list[str], proof: str) -> Tool:
            def argv(out: Path) -> list[str]:
                return [program, "copy", *flags, f":s3:{BUCKET}/{PREFIX}", str(out)]

            proves = "MD5 ETag" if proof == PROOF else "nothing"
            return Tool(name, argv, guard.copies(source.files), source.size, proof, proves, env)

        wide = ["--transfers", "16", "--checkers", "16", "--multi-thread-streams", "0"]
        return self.pick(
            "rclone",
            [
                tool("rclone", [], PROOF),
                tool("rclone -t16", wide, PROOF),
                tool("rclone -t16 no check", [*wide, "--ignore-checksum"], NO_PROOF),
            ],
        )

    def aws(self, source: Set, endpoint: str) -> list[Tool]:
        """aws s3 cp."""
        program = self._path_or("aws")

        def argv(out: Path) -> list[str]:
            what = ["s3", "cp", "--recursive", "--quiet", f"s3://{BUCKET}/{PREFIX}/", str(out)]
            return [program, "--endpoint-url", endpoint, *what]

        check = guard.copies(source.files)
        return self.pick(
            "aws", [Tool("aws s3 cp", argv, check, source.size, proves="a CRC-32 where one is stored")]
        )

    def curl(self, source: Set, base: str, tag: str = "") -> list[Tool]:
        """curl over a list of URLs, one after the other and 16 at once."""
        program = self._path_or("curl")
        urls = self.work / f"{source.key}{tag}.curl"
        urls.write_text("".join(f'url = "{base}/{path.name}"\n' for path in source.files), encoding="utf-8")

        def tool(name: str, flags: list[str]) -> Tool:
            def argv(out: Path) -> list[str]:
                common = ["--disable", "-sSf", "--remote-name-all", "--output-dir", str(out)]
                return [program, *common, *flags, "-K", str(urls)]

            return Tool(name + tag, argv, guard.copies(source.files), source.size)

        return self.pick("curl", [tool("curl", []), tool("curl -Z", ["--parallel", "--parallel-max", "16"])])

    def aria2(self, source: Set, base: str) -> list[Tool]:
        """aria2 over a list of URLs."""
        program = self._path_or("aria2")
        urls = self.work / f"{source.key}.aria2"
        urls.write_text("".join(f"{base}/{path.name}\n" for path in source.files), encoding="utf-8")

        def tool(name: str, flags: list[str]) -> Tool:
            def argv(out: Path) -> list[str]:
                return [program, "--no-conf", "-q", *flags, "-d", str(out), "-i", str(urls)]

            return Tool(name, argv, guard.copies(source.files), source.size)

        best = ["-j16", "--file-allocation=none"]
        parts = ["-x8", "-s8", "-k1M", "--file-allocation=none"]
        tools = [
            tool("aria2", []),
            tool("aria2 -x8 -s8", parts) if len(source.files) == 1 else tool("aria2 -j16", best),
        ]
        return self.pick("aria2", tools)

    def hls(self, source: Set, base: str) -> list[Tool]:
        """Those that read the playlist and make one file of it."""
        url = f"{base}/{source.heads[0]}"
        same = guard.joined(source.segments, ".ts")

        def tool(needs: str, name: str, flags: list[str], end: Callable[[Path], list[str]]) -> list[Tool]:
            program = self._path_or(needs)
            one = Tool(name, lambda out: [program, *flags, *end(out)], same, source.size)
            return self.pick(needs, [one])

        def file(out: Path) -> str:
            return str(out / "joined.ts")

        yt = ["--ignore-config", "-q", "--no-part", "--fixup", "never", "--no-cache-dir"]
        sl = ["--no-config", "-l", "error", "--progress", "no"]
        ff = [
            "-nostdin",
            "-v",
            "fatal",
            "-probesize",
            "200k",
            "-i",
            url,
            "-map",
            "0",
            "-c",
            "copy",
            "-f",
            "mpegts",
        ]
        tools = [
            *tool("yt-dlp", "yt-dlp", yt, lambda out: ["-o", file(out), url]),
            *tool("yt-dlp", "yt-dlp -N16", [*yt, "-N", "16"], lambda out: ["-o", file(out), url]),
            *tool("streamlink", "streamlink", sl, lambda out: ["-o", file(out), url, "best"]),
            *tool(
                "streamlink",
                "streamlink t10",
                [*sl, "--stream-segment-threads", "10"],
                lambda out: ["-o", file(out), url, "best"],
            ),
            *tool("vsd", "vsd", ["save", url], lambda out: ["-d", str(out)]),
            *tool("vsd", "vsd -t16", ["save", url, "-t", "16"], lambda out: ["-d", str(out)]),
        ]
        ffmpeg = tool("ffmpeg", "ffmpeg -c copy", ff, lambda out: [file(out)])
        for one in ffmpeg:
            # It writes the stream anew: other tables, no stuffing.
            one.guard = guard.at_least(source.size * 9 // 10, ".ts")
        return [*tools, *ffmpeg]


def hashing(name: str, openssl: str, algorithm: str, source: Set, everywhere: bool, work: Path) -> Tool:
    """openssl over the files of a set: in one process, or on all cores."""
    files = [str(path) for path in source.files]
    if not everywhere:
        return Tool(name, lambda _out: [openssl, "dgst", f"-{algorithm}", *files], guard.nothing, source.size)
    names = work / f"{source.key}.names"
    names.write_bytes(b"".join(os.fsencode(file) + b"\0" for file in files))
    cores = all_cores()
    each = max(1, min(64, len(files) // (4 * len(cores))))
    command = [
        "xargs",
        "-0",
        "-P",
        str(len(cores)),
        "-n",
        str(each),
        "-a",
        str(names),
        openssl,
        "dgst",
        f"-{algorithm}",
    ]
    return Tool(name, lambda _out: command, guard.nothing, source.size, cores=cores)
