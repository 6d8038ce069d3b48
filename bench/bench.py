"""Runs the benchmark. `scripts/bench --help` says how."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import bars
import machine
import measure
import peers
import report
import tools
from cases import CASES, Case, Stage
from measure import Command, Sample
from servers import Servers
from sets import Set
from tools import Peers, Tool

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

FULL_ROUNDS = 7
QUICK_ROUNDS = 3

# How often a run that others disturbed is done again before it counts as disturbed.
MOST_AGAIN = 3

# What sets and what is fetched need at most, and the memory of the servers.
ROOM_GIB, SERVERS_GIB = 10, 6
QUICK_ROOM_GIB, QUICK_SERVERS_GIB = 3, 2


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures recfetch and its peers.")
    parser.add_argument(
        "--case", action="append", default=[], metavar="NAME", help="only this row; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--quick", action="store_true", help="small sets, few rounds; never recorded")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help=f"default: {FULL_ROUNDS}, quick: {QUICK_ROUNDS}"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="TOOL", help="only tools whose name has this"
    )
    parser.add_argument("--force", action="store_true", help="run on a loaded machine too; not recorded then")
    parser.add_argument("--seed", type=int, help="of the order of tools; default: by chance")
    parser.add_argument("--recfetch", type=Path, metavar="PATH", help="this program instead of building one")
    parser.add_argument(
        "--loopback", type=Path, metavar="PATH", help="these test servers instead of building them"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="PATH", help="another recfetch, in turns with the first"
    )
    parser.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="where results go")
    parser.add_argument("--keep", action="store_true", help="leave the work folder")
    return parser.parse_args()


def main() -> int:
    """The command line's exit code: 0 where every bar that was judged is reached."""
    options = arguments()
    if options.list:
        for case in CASES:
            print(f"{case.key:<12} {case.title}")
        return 0
    chosen = _chosen(options.case)
    refused = machine.refusal(machine.load())
    if refused and not (options.force or options.quick):
        print(f"bench: {refused}; --force runs anyway and records nothing", file=sys.stderr)
        return 2
    reasons = [word for word, holds in (("quick", options.quick), (refused, refused)) if holds]
    recfetch, loopback = _programs(options)
    for reason in peers.install():
        print(f"bench: could not be had: {reason}", file=sys.stderr)
    work = _work_folder(options.quick)
    signal.signal(signal.SIGTERM, _stop)
    servers = Servers(work, loopback, measure.SERVER_CORE)
    try:
        run = Run(options, servers, work, recfetch, loopback, reasons)
        return run.all(chosen)
    finally:
        servers.stop_all()
        if options.keep:
            print(f"bench: left {work}", flush=True)
        else:
            shutil.rmtree(work, ignore_errors=True)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)


def _chosen(names: Sequence[str]) -> list[Case]:
    known = {case.key: case for case in CASES}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"bench: no row is called {', '.join(unknown)}; --list names them", file=sys.stderr)
        sys.exit(2)
    return [known[name] for name in names] or CASES


