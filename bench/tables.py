"""The scoreboard as Markdown.

python3 bench/tables.py README.md bench/scoreboard.json   puts the compact tables into a README
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

LEGEND = (
    "✔ right · ✘ wrong, and exit code 0: nobody will look · ◐ wrong, but its exit code says so · "
    "∞ did not end within the limit · – does not apply"
)

# Short names for the heads of columns.
SHORT = {"stalled once": "stall once", "killed, flipped": "killed, flip"}


def compact(group: str, cells: list[dict[str, Any]], facts: dict[str, Any]) -> str:
    """Tool x case, one mark each."""
    mine = [cell for cell in cells if cell["group"] == group]
    if not mine:
        return ""
    cases = [name for name in facts["cases"] if name != "clean"]
    lines = [
        f"| {group} | {' | '.join(SHORT.get(name, name) for name in cases)} | right |",
        f"|---|{':-:|' * len(cases)}--:|",
    ]
    for tool in dict.fromkeys(cell["tool"] for cell in mine):
        marks = {cell["case"]: cell["mark"] for cell in mine if cell["tool"] == tool}
        judged = [cell for cell in mine if cell["tool"] == tool and cell["right"] is not None]
        judged = [cell for cell in judged if cell["case"] != "clean"]
        right = sum(cell["right"] for cell in judged)
        row = " | ".join(marks.get(name, "") for name in cases)
        lines.append(f"| {_label(tool)} | {row} | {right} of {len(judged)} |")
    return "\n".join(lines)


def document(cells: list[dict[str, Any]], facts: dict[str, Any], rules: str) -> str:
    """All of it: the compact tables, the rules, the flags, and each case with its evidence."""
    groups = list(dict.fromkeys(cell["group"] for cell in cells))
    parts = ["# Faults, compared", _facts(facts), LEGEND]
    parts += [compact(group, cells, facts) for group in groups]
    parts += ["## What is right", _rules(rules), "## How they were called", _commands(facts)]
    for case, what in facts["cases"].items():
        parts.append(f"## {case.capitalize()}\n\n{what}")
        for group in groups:
            mine = [cell for cell in cells if cell["case"] == case and cell["group"] == group]
            parts.append(_case(group, mine))
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(facts: dict[str, Any]) -> str:
    machine = facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    keeps = "an MD5 ETag and a CRC-64/NVME" if facts["bucket_keeps_crc64"] else "an MD5 ETag"
    text = (
        f"Made by `scripts/scoreboard` on {facts['date']}: {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gib']} GiB, {machine['system']}; {facts['seconds']} s. {versions}.\n\n"
        "A recording of twenty segments lies in a bucket on loopback (S3 with signatures; it keeps "
        f"{keeps} of each object). A proxy in front of it plays one fault to one segment in the middle. "
        "HLS downloaders get the playlist's URL, object movers the bucket (aria2 and curl a list of URLs). "
        "Each tool is unmodified, in a clean folder."
    )
    for tool, why in facts["left_out"].items():
        text += f"\n\nLeft out: `{tool}`: {why}"
    return text


def _rules(rules: str) -> str:
    body = rules.split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    return body.replace("  - ", "- ").replace("\n    ", "\n  ")


def _commands(facts: dict[str, Any]) -> str:
    lines = ["| line | command | |", "|---|---|---|"]
    for tool, command in facts["commands"].items():
        lines.append(f"| {_label(tool)} | `{command}` | {facts['notes'].get(tool, '')} |")
    limits = {limit for name, limit in facts["limits"].items() if name in facts["cases"]}
    lines.append(f"\nLimits: {', '.join(str(limit) for limit in sorted(limits))} s, by case.")
    return "\n".join(lines)


def _case(group: str, cells: list[dict[str, Any]]) -> str:
    if not cells:
        return ""
    lines = [f"| {group} | | exit | left on disk | bad segment named |", "|---|:-:|--:|---|---|"]
    for cell in cells:
        if cell["right"] is None:
            lines.append(f"| {_label(cell['tool'])} | – | | n/a: {cell['why']} | |")
            continue
        code = "none" if cell["exit_code"] is None else str(cell["exit_code"])
        named = {True: "yes", False: "no", None: ""}[cell["named"]]
        lines.append(f"| {_label(cell['tool'])} | {cell['mark']} | {code} | {_left(cell)} | {named} |")
    return "\n".join(lines)


def _left(cell: dict[str, Any]) -> str:
    text = cell["left"]
    if cell["wrong_files"]:
        names = [name.removeprefix(_PREFIX) for name in cell["wrong_files"]]
        text += f" (`{'`, `'.join(names[:2])}`{' and more' if len(names) > 2 else ''})"
    if cell["flipped"]:
        text += f"; flipped in `{cell['flipped'].replace(_PREFIX, '…')}`"
    if cell["first_exit_code"] is not None:
        text += f"; it had ended before the kill, exit {cell['first_exit_code']}"
    return text


# What the names of all segments begin with.
_PREFIX = "38f8e3cfdc474cd56fc1ceba380d7e1a_math_7b"


def _label(tool: str) -> str:
    """A tool's line; flags as code, remarks in brackets as they are."""
    name, bracket, rest = tool.partition(" (")
    return f"`{name}`{bracket}{rest}"


BEGIN, END = "<!-- scoreboard: begin -->", "<!-- scoreboard: end -->"


def into_readme(text: str, facts: dict[str, Any]) -> str:
    """The README with these tables between its two marks."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"the marks {BEGIN} and {END} are missing")
    cells = facts["cells"]
    groups = list(dict.fromkeys(cell["group"] for cell in cells))
    tables = "\n\n".join(compact(group, cells, facts) for group in groups)
    made = f"{BEGIN}\n{facts['date']}. {LEGEND}\n\n{tables}\n{END}"
    return re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: made, text, flags=re.DOTALL)


def main() -> int:
    """Rewrites the README."""
    readme, board = Path(sys.argv[1]), Path(sys.argv[2])
    readme.write_text(into_readme(readme.read_text(), json.loads(board.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
