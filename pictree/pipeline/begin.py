"""The beginning of a run: its folder, with what the run was asked for; or the same one again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pictree.errors import RunError
from pictree.features.base import Extractor
from pictree.images.format import LONGEST_SIDE, choose_format
from pictree.images.known_labels import labels_beside
from pictree.images.sources import Source
from pictree.pipeline import codes as given_codes
from pictree.pipeline import features as seen
from pictree.pipeline import hardware
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe, to_toml
from pictree.shards import shard_rows_for
from pictree.store import Run

_MUST_AGREE = (
    "seed",
    "sources",
    "known_labels",
    "image_format",
    "value_range",
    "codes",
    "features",
)
"""What a resumed run must share with its start, beside the recipe."""


def specs_of(given: Any, source: Source, progress: Progress) -> list[str] | str | None:
    """Return the known labels that were given, or that lie beside the images."""
    if given is not None:
        specs = [given] if isinstance(given, str) else list(given)
        return specs[0] if len(specs) == 1 else specs
    beside = labels_beside(source)
    if beside is None:
        return None
    names = ", ".join(path.name for path in beside)
    progress.say(f"known labels found beside the images ({names}): used for scoring alone")
    found = [str(path) for path in beside]
    return found[0] if len(found) == 1 else found


def begin(
    run: Run,
    source: Source,
    recipe: Recipe,
    known_specs: list[str] | str | None,
    given: given_codes.GivenCodes | None,
    extractor: Extractor | None,
    seed: int,
    command: Sequence[str],
) -> None:
    """Start the run folder, or check that the run in it was begun with the same settings."""
    asked = {
        "seed": seed,
        "sources": [part.describe() for part in getattr(source, "parts", [source])],
        "known_labels": known_specs,
        "value_range": source.value_range and list(source.value_range),
        "codes": given and given.describe(),
        "features": extractor and extractor.about.to_json(),
    }
    if (run.path / "run.json").exists():
        # Chosen once, at the start: choosing again would read the pictures again.
        asked["image_format"] = Run.open(run.path).info["image_format"]
        _refuse_other_settings(run, asked, recipe)
        if asked["codes"] != run.info.get("codes"):
            run.update(codes=asked["codes"], command=list(command))
        return
    size, channels = recipe.images.size, recipe.images.channels
    fmt = choose_format(
        source,
        None if isinstance(size, str) else size,
        {"auto": None, "grey": 1, "colour": 3}[channels],
        longest=recipe_side(recipe, extractor),
    )
    info = {
        **asked,
        "image_format": asdict(fmt),
        "items": len(source),
        "shard_rows": shard_rows_for(fmt.height * fmt.width * fmt.channels),
        "recipe": recipe.name,
        "command": list(command),
        "hardware": hardware.hardware(),
        "versions": hardware.versions(),
    }
    Run.create(run.path, to_toml(recipe), info)


def recipe_side(recipe: Recipe, extractor: Extractor | None) -> int:
    """Return the longest side that images are brought to: the network's own, for features."""
    if extractor is None:
        return LONGEST_SIDE
    return seen.side_of(recipe) or extractor.about.side


def _refuse_other_settings(run: Run, asked: dict[str, Any], recipe: Recipe) -> None:
    stored = run.info
    differ = [key for key in _MUST_AGREE if stored.get(key) != asked.get(key)]
    if "codes" in differ and _may_change_codes(run, stored.get("codes"), asked["codes"]):
        differ.remove("codes")
    if (run.path / "recipe.toml").read_text(encoding="utf-8") != to_toml(recipe):
        differ.append("recipe")
    if differ:
        raise RunError(
            "A run can only be resumed with the settings it was begun with",
            got=f"other {', '.join(differ)} than in {run.path}",
            do="Repeat the first command with --resume, or choose another folder with -o",
        )


def _may_change_codes(run: Run, old: dict[str, Any] | None, new: dict[str, Any] | None) -> bool:
    """Allow another name of the same file, and other codes while nothing was made of the old."""
    made = ("codes", "model", "checkpoints", "clusters")
    if not any((run.path / kind).exists() for kind in made):
        return True
    return old is not None and new is not None and old["sha256"] == new["sha256"]


def announce(run: Run, source: Source, progress: Progress) -> None:
    """Say which pictures a run has, and how they are brought to one format."""
    fmt = run.info["image_format"]
    colour = "grey" if fmt["channels"] == 1 else "colour"
    progress.say(f"{len(source):,} files in {source.name}")
    progress.say(f"images: {fmt['width']}×{fmt['height']}, {colour} ({fmt['reason']})")
    if codes := run.info.get("codes"):
        table = f"{codes['shape'][0]:,} × {codes['shape'][1]:,} numbers"
        progress.say(f"codes: {table} from {codes['file']}; nothing is trained")
    if features := run.info.get("features"):
        seen_by = f"{features['width']:,} numbers of {features['network']}"
        progress.say(f"codes: {seen_by}, which was trained elsewhere")
