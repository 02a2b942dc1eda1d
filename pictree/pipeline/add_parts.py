"""The parts of new pictures as `pictree add` takes them: placed here, or by an engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np

from pictree.engine.base import Engine
from pictree.images.sources import Source
from pictree.pipeline.carried_places import placed_through
from pictree.pipeline.place import Placed, Placer, with_clusters
from pictree.pipeline.place_shards import Asked, place_by
from pictree.pipeline.staging import Staging
from pictree.progress import Progress
from pictree.store import Run

Part = tuple[int, Placed | None, np.ndarray | None]
"""A shard's number in the run; what it holds, or None where it is made already; its errors."""


def placed_here(
    staging: Staging, placer: Placer, source: Source, progress: Progress
) -> Iterator[Part]:
    """Place one part after another in this process."""
    shutil.rmtree(staging.work, ignore_errors=True)  # what another engine had begun
    shown = f"clusters/{staging.run.clusters_name}/assignments"
    for shard, part in staging.parts.items():
        if not staging.has(shard):
            placed = placer.place(source, part, progress)
            yield shard, placed, placer.errors(placed.pixels)
            continue
        places = with_clusters(staging.table("added", shard), staging.table(shown, shard))
        placer.recall(staging.table("images", shard), places)
        progress.advance(len(part))
        yield shard, None, None


def placed_by(
    engine: Engine,
    asked: Asked,
    staging: Staging,
    placer: Placer,
    source: Source,
    progress: Progress,
) -> Iterator[Part]:
    """Have the parts placed, then take one after another."""
    if all(map(staging.has, staging.parts)):  # and nothing is left to do but to publish them
        yield from placed_here(staging, placer, source, progress)
        return
    scratch = Run(staging.work.absolute())
    with placed_through(engine, asked, scratch.path) as workers:
        found = place_by(workers, asked, placer, source, scratch.path, progress)
        for number, (shard, (table, places)) in enumerate(zip(staging.parts, found, strict=True)):
            if staging.has(shard):
                yield shard, None, None
                continue
            clusters = scratch.read_table("added", number)["cluster"].to_numpy()
            pixels, codes = (scratch.read_array(kind, number) for kind in ("pixels", "codes"))
            is_drawn = scratch.shard_file("errors", number).exists()
            errors = scratch.read_array("errors", number) if is_drawn else None
            yield shard, Placed(table, places, pixels, codes, clusters), errors
    shutil.rmtree(staging.work)  # all that is left there is published
