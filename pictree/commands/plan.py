"""What a fit would take on many machines."""

from __future__ import annotations

from typing import Annotated

import typer

from pictree.commands.arguments import DEFAULT_RECIPE, Json, Pictures
from pictree.commands.output import for_people, one_or_more, show


def plan(
    pictures: Pictures,
    recipe: Annotated[str, typer.Option(help="Recipe name or TOML file.")] = DEFAULT_RECIPE,
    engine: Annotated[
        str, typer.Option(metavar="local|processes|ray", help="As for `pictree fit`.")
    ] = "ray",
    nodes: Annotated[int, typer.Option(help="Machines like this one.")] = 1,
    price: Annotated[float, typer.Option(help="Of a machine for an hour, in any currency.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Measure a sample, and say on paper what a fit takes: hours, bytes, memory, cost.

    Example: pictree plan photos/ --engine ray --nodes 8 --price 0.4
    """
    from pictree.pipeline.plan import plan as plan_pictures
    from pictree.pipeline.plan import plan_text
    from pictree.recipes.recipe import load_recipe

    found = plan_pictures(
        one_or_more(pictures),
        recipe=load_recipe(recipe),
        engine=engine,
        nodes=nodes,
        price=price,
        progress=for_people(),
    )
    show(found, as_json, plan_text)
