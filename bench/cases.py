"""The rows of the table: which tools run against which server over which set, and what must come out."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import guard
import sets
import tools
from bars import Bar
from measure import Sample, all_cores
from servers import BUCKET, Servers
from sets import PREFIX, Set
from tools import Peers, Tool

# Megabits a second through the link: of one connection, and of all.
CONNECTION_MBIT = 100
TOTAL_MBIT = 1000

MOST_RSS_MIB = 64.0


@dataclass
class Stage:
    """What cases are built from."""

    work: Path
    recfetch: Path
    loopback: Path
    weed: Path | None
    servers: Servers
    peers: Peers
    quick: bool
    made: dict[str, Set] = field(default_factory=dict)
    # Those that the row asked for.
    used: dict[str, Set] = field(default_factory=dict)

    def set(self, key: str) -> Set:
        """A set, made when it is first asked for."""
        if key not in self.made:
            print(f"   makes set {key}", flush=True)
            self.made[key] = sets.make(key, self.quick, self.work, self.loopback)
        self.used[key] = self.made[key]
        return self.made[key]

    def forget(self, key: str) -> None:
        """Gives the memory of a set back."""
        made = self.made.pop(key, None)
        if made:
            shutil.rmtree(made.root)

    def s3(self, key: str, checksum: bool) -> str:
        """Our S3 server over a set: with CRC-64 as S3 keeps it today, or with MD5 ETags and nothing else."""
        name = f"s3-{key}-{'crc64' if checksum else 'md5'}"
        if name in self.servers.running:
            return self.servers.running[name].url
        options = ["--public", "--parts-above=64M"]
        options += ["--checksum=crc64nvme"] if checksum else []
        url = self.servers.s3(name, self.set(key).root, *options).url
        # The server takes the MD5 of an object when it is first asked for it: now.
        list_all(url)
        return url

    def ours(self, name: str, key: str, endpoint: str, *flags: str, **more: object) -> Tool:
        """recfetch over a set."""
        return tools.recfetch(self.recfetch, name, self.set(key), endpoint, *flags, **more)  # type: ignore[arg-type]


@dataclass
class Built:
    """A case, ready to run."""

    tools: list[Tool]
    bars: list[Bar]
    # recfetch's runs that peers are held against.
    subjects: Sequence[str] = ()
    # Of this row in a quick run, where one takes long.
    quick_rounds: int | None = None
    # Sets that no other case needs.
    forget: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Case:
    """A row (or some) of the table."""

    key: str
    title: str
    build: Callable[[Stage], Built]


def list_all(endpoint: str, prefix: str = PREFIX + "/") -> float:
    """Lists a bucket without a signature, all pages; the seconds that it took."""
    started = time.perf_counter()
    token = ""
    while True:
        url = f"{endpoint}/{BUCKET}?list-type=2&prefix={prefix}{token}"
        with urlopen(url, timeout=120) as answer:
            text = answer.read().decode()
        if "<NextContinuationToken>" not in text:
            return time.perf_counter() - started
        found = text.split("<NextContinuationToken>")[1].split("<")[0]
        token = f"&continuation-token={found}"


def _object_base(endpoint: str) -> str:
    return f"{endpoint}/{BUCKET}/{PREFIX}"


def _rss(*names: str) -> list[Bar]:
    return [Bar(f"peak RSS of {name}", name, "rss_mib", MOST_RSS_MIB, unit="MiB") for name in names]


S5CMD = ("s5cmd", "s5cmd -c1 nw16")
RCLONE = ("rclone", "rclone -t16")


def case_a(stage: Stage) -> Built:
    """Fetching with every kind of proof, and joining."""
    crc, md5 = stage.s3("A", True), stage.s3("A", False)
    source = stage.set("A")
    openssl = stage.peers.path("openssl")
    ours = [
        stage.ours("recfetch crc64", "A", crc),
        stage.ours("recfetch md5", "A", md5),
        stage.ours("recfetch crc64 --join", "A", crc, "--join", joined=True),
        stage.ours("recfetch crc64 --keep joined", "A", crc, "--keep", "joined", joined=True),
    ]
    for tool in ours:
        tool.after = _written(source.size)
    others = [
        *stage.peers.s5cmd(source, crc),
        *stage.peers.rclone(source, crc),
        *stage.peers.curl(source, _object_base(crc)),
        tools.hashing("openssl md5", openssl, "md5", source, False, stage.work),
        tools.hashing("openssl sha256", openssl, "sha256", source, False, stage.work),
    ]
    crc_name, md5_name, join, keep = (tool.name for tool in ours)
    curl = ("openssl md5", "openssl sha256")
    bars = [
        Bar("CPU, CRC-64 proof : s5cmd cp", crc_name, "cpu", 0.8, best_of=S5CMD),
        Bar("wall, CRC-64 proof : s5cmd cp", crc_name, "wall", 1.0, best_of=S5CMD),
        Bar(
            "CPU, MD5 proof : curl + openssl md5 + sha256",
            md5_name,
            "cpu",
            1.15,
            curl,
            best_of=("curl", "curl -Z"),
        ),
        Bar("CPU, MD5 proof : rclone copy with MD5", md5_name, "cpu", 0.8, best_of=RCLONE),
        Bar("CPU, MD5 proof : s5cmd cp", md5_name, "cpu", 1.0, best_of=S5CMD, moonshot=True),
        Bar("CPU, --join : without", join, "cpu", 1.15, (crc_name,)),
        Bar("bytes written, --join : set", join, "written_share", 2.01),
        Bar("CPU, --keep joined : usual form", keep, "cpu", 1.0, (crc_name,)),
        Bar("bytes written, --keep joined : set", keep, "written_share", 1.01),
        *_rss(*(tool.name for tool in ours)),
    ]
    note = (
        "Bytes written are those given to write calls, the kernel's own copies (copy_file_range) among them."
    )
    return Built([*ours, *others], bars, (crc_name, md5_name), note=note)


def _written(size: int) -> Callable[[Sample], None]:
    def after(sample: Sample) -> None:
        if sample.written is not None:
            sample.extra["written_share"] = sample.written / size

    return after


def case_weed(stage: Stage) -> Built:
    """The same against a server that is not ours."""
    source = stage.set("A")
    if not stage.weed:
        return Built([], [], note="SeaweedFS is not installed: scripts/test --set-up")
    endpoint = stage.servers.weed("weed", stage.weed).url
    env = tools.base_env(stage.work)
    # It uploads with a CRC-32, which SeaweedFS keeps.
    aws = [stage.peers.path("aws"), "--endpoint-url", endpoint, "s3"]
    put = ["cp", "--recursive", "--quiet", "--checksum-algorithm", "CRC32", str(source.folder)]
    for command in (["mb", f"s3://{BUCKET}"], [*put, f"s3://{BUCKET}/{PREFIX}/"]):
        subprocess.run([*aws, *command], env=env, check=True, stdout=subprocess.DEVNULL)
    ours = stage.ours("recfetch crc32", "A", endpoint)
    others = [*stage.peers.s5cmd(source, endpoint), *stage.peers.rclone(source, endpoint)]
    bars = [
        Bar("CPU : s5cmd cp", ours.name, "cpu", 0.8, best_of=S5CMD),
        Bar("wall : s5cmd cp", ours.name, "wall", 1.0, best_of=S5CMD),
        Bar("CPU : rclone copy with MD5", ours.name, "cpu", 0.8, best_of=RCLONE),
        *_rss(ours.name),
    ]
    return Built([ours, *others], bars, (ours.name,))


def case_oss(stage: Stage) -> Built:
    """CRC-64 as OSS gives it. No peer here speaks OSS; its own S3 row is the comparison."""
    source = stage.set("A")
    endpoint = stage.servers.oss("oss", source.root).url
    crc = stage.s3("A", True)

    def argv(out: Path) -> list[str]:
        store = ["--vendor", "aliyun", "--region", "0", "--endpoint", endpoint, "--bucket", BUCKET]
        return [str(stage.recfetch), "fetch", *source.sids, *store, "--prefix", PREFIX, "--out", str(out)]

    oss = Tool(
        "recfetch oss",
        argv,
        guard.copies(source.files),
        source.size,
        tools.PROOF,
        "CRC-64, SHA-256, structure",
    )
    others = stage.peers.s5cmd(source, crc)
    bars = [Bar("CPU : s5cmd cp (from S3)", oss.name, "cpu", 0.8, best_of=S5CMD), *_rss(oss.name)]
    return Built([oss, *others], bars, (oss.name,))


def case_b(stage: Stage) -> Built:
    """Many small ones."""
    endpoint = stage.s3("B", True)
    source = stage.set("B")
    ours = [
        stage.ours("recfetch crc64", "B", endpoint),
        stage.ours("recfetch md5", "B", stage.s3("B", False)),
    ]
    bars = [
        Bar(f"wall of {ours[0].name} : s5cmd cp", ours[0].name, "wall", 1.0, best_of=S5CMD),
        *_rss(*(tool.name for tool in ours)),
    ]
    others = [*stage.peers.s5cmd(source, endpoint), *stage.peers.curl(source, _object_base(endpoint))]
    return Built([*ours, *others], bars, [tool.name for tool in ours], forget=["B"])


def case_c(stage: Stage) -> Built:
    """One large one."""
    endpoint = stage.s3("C", True)
    source = stage.set("C")
    ours = stage.ours("recfetch", "C", endpoint, "--only", "mp4")
    others = [
        *stage.peers.aria2(source, _object_base(endpoint)),
        *stage.peers.s5cmd(source, endpoint),
        *stage.peers.curl(source, _object_base(endpoint)),
    ]
    bars = [
        Bar("wall : aria2 -x8 -s8", ours.name, "wall", 1.0, ("aria2 -x8 -s8",)),
        *_rss(ours.name),
    ]
    return Built([ours, *others], bars, (ours.name,), forget=["C"])


def case_d(stage: Stage) -> Built:
    """Many recordings in one call."""
    many = stage.ours("recfetch, many recordings", "D", stage.s3("D", True))
    one = stage.ours("recfetch, one recording", "A", stage.s3("A", True))
    for tool in (many, one):
        tool.after = _per_gib(tool.size)
    others = stage.peers.s5cmd(stage.set("D"), stage.s3("D", True))
    bars = [
        Bar("CPU per GiB : A's", many.name, "cpu_per_gib", 1.05, (one.name,)),
        *_rss(many.name),
    ]
    return Built([many, one, *others], bars, (many.name,), forget=["D"])


def _per_gib(size: int) -> Callable[[Sample], None]:
    def after(sample: Sample) -> None:
        sample.extra["cpu_per_gib"] = sample.cpu / (size / 2**30)

    return after


def case_link(rtt_ms: int) -> Callable[[Stage], Built]:
    """Through a link with delay and bounds."""

    def build(stage: Stage) -> Built:
        # As many bytes as the link carries in five seconds, in a quick run too.
        key = "L" if stage.quick else "A"
        source = stage.set(key)
        endpoint = stage.s3(key, True)
        # A link has one client only, so that its log is this client's; its address must be known before.
        name = f"link-{rtt_ms}"
        place = _Place()

        def through(tool: Tool) -> Tool:
            def before() -> None:
                link = stage.servers.link(name, endpoint, rtt_ms, CONNECTION_MBIT, TOTAL_MBIT)
                place.url = link.url

            def after(sample: Sample) -> None:
                stage.servers.stop(name)
                lines = read_link_log(stage.servers.link_log(name))
                sample.extra.update(link_share(lines, TOTAL_MBIT * 125_000))

            tool.before, tool.after = before, after
            inner = tool.argv
            tool.argv = lambda out: [place.fill(word) for word in inner(out)]
            return tool

        ours = through(stage.ours("recfetch", key, _Place.MARK))
        others = [through(tool) for tool in stage.peers.s5cmd(source, _Place.MARK)]
        bars = [
            Bar(
                "best half second that starts within 5 s : what the link allows",
                ours.name, "link_share", 0.9, at_least=True,
            ),
            *_rss(ours.name),
        ]  # fmt: skip
        note = (
            f"RTT {rtt_ms} ms, {CONNECTION_MBIT} Mbit/s per connection, {TOTAL_MBIT} Mbit/s in all; no loss, "
            "no slow start. Until 0.9: the end of the first half second with so much."
        )
        return Built([ours, *others], bars, (ours.name,), quick_rounds=1, note=note)

    return build


class _Place:
    """An address that is known only when its server runs."""

    MARK = "http://127.0.0.1:0"

    def __init__(self) -> None:
        self.url = self.MARK

    def fill(self, word: str) -> str:
        return word.replace(self.MARK, self.url)


def read_link_log(path: Path) -> list[tuple[int, int]]:
    """The end of each line's time in milliseconds, and its bytes."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(line["ms"], line["bytes"]) for line in lines]


