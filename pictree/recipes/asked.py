"""The recipe that the command line's options ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pictree.errors import InputError
from pictree.recipes.recipe import Recipe, change, load_recipe


def recipe_asked_for(options: Mapping[str, Any]) -> Recipe:
    """Load a recipe and change what was asked for beside it.

    Parameters
    ----------
    options : mapping
        ``recipe`` (name or file) and, where not None, ``k``, ``image_size`` (64 or WIDTHxHEIGHT)
        and ``colour`` (bool), as text of the command line.

    Raises
    ------
    RecipeError, InputError
        If the recipe or an option is not valid.
    """
    changes: dict[str, Any] = {}
    if options.get("k") is not None:
        text = str(options["k"])
        changes["clustering.k"] = int(text) if text.isdigit() else text
    if options.get("image_size") is not None:
        changes["images.size"] = _size(options["image_size"])
    if options.get("colour") is not None:
        changes["images.channels"] = "colour" if options["colour"] else "grey"
    return change(load_recipe(options["recipe"]), **changes)


def _size(text: str) -> list[int]:
    """Read 64 or WIDTHxHEIGHT as [height, width]."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > 2 or not all(part.isdigit() for part in parts):
        raise InputError(
            "--image-size must be a number of pixels, or WIDTHxHEIGHT",
            got=repr(text),
            do="Write --image-size 64 or --image-size 64x48",
        )
    return [int(parts[-1]), int(parts[0])]
