"""The servers: ours, which check every signature, a foreign one, and a static one. All on 127.0.0.1."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BUCKET = "lessons"
ACCESS = "AKIDEXAMPLE"
SECRET = "secretkey"

# A server that is forgotten ends by itself.
LONGEST = 6 * 3600


@dataclass
class Server:
    """A server that runs, in a process group of its own."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def group(self) -> int:
        """Its process group."""
        return self.process.pid

    def stop(self) -> None:
        """Ends it and everything it started."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.group, sign)
            except ProcessLookupError:
                return
            try:
                self.process.wait(timeout=20)
                return
            except subprocess.TimeoutExpired:
                continue


class Servers:
    """All servers of one run, pinned to one core."""

    def __init__(self, work: Path, loopback: Path, core: int) -> None:
        self.work = work
        self.loopback = loopback
        self.core = core
        self.running: dict[str, Server] = {}

    def groups(self) -> set[int]:
        """The process groups of those that run."""
        return {server.group for server in self.running.values()}

    def s3(self, name: str, folder: Path, *options: str) -> Server:
        """Our S3 server over a folder, from memory."""
        keys = [f"--access-key={ACCESS}", f"--secret-key={SECRET}"]
        return self._loopback(name, "s3", f"--dir={folder}", f"--bucket={BUCKET}", *keys, *options)

    def oss(self, name: str, folder: Path) -> Server:
        """Our OSS server over a folder; it says the CRC-64 of each object."""
        keys = [f"--access-key={ACCESS}", f"--secret-key={SECRET}"]
        return self._loopback(name, "oss", f"--dir={folder}", f"--bucket={BUCKET}", *keys)

    def link(self, name: str, upstream: str, rtt_ms: int, connection_mbit: int, total_mbit: int) -> Server:
        """A link in front of a server; what it delivered is in `link.log` of that name."""
        bounds = [f"--rtt-ms={rtt_ms}", f"--connection-mbit={connection_mbit}", f"--total-mbit={total_mbit}"]
        return self._loopback(name, "link", f"--upstream={upstream}", *bounds, f"--log={self.link_log(name)}")

    def link_log(self, name: str) -> Path:
        """Where a link writes."""
        return self.work / f"{name}.link"

    def nginx(self, name: str, folder: Path) -> Server:
        """A static web server over a folder."""
        place = self.work / name
        place.mkdir()
        port = free_port()
        config = place / "nginx.conf"
        config.write_text(_nginx_config(place, folder, port), encoding="utf-8")
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if not program:
            raise FileNotFoundError("nginx is not installed: scripts/test --set-up")
        server = self._start(
            name, [program, "-c", str(config), "-p", str(place), "-e", str(place / "error.log")]
        )
        server.url = f"http://127.0.0.1:{port}"
        _wait_for(server, name)
        return server

    def weed(self, name: str, program: Path) -> Server:
        """SeaweedFS, empty."""
        place = self.work / name
        place.mkdir()
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        keys = [{"accessKey": ACCESS, "secretKey": SECRET}]
        identities = {"identities": [{"name": "bench", "credentials": keys, "actions": actions}]}
        (place / "s3.json").write_text(json.dumps(identities), encoding="utf-8")
        (place / "data").mkdir()
        master, volume, filer, s3 = (free_port(twin=10_000) for _ in range(4))
        options = [
            f"-dir={place / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=1024", "-volume.max=30",
            "-master.telemetry=false", f"-master.port={master}", f"-volume.port={volume}",
            f"-filer.port={filer}", f"-s3.port={s3}", f"-s3.config={place / 's3.json'}",
            f"-filer.localSocket={place / 'filer.sock'}", f"-s3.localSocket={place / 's3.sock'}",
        ]  # fmt: skip
        server = self._start(name, [str(program), "server", *options], cwd=place)
        server.url = f"http://127.0.0.1:{s3}"
        _wait_for(server, name, "/healthz")
        return server

    def stop(self, name: str) -> None:
        """Ends one, and gives back what it kept."""
        self.running.pop(name).stop()
        shutil.rmtree(self.work / name, ignore_errors=True)

    def stop_all(self) -> None:
        """Ends all."""
        for name in list(self.running):
            self.stop(name)

    def requests(self, name: str) -> list[list[str]]:
        """What one of our servers was asked until now: method, status, path, query."""
        # It writes with some milliseconds of delay.
        time.sleep(0.1)
        lines = self._requests_path(name).read_text(encoding="utf-8").splitlines()
        return [line.split("\t") for line in lines]

    def _requests_path(self, name: str) -> Path:
        return self.work / f"{name}.requests"

    def _loopback(self, name: str, *arguments: str) -> Server:
        log = self.work / f"{name}.log"
        options = [f"--seconds={LONGEST}", f"--requests={self._requests_path(name)}"]
        server = self._start(name, [str(self.loopback), *arguments, *options])
        until = time.monotonic() + 120
        while time.monotonic() < until:
            text = log.read_text(encoding="utf-8")
            if "listening " in text:
                server.url = text.split("listening ")[1].split()[0]
                return server
            if server.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{name} did not start: {log.read_text(encoding='utf-8')}")

    def _start(self, name: str, argv: list[str], cwd: Path | None = None) -> Server:
        with (self.work / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                ["taskset", "-c", str(self.core), *argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd or self.work,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.work), "LC_ALL": "C"},
                start_new_session=True,
            )
        server = Server("", process)
        self.running[name] = server
        return server


def free_port(twin: int = 0) -> int:
    """A port that nobody has; with `twin`, the one so far above it is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if not twin:
                return port
            try:
                second.bind(("127.0.0.1", port + twin))
                return port
            except (OSError, OverflowError):
                continue


def _wait_for(server: Server, name: str, path: str = "/") -> None:
    host = urlsplit(server.url).netloc
    until = time.monotonic() + 60
    while time.monotonic() < until and server.process.poll() is None:
        connection = http.client.HTTPConnection(host, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"{name} does not answer")


def _nginx_config(place: Path, folder: Path, port: int) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {place}/tmp;" for kind in kinds)
    return f"""daemon off; worker_processes 1; pid {place}/pid; {user}
error_log {place}/error.log;
events {{ worker_connections 1024; }}
http {{
  types {{ application/vnd.apple.mpegurl m3u8; video/MP2T ts; video/mp4 mp4; }}
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; {temporary}
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""
