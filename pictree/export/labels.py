"""Labels from a table, such as an export, put into a run's own labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.errors import InputError
from pictree.label.actions import clean_name
from pictree.label.read import label_table
from pictree.label.session import Session
from pictree.label.state import key_of
from pictree.reading import TABLE_FAULTS, for_polars
from pictree.store import Run

_SAMPLES = 3


def import_labels(run_path: str | Path, file: str | Path) -> dict[str, Any]:
    """Give the images of a run the labels that a table says, as if a person had.

    Every step can be undone on the label page.

    Parameters
    ----------
    run_path : path-like
        A finished run.
    file : path-like
        .csv or .parquet with columns path and label and, where they are there, labelled_by
        ("person" or "spread"); what `pictree export` writes. Rows without a label are left
        alone.

    Returns
    -------
    dict
        What ``pictree labels import --json`` prints: labelled (images that got a label), same
        (those that had it already), names (label to images), unknown (rows whose path the run
        does not have).

    Raises
    ------
    InputError
        If the file is no such table, its paths are not the run's, two rows of one image differ,
        or an image has another label already. Nothing is changed then.
    RunError
        If the run is not finished, in use or damaged.
    """
    table = _read(Path(file))
    run = Run.open(run_path)
    with run.lock():
        wanted, unknown = _by_image(table, run)
        session = Session(run)
        try:
            new = _new(wanted, session, run)
            _apply(new, session)
        finally:
            session.close()
    names = new["label"].value_counts().sort("count", "label", descending=[True, False])
    same = len(wanted) - len(new)
    return {
        "labelled": len(new),
        "same": same,
        "names": dict(names.iter_rows()),
        "unknown": unknown,
    }


def import_text(found: dict[str, Any]) -> str:
    """Say what an import gave."""
    lines = [f"{found['labelled']:,} images got a label, {found['same']:,} had it already"]
    lines += [f"  {n:,} {name}" for name, n in found["names"].items()]
    if found["unknown"]:
        lines.append(f"{found['unknown']:,} rows are about pictures that the run does not have")
    return "\n".join(lines)


def _read(file: Path) -> pl.DataFrame:
    """Return path, label and by of the rows that have a label."""
    if not file.is_file():
        raise InputError("the file of labels must exist", got=str(file), do="Check the path")
    try:
        parquet = file.suffix.lower() == ".parquet"
        source = for_polars(file)
        table = pl.read_parquet(source) if parquet else pl.read_csv(source, infer_schema=False)
    except TABLE_FAULTS as error:
        raise InputError(
            "labels must be in a .csv or .parquet", got=f"{file}, which can't be read",
            do="Write it with `pictree export RUN --to csv`",
        ) from error  # fmt: skip
    if not {"path", "label"} <= set(table.columns):
        raise InputError(
            "a table of labels must have the columns path and label",
            got=", ".join(table.columns) or "none",
            do="Name them so",
        )
    by = pl.col("labelled_by") if "labelled_by" in table.columns else pl.lit(None, pl.String)
    named = table.select("path", pl.col("label").cast(pl.String), by=by.fill_null("person"))
    return named.filter(pl.col("label").is_not_null())


def _by_image(table: pl.DataFrame, run: Run) -> tuple[pl.DataFrame, int]:
    """Return id, path, label and by of each image, and how many rows are about no image."""
    about = run.inventory().filter(pl.col("outcome").is_in(["used", "duplicate"]))
    original = pl.coalesce("duplicate_of", "id").cast(pl.UInt32).alias("id")
    known = about.select("path", original).unique("path", keep="none")
    found = table.join(known, on="path", how="left")
    lost = found.filter(pl.col("id").is_null())
    if len(found) == len(lost):
        raise InputError(
            "the paths of the labels must be those of the run",
            got=f"{table['path'][0]!r}" if len(table) else "no label",
            do=f"Write them as in `pictree export {run.path} --to csv`",
        )
    ours = found.filter(pl.col("id").is_not_null())
    clean = ours.with_columns(label=_clean(ours["label"]))
    each = clean.unique(["id", "label"], keep="first", maintain_order=True)
    twice = each.filter(pl.col("id").is_duplicated())
    _refuse(twice, "an image and its duplicates must have one label", "Leave one of them out")
    return each.sort("id"), len(lost)


def _clean(labels: pl.Series) -> pl.Series:
    names = {label: clean_name(label) for label in labels.unique(maintain_order=True)}
    return pl.Series([names[label] for label in labels], dtype=pl.String)


def _new(wanted: pl.DataFrame, session: Session, run: Run) -> pl.DataFrame:
    """Return those that have no label yet; refuse those that have another one."""
    with session.still() as state:
        now = label_table(state).rename({"label": "old"}).select("id", "old")
        junk = state.ids[~state.of_open()]
    joined = wanted.join(now, on="id", how="left")
    put_aside = pl.col("old").is_null() & pl.col("id").is_in(junk.tolist())
    other = joined.filter((pl.col("old") != pl.col("label")) | put_aside)
    _refuse(
        other,
        "an image to label must wait for a name",
        f"Take those labels back with `pictree label {run.path}`, or leave the rows out",
    )
    return joined.filter(pl.col("old").is_null())


def _refuse(rows: pl.DataFrame, must: str, do: str) -> None:
    if len(rows):
        samples = ", ".join(repr(path) for path in rows["path"].head(_SAMPLES))
        more = f" and {len(rows) - _SAMPLES:,} more" if len(rows) > _SAMPLES else ""
        raise InputError(must, got=f"others for {samples}{more}", do=do)


def _apply(new: pl.DataFrame, session: Session) -> None:
    spread = _parts(new.filter(pl.col("by") == "spread"))
    if spread:
        body = {"names": list(spread), "parts": list(spread.values())}
        session.act("spread", {**body, "threshold": None, "precision": None}, session.revision)
    person = _parts(new.filter(pl.col("by") != "spread"))
    if not person:
        return
    session.act("regroup", {"parts": list(person.values())}, session.revision)
    made = session.revision
    for number, name in enumerate(person):
        body = {"group": key_of(made, number), "name": name}
        session.act("label", body, session.revision)


def _parts(rows: pl.DataFrame) -> dict[str, list[int]]:
    """Ids of each label, in the order of labels."""
    names = rows["label"].unique().sort()
    ids = {name: rows.filter(pl.col("label") == name)["id"].to_numpy() for name in names}
    return {name: np.sort(found).tolist() for name, found in ids.items()}
