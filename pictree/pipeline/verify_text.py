"""What `pictree verify` prints for people."""

from __future__ import annotations

from typing import Any

_MOST = 20
_KINDS = {"damaged": "damaged", "missing": "missing", "foreign": "not of this run (left alone)"}


def verify_text(found: dict[str, Any]) -> str:
    """Say which files are not as the manifest says, and what became of them."""
    bad = len(found["damaged"]) + len(found["missing"])
    lines = [f"{found['files']:,} files, {found['files'] - bad:,} of them as they were written"]
    for kind, words in _KINDS.items():
        names = found[kind]
        lines += [f"  {words}: {_in_one_line(name)}" for name in names[:_MOST]]
        if len(names) > _MOST:
            lines.append(f"  {words}: {len(names) - _MOST:,} more")
    lines += [f"  made again, to the same bytes: {name}" for name in found["repaired"]]
    lines += [f"  not made again: {name}: {why}" for name, why in found["left"].items() if why]
    if bad and not found["repaired"] and not any(found["left"].values()):
        lines.append("Make them again by `pictree verify --repair RUN`.")
    return "\n".join(lines)


def _in_one_line(name: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
