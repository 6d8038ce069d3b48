"""Writes what was measured: JSON with every sample, and a table in Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bars import Bar, Beaten, Spread, Verdict, spread
from measure import Sample
from tools import PROOF, Tool

# A part of the results, as it stands in the JSON.
Told = Mapping[str, Any]

# Measures that are told beside the usual ones where a tool has them, with their unit.
EXTRA = {
    "server_cpu": "server CPU s",
    "written_share": "written : set",
    "cpu_per_gib": "CPU-s/GiB",
    "link_share": "of the link",
    "to_share_s": "s until 0.9",
    "requests": "requests",
    "lists": "lists",
    "one_list": "s for a list",
    "beyond_list": "s beyond it",
    "round_trips": "round trips",
    "binary_mib": "MiB stripped",
}


_HEAD = [
    "Made by `scripts/bench`; every sample is in the JSON beside this. CPU is user + system of the client's",
    "process tree; the server has one core, the client another one, unless a row says otherwise. Tools of a",
    "row run in turns, in random order. Median ± interquartile range. A run counts only if its bytes are",
    "right.",
]


def spreads(samples: Sequence[Sample]) -> dict[str, Spread]:
    """Every measure of a tool; only good runs count."""
    good = [sample for sample in samples if sample.is_good]
    names = ["wall", "cpu", "user", "system", "rss_mib", "written", *EXTRA]
    found = {}
    for name in names:
        values = [getattr(s, name) if name in ("user", "system") else s.value(name) for s in good]
        one = spread(value for value in values if value is not None)
        if one:
            found[name] = one
    return found


def medians(samples: Mapping[str, Sequence[Sample]]) -> dict[str, dict[str, float]]:
    """Medians of the tools of which every run was good. One that fails now and then has no time."""
    return {
        name: {metric: one.median for metric, one in spreads(runs).items()}
        for name, runs in samples.items()
        if runs and all(sample.is_good for sample in runs)
    }


def case_json(
    title: str,
    tools: Sequence[Tool],
    samples: Mapping[str, Sequence[Sample]],
    verdicts: Sequence[Verdict],
    beaten: Sequence[Beaten],
    absent: Mapping[str, str],
    note: str,
) -> dict[str, object]:
    """A case as it stands in the results."""
    told = {}
    for tool in tools:
        runs = samples[tool.name]
        told[tool.name] = {
            "command": [Path(word).name if word.startswith("/") else word for word in tool.argv(Path("OUT"))][
                :24
            ],
            "proof": tool.proof,
            "proves": tool.proves,
            "bytes": tool.size,
            "spread": {name: asdict(one) for name, one in spreads(runs).items()},
            "samples": [sample.to_json() for sample in runs],
        }
    return {
        "title": title,
        "note": note,
        "tools": told,
        "absent": dict(absent),
        "bars": [{**_bar_json(v.bar), "verdict": v.word, "value": v.value, "why": v.why} for v in verdicts],
        "beaten": [asdict(one) for one in beaten],
    }


def _bar_json(bar: Bar) -> dict[str, object]:
    return {
        "label": bar.label, "subject": bar.subject, "metric": bar.metric, "limit": bar.limit,
        "unit": bar.unit, "at_least": bar.at_least, "moonshot": bar.moonshot,
    }  # fmt: skip


def markdown(results: Told) -> str:
    """The whole table."""
    cases: Told = results["cases"]
    lines = ["# Benchmark", "", *_HEAD, ""]
    lines += ["## Bars", "", "| row | what | bar | reached | |", "|---|---|---|---|---|"]
    for key, case in cases.items():
        lines += [_bar_line(key, bar) for bar in case["bars"]]
    lines += ["", "## Where a peer does better than recfetch", ""]
    found = [_beaten_line(key, one) for key, case in cases.items() for one in case["beaten"]]
    lines += found or ["Nowhere."]
    for key, case in cases.items():
        lines += ["", f"## {key}: {case['title']}", "", *_case_lines(case)]
    return "\n".join(lines) + "\n"


def _bar_line(key: str, bar: Told) -> str:
    sign = "≥" if bar["at_least"] else "≤"
    value = "-" if bar["value"] is None else f"{bar['value']:.3g} {bar['unit']}"
    word = f"**{bar['verdict']}**" if bar["verdict"] == "FAIL" else bar["verdict"]
    wish = " (a wish)" if bar["moonshot"] else ""
    why = f" {bar['why']}" if bar["why"] else ""
    return (
        f"| {key} | {bar['label']}{wish} | {sign} {bar['limit']:.3g} {bar['unit']} | {value} | {word}{why} |"
    )


def _beaten_line(key: str, one: Told) -> str:
    metric = {"wall": "wall", "cpu": "CPU", "rss_mib": "memory"}.get(one["metric"], one["metric"])
    return f"- {key}: {one['peer']} in {metric}: {one['subject']} takes {one['ratio']:.2f} times as much"


def _case_lines(case: Told) -> list[str]:
    context = case["context"]
    machine = context["machine"]
    state = "recorded" if context["recorded"] else "NOT RECORDED: " + context["not_recorded"]
    lines = [
        f"{context['date']}, commit {context['commit']}, {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['kernel']}; {context['rounds']} rounds, "
        f"seed {context['seed']}, sets: {context['sets']}; {state}.",
        "",
    ]
    extras = [name for name in EXTRA if any(name in tool["spread"] for tool in case["tools"].values())]
    extras = [name for name in extras if name != "cpu_per_gib"]
    head = [
        "tool",
        "wall s",
        "CPU s",
        "CPU-s/GiB",
        "MiB/s",
        "RSS MiB",
        *[EXTRA[name] for name in extras],
        "proves",
        "runs",
    ]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, tool in sorted(case["tools"].items(), key=lambda item: _order(item[1])):
        lines.append("| " + " | ".join(_cells(name, tool, extras)) + " |")
    for name, why in case["absent"].items():
        lines.append(f"| {name} | - {'| ' * (len(head) - 2)}| {why} |")
    if case["note"]:
        lines += ["", case["note"]]
    versions = ", ".join(f"{name} {version}" for name, version in context["versions"].items())
    return [*lines, "", f"Versions: {versions}."]


def _order(tool: Told) -> tuple[bool, float]:
    """Those that prove something first; each class by its cost."""
    return tool["proof"] != PROOF, tool["spread"].get("cpu", {}).get("median", float("inf"))


def _cells(name: str, tool: Told, extras: Sequence[str]) -> list[str]:
    spread_of = tool["spread"]
    runs = tool["samples"]
    failed = [run["problem"] for run in runs if run["problem"]]
    disturbed = sum(run["disturbed"] for run in runs)
    told = f"{len(runs)}"
    if disturbed:
        told += f", {disturbed} disturbed"
    if failed:
        told += f", **{len(failed)} FAILED**: {_plain(failed[0])}"
    if "wall" not in spread_of:
        return [name, *["-"] * (5 + len(extras)), tool["proves"], told]
    wall, cpu = spread_of["wall"], spread_of["cpu"]
    gib = tool["bytes"] / 2**30
    per_gib = f"{cpu['median'] / gib:.2f}" if gib else "-"
    speed = f"{gib * 1024 / wall['median']:.0f}" if gib else "-"
    cells = [name, _pm(wall), _pm(cpu), per_gib, speed, f"{spread_of['rss_mib']['most']:.0f}"]
    cells += [f"{spread_of[extra]['median']:.3g}" if extra in spread_of else "-" for extra in extras]
    return [*cells, tool["proves"], told]


def _pm(one: Told) -> str:
    return f"{one['median']:.3f} ± {one['iqr']:.3f}"


def _plain(text: str) -> str:
    return text.replace("|", "/")[:120]


def write(folder: Path, stem: str, results: Mapping[str, object]) -> list[Path]:
    """Writes both; the answer is where."""
    folder.mkdir(parents=True, exist_ok=True)
    data, table = folder / f"{stem}.json", folder / f"{stem}.md"
    data.write_text(_compact(json.dumps(results, indent=1, ensure_ascii=False)) + "\n", encoding="utf-8")
    table.write_text(markdown(results), encoding="utf-8")
    return [data, table]


def _compact(text: str) -> str:
    """A sample to a line. Strings in JSON hold no line breaks, so that none is changed."""
    for _ in range(2):
        text = re.sub(r"[{\[][^{}\[\]]*[}\]]", lambda found: re.sub(r"\n *", " ", found.group()), text)
    return re.sub(r"\{\n *(\"round\"[^{}]*\{[^{}]*\})\n *\}", _one_line, text)


def _one_line(found: re.Match[str]) -> str:
    return "{ " + re.sub(r"\n *", " ", found.group(1)) + " }"


def merged(old: Told | None, new: Mapping[str, object], order: Sequence[str]) -> dict[str, object]:
    """Cases that were not run this time stay, each with the date and machine of its own."""
    cases = {**(old or {}).get("cases", {}), **new}
    return {"format": "recfetch-bench/1", "cases": {key: cases[key] for key in order if key in cases}}
