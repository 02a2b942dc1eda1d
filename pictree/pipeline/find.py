"""Found things: pictures of a run that are twice there, apart, blurred, or labelled wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.errors import InputError, RunError
from pictree.evaluation import label_errors as labels
from pictree.evaluation import looks, outliers, sizes
from pictree.evaluation.near_duplicates import near_duplicates
from pictree.files import csv_bytes, write_bytes
from pictree.neighbors import in_few_numbers, nearest
from pictree.pipeline.codes import has_autoencoder
from pictree.pipeline.leaks import leaks
from pictree.recipes.recipe import parse_recipe
from pictree.store import Run

_TENTH = 10
Found = tuple[pl.DataFrame, dict[str, Any]]


def find(
    run_path: str | Path,
    what: str,
    *,
    output: str | Path | None = None,
    splits: str | None = None,
) -> dict[str, Any]:
    """Find odd pictures of a run. Nothing is changed.

    Parameters
    ----------
    run_path : path-like
        A finished run.
    what : str
        One of `KINDS`.
    output : path-like, optional
        A new CSV with all of the rows.
    splits : str, optional
        For leaks: what tells the splits; see `pictree.pipeline.leaks.leaks`.

    Returns
    -------
    dict
        What ``pictree find --json`` prints: what, images (looked at), found, about (figures of
        the rule), output (or None) and rows (a list of objects).

    Raises
    ------
    InputError
        If `what` is unknown, there is a file at `output`, or the run has no known labels for
        label-errors, or no two known splits for leaks.
    RunError
        If the run is not finished or damaged.
    """
    if what not in KINDS:
        raise InputError(
            f"what to find must be one of {', '.join(KINDS)}",
            got=repr(what),
            do="Choose one of these",
        )
    if output is not None and Path(output).exists():
        raise InputError(
            "the output must be a new file", got=f"{output}, which exists", do="Choose another name"
        )
    if splits is not None and what != "leaks":
        raise InputError(
            "--splits says which pictures are train and which test, for leaks alone",
            got=f"{what} with {splits!r}",
            do="Leave it out",
        )
    run = Run.open(run_path)
    if not run.is_finished:
        raise RunError(
            "things are found in a finished run",
            got=f"{run.path}, whose fit has not ended",
            do="Finish it: the same `pictree fit` command with --resume",
        )
    table, about = leaks(run, splits) if what == "leaks" else KINDS[what](run)
    if output is not None:
        write_bytes(Path(output), csv_bytes(table))
    return {
        "what": what,
        "images": len(run.inventory()),
        "found": len(table),
        "about": about,
        "output": None if output is None else str(output),
        "rows": table.to_dicts(),
    }


def _used(run: Run) -> pl.DataFrame:
    """Id, path and cluster of the used images, a row for each row of codes and pixels."""
    return run.used().select("id", "path").with_columns(cluster=pl.Series(run.labels()))


def _at(run: Run, rows: np.ndarray, **columns: Any) -> pl.DataFrame:
    """Return the used images in `rows`, in that order, with more columns."""
    table = _used(run)[rows.astype(np.int64)]
    return table.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _duplicates(run: Run) -> Found:
    """Return copies to the byte, then near ones."""
    found = near_duplicates(run.array("codes")[:], run.array("pixels"))
    names = run.inventory().select("id", "path")
    first, second = run.used()["id"].to_numpy()[found.pairs].T
    exact = run.inventory().filter(pl.col("duplicate_of").is_not_null())
    pairs = pl.concat(
        [
            _pairs(exact["duplicate_of"].to_numpy(), exact["id"].to_numpy(), "exact"),
            _pairs(first, second, "near", found.differences, found.ratios),
        ]
    )
    others = names.rename({"id": "other", "path": "other_path"})
    table = pairs.join(names, on="id", how="left", maintain_order="left").join(
        others, on="other", how="left", maintain_order="left"
    )
    columns = ("id", "path", "other", "other_path", "kind", "difference", "ratio")
    return table.select(columns), {
        "exact": len(exact),
        "near": len(found.pairs),
        "limit": round(found.limit, 4),
    }


def _pairs(
    first: np.ndarray,
    second: np.ndarray,
    kind: str,
    differences: np.ndarray | None = None,
    ratios: np.ndarray | None = None,
) -> pl.DataFrame:
    zeros = np.zeros(len(first), np.float32)
    columns = {
        "id": first.astype(np.uint32),
        "other": second.astype(np.uint32),
        "kind": [kind] * len(first),
        "difference": zeros if differences is None else differences.astype(np.float32),
        "ratio": zeros if ratios is None else ratios.astype(np.float32),
    }
    return pl.DataFrame(columns, schema_overrides={"kind": pl.String})


def _outliers(run: Run) -> Found:
    if len(run.used()) <= _TENTH:
        return _at(run, np.zeros(0), score=[], distance=[]), {"limit": outliers.LIMIT}
    errors = run.array("errors")[:] if has_autoencoder(run) else None
    distances, found = _apart(run, run.array("codes")[:], errors)
    if (before := _before_clusters(run)) is not None:
        found = outliers.mean_of(found, _apart(run, *before)[1])
    columns: dict[str, Any] = {
        "score": found.score[found.rows].round(2),
        "distance": distances[found.rows],
        "distance_deviation": found.by_distance[found.rows].round(2),
    }
    if errors is not None and found.by_error is not None:
        columns["error"] = errors[found.rows]
        columns["error_deviation"] = found.by_error[found.rows].round(2)
    return _at(run, found.rows, **columns), {"limit": outliers.LIMIT}


def _apart(
    run: Run, codes: np.ndarray, errors: np.ndarray | None
) -> tuple[np.ndarray, outliers.Outliers]:
    """Return each picture's distance to the tenth neighbour, and how far it lies apart."""
    distances = nearest(in_few_numbers(codes), _TENTH)[1][:, -1]
    return distances, outliers.outliers(distances, run.labels(), errors)


