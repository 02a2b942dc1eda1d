"""Recipes: TOML files that users copy and change."""

from __future__ import annotations

import difflib
import json
import sys
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

from pictree.errors import RecipeError
from pictree.recipes.parts import (
    ClusteringPart,
    DecPart,
    FeaturesPart,
    ImagesPart,
    MapsPart,
    NetworkPart,
    PairsPart,
    RoundsPart,
    Training,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


LEARNING = {"rounds": ("count", "tree"), "pairs": ("epochs", "tree"), "dec": ("updates", "kmeans")}
"""What can learn after the first clusters: the key of its length, the method that it needs."""


@dataclass(frozen=True)
class Recipe:
    """A whole recipe.

    Attributes
    ----------
    name : str
    about : str
        One sentence for people.
    images : ImagesPart
    network : NetworkPart
    features : FeaturesPart
    training : Training
    clustering : ClusteringPart
    rounds : RoundsPart
    pairs : PairsPart
    dec : DecPart
    maps : MapsPart
    """

    name: str
    about: str = ""
    images: ImagesPart = field(default_factory=ImagesPart)
    network: NetworkPart = field(default_factory=NetworkPart)
    features: FeaturesPart = field(default_factory=FeaturesPart)
    training: Training = field(default_factory=Training)
    clustering: ClusteringPart = field(default_factory=ClusteringPart)
    rounds: RoundsPart = field(default_factory=RoundsPart)
    pairs: PairsPart = field(default_factory=PairsPart)
    dec: DecPart = field(default_factory=DecPart)
    maps: MapsPart = field(default_factory=MapsPart)

    def __post_init__(self) -> None:
        for key in ("name", "about"):
            value = getattr(self, key)
            if not isinstance(value, str):
                raise RecipeError(f"{key} must be text", got=repr(value), do="Write it in quotes")
        if self.training.loss == "bce" and self.network.output == "linear":
            raise RecipeError(
                'training.loss "bce" needs network.output "sigmoid"',
                got='"linear"',
                do="Change one of the two",
            )
        self._check_learning()
        self._check_linear()

    @property
    def learning(self) -> str | None:
        """Section of what learns after the first clusters, or None."""
        return next(iter(self._lengths()), None)

    def _lengths(self) -> dict[str, int]:
        lengths = {name: getattr(getattr(self, name), key) for name, (key, _) in LEARNING.items()}
        return {name: length for name, length in lengths.items() if length}

    def _check_learning(self) -> None:
        if len(self._lengths()) > 1:
            raise RecipeError(
                "only one of [rounds], [pairs] and [dec] may have a length",
                got=", ".join(f"{name}.{LEARNING[name][0]}" for name in self._lengths()),
                do="Set the others to 0",
            )
        if self.learning is None:
            return
        if self.features.network:
            raise RecipeError(
                "nothing is learned on features of another network",
                got=f"features.network = {self.features.network!r} and [{self.learning}]",
                do=f"Set {self.learning}.{LEARNING[self.learning][0]} to 0, or take recipe photos",
            )
        key, method = LEARNING[self.learning]
        if self.clustering.method != method:
            raise RecipeError(
                f'{self.learning}.{key} needs clustering.method = "{method}"',
                got=repr(self.clustering.method),
                do=f"Change it, or set {self.learning}.{key} to 0",
            )
        if self.learning == "dec":
            self._check_dec()

    def _check_dec(self) -> None:
        if self.clustering.standardise:
            raise RecipeError(
                "dec needs clustering.standardise = false: its centres lie among the codes",
                got="true",
                do="Change it, or set dec.updates to 0",
            )
        if not self.network.encoder:
            raise RecipeError(
                "dec needs a network with convolutions",
                got="encoder = []",
                do="Change the [network] section, or set dec.updates to 0",
            )

    def _check_linear(self) -> None:
        linear = not self.network.encoder
        if self.network.contours and not linear:
            raise RecipeError(
                "network.contours are for a network without convolutions",
                got=f"encoder = {list(self.network.encoder)}",
                do="Set network.contours to false, or encoder and decoder to []",
            )
        if linear != (self.training.optimizer == "closed-form"):
            raise RecipeError(
                'a network without convolutions and the "closed-form" optimizer need each other',
                got=f"encoder = {list(self.network.encoder)}, {self.training.optimizer!r}",
                do="Change network.encoder or training.optimizer",
            )
        if linear and (self.network.code == 0 or self.network.output != "linear"):
            raise RecipeError(
                'a network without convolutions needs a code of 1 or more and output = "linear"',
                got=f"code = {self.network.code}, output = {self.network.output!r}",
                do="Change the [network] section",
            )


PARTS: dict[str, type] = {
    "images": ImagesPart,
    "network": NetworkPart,
    "features": FeaturesPart,
    "training": Training,
    "clustering": ClusteringPart,
    "rounds": RoundsPart,
    "pairs": PairsPart,
    "dec": DecPart,
    "maps": MapsPart,
}
"""Name and class of each section, in the order of a recipe file."""


def recipe_names() -> list[str]:
    """List the packaged recipes.

    Returns
    -------
    list of str
        In alphabetical order.
    """
    files = resources.files("pictree.recipes").iterdir()
    return sorted(file.name[: -len(".toml")] for file in files if file.name.endswith(".toml"))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Read a packaged recipe by its name, or a recipe file.

    Parameters
    ----------
    name_or_path : str or Path
        One of `recipe_names`, or the path of a TOML file.

    Returns
    -------
    Recipe
        Keys that the file leaves out have their defaults; a file without ``name`` has its own.

    Raises
    ------
    RecipeError
        When it can't be found or read, a key is unknown, or a value is not allowed.
    """
    text = str(name_or_path)
    if text in recipe_names():
        return parse_recipe(recipe_text(text), name=text)
    path = Path(name_or_path)
    if not path.is_file():
        near = difflib.get_close_matches(text, recipe_names(), n=1)
        raise RecipeError(
            f"a recipe must be one of {', '.join(recipe_names())}, or a TOML file",
            got=repr(text),
            do=f"Did you mean {near[0]}" if near else "Check the name or the path",
        )
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path} must be readable UTF-8 text", got=str(error), do="Mend the file"
        ) from error
    return parse_recipe(content, name=path.stem)


def parse_recipe(text: str, *, name: str) -> Recipe:
    """Read a recipe from TOML text.

    Parameters
    ----------
    text : str
    name : str
        The recipe's name where the text gives none.

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(
            "a recipe must be valid TOML", got=str(error), do="Mend the file at that place"
        ) from error
    if not table:  # what is left of a file that was cut, not a wish for every default
        raise RecipeError(
            "a recipe must say something",
            got="a file with no keys",
            do="Copy one and change it: `pictree recipes tree > mine.toml`",
        )
    _refuse_unknown("", table, [f.name for f in fields(Recipe)])
    values: dict[str, Any] = {"name": name, **table}
    values |= {key: _part(key, table[key]) for key in PARTS if key in table}
    return Recipe(**values)


def to_toml(recipe: Recipe) -> str:
    """Write a recipe as TOML with every default written out.

    Parameters
    ----------
    recipe : Recipe

    Returns
    -------
    str
        `parse_recipe` gives an equal recipe back. A value of None is left out.
    """
    lines = [f"name = {_value(recipe.name)}", f"about = {_value(recipe.about)}"]
    for section in PARTS:
        part = getattr(recipe, section)
        lines += ["", f"[{section}]"]
        pairs = [(f.name, getattr(part, f.name)) for f in fields(part)]
        lines += [f"{key} = {_value(value)}" for key, value in pairs if value is not None]
    return "\n".join(lines) + "\n"


def change(recipe: Recipe, **changes: Any) -> Recipe:
    """Change values of a recipe.

    Parameters
    ----------
    recipe : Recipe
    **changes
        Values by "section.key", for example ``change(recipe, **{"training.epochs": 3})``.

    Returns
    -------
    Recipe
        A new one.

    Raises
    ------
    RecipeError
        When a key is unknown or a value is not allowed.
    """
    for path, value in changes.items():
        section, _, key = path.partition(".")
        _refuse_unknown("", {section: None}, list(PARTS))
        _refuse_unknown(section, {key: None}, [f.name for f in fields(PARTS[section])])
        part = replace(getattr(recipe, section), **{key: _tuples(value)})
        recipe = replace(recipe, **{section: part})
    return recipe


def recipe_text(name: str) -> str:
    """Return a packaged recipe's file, comments and all, to copy and change.

    Raises
    ------
    RecipeError
        If no packaged recipe has that name.
    """
    if name not in recipe_names():
        raise RecipeError(
            f"a packaged recipe must be one of {', '.join(recipe_names())}",
            got=repr(name),
            do="Check the name",
        )
    return (resources.files("pictree.recipes") / f"{name}.toml").read_text(encoding="utf-8")


def _part(section: str, table: Any) -> Any:
    if not isinstance(table, dict):
        raise RecipeError(
            f"{section} must be a section", got=repr(table), do=f"Write it as [{section}]"
        )
    _refuse_unknown(section, table, [f.name for f in fields(PARTS[section])])
    return PARTS[section](**{key: _tuples(value) for key, value in table.items()})


def _refuse_unknown(section: str, table: dict[str, Any], valid: list[str]) -> None:
    for key in table:
        if key in valid:
            continue
        near = difflib.get_close_matches(key, valid, n=1)
        where = f"[{section}]" if section else "a recipe"
        raise RecipeError(
            f"{where} takes only {', '.join(valid)}",
            got=repr(key),
            do=f"Did you mean {near[0]}" if near else "Remove it",
        )


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _value(value: Any) -> str:
    """One TOML value; JSON writes strings, numbers and booleans the same way."""
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    # TOML, unlike JSON, refuses the character "delete" as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
