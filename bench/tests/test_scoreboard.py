"""How the scoreboard judges: python3 -m unittest discover -s bench/tests"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import faults
import scoreboard
import tables
from contenders import CONTENDERS, LISTING, MOVERS, PLAYLIST, URLS
from judge import Left, Mark, judge, left_joined, left_pieces, names_segment, worst

PIECES = {"a.ts": b"first" * 50, "b.ts": b"second" * 50, "list.m3u8": b"#EXTM3U"}
WANTED = {name: hashlib.sha256(data).hexdigest() for name, data in PIECES.items()}


class InFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, data in PIECES.items():
            (self.folder / name).write_bytes(data)

    def _judge(self, code: int | None, can_be_whole: bool) -> Mark:
        left, _ = left_pieces(self.folder, WANTED)
        return judge(code, left, can_be_whole).mark


class APieceByPieceTool(InFolder):
    def test_all_bytes_and_exit_code_0_are_right(self) -> None:
        self.assertEqual(left_pieces(self.folder, WANTED), (Left.ALL, []))
        self.assertEqual(self._judge(0, True), Mark.RIGHT)

    def test_a_flipped_byte_is_wrong_and_named(self) -> None:
        data = bytearray(PIECES["b.ts"])
        data[77] ^= 1
        (self.folder / "b.ts").write_bytes(data)
        self.assertEqual(left_pieces(self.folder, WANTED), (Left.BAD, ["b.ts"]))
        self.assertEqual(self._judge(0, True), Mark.SILENT)
        self.assertEqual(self._judge(0, False), Mark.SILENT)
        self.assertEqual(self._judge(4, False), Mark.TOLD)

    def test_a_short_file_is_wrong(self) -> None:
        (self.folder / "b.ts").write_bytes(PIECES["b.ts"][:-1])
        self.assertEqual(left_pieces(self.folder, WANTED)[0], Left.BAD)
        self.assertEqual(self._judge(0, True), Mark.SILENT)

    def test_a_missing_file_is_wrong_with_exit_code_0_and_right_with_another_where_it_cannot_be_had(
        self,
    ) -> None:
        (self.folder / "b.ts").unlink()
        self.assertEqual(left_pieces(self.folder, WANTED), (Left.PART, []))
        self.assertEqual(self._judge(0, True), Mark.SILENT)
        self.assertEqual(self._judge(0, False), Mark.SILENT)
        self.assertEqual(self._judge(3, False), Mark.RIGHT)
        self.assertEqual(self._judge(3, True), Mark.TOLD)

    def test_a_hang_is_wrong_whatever_is_there(self) -> None:
        self.assertEqual(self._judge(None, True), Mark.HANGS)
        self.assertEqual(self._judge(None, False), Mark.HANGS)

    def test_a_missing_playlist_is_missing(self) -> None:
        (self.folder / "list.m3u8").unlink()
        self.assertEqual(self._judge(0, True), Mark.SILENT)

    def test_what_is_marked_unfinished_does_not_pretend(self) -> None:
        (self.folder / "b.ts").write_bytes(b"sec")
        (self.folder / "b.ts.aria2").write_bytes(b"")
        self.assertEqual(self._judge(1, False), Mark.RIGHT)
        (self.folder / "b.ts.aria2").unlink()
        self.assertEqual(self._judge(1, False), Mark.TOLD)

    def test_an_empty_folder_is_nothing(self) -> None:
        self.assertEqual(left_pieces(self.folder / "not there", WANTED), (Left.NOTHING, []))


class AJoiningTool(InFolder):
    def _left(self, data: bytes | None, name: str = "recording.ts") -> Left:
        whole = self.folder / "whole"
        whole.write_bytes(PIECES["a.ts"] + PIECES["b.ts"])
        joined = self.folder / name
        if data is not None:
            joined.write_bytes(data)
        files = [joined] if joined.exists() else []
        same = {path: path.read_bytes() == whole.read_bytes() for path in files}
        return left_joined(files, same)[0]

    def test_the_whole_file_and_exit_code_0_are_right(self) -> None:
        left = self._left(PIECES["a.ts"] + PIECES["b.ts"])
        self.assertEqual(judge(0, left, True).mark, Mark.RIGHT)

    def test_a_hole_with_exit_code_0_is_wrong(self) -> None:
        left = self._left(PIECES["a.ts"])
        self.assertEqual(judge(0, left, False).mark, Mark.SILENT)
        self.assertEqual(judge(0, left, True).mark, Mark.SILENT)

    def test_a_hole_that_is_told_is_not_silent_but_not_right_either(self) -> None:
        verdict = judge(1, self._left(PIECES["a.ts"]), False)
        self.assertEqual(verdict.mark, Mark.TOLD)
        self.assertFalse(verdict.is_right)

    def test_no_file_and_a_code_is_right_where_it_cannot_be_had(self) -> None:
        self.assertEqual(judge(1, self._left(None), False).mark, Mark.RIGHT)

    def test_who_keeps_pieces_and_joins_has_to_have_both(self) -> None:
        self.assertEqual(worst(Left.ALL, Left.ALL), Left.ALL)
        self.assertEqual(worst(Left.ALL, Left.BAD), Left.BAD)
        self.assertEqual(worst(Left.ALL, Left.NOTHING), Left.PART)
        self.assertEqual(worst(Left.NOTHING, Left.NOTHING), Left.NOTHING)


class Naming(unittest.TestCase):
    OTHERS = ("rec_20260101000100.ts", "rec_20260101000300.ts")

    def _names(self, output: str) -> bool:
        return names_segment(output, "rec_20260101000200.ts", self.OTHERS, 1)

    def test_a_line_about_the_bad_one_alone_names_it(self) -> None:
        self.assertTrue(self._names("ok\nERROR rec_20260101000200.ts: 404\n"))

    def test_a_line_that_all_get_names_nobody(self) -> None:
        self.assertFalse(
            self._names(
                "open rec_20260101000100.ts\nopen rec_20260101000200.ts\nopen rec_20260101000300.ts\n"
            )
        )

    def test_a_short_name_names_it_and_what_differs_in_rates_alone_does_not(self) -> None:
        self.assertTrue(self._names("missing #2 …_20260101000200.ts\n"))
        line = "{}|OK  | {}|out/rec_20260101000{}.ts\n"
        output = line.format("a1b2c3", "1.2MiB/s", 100) + line.format("d4e5f6", "  0B/s", 200)
        self.assertFalse(self._names(output))

    def test_a_number_names_it_too(self) -> None:
        self.assertTrue(self._names("Skipping fragment 2\n"))
        self.assertTrue(self._names("failed to open segment 1 of playlist 0\n"))
        self.assertFalse(self._names("Skipping fragment 9\n"))

    def test_silence_names_nobody(self) -> None:
        self.assertFalse(self._names("done in 200 ms\n"))


class OnDisk(InFolder):
    def test_a_bit_flips_inside_a_finished_segment_and_its_time_stays(self) -> None:
        packet = bytes([0x47, 0x01, 0x00, 0x10]) + bytes(range(184))
        segments = []
        for number in range(3):
            path = self.folder / "source" / f"{number}.ts"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes((packet + bytes([0x47, 0x01, 0x00, 0x10]) + bytes([number]) * 184) * 4)
            segments.append(path)
        work = self.folder / "work"
        work.mkdir()
        part = work / "recording.ts.part"
        part.write_bytes(segments[0].read_bytes() + segments[1].read_bytes())
        os.utime(part, (1000, 1000))
        before = part.read_bytes()
        self.assertEqual(scoreboard.flip_on_disk(work, segments), "recording.ts.part")
        after = part.read_bytes()
        changed = [at for at, (was, now) in enumerate(zip(before, after, strict=True)) if was != now]
        self.assertEqual(len(changed), 1)
        self.assertGreaterEqual(changed[0], segments[0].stat().st_size)
        self.assertEqual(part.stat().st_mtime, 1000)

    def test_with_nothing_on_disk_nothing_flips(self) -> None:
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertEqual(scoreboard.flip_on_disk(empty, []), "nothing was on disk")

    def test_a_flip_is_in_a_picture_not_in_what_stuffs_the_packet(self) -> None:
        sound = bytes([0x47, 0x01, 0x01, 0x10]) + bytes(184)
        stuffed = bytes([0x47, 0x01, 0x00, 0x30, 150]) + bytes(183)
        picture = bytes([0x47, 0x01, 0x00, 0x10]) + bytes(184)
        at = faults.flip_at(sound * 3 + stuffed + sound + picture)
        self.assertTrue(5 * 188 + 4 <= at < 6 * 188)
        with self.assertRaises(ValueError):
            faults.flip_at(sound * 4)


class Running(unittest.TestCase):
    def test_the_exit_code_of_a_program_that_ends_and_none_of_one_that_does_not(self) -> None:
        for script, limit, want in [("exit 3", 20.0, 3), ("sleep 60", 0.2, None)]:
            process = subprocess.Popen(["sh", "-c", script], start_new_session=True)
            self.assertEqual(scoreboard.wait_for(process, limit), want)
            scoreboard.kill_group(process)
            self.assertIsNotNone(process.returncode)

    def test_evidence_has_no_paths_ports_or_signatures(self) -> None:
        folder = Path("/somewhere/cell-1")
        text = str(folder / "work") + "/out/a.ts http://127.0.0.1:4711/a?X-Amz-Signature=abc&x=1\r\x1b[31mred\x1b[0m\n"
        self.assertEqual(
            scoreboard.scrub(text, folder), ["out/a.ts http://HOST/a?X-Amz-Signature=...&x=1", "red"]
        )


class TheTables(unittest.TestCase):
    def test_cases_that_a_tool_cannot_know_of_do_not_apply(self) -> None:
        cases = {case.name: case for case in faults.CASES}
        for one in CONTENDERS:
            told = {name for name, case in cases.items() if one.why_not(case)}
            want = {PLAYLIST: set(), URLS: {"not ended"}, LISTING: {"not ended", "absent"}}[one.reads]
            self.assertEqual(told, want, one.name)

    def test_movers_get_wrong_bytes_under_the_right_headers(self) -> None:
        self.assertTrue(all(one.keeping == "keeping:" for one in CONTENDERS if one.group == MOVERS))

    def test_the_compact_table_counts_what_was_judged(self) -> None:
        cell = {"group": "G", "tool": "t --flag (old)", "mark": "✔", "right": True}
        cells = [
            cell | {"case": "clean"},
            cell | {"case": "short"},
            cell | {"case": "empty", "mark": "✘", "right": False},
            cell | {"case": "absent", "mark": "–", "right": None},
        ]
        facts = {"cases": {"clean": "", "short": "", "empty": "", "absent": ""}}
        self.assertIn("| `t --flag` (old) | ✔ | ✘ | – | 1 of 2 |", tables.compact("G", cells, facts))

    def test_the_readme_gets_the_tables_between_its_marks_and_nothing_else_changes(self) -> None:
        cell = {"group": "G", "tool": "t", "case": "short", "mark": "✘", "right": False}
        facts = {"cases": {"short": ""}, "date": "2026-01-02", "cells": [cell]}
        text = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n"
        made = tables.into_readme(text, facts)
        self.assertTrue(made.startswith("before\n") and made.endswith("\nafter\n"))
        self.assertNotIn("old", made)
        self.assertIn("2026-01-02", made)
        self.assertEqual(tables.into_readme(made, facts), made)
        with self.assertRaises(ValueError):
            tables.into_readme("no marks", facts)


if __name__ == "__main__":
    unittest.main()
