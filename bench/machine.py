"""What machine this is, and whether anything else runs on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# With more than this running before the start, nothing is recorded.
MOST_LOAD = 0.5

# CPU that others may use while a command runs: a share of one core, and a floor below which the kernel's
# ticks (it samples) say nothing.
MOST_FOREIGN_SHARE = 0.10
FOREIGN_FLOOR = 0.08


@dataclass(frozen=True)
class Busy:
    """Seconds of CPU until now: of the whole machine, of what is ours, and of our servers alone."""

    machine: float
    stolen: float
    ours: float
    servers: float = 0.0


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]


def refusal(load_now: float, most: float = MOST_LOAD) -> str:
    """Why nothing can be recorded now; empty where it can."""
    if load_now <= most:
        return ""
    return f"the load is {load_now:.2f}, more than {most}: something else runs here"


def touch(folder: Path, size: int) -> None:
    """Fills a file in memory and removes it.

    The host of a virtual machine takes memory back that is not used for a while, and gives it again page by page:
    measured here, what is written into such memory costs eight times as much. Whoever wants the most memory would
    pay for that, or whoever runs first.
    """
    block = bytes(1 << 20)
    path = folder / "touched"
    with path.open("wb", buffering=0) as file:
        for _ in range(-(-size // len(block))):
            file.write(block)
    path.unlink()


def foreign(before: Busy, after: Busy) -> float:
    """Seconds of CPU that others used between the two, or that the host took away."""
    others = (after.machine - before.machine) - (after.ours - before.ours)
    return max(0.0, others) + max(0.0, after.stolen - before.stolen)


def is_disturbed(foreign_seconds: float, wall: float) -> bool:
    """Whether that is too much for a run that took so long."""
    return foreign_seconds > max(FOREIGN_FLOOR, MOST_FOREIGN_SHARE * wall)


def too_disturbed(tools: Mapping[str, Sequence[bool]]) -> list[str]:
    """Tools of whose runs half or more were disturbed.

    While fewer are, the median lies among those that were not, however long the others took. A host that takes
    processor time away leaves hardly any hour without one.
    """
    return [name for name, disturbed in tools.items() if 2 * sum(disturbed) >= len(disturbed)]


def machine_seconds(stat: str, ticks: int) -> tuple[float, float]:
    """Busy and stolen seconds of all cores, out of /proc/stat."""
    # user nice system idle iowait irq softirq steal
    fields = [int(field) for field in stat.splitlines()[0].split()[1:9]]
    busy = fields[0] + fields[1] + fields[2] + fields[5] + fields[6]
    return busy / ticks, fields[7] / ticks


def group_seconds(groups: set[int], ticks: int) -> tuple[float, float]:
    """CPU of the processes of these process groups, and of the kernel's threads for the network."""
    total = network = 0
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        # The name may hold anything; what follows its closing bracket does not.
        name, _, rest = stat.rpartition(")")
        fields = rest.split()
        used = int(fields[11]) + int(fields[12])
        if int(fields[2]) in groups:
            total += used
        elif "(ksoftirqd/" in name:
            network += used
    return total / ticks, network / ticks


def busy(groups: set[int]) -> Busy:
    """Where the counters stand; `groups` are the process groups of our servers."""
    ticks = os.sysconf("SC_CLK_TCK")
    own = os.times()
    # What the kernel does on its own for the loopback is done for us.
    servers, network = group_seconds(groups, ticks)
    ours = own.user + own.system + own.children_user + own.children_system + servers + network
    machine, stolen = machine_seconds(Path("/proc/stat").read_text(encoding="ascii"), ticks)
    return Busy(machine, stolen, ours, servers)


def describe() -> dict[str, object]:
    """Processor, cores, kernel, memory."""
    return {
        "cpu": _first(Path("/proc/cpuinfo"), "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "features": [flag for flag in ("sha_ni", "avx2", "avx512f", "vpclmulqdq") if flag in _flags()],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def _flags() -> list[str]:
    return _first(Path("/proc/cpuinfo"), "flags").split()


def _first(path: Path, name: str) -> str:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
