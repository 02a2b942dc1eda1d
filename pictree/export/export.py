"""A finished run, written in another tool's form."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from pictree.errors import InputError, RunError
from pictree.export.base import HOW, FolderFormat, TableFormat
from pictree.export.formats import format_of
from pictree.export.originals import Pictures
from pictree.export.pictures import planned, put
from pictree.export.rows import ONLY, export_rows
from pictree.files import new_folder, write_atomic
from pictree.progress import Progress
from pictree.store import Run

_OF_INVENTORY = ("sha256", "width", "height")


def export(
    run_path: str | Path,
    to: str,
    output: str | Path,
    *,
    how: str = "copy",
    only: str = "all",
    dry_run: bool = False,
    k: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write what a run found for another tool. The pictures themselves stay where they are.

    Parameters
    ----------
    run_path : path-like
        A finished run.
    to : str
        One of `pictree.export.formats.FORMATS`.
    output : path-like
        The new file, or the new folder for a format with pictures. It appears whole or not at
        all.
    how : "copy", "hardlink" or "symlink"
        How the pictures get into the folder. Pictures inside archives and arrays are written
        out in any case, those of arrays as PNG.
    only : "all" or "labelled"
    dry_run : bool
        Write nothing; say what would be done.
    k : int, optional
        Of a cut that `pictree cut` made; the fit's own clusters by default.
    progress : Progress, optional

    Returns
    -------
    dict
        What ``pictree export --json`` prints: to, output, how (None for one file), images,
        labelled, linked, written, left_out (reason to count) and, with `dry_run`, actions (a list
        of from, to).

    Raises
    ------
    InputError
        If a word is none that is known, there is something at `output`, or nothing is labelled.
    RunError
        If the run is not finished, has no such cut, or `output` can't be written.
    """
    fmt = format_of(to)
    _refuse_words(how, only)
    file, run = Path(output), Run.open(run_path, k=k)
    _refuse_output(file, run)
    rows = export_rows(run, only)
    found: dict[str, Any] = {"to": to, "output": str(file), "how": None}
    with progress or Progress() as shown:
        if isinstance(fmt, TableFormat):
            return found | _table(run, fmt, rows, file, dry_run)
        return found | {"how": how} | _folder(run, fmt, rows, file, how, dry_run, shown)


def _refuse_words(how: str, only: str) -> None:
    for option, value, known in (("--how", how, HOW), ("--only", only, ONLY)):
        if value not in known:
            raise InputError(
                f"{option} must be one of {', '.join(known)}",
                got=repr(value),
                do="Choose one of these",
            )


def _refuse_output(file: Path, run: Run) -> None:
    if os.path.lexists(file):
        raise InputError(
            "the output must be new", got=f"{file}, which exists", do="Choose another name"
        )
    if run.path.resolve() in file.resolve().parents:
        raise InputError(
            "the output must not be inside the run", got=str(file), do="Choose another folder"
        )
    if not run.is_finished:
        raise RunError(
            "only a finished run can be exported",
            got=f"{run.path}, whose fit has not ended",
            do="Finish it: the same `pictree fit` command with --resume",
        )


def _table(
    run: Run, fmt: TableFormat, rows: pl.DataFrame, file: Path, dry_run: bool
) -> dict[str, Any]:
    if not dry_run:
        write_atomic(file, lambda stream: fmt.write(run, rows, stream))
    found = _counts(rows) | {"linked": 0, "written": 0, "left_out": {}}
    return found | {"actions": [{"from": None, "to": str(file)}]} if dry_run else found


def _folder(
    run: Run,
    fmt: FolderFormat,
    rows: pl.DataFrame,
    folder: Path,
    how: str,
    dry_run: bool,
    progress: Progress,
) -> dict[str, Any]:
    pictures = Pictures(run)
    about = run.inventory().select("id", *_OF_INVENTORY)
    whole = rows.filter(pl.col("cluster").is_not_null()).join(about, on="id", how="left").sort("id")
    plan = planned(whole, fmt, pictures).with_columns(export=pl.lit(folder.name))
    if dry_run:
        actions = plan.select(
            pl.col("path").alias("from"), (pl.lit(f"{folder}/") + pl.col("file_name")).alias("to")
        )
        left = {"linked": 0, "written": 0, "left_out": _unusable(rows)}
        return _counts(plan) | left | {"actions": actions.to_dicts()}
    digests = dict(plan.select("id", "sha256").iter_rows())
    with new_folder(folder) as staged:
        done = put(plan, digests, staged, how, pictures, progress)
        there = plan.filter(pl.Series(done.is_there, dtype=pl.Boolean))
        fmt.describe(staged, there.drop("sha256"))
    left_out = dict((Counter(_unusable(rows)) + done.left_out).most_common())
    return _counts(there) | {"linked": done.linked, "written": done.written, "left_out": left_out}


def _counts(rows: pl.DataFrame) -> dict[str, int]:
    return {"images": len(rows), "labelled": int(rows["label"].is_not_null().sum())}


def _unusable(rows: pl.DataFrame) -> dict[str, int]:
    bad = rows.filter(pl.col("cluster").is_null())["outcome"]
    return dict(Counter(bad.to_list()).most_common())


def export_text(found: dict[str, Any]) -> str:
    """Say what an export gave."""
    if "actions" in found:
        lines = [f"{a['from'] or found['to']} -> {a['to']}" for a in found["actions"]]
        return "\n".join([*map(_one_line, lines), "nothing was written (--dry-run)"])
    lines = [f"{found['images']:,} images, {found['labelled']:,} with a label"]
    lines += [f"  left out: {n:,} {reason}" for reason, n in found["left_out"].items()]
    return "\n".join([*lines, f"{found['to']}: {found['output']}"])


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
