"""What the command line's options change of a recipe."""

from __future__ import annotations

from typing import Any

from pictree.errors import InputError
from pictree.recipes.recipe import Recipe, change, load_recipe

AUTO = "auto"
"""Recipe tree, or photos where the runs agree better on features."""


def recipes_of(options: dict[str, Any]) -> tuple[Recipe, Recipe | None]:
    """Read the recipe that is asked for, and the one on features that may be chosen instead.

    Parameters
    ----------
    options : dict
        See `recipe_of`; ``recipe`` may be `AUTO`.

    Returns
    -------
    recipe : Recipe
    otherwise : Recipe or None
        None where a recipe or features were asked for.
    """
    if options["recipe"] != AUTO:
        return recipe_of(options), None
    photos = recipe_of({**options, "recipe": "photos"})
    if options.get("features") is not None:
        return photos, None
    return recipe_of({**options, "recipe": "tree"}), photos


def recipe_of(options: dict[str, Any]) -> Recipe:
    """Read the recipe that is asked for, with what the options change of it.

    Parameters
    ----------
    options : dict
        ``recipe`` and, each optional or None, ``k`` (text), ``image_size`` (text), ``colour``
        (bool), ``features`` (text).

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError, InputError
    """
    changes: dict[str, Any] = {}
    if options.get("k") is not None:
        text = str(options["k"])
        changes["clustering.k"] = int(text) if text.isdigit() else text
    if options.get("image_size") is not None:
        changes["images.size"] = _size(options["image_size"])
    if options.get("colour") is not None:
        changes["images.channels"] = "colour" if options["colour"] else "grey"
    if options.get("features") is not None:
        changes["features.network"] = str(options["features"])
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
