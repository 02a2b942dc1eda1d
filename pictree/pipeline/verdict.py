"""What the figures of a run mean, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from pictree.evaluation.places import places
from pictree.features.packaged import is_installed
from pictree.pipeline.codes import has_autoencoder
from pictree.store import Run

_DOUBTED = 0.6
_SAME = 0.01
"""Differences of matched accuracy up to this much count as "no better"."""


def verdict(
    scores: dict[str, float] | None,
    plain: list[dict[str, Any]],
    agreement: float | None,
    *,
    is_tree: bool = False,
) -> list[str]:
    """Say in sentences what the figures mean.

    Parameters
    ----------
    scores : dict of float, optional
        Of the clusters, with known labels.
    plain : list of dict
        The baselines.
    agreement : float, optional
        Mean adjusted Rand index between seeds, or between the runs of a tree.
    is_tree : bool
        Which of the two it is.

    Returns
    -------
    list of str
    """
    sentences = []
    if scores is not None:
        sentences = [_beside(scores["acc"], baseline) for baseline in plain]
    if agreement is None:
        return sentences
    who = "the tree's runs" if is_tree else "clusterings from different seeds"
    if agreement >= 0.8:
        said = "find nearly the same clusters each time."
    elif agreement >= 0.5:
        said = "find partly the same clusters; look at their borders with care."
    else:
        said = "find other clusters each time; these are not to be believed as kinds."
    return [*sentences, f"Agreement {agreement:.2f}: {who} {said}"]


def way_out(run: Run, agreement: float | None) -> list[str]:
    """Say what may see more where the clusters are places, or colour pictures are in doubt."""
    if not has_autoencoder(run):
        return []
    if said := _places(run):
        return said
    is_colour = run.info["image_format"]["channels"] == 3
    if agreement is None or agreement >= _DOUBTED or not is_colour:
        return []
    if is_installed():
        return ["If these are photographs, --recipe photos may see more in them."]
    return [
        "If these are photographs, a network that has seen many may see more in them: "
        "pip install 'pictree[photos]', and fit again."
    ]


def _places(run: Run) -> list[str]:
    pixels, labels = run.array("pixels"), run.labels()
    if min(pixels.shape[1:3]) < 2 or len(np.unique(labels)) < 2:
        return []
    found = places(pixels, labels)
    if found.are_kinds:
        return []
    first = "" if is_installed() else " (first pip install 'pictree[photos]')"
    return [
        "These clusters are places: the pictures are of one thing that lies a little elsewhere in "
        f"each ({found.same:.0%} of what differs between them), and the clusters go by that.",
        f"Fit again with --recipe photos{first}, which minds it less, or cut the thing out at the "
        "same place in each. Single odd pictures: pictree find outliers RUN, best of a fit with "
        "--recipe quick.",
    ]


def _beside(acc: float, baseline: dict[str, Any]) -> str:
    name, plain = baseline["name"], baseline["scores"]["acc"]
    deviation = (baseline.get("deviations") or {}).get("acc")
    spread = f" (± {deviation:.3f} over its seeds)" if deviation else ""
    difference = acc - plain
    if abs(difference) <= _SAME:
        return f"No better than {name}: matched accuracy {acc:.3f} against {plain:.3f}{spread}."
    word = "Better" if difference > 0 else "Worse"
    return f"{word} than {name} by {abs(difference):.3f}{spread}: matched accuracy {acc:.3f}."
