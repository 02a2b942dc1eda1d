"""What `pictree find` prints for people."""

from __future__ import annotations

from typing import Any

_MOST_ROWS, _WIDEST = 20, 48


def find_text(found: dict[str, Any]) -> str:
    """Return a table of the first rows, and where the others are."""
    rows = found["rows"]
    said = ", ".join(f"{name} {value}" for name, value in found["about"].items())
    lines = [f"{found['found']:,} found among {found['images']:,} images ({said})"]
    if rows:
        cells = [list(rows[0]), *([_cell(v) for v in row.values()] for row in rows[:_MOST_ROWS])]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    if len(rows) > _MOST_ROWS and not found["output"]:
        lines.append(f"and {len(rows) - _MOST_ROWS:,} more; -o FILE.csv saves all")
    if found["output"]:
        lines.append(f"table: {found['output']}")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "-" if value is None else str(value)
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown if len(shown) <= _WIDEST else f"…{shown[1 - _WIDEST :]}"
