"""All that the page's scripts read, put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pictree.report.figures import MAP_NAMES
from pictree.report.gather import Findings
from pictree.report.live import cuts, images
from pictree.report.live.atlas import make_atlas
from pictree.report.live.near import NearDuplicates
from pictree.report.live.pack import Blob, as_json, numbers
from pictree.report.live.tables import table_blobs
from pictree.report.palette import GREY, colours
from pictree.report.words import shown


def live_data(found: Findings, near: NearDuplicates, pictures: Path, *, whole: bool) -> list[Blob]:
    """Return the page's data, and write the atlases that lie beside it.

    Parameters
    ----------
    found : Findings
    near : NearDuplicates
    pictures : Path
        The run's pictures/.
    whole : bool
        Draw a thumbnail of every image. Else of those alone that stand for a part of the tree:
        the first report shall be there at once, and without a map nobody sees the others.
    """
    tree, leaves, about = found.tree, None, None
    if tree is not None and tree.n_leaves > 1:
        leaves = cuts.leaf_of_images(found, tree)
        about = cuts.describe(found, tree, leaves)
    first, order = _tiles(found, about, leaves, whole=whole)
    atlas = make_atlas(found.pixels, order, len(first), pictures) if len(order) else None
    tile = np.full(len(found.ids), -1, np.int64)
    tile[order] = np.arange(len(order))
    facts = {
        "images": len(found.ids),
        "clusters": found.k,
        "palette": colours(cuts.MOST_CLUSTERS),
        "grey": GREY,
        "maps": [{"method": method, "name": MAP_NAMES[method]} for method in found.maps],
        "known": [shown(n) for n in images.known_names(found.known)] if found.known else [],
        "outcomes": images.OUTCOMES,
        "tree": about,
        "cuts": _cuts(found),
        "atlas": vars(atlas) | {"inside": len(atlas.inside)} if atlas else None,
    }
    return [
        as_json("facts", facts),
        numbers("tile", images.smallest(tile)),
        *images.image_blobs(found, leaves),
        *table_blobs(found, near),
        *[Blob(f"atlas-{i}", "uri", uri) for i, uri in enumerate(atlas.inside if atlas else [])],
    ]


def _tiles(
    found: Findings, about: dict[str, Any] | None, leaves: np.ndarray | None, *, whole: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that stand for parts of the tree, and these before all with a tile."""
    chosen = about["pictures"] if about else []
    first = np.unique([row for node in chosen for part in node for row in part]).astype(int)
    if not whole:
        return first, first
    place = leaves if leaves is not None else found.labels
    rest = np.argsort(place, kind="stable")
    if found.maps:
        rest = images.along_map(next(iter(found.maps.values())))
    return first, np.concatenate([first, rest[~np.isin(rest, first)]])


def _cuts(found: Findings) -> list[tuple[int, float | None]]:
    """Return good numbers of clusters and how far the runs agree there, the best first."""
    shortlist = found.metrics.get("k_shortlist") or []
    agreement = {int(c["k"]): c.get("agreement") for c in shortlist}
    return list((agreement | {found.k: found.metrics.get("agreement")}).items())
