"""Measurements to the table of benchmarks/README.md."""

from __future__ import annotations

from statistics import median

from benchmarks.rivals.rows import ROWS

HEAD = ["work", "Pictree, s", "beside", "s", "times as fast", "what came out: Pictree; beside"]


def table(records: list[dict]) -> str:
    """Return a Markdown table of the newest day's measurements of each row and side."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + " --- |" * len(HEAD)]
    for name, row in ROWS.items():
        found = {side.name: _newest(records, name, side.name) for side in row.sides}
        own = found.pop(row.sides[0].name)
        if not own:
            continue
        beside = {side: of for side, of in found.items() if of}
        if not beside:
            lines.append(_line(row.work, own, "-", []))
        lines += [_line(row.work, own, side, of) for side, of in beside.items()]
    return "\n".join(lines)


def _newest(records: list[dict], row: str, side: str) -> list[dict]:
    own = [r for r in records if r["row"] == row and r["side"] == side]
    last = max((r["date"] for r in own), default="")
    return [r for r in own if r["date"] == last]


def _line(work: str, own: list[dict], side: str, other: list[dict]) -> str:
    loaded = any(r["loaded"] for r in own + other)
    ours, theirs = _seconds(own), _seconds(other)
    cells = [work, "-" if loaded else _shown(ours), side]
    cells.append("-" if loaded or theirs is None else _shown(theirs))
    cells.append("-" if theirs is None else f"{theirs / ours:.1f}{' (loaded)' * loaded}")
    cells.append("; ".join(_result(of[-1]) for of in (own, other) if of))
    return f"| {' | '.join(cells)} |"


def _seconds(records: list[dict]) -> float | None:
    return median(r["seconds"] for r in records) if records else None


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3g}"


def _result(record: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in record.get("result", {}).items()) or "-"
