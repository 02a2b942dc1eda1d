"""Stage 6: 2-D maps of the codes."""

from __future__ import annotations

from pictree.errors import MissingExtraError
from pictree.progress import Progress
from pictree.projection import Maps
from pictree.recipes.recipe import Recipe
from pictree.store import Run


def draw_maps(run: Run, recipe: Recipe, seed: int, progress: Progress) -> None:
    """Write maps/; where a map's package is absent, say so once and go on with the others."""
    methods, missing = recipe.maps.methods, {}
    progress.start("drawing maps", len(methods))
    maps = Maps(run.array("codes")[:], seed=seed)
    for method in methods:
        progress.note(method)
        if not run.map_file(method).exists():
            try:
                run.write_map(method, maps.project(method))
            except MissingExtraError as error:
                missing[method] = str(error)
                progress.say(str(error))
        progress.advance()
    drawn = [method for method in methods if method not in missing]
    if drawn:
        progress.note(", ".join(drawn))
    run.update(maps=drawn, maps_missing=missing)
    progress.close()
