#!/usr/bin/env python3
"""Plays the fault cases to recfetch and to every peer that can be had, and writes down who was right.

Right is, where the recording can be had whole in the end (cut once, 503 twice, stalled once, killed and
started again): exit code 0 AND every byte right. Where it cannot: an exit code that is not 0 AND no file with
a final name whose bytes are wrong or too few. What has not ended within the limit hangs, and is wrong.

  - A mover's final names are the objects' own. A joiner's is the one file that it joins into: with a hole or
    a wrong byte in it, it is wrong: silently so with exit code 0, told with another.
  - recfetch keeps pieces and joins: both are judged.
  - Names that say of themselves that they are unfinished are not final: `.part`, `.ytdl`, `.partial.ts`, a
    file with an `.aria2` beside it.
  - Bytes are compared by SHA-256. A tool that rewrites the stream (ffmpeg, vsd, yt-dlp's last step) is
    compared packet by packet (ffprobe's hash of each packet's payload) with its own output of the case
    `clean`, which has to have as many packets as the source, and the same decoded pictures.
  - Bytes that are not the segment's come to HLS downloaders under headers that fit them, as from a bucket
    that really holds them; to object movers under the right segment's ETag and checksums, after a listing
    that tells the truth, so that there is something to compare them with.
  - The bad segment is named when a line of the output has its name or number and is not of a kind that the
    good segments get too.

Run it by scripts/scoreboard.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import media
import peers
from contenders import CONTENDERS, HLS, MOVERS, Contender
from faults import (
    ACCESS_KEY,
    BAD,
    CASES,
    NAME,
    SECRET_KEY,
    Case,
    Recording,
    Servers,
    Stage,
    StageError,
    flip_at,
    keeps_checksums,
    make_recording,
    played,
)
from judge import Left, Mark, is_marked_unfinished, judge, left_joined, left_pieces, names_segment, worst
from tables import compact, document

# Cells at once that work, and that only wait.
WORKING = 2
WAITING = 64

# How long nothing may change on disk until a tool that is to be killed counts as waiting.
QUIET = 2.0

# When it is killed whatever it does.
KILL_AT_LAST = 25.0


@dataclass
class Cell:
    """How one tool did in one case, with the evidence."""

    tool: str
    group: str
    case: str
    mark: str
    why: str
    right: bool | None = None
    command: str = ""
    exit_code: int | None = None
    first_exit_code: int | None = None
    seconds: float = 0.0
    left: str = ""
    wrong_files: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    named: bool | None = None
    flipped: str = ""
    output: list[str] = field(default_factory=list)


class Board:
    """A run of the scoreboard."""

    def __init__(
        self, servers: Servers, programs: dict[str, peers.Peer], recording: Recording, work: Path
    ) -> None:
        self.servers = servers
        self.programs = programs
        self.recording = recording
        self.work = work
        self.keep = False
        self._digests = recording.digests()
        self._whole = media.concatenate(recording.segments(), work / "whole.ts")
        # What each tool makes of a recording without faults, where that is not the bytes themselves.
        self._clean: dict[str, media.Fingerprint] = {}
        self._said = threading.Lock()

    def cell(self, contender: Contender, case: Case) -> Cell:
        """Plays one case to one tool; again, where the servers failed."""
        for tries in range(3):
            try:
                return self._try_cell(contender, case)
            except StageError as error:
                _say(f"{case.name}, {contender.name}: {error}{'' if tries == 2 else '; once more'}")
        raise RuntimeError("the servers failed three times")

    def _try_cell(self, contender: Contender, case: Case) -> Cell:
        started = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="cell-", dir=self.work))
        try:
            with played(
                self.servers, self.recording, case, contender.server, contender.keeping, folder
            ) as stage:
                cell = self._play(contender, case, stage, folder)
        finally:
            if not self.keep:
                shutil.rmtree(folder, ignore_errors=True)
        cell.seconds = round(time.monotonic() - started, 1)
        with self._said:
            code = "-" if cell.exit_code is None else cell.exit_code
            where = f" {folder}" if self.keep else ""
            took = f"({cell.seconds} s){where}"
            _say(f"{cell.mark} {case.name:<15} {contender.name}: exit {code}, {cell.why} {took}")
        return cell

    def _play(self, contender: Contender, case: Case, stage: Stage, folder: Path) -> Cell:
        run = Run(self.programs[contender.program].path, contender, stage, folder, self.programs)
        first, flipped = None, ""
        if case.kills:
            first = run.until_killed()
            stage.mend()
            if case.flips_on_disk:
                flipped = flip_on_disk(run.cwd, self.recording.segments())
        code, output = run.to_the_end(case.limit)
        left, wrong = self._left(contender, case, run.cwd)
        verdict = judge(code, left, case.can_be_whole)
        cell = Cell(
            contender.name, contender.group, case.name, verdict.mark.value, verdict.why, verdict.is_right
        )
        cell.command, cell.exit_code, cell.first_exit_code = run.shown(), code, first
        cell.left, cell.wrong_files, cell.flipped = left.value, wrong, flipped
        cell.files = files_in(run.cwd)
        segments = [path.name for path in self.recording.segments()]
        if not case.can_be_whole and case.name != "not ended":
            bad = segments[BAD]
            cell.named = names_segment(output, bad, [name for name in segments if name != bad], BAD)
        cell.output = scrub(output, folder)
        return cell

    def _left(self, contender: Contender, case: Case, cwd: Path) -> tuple[Left, list[str]]:
        lefts: list[Left] = []
        wrong: list[str] = []
        if contender.pieces:
            wanted = dict(self._digests)
            if case.name == "not ended":
                # The playlist is another one, and what it says is not in question here.
                wanted = {name: digest for name, digest in wanted.items() if name.endswith(".ts")}
            left, names = left_pieces(cwd / contender.pieces, wanted)
            lefts, wrong = [*lefts, left], [*wrong, *names]
        if contender.joined:
            found = {path for glob in contender.joined for path in cwd.glob(glob)}
            final = {path for path in found if not is_marked_unfinished(path)}
            left, names = left_joined(final, {path: self._is_whole(contender, case, path) for path in final})
            lefts, wrong = [*lefts, left], [*wrong, *names]
        return worst(*lefts), wrong

    def _is_whole(self, contender: Contender, case: Case, path: Path) -> bool:
        if media.same_bytes(path, self._whole):
            return True
        if contender.program == "recfetch":
            return False
        ffprobe, ffmpeg = self.programs["ffprobe"].path, self.programs["ffmpeg"].path
        printed = media.fingerprint(ffprobe, path)
        if case.name == "clean":
            source = media.fingerprint(ffprobe, self._whole)
            pictures = media.pictures(ffmpeg, path) == media.pictures(ffmpeg, self._whole)
            if not pictures or printed.counts() != source.counts():
                return False
            self._clean[contender.name] = printed
            return True
        return printed == self._clean.get(contender.name)


class Run:
    """A tool in a clean folder."""

    def __init__(
        self, program: Path, contender: Contender, stage: Stage, folder: Path, programs: dict[str, peers.Peer]
    ) -> None:
        self._program = program
        self._contender = contender
        self._stage = stage
        self.cwd = folder / "work"
        self._output = folder / "output"
        for name in ("work", "home", "tmp"):
            (folder / name).mkdir()
        if contender.reads == "URLs":
            (self.cwd / "urls").write_text("\n".join(stage.object_urls()) + "\n")
        self._environment = environment(folder, stage, programs) | contender.environment

    def shown(self) -> str:
        """The command, to be read by people."""
        arguments = self._contender.arguments(self._stage)
        urls = self._stage.object_urls()
        if urls[0] in arguments:
            arguments = [argument for argument in arguments if argument not in urls] + ["URL..."]
        text = " ".join([self._contender.program, *arguments])
        return re.sub(r"http://127\.0\.0\.1:\d+", "http://HOST", text)

    def to_the_end(self, limit: int) -> tuple[int | None, str]:
        """Its exit code (none when it does not end) and what it said."""
        with self._output.open("wb") as output:
            process = self._start(output)
            code = wait_for(process, limit)
            kill_group(process)
        return code, self._output.read_text(errors="replace")

    def until_killed(self) -> int | None:
        """Kills it when nothing comes any more. Its exit code, should it have ended before."""
        with self._output.open("wb") as output:
            process = self._start(output)
            started = changed = time.monotonic()
            before: list[tuple[str, int]] = []
            code: int | None = None
            while time.monotonic() - started < KILL_AT_LAST:
                code = wait_for(process, 0.1)
                if code is not None:
                    break
                now = sizes_in(self.cwd)
                if now != before:
                    before, changed = now, time.monotonic()
                media_there = any(size > 0 for name, size in now if name != "urls")
                if media_there and time.monotonic() - changed > QUIET:
                    break
            kill_group(process)
        return code

    def _start(self, output: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self._program), *self._contender.arguments(self._stage)],
            cwd=self.cwd,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,  # type: ignore[arg-type]
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def environment(folder: Path, stage: Stage, programs: dict[str, peers.Peer]) -> dict[str, str]:
    """What a tool sees: the keys of the bucket, and nothing of the machine's own settings."""
    paths = {str(peer.path.parent): None for peer in programs.values()}
    home = folder / "home"
    return {
        "PATH": os.pathsep.join([*paths, "/usr/bin", "/bin"]),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(folder / "tmp"),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "RCLONE_S3_ENDPOINT": stage.url,
        "RCLONE_S3_REGION": "us-east-1",
    }


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for a tool and for what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(process: subprocess.Popen[bytes], limit: float) -> int | None:
    """The exit code, none after the limit. The process is left unreaped, so that its number stays its own."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended:
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        time.sleep(0.02)
    return None


def sizes_in(folder: Path) -> list[tuple[str, int]]:
    """Every file with its size."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                found.append((str(path.relative_to(folder)), path.stat().st_size))
        except OSError:
            continue
    return sorted(found)


