"""Starts one command on some cores and tells what it cost: a task as JSON on stdin, the answer on stdout.

A process of its own, started as `python3 -I -S launch.py`, because the kernel counts the memory of the
process that starts a command as the command's own peak: this one is small.
"""

import json
import os
import signal
import sys
import time


def _child(task: dict) -> None:
    os.setsid()
    if task["cores"]:
        os.sched_setaffinity(0, task["cores"])
    os.chdir(task["cwd"])
    nothing = os.open("/dev/null", os.O_RDONLY)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for source, target in (
        (nothing, 0),
        (os.open(task["stdout"], flags), 1),
        (os.open(task["stderr"], flags), 2),
    ):
        os.dup2(source, target)
    os.execvpe(task["argv"][0], task["argv"], task["env"])


def _io(pid: int) -> dict:
    """What the tree read and wrote: that of children is added when they are waited for."""
    counted = {}
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as lines:
            for line in lines:
                name, _, value = line.partition(": ")
                counted[name] = int(value)
    except OSError:
        pass
    return counted


def main() -> None:
    """Runs the task."""
    task = json.load(sys.stdin)
    late = False
    started = time.perf_counter()
    began = time.time()
    pid = os.fork()
    if pid == 0:
        try:
            _child(task)
        except OSError as error:
            print(error, file=sys.stderr)
        os._exit(127)

    def _late(_signal: int, _frame: object) -> None:
        nonlocal late
        late = True
        os.killpg(pid, signal.SIGKILL)

    def _stop(_signal: int, _frame: object) -> None:
        os.killpg(pid, signal.SIGKILL)
        os._exit(1)

    signal.signal(signal.SIGALRM, _late)
    # Its session is its own, so that nobody but this one ends it.
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    signal.alarm(task["timeout"])
    # Ended and not yet waited for: its counters can still be read.
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wall = time.perf_counter() - started
    signal.alarm(0)
    io = _io(pid)
    _, status, usage = os.wait4(pid, 0)
    json.dump(
        {
            "began": began,
            "wall": wall,
            "user": usage.ru_utime,
            "system": usage.ru_stime,
            "rss_kib": usage.ru_maxrss,
            "code": os.waitstatus_to_exitcode(status),
            "written": io.get("wchar"),
            "late": late,
        },
        sys.stdout,
    )


main()
