"""Medians, spread, ratios and bars. Nothing here measures anything."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """What several runs say."""

    median: float
    least: float
    most: float
    # Between the first and the third quarter.
    iqr: float
    count: int


def spread(values: Iterable[float]) -> Spread | None:
    """None where there is no value."""
    values = sorted(values)
    if not values:
        return None
    iqr = 0.0
    if len(values) > 1:
        first, _, third = statistics.quantiles(values, n=4, method="inclusive")
        iqr = third - first
    return Spread(statistics.median(values), values[0], values[-1], iqr, len(values))


@dataclass(frozen=True)
class Bar:
    """Something that must be reached.

    The measure of `subject` must be at most `limit` times the sum of the measures of `against`, to which the
    smallest of those of `best_of` is added. Without either, `limit` is the number itself. With `at_least` it
    is the other way round.
    """

    label: str
    subject: str
    metric: str
    limit: float
    against: Sequence[str] = ()
    best_of: Sequence[str] = ()
    at_least: bool = False
    # For the table: what the number is.
    unit: str = "×"
    # A wish, beyond what must be reached.
    moonshot: bool = False


@dataclass(frozen=True)
class Verdict:
    """What became of a bar."""

    bar: Bar
    # `PASS`, `FAIL`, or `-` where it could not be judged.
    word: str
    value: float | None
    why: str = ""


# The medians of each tool by metric; a tool whose runs were not all good has none.
Medians = Mapping[str, Mapping[str, float]]


def judge(bar: Bar, medians: Medians, absent: Mapping[str, str]) -> Verdict:
    """Judges one bar. `absent` are the tools that were not to be had, with the reason."""
    subject = medians.get(bar.subject, {}).get(bar.metric)
    if subject is None:
        if bar.subject in absent:
            return Verdict(bar, "-", None, absent[bar.subject])
        # Whoever did not do the work did not reach the bar.
        return Verdict(bar, "FAIL", None, f"{bar.subject} has no good runs")
    reference, why = _reference(bar, medians, absent)
    if reference is None:
        return Verdict(bar, "-", None, why)
    value = subject / reference
    passed = value >= bar.limit if bar.at_least else value <= bar.limit
    return Verdict(bar, "PASS" if passed else "FAIL", value)


def _reference(bar: Bar, medians: Medians, absent: Mapping[str, str]) -> tuple[float | None, str]:
    """What the bar is held against, or the reason why there is nothing."""
    if not bar.against and not bar.best_of:
        return 1.0, ""
    total = 0.0
    for name in bar.against:
        value = medians.get(name, {}).get(bar.metric)
        if value is None:
            return None, absent.get(name, f"{name} has no good runs")
        total += value
    if bar.best_of:
        values = [medians[name][bar.metric] for name in bar.best_of if bar.metric in medians.get(name, {})]
        if not values:
            return None, absent.get(bar.best_of[0], f"{bar.best_of[0]} has no good runs")
        total += min(values)
    return total, ""


@dataclass(frozen=True)
class Beaten:
    """A peer that did better in something."""

    peer: str
    subject: str
    metric: str
    ratio: float


def beaten(
    medians: Medians,
    subjects: Sequence[str],
    peers: Iterable[str],
    metrics: Sequence[str] = ("wall", "cpu", "rss_mib"),
) -> list[Beaten]:
    """Where peers beat the best of the subjects."""
    found = []
    for metric in metrics:
        ours = [(medians[name][metric], name) for name in subjects if metric in medians.get(name, {})]
        if not ours:
            continue
        best, name = min(ours)
        for peer in peers:
            value = medians.get(peer, {}).get(metric)
            if value is not None and value < best:
                found.append(Beaten(peer, name, metric, best / value))
    return found
