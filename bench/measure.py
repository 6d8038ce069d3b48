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
        return asdict(self)


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
    task = {
        "argv": command.argv,
        "env": command.env,
        "cwd": str(command.cwd),
        "stdout": f"{command.log}.out",
        "stderr": f"{command.log}.err",
        "cores": sorted(command.cores),
        "timeout": command.timeout,
    }
    before = machine.busy(groups)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER)],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=True,
    )
    foreign = machine.foreign(before, machine.busy(groups))
    told = json.loads(done.stdout)
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
    )
    if told["late"]:
        sample.problem = f"did not end within {command.timeout} s"
    elif sample.code != 0:
        sample.problem = f"exit code {sample.code}: {last_line(Path(task['stderr']))}"
    return sample


def last_line(path: Path) -> str:
    """The last line of a file that says something."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line[:200] for line in reversed(lines) if line), "")
