"""What there is: recipes, and this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from pictree.commands.arguments import Json
from pictree.commands.output import show


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The recipe to print.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List the recipes, or print one as TOML, to copy and change.

    Example: pictree recipes small-98 > mine.toml
    """
    from pictree.recipes.recipe import load_recipe, recipe_names, recipe_text

    if name is not None:
        text = recipe_text(name)
        show({"name": name, "toml": text}, as_json, lambda found: found["toml"].rstrip())
        return
    found = {name: load_recipe(name).about for name in recipe_names()}
    show(found, as_json, lambda found: "\n".join(f"{n:12} {about}" for n, about in found.items()))


def doctor(as_json: Json = False) -> None:
    """Tell what this machine has and what Pictree would use of it.

    Example: pictree doctor
    """
    from pictree.pipeline.doctor import examine
    from pictree.pipeline.text import doctor_text

    show(examine(), as_json, doctor_text)
