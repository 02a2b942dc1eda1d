"""What the commands print for people, from the same figures that --json prints."""

from __future__ import annotations

from typing import Any

from pictree.report.effort import in_words
from pictree.report.words import counted


def fit_text(found: dict[str, Any]) -> str:
    """Say what a fit gave."""
    k = found["k"]
    lines = [
        f"{found['used']:,} of {found['images']:,} images used{_left_out(found)}",
        *_first_pages(found),
        f"{counted(k, 'cluster')}{_agreement(found['agreement'])}",
    ]
    if "choice" in found:
        lines.insert(-1, f"recipe {found['choice']['recipe']}: {found['choice']['reason']}")
    if found["silhouette"] is not None:
        lines[-1] += f", silhouette {found['silhouette']:.3f}"
    if "acc" in found:
        lines.append(_scores(found))
    if found.get("effort"):
        lines.append(in_words(found["effort"]))
    if others := [str(c["k"]) for c in found["k_shortlist"][1:4]]:
        lines.append(f"other good numbers of clusters: {', '.join(others)} (the report says why)")
    lines += found.get("advice", [])
    peak = f", peak memory {found['peak_mb']:,.0f} MB" if found["peak_mb"] else ""
    lines += [f"{found['seconds']:.1f} s{peak}", f"report: {found['report']}"]
    return "\n".join(lines)


def _first_pages(found: dict[str, Any]) -> list[str]:
    if not found["first_pages"]:
        return []
    files = counted(found["first_pages"], "file")
    return [
        f"of {files} with several pages or frames the first is used; "
        "'FOLDER/**/*.tif' (or *.dcm) takes every one"
    ]


def _left_out(found: dict[str, Any]) -> str:
    copies = found.get("duplicates", 0)
    parts = [counted(copies, "duplicate")] if copies else []
    parts += [f"{n:,} {what}" for what, n in found["problems"].items() if n]
    return f" ({', '.join(parts)})" if parts else ""


def _agreement(agreement: float | None) -> str:
    return "" if agreement is None else f", agreement {agreement:.3f}"


def _scores(found: dict[str, Any]) -> str:
    figures = {"matched accuracy": "acc", "ARI": "ari", "NMI": "nmi", "purity": "purity"}
    return "against known labels: " + ", ".join(f"{n} {found[k]:.3f}" for n, k in figures.items())


def scan_text(found: dict[str, Any]) -> str:
    """Say what a scan found."""
    fmt = found["image_format"]
    colour = "grey" if fmt["channels"] == 1 else "colour"
    lines = [
        f"{counted(found['files'], 'file')}: {found['used']:,} usable, "
        f"{counted(found['duplicates'], 'duplicate')}, "
        f"{counted(sum(found['problems'].values()), 'problem')}",
        *(f"  {n:,} {what}" for what, n in found["problems"].items()),
        *_first_pages(found),
        "sizes: " + _counts(found["sizes"]),
        "modes: " + _counts(found["modes"]),
        f"a fit would use {fmt['width']}×{fmt['height']}, {colour} ({fmt['reason']})",
        f"{found['seconds']:.1f} s",
    ]
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{what} ({n:,})" for what, n in counts.items())


def predict_text(found: dict[str, Any]) -> str:
    """Say what a prediction gave."""
    lines = [
        f"{found['used']:,} of {found['images']:,} images placed{_left_out(found)}, "
        f"{found['unknown']:,} unknown",
    ]
    if "acc" in found:
        lines.append(_scores(found))
    return "\n".join([*lines, f"table: {found['output']}"])


def add_text(found: dict[str, Any]) -> str:
    """Say what an addition gave."""
    lines = [f"{found['used']:,} of {found['images']:,} files added{_left_out(found)}"]
    sizes = ", ".join(f"{size:,}" for size in found["sizes"])
    lines.append(f"{found['k']} clusters, now of {sizes} images")
    if "acc" in found:
        lines.append(_scores(found))
    if found["unknown"]:
        placed = found["used"] + found["duplicates"]
        few = f"{found['unknown']:,} of {placed:,} unlike anything in the run"
        lines.append(found["advice"] or few)
    return "\n".join([*lines, f"report: {found['report']}"])


def cut_text(found: dict[str, Any]) -> str:
    """Say what a cut gave."""
    sizes = ", ".join(f"{size:,}" for size in found["sizes"])
    use = f"to use it: `pictree predict` or `pictree export` with --k {found['k']}"
    return f"{counted(found['k'], 'cluster')} of {sizes} images\ntable: {found['clusters']}\n{use}"


def compare_text(found: dict[str, Any]) -> str:
    """Put the figures of two runs side by side."""
    lines = [f"{key:16} {_cell(a):>16} {_cell(b):>16}" for key, (a, b) in found["figures"].items()]
    lines.append(f"{found['shared']:,} images are in both")
    if found["shared"]:
        lines.append(
            f"their clusters agree at ARI {found['ari']:.3f}, NMI {found['nmi']:.3f}; "
            f"{found['moved']:.1%} moved"
        )
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)


def doctor_text(found: dict[str, Any]) -> str:
    """Say what the machine has."""
    machine, device = found["hardware"], found["device"]
    lines = [
        f"{machine['system']}, {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB",
        "device: " + (device.get("reason") or device["problem"]),
        *(f"  {name} {version}" for name, version in found["versions"].items()),
        *found["advice"],
    ]
    return "\n".join(lines)
