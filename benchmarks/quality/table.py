"""The results as dated Markdown tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from benchmarks.quality.methods import METHODS
from benchmarks.quality.rows import ROWS

Results = dict[tuple[str, str], list[dict]]
"""Row and method to the records of its seeds."""

PUBLISHED = (
    (
        "ConvDEC-DA: Guo, Zhu, Liu, Yin, ACML 2018 (PMLR 95)",
        "MNIST .985, USPS .987, Fashion-MNIST .586",
    ),
    (
        "N2D: McConville, Santos-Rodríguez, Piechocki, Craddock, ICPR 2020 (arXiv 1908.05968)",
        "MNIST .979, Fashion-MNIST .672",
    ),
    (
        "GDL on pixels: Zhang, Wang, Zhao, Tang, ECCV 2012 (the method); who measured these "
        "figures with it was not found, and others report less",
        "MNIST .964, USPS .922, Fashion-MNIST .627",
    ),
    ("JULE: Yang, Parikh, Batra, CVPR 2016", "COIL-20 NMI 1.00"),
)


def tables(records: list[dict]) -> str:
    """Return all tables.

    Parameters
    ----------
    records : list of dict
        Lines of the results; of two for one (row, method, seed) the later counts.

    Returns
    -------
    str
    """
    results: Results = defaultdict(list)
    for record in {(r["row"], r["method"], r["seed"]): r for r in records}.values():
        results[record["row"], record["method"]].append(record)
    parts = [heading(records), *overviews(results)]
    parts += [details(row, results) for row in rows_in(results)]
    parts += [own_words(results), published()]
    return "\n\n".join(part for part in parts if part)


def heading(records: list[dict]) -> str:
    """Say when, with what, and how to read it."""
    dates = sorted({r["date"] for r in records})
    versions = {f"{name} {number}" for r in records for name, number in r["versions"].items()}
    when = " to ".join(dict.fromkeys([dates[0], dates[-1]])) if dates else "never"
    lines = [
        f"Measured {when}; {', '.join(sorted(versions)) or 'nothing'}. Mean ± standard deviation "
        "over the seeds. Labels are for scoring alone; nothing was chosen by them. Noise counts as "
        "one more cluster, and clusters beyond the number of kinds as wrong (ACC)."
    ]
    if any(r["loaded"] for r in records):
        lines.append("Seconds measured while others used the machine are left out (-).")
    return "\n".join(lines)


def overviews(results: Results) -> list[str]:
    """Compare matched accuracy: whole data sets, then those of our making; tell the methods."""
    rows = rows_in(results)
    halves = [
        [row for row in rows if not is_ours(row)],
        [row for row in rows if is_ours(row)],
    ]
    found = []
    for title, half in zip(("data sets", "subsets and changed sets"), halves, strict=True):
        names = [m for m in METHODS if any((row, m) in results for row in half)]
        if names:
            head = ["method", *half]
            lines = [
                [name, *(spread(results.get((row, name), []), "acc") for row in half)]
                for name in names
            ]
            found.append(f"### Matched accuracy: {title}\n\n{markdown(head, lines)}")
    if found:
        used = [m for m in METHODS if any(name == m for _, name in results)]
        told = "\n".join(f"- `{name}`: {METHODS[name].about}" for name in used)
        found.append(f"### The methods\n\n{told}")
    return found


def is_ours(row: str) -> bool:
    """Tell whether we made the data set from another."""
    return ROWS[row].drawn or row == "coil20-colour"


def details(row: str, results: Results) -> str:
    """All figures of one data set."""
    columns: dict[str, Callable[[list[dict]], str]] = {
        "seeds": lambda found: str(len(found)),
        "ACC": lambda found: spread(found, "acc"),
        "ARI": lambda found: spread(found, "ari"),
        "NMI": lambda found: spread(found, "nmi"),
        "clusters": lambda found: span(found, "k"),
        "noise": noise,
        "seconds": seconds,
        "peak MB": lambda found: f"{max(r['peak_mb'] for r in found):,}",
    }
    lines = [
        [name, *(cell(results[row, name]) for cell in columns.values())]
        for name in METHODS
        if (row, name) in results
    ]
    about = ROWS[row]
    title = f"### {row}\n\n{about.about}: {about.images:,} images, {about.k} kinds."
    return f"{title}\n\n{markdown(['method', *columns], lines)}"


def own_words(results: Results) -> str:
    """Show what Pictree alone tells: leaves, decisions, the rank of the true k when not told."""
    lines = []
    for (row, name), found in sorted(results.items(), key=lambda item: place(item[0])):
        if not any(r.get("leaves") for r in found):
            continue
        ranks = ", ".join(str(r["rank"] or "-") for r in found)
        work = [r["effort"] for r in found if r["effort"]]
        figures = [span(found, "leaves"), spread(found, "leaf_purity"), spread(found, "agreement")]
        figures += [spread(work, way) for way in ("going_down", "naming", "random")]
        lines.append([row, name, *figures, "told" if METHODS[name].k_is_told else ranks])
    head = ["data", "method", "leaves", "leaf purity", "agreement"]
    head += ["going down the tree", "naming big leaves", "labels at random", "true k's rank"]
    told = (
        "The three before the last: share of pictures with the right name after 50 decisions (or "
        "all that there are). Rank: of the true k in the shortlist, for each seed."
    )
    return f"### Leaves, decisions and k\n\n{told}\n\n{markdown(head, lines)}" if lines else ""


def published() -> str:
    """Return what others published."""
    head = ["as published, not run here", "ACC, where not said otherwise"]
    return f"### Published marks\n\n{markdown(head, [list(line) for line in PUBLISHED])}"


def rows_in(results: Results) -> list[str]:
    """Return the rows that were measured, in their order."""
    return [row for row in ROWS if any(row == name for name, _ in results)]


def place(key: tuple[str, str]) -> tuple[int, int]:
    """Order by row, then method."""
    return list(ROWS).index(key[0]), list(METHODS).index(key[1])


def markdown(head: list[str], lines: list[list[str]]) -> str:
    """Lay out a table."""
    drawn = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in drawn)


def spread(found: list[dict], key: str) -> str:
    """Mean ± deviation without the leading zero; the value alone for one seed."""
    values = [r[key] for r in found if r.get(key) is not None]
    if not values:
        return "-"
    mean = short(float(np.mean(values)))
    return mean if len(values) == 1 else f"{mean} ± {short(float(np.std(values)))}"


def short(value: float) -> str:
    """Three places: .968, -.002, 1.000."""
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:.3f}"


def span(found: list[dict], key: str) -> str:
    """Least to most of a count."""
    values = [r[key] for r in found if r[key] is not None]
    return "-".join(dict.fromkeys(f"{v:,}" for v in (min(values), max(values))))


def noise(found: list[dict]) -> str:
    """Mean share of noise, a dash where there is none."""
    share = float(np.mean([r["noise"] for r in found]))
    return f"{share:.1%}" if share else "-"


def seconds(found: list[dict]) -> str:
    """Mean of those measured on a quiet machine."""
    quiet = [r["seconds"] for r in found if not r["loaded"]]
    return f"{np.mean(quiet):.1f}" if quiet else "-"