def link_share(lines: Sequence[tuple[int, int]], rate: float) -> dict[str, float]:
    """How much of a link was used: the best half second that starts within 5 s; when one first had 0.9."""
    best = 0.0
    reached = None
    for first in range(len(lines) - 4):
        start = lines[first - 1][0] if first else 0
        window = lines[first : first + 5]
        # By the clock: a line may have come late.
        share = sum(count for _, count in window) / ((window[-1][0] - start) / 1000) / rate
        if start <= 5000:
            best = max(best, share)
        if reached is None and share >= 0.9:
            reached = window[-1][0] / 1000
    found = {"link_share": best}
    if reached is not None:
        found["to_share_s"] = reached
    return found


def _fetched(tool: Tool) -> Tool:
    """The same command again over what it fetched; all cores may be used."""
    tool.prepare = tool.argv
    tool.cores = all_cores()
    return tool


def case_rerun(stage: Stage) -> Built:
    """Nothing is left to do."""
    endpoint = stage.s3("A", True)
    ours = _fetched(stage.ours("recfetch rerun", "A", endpoint))
    openssl = stage.peers.path("openssl")
    hashed = tools.hashing("openssl sha256, all cores", openssl, "sha256", stage.set("A"), True, stage.work)
    bars = [
        Bar("wall : hashing on all cores", ours.name, "wall", 1.2, (hashed.name,)),
        *_rss(ours.name),
    ]
    return Built([ours, hashed], bars)