def files_in(folder: Path) -> list[str]:
    """What is left, short: first what is no segment under its own name, then how many of those there are."""
    own = re.compile(rf"(.*/)?{NAME}_\d{{17}}\.ts")
    found = [(name, size) for name, size in sizes_in(folder) if name != "urls"]
    pieces = [name for name, _ in found if own.fullmatch(name)]
    others = [f"{name} ({size})".replace(NAME, "…") for name, size in found if name not in pieces]
    others = others if len(others) <= 12 else [*others[:12], f"and {len(others) - 12} more"]
    return others + ([f"{len(pieces)} segments under their own names"] if pieces else [])


def flip_on_disk(folder: Path, segments: list[Path]) -> str:
    """Flips a bit inside a segment that lies finished on disk, alone or inside a longer file; its time stays.

    Gives the file's name, or why nothing was flipped.
    """
    files = [folder / name for name, _ in sizes_in(folder) if name != "urls"]
    for segment in segments[1:]:
        wanted = segment.read_bytes()
        for path in files:
            at = path.read_bytes().find(wanted)
            if at >= 0:
                _flip(path, at + flip_at(wanted))
                return str(path.relative_to(folder))
    # A tool that rewrites the stream: in the middle of what there is.
    largest = max(files, key=lambda path: path.stat().st_size, default=None)
    if largest is None or largest.stat().st_size == 0:
        return "nothing was on disk"
    _flip(largest, largest.stat().st_size // 2)
    return str(largest.relative_to(folder))


def _flip(path: Path, at: int) -> None:
    was = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def scrub(output: str, folder: Path) -> list[str]:
    """The last lines, without paths of this machine, ports and signatures."""
    text = output.replace(str(folder / "work") + "/", "").replace(str(folder), ".")
    text = text.replace(str(peers.folder()), "PEERS").replace(str(Path.home()), "~")
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
    text = re.sub(r"port=\d+", "port=...", text)
    text = re.sub(r"(X-Amz-[A-Za-z]+|Signature|Credential)=[^&\s,\"]+", r"\1=...", text)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    lines = [line.rstrip()[:300] for line in re.split(r"[\r\n]+", text) if line.strip()]
    return lines[-6:]


def not_applicable(contender: Contender, case: Case, why: str) -> Cell:
    """A cell that nobody can be right or wrong in."""
    return Cell(contender.name, contender.group, case.name, Mark.NONE.value, why)


def machine() -> dict[str, object]:
    """What it ran on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.group(1)) / 2**20) if memory else None,
        "system": f"{platform.system()} {platform.release()}",
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def play_all(board: Board, contenders: list[Contender], cases: list[Case]) -> list[Cell]:
    """All cells: first `clean`, which the others are measured by, then the others."""
    cells: list[Cell] = []
    todo: list[tuple[Contender, Case]] = []
    clean = next(case for case in CASES if case.name == "clean")
    for contender in contenders:
        todo.append((contender, clean))
        for case in cases:
            why = contender.why_not(case)
            if why:
                cells.append(not_applicable(contender, case, why))
            elif case is not clean:
                todo.append((contender, case))
    with ThreadPoolExecutor(WORKING) as pool:
        cells += pool.map(board.cell, *zip(*[cell for cell in todo if cell[1] is clean], strict=True))
    todo = [cell for cell in todo if cell[1] is not clean]
    # Those that wait longest begin first.
    waiting = sorted((cell for cell in todo if cell[1].waits), key=lambda cell: -cell[1].limit)
    with ThreadPoolExecutor(WORKING) as workers, ThreadPoolExecutor(WAITING) as waiters:
        futures = [workers.submit(board.cell, *cell) for cell in todo if not cell[1].waits]
        for cell in waiting:
            futures.append(waiters.submit(board.cell, *cell))
            # To start is work.
            time.sleep(1.5)
        cells += [future.result() for future in futures]
    tools = [contender.name for contender in contenders]
    names = [case.name for case in CASES]
    return sorted(cells, key=lambda cell: (tools.index(cell.tool), names.index(cell.case)))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Plays the fault cases to recfetch and its peers.", prog="scripts/scoreboard"
    )
    parser.add_argument("--bin", type=Path, required=True, help="folder with recfetch and loopback")
    parser.add_argument("--case", action="append", help="only this case; may be repeated")
    parser.add_argument(
        "--tool", action="append", help="only tools whose line has this in it; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="without the cases in which tools only wait")
    parser.add_argument("--keep", action="store_true", help="keep the folders of the cells, and say where")
    parser.add_argument("--output", type=Path, help="folder for scoreboard.md and .json, also of a part")
    options = parser.parse_args()

    known = [case.name for case in CASES]
    for name in options.case or []:
        if name not in known:
            parser.error(f"there is no case {name!r}; there are: {', '.join(known)}")
    cases = [
        case
        for case in CASES
        if (not options.case or case.name in options.case) and not (options.quick and case.waits)
    ]
    found = {name: peer for name, peer in peers.find().items() if peer}
    recfetch = options.bin / "recfetch"
    found["recfetch"] = peers.Peer("recfetch", recfetch.resolve(), peers.version_of("recfetch", recfetch))
    wanted = [one for one in CONTENDERS if not options.tool or any(text in one.name for text in options.tool)]
    loopback = (options.bin / "loopback").resolve()
    servers = Servers(loopback, keeps_checksums(loopback))
    contenders, lacking = [], {}
    for one in wanted:
        reasons = [peers.why(name) for name in (one.program, *one.needs) if name not in found]
        if one.server == "s3 sha256" and not servers.keeps_checksums:
            reasons.append("the S3 server of this `loopback` keeps no checksums")
        if reasons:
            lacking[one.name] = reasons[0]
            _say(f"left out: {one.name}: {reasons[0]}")
        else:
            contenders.append(one)
    if not contenders:
        parser.error("no tool is left")

    work = Path(tempfile.mkdtemp(prefix="recfetch-scoreboard."))
    started = time.monotonic()
    try:
        board = Board(servers, found, make_recording(work / "recording"), work)
        board.keep = options.keep
        cells = play_all(board, contenders, cases)
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)

    is_all = not (options.case or options.tool or options.quick)
    facts = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
        "seconds": round(time.monotonic() - started),
        "versions": {name: peer.version for name, peer in sorted(found.items())},
        "bucket_keeps_crc64": servers.keeps_checksums,
        "left_out": lacking,
        "commands": {
            one.name: next(c.command for c in cells if c.tool == one.name and c.command) for one in contenders
        },
        "notes": {one.name: one.note for one in contenders if one.note},
        "cases": {case.name: case.what for case in CASES if case in cases or case.name == "clean"},
        "limits": {case.name: case.limit for case in CASES},
    }
    plain = [asdict(cell) for cell in cells]
    tables = {group: compact(group, plain, facts) for group in (HLS, MOVERS)}
    print("\n\n".join(table for table in tables.values() if table))
    output = options.output or (Path(__file__).parent if is_all else None)
    if output:
        (output / "scoreboard.json").write_text(
            json.dumps({**facts, "cells": plain}, indent=1, ensure_ascii=False) + "\n"
        )
        (output / "scoreboard.md").write_text(document(plain, facts, __doc__ or ""))
        _say(f"wrote scoreboard.md and scoreboard.json into {output}")
    unclean = [cell.tool for cell in cells if cell.case == "clean" and not cell.right]
    for tool in unclean:
        _say(f"{tool} is wrong where nothing goes wrong: its line says nothing")
    wrong = [cell for cell in cells if cell.tool.startswith("recfetch") and cell.right is False]
    for cell in wrong:
        _say(f"recfetch is wrong: {cell.tool}, {cell.case}: exit {cell.exit_code}, {cell.why}")
    return 0


def _say(text: str) -> None:
    print(f"scoreboard: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
