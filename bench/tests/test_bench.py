"""What judges: medians, bars, the load, the bytes: python3 -m unittest discover bench/tests"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

BENCH = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCH))

import bars  # noqa: E402
import bench  # noqa: E402
import cases  # noqa: E402
import guard  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import tools  # noqa: E402
from bars import Bar  # noqa: E402
from measure import Command, Sample  # noqa: E402


def sample(wall: float = 1.0, problem: str = "", **more: object) -> Sample:
    values: dict[str, object] = {
        "round": 1, "user": 1.0, "system": 0.5, "rss_kib": 2048, "code": 0, "written": 10, "foreign": 0.0,
        "disturbed": False,
    }  # fmt: skip
    return Sample(wall=wall, problem=problem, **{**values, **more})  # type: ignore[arg-type]


class Memory(unittest.TestCase):
    def test_what_was_touched_is_not_left_there(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with mock.patch.object(Path, "unlink") as left:
                machine.touch(Path(folder), 3 << 20)
            left.assert_called_once()
            self.assertEqual([path.stat().st_size for path in Path(folder).iterdir()], [3 << 20])
            machine.touch(Path(folder), 1)
            self.assertEqual(list(Path(folder).iterdir()), [])


class Spreads(unittest.TestCase):
    def test_the_median_is_the_middle_one_and_the_quartiles_are_around_it(self) -> None:
        self.assertEqual(bars.spread([9, 1, 5, 3, 7]), bars.Spread(5, 1, 9, 4, 5))
        self.assertEqual(bars.spread([1, 2]), bars.Spread(1.5, 1, 2, 0.5, 2))
        self.assertEqual(bars.spread([4]), bars.Spread(4, 4, 4, 0, 1))
        self.assertIsNone(bars.spread([]))

    def test_one_slow_run_of_seven_does_not_move_the_median(self) -> None:
        found = bars.spread([1, 1, 1, 1, 1, 1, 100])
        assert found
        self.assertEqual((found.median, found.iqr), (1, 0))

    def test_a_tool_that_failed_once_has_no_median(self) -> None:
        found = report.medians({"good": [sample(1), sample(3)], "bad": [sample(1), sample(1, "exit code 1")]})
        self.assertEqual(list(found), ["good"])
        self.assertEqual(found["good"]["wall"], 2)
        self.assertEqual(found["good"]["cpu"], 1.5)
        self.assertEqual(found["good"]["rss_mib"], 2)


class Bars(unittest.TestCase):
    medians = {"ours": {"cpu": 2.0, "wall": 1.0}, "a": {"cpu": 1.5}, "b": {"cpu": 1.0}, "c": {"cpu": 4.0}}

    def judge(self, bar: Bar, **absent: str) -> bars.Verdict:
        return bars.judge(bar, self.medians, absent)

    def test_a_bar_that_is_reached_passes_and_one_that_is_missed_fails(self) -> None:
        self.assertEqual(self.judge(Bar("x", "ours", "cpu", 0.5, ("c",))).word, "PASS")
        missed = self.judge(Bar("x", "ours", "cpu", 0.49, ("c",)))
        self.assertEqual((missed.word, missed.value), ("FAIL", 0.5))

    def test_several_are_summed_and_of_alternatives_the_best_is_taken(self) -> None:
        self.assertEqual(self.judge(Bar("x", "ours", "cpu", 1, ("a", "b"))).value, 0.8)
        self.assertEqual(self.judge(Bar("x", "ours", "cpu", 1, best_of=("c", "b"))).value, 2.0)
        self.assertEqual(self.judge(Bar("x", "ours", "cpu", 1, ("a",), best_of=("c", "b"))).value, 0.8)

    def test_a_number_by_itself_is_held_against_the_limit(self) -> None:
        self.assertEqual(self.judge(Bar("x", "ours", "wall", 1.0)).word, "PASS")
        self.assertEqual(self.judge(Bar("x", "ours", "wall", 0.99)).word, "FAIL")
        self.assertEqual(self.judge(Bar("x", "ours", "wall", 0.9, at_least=True)).word, "PASS")
        self.assertEqual(self.judge(Bar("x", "ours", "wall", 1.1, at_least=True)).word, "FAIL")

    def test_who_did_not_do_the_work_did_not_reach_the_bar(self) -> None:
        self.assertEqual(self.judge(Bar("x", "broken", "cpu", 1, ("a",))).word, "FAIL")

    def test_without_the_peer_there_is_no_verdict(self) -> None:
        verdict = self.judge(Bar("x", "ours", "cpu", 1, ("gone",)), gone="not installed")
        self.assertEqual((verdict.word, verdict.why), ("-", "not installed"))
        self.assertEqual(self.judge(Bar("x", "ours", "cpu", 1, best_of=("gone", "gone too"))).word, "-")

    def test_a_peer_that_is_better_is_named(self) -> None:
        found = bars.beaten(
            {"ours": {"cpu": 2.0}, "worse": {"cpu": 1.5}, "p": {"cpu": 1.0}}, ["ours", "worse"], ["p"]
        )
        self.assertEqual([(one.peer, one.subject, one.ratio) for one in found], [("p", "worse", 1.5)])
        self.assertEqual(bars.beaten({"ours": {"cpu": 1.0}, "p": {"cpu": 1.0}}, ["ours"], ["p"]), [])


class Loaded(unittest.TestCase):
    def test_a_loaded_machine_is_refused_and_a_quiet_one_is_not(self) -> None:
        self.assertIn("0.51", machine.refusal(0.51))
        self.assertEqual(machine.refusal(0.5), "")

    def test_the_program_does_not_start_on_a_loaded_machine(self) -> None:
        with (
            mock.patch.object(sys, "argv", ["bench", "--case", "A"]),
            mock.patch.object(machine, "load", return_value=3.0),
            mock.patch.object(bench, "_programs", side_effect=AssertionError("it builds")),
        ):
            self.assertEqual(bench.main(), 2)

    def test_what_others_use_is_what_is_left_of_the_machine(self) -> None:
        before, after = machine.Busy(100.0, 1.0, 10.0), machine.Busy(103.0, 1.5, 12.0)
        self.assertEqual(machine.foreign(before, after), 1.5)
        # Ticks are samples: less than nothing is nothing.
        self.assertEqual(machine.foreign(before, machine.Busy(101.0, 1.0, 12.0)), 0.0)

    def test_a_median_holds_while_fewer_than_half_of_its_runs_were_disturbed(self) -> None:
        runs = {"three of seven": [True] * 3 + [False] * 4, "four": [True] * 4 + [False] * 3, "one": [True]}
        self.assertEqual(machine.too_disturbed(runs), ["four", "one"])
        self.assertEqual(machine.too_disturbed({"none": [False] * 7}), [])

    def test_a_run_is_disturbed_by_a_tenth_of_a_core(self) -> None:
        self.assertTrue(machine.is_disturbed(0.21, 2.0))
        self.assertFalse(machine.is_disturbed(0.19, 2.0))
        self.assertFalse(machine.is_disturbed(0.07, 0.01))

    def test_the_kernels_counters_are_read(self) -> None:
        stat = "cpu  100 20 30 1000 500 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
        self.assertEqual(machine.machine_seconds(stat, 100), (1.63, 0.08))

    def test_somebody_who_computes_is_seen(self) -> None:
        before = machine.busy(set())
        other = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
        try:
            difference, until = 0.0, time.monotonic() + 20
            while difference < 0.1 and time.monotonic() < until:
                time.sleep(0.1)
                # Not yet waited for, and in no group that is ours.
                used = machine.foreign(before, machine.busy(set()))
                difference = used - machine.foreign(before, machine.busy({other.pid}))
        finally:
            other.kill()
            other.wait()
        self.assertGreater(difference, 0.1)


class Guards(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source, self.out = Path(folder.name, "set"), Path(folder.name, "out")
        (self.out / "deep").mkdir(parents=True)
        self.source.mkdir()
        self.files = [self.source / name for name in ("a.ts", "b.ts")]
        for number, path in enumerate(self.files):
            path.write_bytes(bytes([number + 1]) * 1000)
            (self.out / "deep" / path.name).write_bytes(path.read_bytes())
        (self.out / "all.mts").write_bytes(b"\1" * 1000 + b"\2" * 1000)

    def test_whoever_has_all_bytes_passes(self) -> None:
        self.assertEqual(guard.copies(self.files)(self.out), "")
        self.assertEqual(guard.joined(self.files, ".mts")(self.out), "")
        self.assertEqual(guard.at_least(2000, ".mts")(self.out), "")

    def test_a_missing_file_a_short_one_and_a_flipped_byte_are_seen(self) -> None:
        copy = self.out / "deep" / "b.ts"
        check = guard.copies(self.files)
        copy.write_bytes(b"\2" * 999 + b"\3")
        self.assertEqual(check(self.out), "b.ts differs from b.ts")
        copy.write_bytes(b"\2" * 999)
        self.assertIn("999 bytes instead of 1000", check(self.out))
        copy.unlink()
        self.assertEqual(check(self.out), "b.ts is missing")

    def test_a_joined_file_in_the_wrong_order_or_without_its_end_is_seen(self) -> None:
        joined = self.out / "all.mts"
        check = guard.joined(self.files, ".mts")
        joined.write_bytes(b"\2" * 1000 + b"\1" * 1000)
        self.assertEqual(check(self.out), "all.mts differs from a.ts")
        joined.write_bytes(b"\1" * 1000)
        self.assertIn("1000 bytes instead of 2000", check(self.out))
        self.assertEqual(guard.at_least(2000, ".mts")(self.out), "1000 bytes of 2000")
        joined.unlink()
        self.assertEqual(check(self.out), "there is no *.mts")

    def test_of_several_guards_each_one_counts(self) -> None:
        check = guard.all_of(guard.copies(self.files), guard.joined(self.files, ".mts"))
        self.assertEqual(check(self.out), "")
        (self.out / "all.mts").unlink()
        self.assertEqual(check(self.out), "there is no *.mts")


class Measuring(unittest.TestCase):
    def run_shell(self, script: str, timeout: int = 60) -> Sample:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            env = {"PATH": "/usr/bin:/bin"}
            command = Command(["sh", "-c", script], env, place, place / "log", measure.client_core(), timeout)
            return measure.run(command, set(), 1)

    def test_children_count_and_waiting_does_not(self) -> None:
        burn = f"{sys.executable} -c 'sum(range(6000000))'"
        found = self.run_shell(f"sleep 0.2; {burn}")
        self.assertTrue(found.is_good, found.problem)
        self.assertGreater(found.cpu, 0.03)
        self.assertGreater(found.wall, 0.2)
        self.assertLess(self.run_shell("sleep 0.3").cpu, 0.1)

    def test_what_was_written_is_counted_with_that_of_children(self) -> None:
        found = self.run_shell("head -c 300000 /dev/zero >a; cat a >b")
        assert found.written is not None
        self.assertGreaterEqual(found.written, 600_000)
        self.assertLess(found.written, 610_000)

    def test_memory_is_that_of_the_command_and_not_that_of_its_caller(self) -> None:
        ballast = bytearray(64 << 20)
        self.assertLess(self.run_shell("true").rss_kib, 32 << 10)
        del ballast

    def test_a_run_that_fails_or_does_not_end_is_no_good_one(self) -> None:
        failed = self.run_shell("echo first >&2; echo the reason >&2; exit 3")
        self.assertEqual((failed.is_good, failed.problem), (False, "exit code 3: the reason"))
        late = self.run_shell("sleep 20", timeout=1)
        self.assertEqual(late.problem, "did not end within 1 s")
        self.assertLess(late.wall, 10)


class Links(unittest.TestCase):
    RATE = 1000.0

    def share(self, counts: list[int]) -> dict[str, float]:
        return cases.link_share([((n + 1) * 100, count) for n, count in enumerate(counts)], self.RATE)

    def test_the_best_half_second_counts_and_when_it_was_first_fast(self) -> None:
        found = self.share([0, 50, 90, 100, 100, 100, 100, 100, 10])
        self.assertAlmostEqual(found["link_share"], 1.0)
        self.assertAlmostEqual(found["to_share_s"], 0.7)

    def test_what_starts_after_five_seconds_does_not_count(self) -> None:
        found = self.share([50] * 50 + [100] * 10)
        self.assertAlmostEqual(found["link_share"], 1.0)
        self.assertLess(self.share([50] * 55 + [100] * 10)["link_share"], 0.51)

    def test_a_link_that_is_never_full_has_no_time_for_it(self) -> None:
        self.assertNotIn("to_share_s", self.share([80] * 20))
        # One line that came late and the next one early are no full link.
        self.assertNotIn("to_share_s", self.share([80, 60, 100, 80, 80] * 4))
        self.assertEqual(self.share([]), {"link_share": 0.0})

    def test_a_late_line_counts_for_the_time_that_it_took(self) -> None:
        lines = [(100, 100), (200, 100), (500, 300), (600, 100), (700, 100)]
        self.assertAlmostEqual(cases.link_share(lines, self.RATE)["link_share"], 1.0)


class Results(unittest.TestCase):
    def result(self, **context: object) -> dict[str, object]:
        tool = tools.Tool("recfetch", lambda out: ["/opt/recfetch", str(out)], guard.nothing, 1 << 30)
        samples = {"recfetch": [sample(2.0), sample(4.0, disturbed=True)]}
        verdict = bars.judge(Bar("wall : x", "recfetch", "wall", 1.0), report.medians(samples), {})
        told = report.case_json("a row", [tool], samples, [verdict], [], {"vsd": "not built"}, "a note")
        told["context"] = {
            "date": "2026-01-01", "commit": "abc", "rounds": 2, "seed": 1, "sets": "A", "quick": False,
            "machine": {"cpu": "c", "cores": 2, "memory_gib": 4, "kernel": "k"},
            "versions": {"recfetch": "1"}, "recorded": True, "not_recorded": "", **context,
        }  # fmt: skip
        return told

    def test_a_missed_bar_a_disturbed_run_and_a_missing_peer_are_to_be_seen(self) -> None:
        text = report.markdown({"cases": {"A": self.result()}})
        self.assertIn("| A | wall : x | ≤ 1 × | 3 × | **FAIL** |", text)
        self.assertIn("2, 1 disturbed", text)
        self.assertIn("not built", text)

    def test_what_was_not_recorded_says_why(self) -> None:
        text = report.markdown({"cases": {"A": self.result(recorded=False, not_recorded="quick")}})
        self.assertIn("NOT RECORDED: quick", text)

    def test_rows_that_were_not_run_stay_in_the_results(self) -> None:
        old = {"cases": {"A": {"is": "old"}, "B": {"is": "old"}, "gone": {}}}
        new = report.merged(old, {"B": {"is": "new"}}, ["B", "A"])
        self.assertEqual(new["cases"], {"B": {"is": "new"}, "A": {"is": "old"}})

    def test_a_sample_is_one_line_and_the_results_are_still_what_they_were(self) -> None:
        results = {"cases": {"A": {**self.result(), "note": "a {b}  [c\n  d]"}}}
        with tempfile.TemporaryDirectory() as folder:
            data, _ = report.write(Path(folder), "results", results)
            text = data.read_text(encoding="utf-8")
        self.assertEqual(json.loads(text), json.loads(json.dumps(results)))
        lines = [line for line in text.splitlines() if '"round"' in line]
        self.assertEqual(len(lines), 2)
        self.assertTrue(all('"wall"' in line and '"extra"' in line for line in lines))

    def test_another_program_beside_it_runs_the_same_commands(self) -> None:
        ours = tools.Tool("recfetch", lambda out: ["/a/recfetch", "x", str(out)], guard.nothing, 1)
        peer = tools.Tool("peer", lambda _out: ["/a/peer"], guard.nothing, 1)
        run = mock.Mock(options=mock.Mock(beside=Path("/b/recfetch")))
        run.stage.recfetch = Path("/a/recfetch")
        found = bench.Run._with_beside(run, [ours, peer])
        self.assertEqual([tool.name for tool in found], ["recfetch", "recfetch [beside]", "peer"])
        self.assertEqual(found[0].argv(Path("o")), ["/a/recfetch", "x", "o"])
        self.assertEqual(found[1].argv(Path("o")), ["/b/recfetch", "x", "o"])

    def test_runs_that_are_not_recorded_leave_the_results_alone(self) -> None:
        for recorded, name in ((True, "results.json"), (False, "unrecorded.json")):
            with tempfile.TemporaryDirectory() as folder:
                run = mock.Mock(options=mock.Mock(out=Path(folder)))
                bench.Run._write(run, {"A": self.result(recorded=recorded)})
                self.assertEqual([path.name for path in Path(folder).glob("*.json")], [name])


if __name__ == "__main__":
    unittest.main()