def case_trust(stage: Stage) -> Built:
    """Nothing is left to do, and times are believed."""
    source = stage.set("A")
    name = "s3-trust"
    endpoint = stage.servers.s3(name, source.root, "--public", "--checksum=crc64nvme").url
    list_all(endpoint)
    ours = _fetched(stage.ours("recfetch rerun --trust-mtime", "A", endpoint, "--trust-mtime"))
    seen = 0

    def before() -> None:
        nonlocal seen
        seen = len(stage.servers.requests(name))

    def after(sample: Sample) -> None:
        asked = stage.servers.requests(name)[seen:]
        sample.extra["requests"] = len(asked)
        sample.extra["lists"] = sum("list-type" in line[3] for line in asked)
        sample.extra["one_list"] = list_all(endpoint, f"{PREFIX}/{source.sids[0]}_")
        sample.extra["beyond_list"] = sample.wall - sample.extra["one_list"]

    ours.before, ours.after = before, after
    bars = [
        Bar("wall beyond one list", ours.name, "beyond_list", 0.050, unit="s"),
        *_rss(ours.name),
    ]
    note = (
        "One list: of the recording's names, all pages, unsigned, from the same server, right after each run."
    )
    return Built([ours], bars, note=note)


def case_check(stage: Stage) -> Built:
    """Looking, from far away."""
    endpoint = stage.s3("K", True)
    link = stage.servers.link("link-check", endpoint, 80, CONNECTION_MBIT, TOTAL_MBIT).url
    ours = stage.ours("recfetch check", "K", link, command="check")

    def after(sample: Sample) -> None:
        sample.extra["round_trips"] = sample.wall / 0.080

    ours.after = after
    bars = [Bar("wall in round trips of 80 ms", ours.name, "round_trips", 8.0, unit="RTT"), *_rss(ours.name)]
    return Built([ours], bars, forget=["K"])