def _programs(options: argparse.Namespace) -> tuple[Path, Path]:
    """recfetch and the test servers, built where they are not given."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release"
    wanted = [(options.recfetch, "recfetch"), (options.loopback, "loopback")]
    missing = [name for path, name in wanted if path is None]
    if missing:
        print(f"bench: builds {' and '.join(missing)} for release", flush=True)
        build = ["cargo", "build", "--quiet", "--release", "--locked", "--workspace"]
        subprocess.run(
            [*build, *(word for name in missing for word in ("--bin", name))], cwd=ROOT, check=True
        )
    recfetch, loopback = ((path or target / name).resolve() for path, name in wanted)
    for path in (recfetch, loopback):
        if not os.access(path, os.X_OK):
            print(f"bench: {path} is no program", file=sys.stderr)
            sys.exit(2)
    return recfetch, loopback


def _work_folder(quick: bool) -> Path:
    """In memory where there is room."""
    room, servers = (QUICK_ROOM_GIB, QUICK_SERVERS_GIB) if quick else (ROOM_GIB, SERVERS_GIB)
    shared = Path("/dev/shm")
    is_memory = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > room << 30
    # A tmpfs promises more than there may be of memory.
    if is_memory and _available_memory() < (room + servers) << 30:
        is_memory = False
    place = shared if is_memory else Path(tempfile.gettempdir())
    if not is_memory:
        print(f"bench: NOTICE: works in {place}, which may be a disk: /dev/shm has no room", file=sys.stderr)
    return Path(tempfile.mkdtemp(prefix="recfetch-bench.", dir=place))


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 0


class Run:
    """One call of the benchmark."""

    def __init__(
        self,
        options: argparse.Namespace,
        servers: Servers,
        work: Path,
        recfetch: Path,
        loopback: Path,
        reasons: list[str],
    ) -> None:
        self.options = options
        self.servers = servers
        self.work = work
        self.rounds = options.rounds or (QUICK_ROUNDS if options.quick else FULL_ROUNDS)
        # Why this run is not recorded.
        self.reasons = reasons
        if self.rounds < FULL_ROUNDS and not options.quick:
            self.reasons.append(f"only {self.rounds} rounds")
        if options.beside:
            self.reasons.append("another program beside it")
        if options.only:
            self.reasons.append("not all tools")
        self.seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
        self.random = random.Random(self.seed)
        self.found = peers.find()
        weed = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recfetch/venv/bin/weed"
        self.stage = Stage(
            work=work,
            recfetch=recfetch,
            loopback=loopback,
            weed=weed if os.access(weed, os.X_OK) else None,
            servers=servers,
            peers=Peers(self.found, work),
            quick=options.quick,
        )
        (work / "home").mkdir()
        (work / "out").mkdir()

    def all(self, chosen: Sequence[Case]) -> int:
        """Runs these cases; 0 where no bar was missed."""
        print(f"bench: {len(chosen)} rows, {self.rounds} rounds, seed {self.seed}", flush=True)
        done: dict[str, object] = {}
        failed = False
        for case in chosen:
            result, missed = self._case(case)
            failed = failed or missed
            if result:
                done[case.key] = result
                self._write(done)
        return 1 if failed else 0

    def _write(self, done: dict[str, object]) -> None:
        order = [case.key for case in CASES]
        recorded = {key: value for key, value in done.items() if value["context"]["recorded"]}  # type: ignore[index]
        if recorded:
            path = self.options.out / "results.json"
            old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
            report.write(self.options.out, "results", report.merged(old, recorded, order))
        others = {key: value for key, value in done.items() if key not in recorded}
        if others:
            report.write(self.options.out, "unrecorded", report.merged(None, others, order))

    def _case(self, case: Case) -> tuple[dict[str, object] | None, bool]:
        print(f"\n== {case.key}: {case.title}", flush=True)
        self.stage.peers.absent.clear()
        self.stage.used.clear()
        before = set(self.servers.running)
        try:
            built = case.build(self.stage)
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            print(f"bench: {case.key} cannot be run: {error}", file=sys.stderr)
            return None, True
        chosen = [tool for tool in self._with_beside(built.tools) if self._is_wanted(tool)]
        if not chosen:
            print(f"   left out: {built.note}", flush=True)
            return None, False
        rounds = built.quick_rounds if self.options.quick and built.quick_rounds else self.rounds
        samples = self._measure(case, chosen, rounds)
        medians = report.medians(samples)
        absent = dict(self.stage.peers.absent)
        absent.update({tool.name: "left out by --only" for tool in built.tools if tool not in chosen})
        verdicts = [bars.judge(bar, medians, absent) for bar in built.bars]
        others = [tool.name for tool in chosen if not tool.is_ours and not tool.name.startswith("openssl")]
        beaten = bars.beaten(medians, built.subjects, others)
        result = report.case_json(
            case.title, chosen, samples, verdicts, beaten, self.stage.peers.absent, built.note
        )
        result["context"] = self._context(samples, rounds)
        self._tell(case, result)
        # What this case started, and large sets that no other case needs.
        for name in [name for name in self.servers.running if name not in before and not _is_shared(name)]:
            self.servers.stop(name)
        for key in built.forget:
            for name in [name for name in self.servers.running if name.startswith(f"s3-{key}-")]:
                self.servers.stop(name)
            self.stage.forget(key)
        return result, any(verdict.word == "FAIL" and not verdict.bar.moonshot for verdict in verdicts)

    def _with_beside(self, tools_of: Sequence[Tool]) -> list[Tool]:
        """Each run of recfetch a second time with the other program, which no bar looks at."""
        beside = self.options.beside
        if not beside:
            return list(tools_of)
        own, other = str(self.stage.recfetch), str(beside.resolve())

        def twin(tool: Tool) -> Tool:
            argv, prepare = tool.argv, tool.prepare

            def swapped(words: Sequence[str]) -> list[str]:
                return [other if word == own else word for word in words]

            return dataclasses.replace(
                tool,
                name=f"{tool.name} [beside]",
                argv=lambda out: swapped(argv(out)),
                prepare=(lambda out: swapped(prepare(out))) if prepare else None,
            )

        return [one for tool in tools_of for one in ([tool, twin(tool)] if tool.is_ours else [tool])]

    def _is_wanted(self, tool: Tool) -> bool:
        return not self.options.only or any(word in tool.name for word in self.options.only)

    def _measure(self, case: Case, chosen: Sequence[Tool], rounds: int) -> dict[str, list[Sample]]:
        samples: dict[str, list[Sample]] = {tool.name: [] for tool in chosen}
        for tool in chosen:
            if tool.prepare:
                self._prepare(tool)
        for number in range(1, rounds + 1):
            order = list(chosen)
            self.random.shuffle(order)
            for tool in order:
                sample = self._until_undisturbed(tool, number)
                samples[tool.name].append(sample)
                self._progress(case, f"{number}/{rounds}", tool, sample)
        shutil.rmtree(self.work / "out")
        (self.work / "out").mkdir()
        return samples

    def _prepare(self, tool: Tool) -> None:
        """What a tool needs to be there, made without being measured."""
        assert tool.prepare
        out = self._folder(tool)
        out.mkdir()
        env = {**tools.base_env(self.work / "home"), **tool.env}
        log = (self.work / "prepare.log").open("wb")
        with log:
            subprocess.run(tool.prepare(out), env=env, cwd=out, stdout=log, stderr=log, check=False)

    def _folder(self, tool: Tool) -> Path:
        return self.work / "out" / "".join(letter if letter.isalnum() else "-" for letter in tool.name)

    def _until_undisturbed(self, tool: Tool, number: int) -> Sample:
        sample = self._once(tool, number)
        # What is not recorded anyway need not be undisturbed.
        for _ in range(0 if self.reasons else MOST_AGAIN):
            if not sample.disturbed or not sample.is_good:
                break
            print(f"   disturbed ({sample.foreign:.2f} s of CPU by others): {tool.name} again", flush=True)
            sample = self._once(tool, number)
        return sample

    def _once(self, tool: Tool, number: int) -> Sample:
        out = self._folder(tool)
        if not tool.prepare:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
        if tool.before:
            tool.before()
        # Room for what is written, and for the part of it that some write twice.
        times = 2.2 if "join" in tool.name else 1.2
        machine.touch(self.work, int(times * max((used.size for used in self.stage.used.values()), default=0)))
        command = Command(
            argv=tool.argv(out),
            env={**tools.base_env(self.work / "home"), **tool.env},
            cwd=out,
            log=self.work / "command",
            cores=tool.cores,
            timeout=tool.timeout,
        )
        sample = measure.run(command, self.servers.groups(), number)
        if tool.after:
            tool.after(sample)
        if sample.is_good:
            sample.problem = tool.guard(out)
        if not tool.prepare:
            shutil.rmtree(out, ignore_errors=True)
        return sample

    def _progress(self, case: Case, number: str, tool: Tool, sample: Sample) -> None:
        extra = " ".join(f"{name} {value:.3g}" for name, value in sample.extra.items())
        flags = " DISTURBED" if sample.disturbed else ""
        state = f" FAILED: {sample.problem}" if sample.problem else ""
        print(
            f"   {case.key} {number} {tool.name:<28} wall {sample.wall:7.3f} cpu {sample.cpu:7.3f} "
            f"rss {sample.rss_kib / 1024:5.0f} {extra}{flags}{state}",
            flush=True,
        )

    def _context(self, samples: dict[str, list[Sample]], rounds: int) -> dict[str, object]:
        disturbed = machine.too_disturbed(
            {name: [sample.disturbed for sample in runs] for name, runs in samples.items()}
        )
        reasons = [*self.reasons, *(f"half the runs of {name} were disturbed, or more" for name in disturbed)]
        versions = {"recfetch": _version(self.stage.recfetch)}
        versions |= {name: peer.version for name, peer in self.found.items() if peer and name != "ffprobe"}
        return {
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": _commit(),
            "machine": machine.describe(),
            "versions": versions,
            "rounds": rounds,
            "sets": "; ".join(_set_words(one) for one in self.stage.used.values()),
            "seed": self.seed,
            "quick": self.options.quick,
            "recorded": not reasons,
            "not_recorded": "; ".join(reasons),
        }

    def _tell(self, case: Case, result: dict[str, object]) -> None:
        print()
        for line in report.markdown({"cases": {case.key: result}}).splitlines()[7:]:
            print(f"   {line}")
        sys.stdout.flush()


def _is_shared(name: str) -> bool:
    """Servers that several cases use."""
    return name.startswith("s3-") and name != "s3-trust"


def _set_words(one: Set) -> str:
    return f"{one.key}: {len(one.files)} files, {one.gib:.2f} GiB"


def _version(recfetch: Path) -> str:
    done = subprocess.run([str(recfetch), "--version"], capture_output=True, text=True, check=False)
    return (done.stdout.split() or ["-", "?"])[-1]


def _commit() -> str:
    git = ["git", "-C", str(ROOT)]
    done = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False
    )
    return (done.stdout.strip() or "unknown") + (" with changes" if changed.stdout.strip() else "")


if __name__ == "__main__":
    sys.exit(main())
