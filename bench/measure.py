"""Runs a command and measures it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import machine

LAUNCHER = Path(__file__).resolve().parent / "launch.py"

# The server has this core, clients that one; on a machine with one core they share it.
SERVER_CORE = 0


def client_core() -> set[int]:
    """The core on which clients run."""
    cores = sorted(os.sched_getaffinity(0))
    return {cores[-1]}


def all_cores() -> set[int]:
    """Every core there is."""
    return set(os.sched_getaffinity(0))


@dataclass
class Sample:
    """One run of one tool."""

    round: int
    wall: float
    user: float
    system: float
    rss_kib: int
    code: int
    # Bytes given to write calls, the kernel's own copies included.
    written: int | None
    foreign: float
    disturbed: bool
    # Why it does not count; empty where it does.
    problem: str = ""
    # What else was seen, by name.
    extra: dict[str, float] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        """User and system seconds."""
        return self.user + self.system

    @property
    def is_good(self) -> bool:
        """Whether it did its work."""
        return not self.problem

    def value(self, metric: str) -> float | None:
        """A measure by its name."""
        match metric:
            case "wall":
                return self.wall
            case "cpu":
                return self.cpu
            case "rss_mib":
                return self.rss_kib / 1024
            case "written":
                return None if self.written is None else float(self.written)
            case _:
                return self.extra.get(metric)

    def to_json(self) -> dict[str, object]:
        """As it stands in the results."""
        told = asdict(self)
        for name in ("wall", "user", "system", "foreign"):
            told[name] = round(told[name], 6)
        told["extra"] = {name: round(value, 6) for name, value in self.extra.items()}
        return told


@dataclass(frozen=True)
class Command:
    """What is to be run."""

    argv: list[str]
    env: dict[str, str]
    cwd: Path
    log: Path
    cores: set[int]
    timeout: int = 600


def run(command: Command, groups: set[int], number: int) -> Sample:
    """Runs it once; `groups` are the process groups of our servers."""
    task: dict[str, object] = {
        "argv": command.argv,
        "env": command.env,
        "cwd": str(command.cwd),
        "stdout": f"{command.log}.out",
        "stderr": f"{command.log}.err",
        "cores": sorted(command.cores),
        "timeout": command.timeout,
    }
    before = machine.busy(groups)
    told = json.loads(_launch(json.dumps(task)))
    after = machine.busy(groups)
    foreign = machine.foreign(before, after)
    sample = Sample(
        round=number,
        wall=told["wall"],
        user=told["user"],
        system=told["system"],
        rss_kib=told["rss_kib"],
        code=told["code"],
        written=told["written"],
        foreign=foreign,
        disturbed=machine.is_disturbed(foreign, told["wall"]),
        extra={"server_cpu": after.servers - before.servers},
    )
    if told["late"]:
        sample.problem = f"did not end within {command.timeout} s"
    elif sample.code != 0:
        sample.problem = f"exit code {sample.code}: {last_line(Path(f'{command.log}.err'))}"
    return sample


def _launch(task: str) -> str:
    pipe = subprocess.PIPE
    argv = [sys.executable, "-I", "-S", str(LAUNCHER)]
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as launcher:
        told = ""
        try:
            told, _ = launcher.communicate(task)
        except BaseException:
            # It ends what it started.
            launcher.terminate()
            raise
    if launcher.returncode != 0:
        raise RuntimeError(f"the launcher ended with {launcher.returncode}")
    return told


def last_line(path: Path) -> str:
    """The last line of a file that says something."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line[:200] for line in reversed(lines) if line), "")