def case_verify(stage: Stage) -> Built:
    """Hashing a bag again."""
    source = stage.set("A")
    endpoint = stage.s3("A", True)
    fetch = stage.ours("recfetch verify", "A", endpoint)
    openssl = stage.peers.path("openssl")
    hashed = tools.hashing("openssl sha256, all cores", openssl, "sha256", source, True, stage.work)
    ours = Tool(
        "recfetch verify",
        lambda out: [str(stage.recfetch), "verify", str(out / source.sids[0])],
        guard.copies(source.files),
        source.size,
        tools.PROOF,
        "SHA-256",
        cores=all_cores(),
        prepare=fetch.argv,
    )
    # Speed is one over time: 0.95 of the hash's.
    bars = [
        Bar("wall : hashing on all cores (0.95 of its speed)", ours.name, "wall", 1 / 0.95, (hashed.name,)),
        *_rss(ours.name),
    ]
    return Built([ours, hashed], bars)


def case_program(stage: Stage) -> Built:
    """The program itself."""
    size = stripped_size(stage.recfetch, stage.work)

    def after(sample: Sample) -> None:
        sample.extra["binary_mib"] = size / 2**20

    ours = Tool(
        "recfetch --version", lambda _out: [str(stage.recfetch), "--version"], guard.nothing, 0, after=after
    )
    bars = [
        Bar("--version", ours.name, "wall", 0.010, unit="s"),
        Bar("stripped release binary", ours.name, "binary_mib", 20.0, unit="MiB"),
    ]
    return Built([ours], bars)