def _before_clusters(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """Return codes and errors that know nothing of clusters; None where the run's own are such.

    The rounds draw each picture to a cluster, also one that is like no other, and contours leave
    out what a picture is made of. So what a linear autoencoder on the pixels says of it counts as
    much; that is made again.
    """
    text = (run.path / "recipe.toml").read_text(encoding="utf-8")
    recipe = parse_recipe(text, name=run.info["recipe"])
    learned = run.info.get("rounds", {}).get("kept")
    if recipe.network.encoder or not (learned or recipe.network.contours):
        return None
    from pictree.pipeline.learn import linear_again  # torch, which nothing else here needs

    return linear_again(run, recipe)


def _label_errors(run: Run) -> Found:
    inventory = run.inventory()
    if inventory["known_label"].null_count() == len(inventory):
        raise InputError(
            "label-errors needs known labels",
            got=f"none in {run.path}",
            do="Fit with --known-labels",
        )
    codes = in_few_numbers(run.array("codes")[:])
    neighbours, _ = nearest(codes, min(labels.NEIGHBOURS, len(codes) - 1))
    found = labels.label_errors(neighbours, run.used()["known_label"].to_list())
    table = _at(
        run,
        found.rows,
        known_label=pl.Series(found.given, dtype=pl.String),
        suggested=pl.Series(found.suggested, dtype=pl.String),
        support=found.support,
        own=found.own,
        why=pl.Series(["neighbours"] * len(found.rows), dtype=pl.String),
    )
    twins = _twins(run, inventory).cast(pl.Schema(table.schema))
    about = {"neighbours": len(table), "duplicates": len(twins)}
    return pl.concat([table, twins]), about


def _twins(run: Run, inventory: pl.DataFrame) -> pl.DataFrame:
    """Return copies to the byte that have another known label than their original."""
    first = inventory.select(
        duplicate_of="id", suggested="known_label", why=pl.lit("copy of ") + pl.col("path")
    )
    return (
        inventory.join(first, on="duplicate_of")
        .filter(pl.col("known_label") != pl.col("suggested"))
        .join(run.assignments().select("id", "cluster"), on="id", how="left")
        .with_columns(support=pl.lit(1.0), own=pl.lit(0.0))
        .select("id", "path", "cluster", "known_label", "suggested", "support", "own", "why")
        .sort("id")
    )


def _blurred(run: Run) -> Found:
    found = looks.looks(run.array("pixels"))
    rows = looks.blurred(found)
    apart = looks.blur_deviations(found)[rows]
    columns = {"sharpness": found.sharpness[rows], "deviation": apart.round(2)}
    return _at(run, rows, **columns), {"limit": looks.LIMIT}


def _dark(run: Run) -> Found:
    found = looks.looks(run.array("pixels"))
    kinds = {
        "dark": looks.dark(found),
        "bright": looks.bright(found),
        "low contrast": looks.flat(found),
    }
    tables = [
        _at(run, rows, why=pl.Series([why] * len(rows), dtype=pl.String),
            darkest=found.low[rows], brightest=found.high[rows])
        for why, rows in kinds.items()
    ]  # fmt: skip
    return pl.concat(tables), {why: len(rows) for why, rows in kinds.items()}


def _odd_sizes(run: Run) -> Found:
    used = run.used()
    width, height = used["width"].to_numpy(), used["height"].to_numpy()
    rows, why = sizes.odd_sizes(width, height)
    usual = f"{int(np.median(width))}×{int(np.median(height))}"
    columns = {"why": pl.Series(why, dtype=pl.String), "width": width[rows], "height": height[rows]}
    return _at(run, rows, **columns), {"usual": usual}


KINDS: dict[str, Callable[[Run], Found]] = {
    "duplicates": _duplicates,
    "leaks": leaks,
    "outliers": _outliers,
    "label-errors": _label_errors,
    "blurred": _blurred,
    "dark": _dark,
    "odd-sizes": _odd_sizes,
}