def stripped_size(program: Path, work: Path) -> int:
    """Bytes of the program without symbols."""
    copy = work / "stripped"
    if shutil.which("strip"):
        subprocess.run(["strip", "-o", str(copy), str(program)], check=True)
        return copy.stat().st_size
    return program.stat().st_size


def case_peers(stage: Stage) -> Built:
    """Everybody over A; those that know no S3 from a static web server."""
    source = stage.set("A")
    crc, md5 = stage.s3("A", True), stage.s3("A", False)
    static = f"{stage.servers.nginx('nginx', source.root).url}/{PREFIX}"
    ours = [stage.ours("recfetch crc64", "A", crc), stage.ours("recfetch md5", "A", md5)]
    ours += [stage.ours("recfetch crc64 --join", "A", crc, "--join", joined=True)]
    others = [
        *stage.peers.s5cmd(source, crc),
        *stage.peers.rclone(source, crc),
        *stage.peers.aws(source, crc),
        *stage.peers.curl(source, static, " (nginx)"),
        *stage.peers.aria2(source, static),
        *stage.peers.hls(source, static),
    ]
    note = "Tools that know no S3 read from nginx, which costs a client less than our S3 server does."
    return Built([*ours, *others], [], [tool.name for tool in ours], quick_rounds=1, note=note)


CASES = [
    Case("A", "1000 × 1 MiB, one recording", case_a),
    Case("A-seaweedfs", "A from SeaweedFS", case_weed),
    Case("A-oss", "A from an OSS server: CRC-64", case_oss),
    Case("B", "4000 × 90 KiB, sound only", case_b),
    Case("C", "one MP4 of 2 GiB", case_c),
    Case("D", "100 recordings × 40 segments of 1 MiB in one call", case_d),
    Case("link-80", "A through a link, RTT 80 ms", case_link(80)),
    Case("link-200", "A through a link, RTT 200 ms", case_link(200)),
    Case("rerun", "rerun of A with nothing to do", case_rerun),
    Case("trust-mtime", "rerun of A with --trust-mtime", case_trust),
    Case("check", "check of 500 segments, RTT 80 ms", case_check),
    Case("verify", "verify of A's bag", case_verify),
    Case("program", "start and size of the program", case_program),
    Case("peers", "everybody over A", case_peers),
]
