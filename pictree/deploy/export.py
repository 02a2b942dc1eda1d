"""A finished run's model in a folder of its own: model, preprocessing, clusters, model card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl

from pictree.deploy.card import model_card
from pictree.deploy.formats import FILES, refuse_format, write_model
from pictree.deploy.network import predictor
from pictree.deploy.preprocess import preprocessing
from pictree.errors import InputError
from pictree.files import csv_bytes, new_folder, sha256_of, write_bytes, write_json, write_text
from pictree.label.read import labels_of
from pictree.store import Run


def export_model(
    run_path: str | Path, to: str, output: str | Path | None = None, *, k: int | None = None
) -> dict[str, Any]:
    """Write encoder and cluster head of a run for another runtime.

    Parameters
    ----------
    run_path : path-like
        A finished run.
    to : "onnx" or "torch-export"
    output : path-like, optional
        The new folder, which appears whole or not at all; the run's name with the format behind
        it by default, beside the run.
    k : int, optional
        Of a cut that `pictree cut` made; the fit's own clusters by default.

    Returns
    -------
    dict
        What ``pictree export-model --json`` prints: to, output, model (file name), bytes, sha256,
        parameters, code (its size), k, images.

    Raises
    ------
    InputError
        If the format is not known, or there is something at `output`.
    RunError
        If the run is not finished, has no network of its own or no such cut, or `output` can't be
        written.
    MissingExtraError
        If ONNX's packages are absent.
    """
    refuse_format(to)
    run = Run.open(run_path, k=k)
    folder = _folder(run, to, output)
    model, about, clusters = predictor(run), preprocessing(run), cluster_table(run)
    shape = (about["height"], about["width"], about["channels"])
    with new_folder(folder) as staged:
        file = write_model(model, shape, to, staged)
        found = {
            "to": to,
            "output": str(folder),
            "model": file.name,
            "bytes": sum(part.stat().st_size for part in staged.iterdir()),
            "sha256": sha256_of(file),
            "parameters": sum(p.numel() for p in model.encoder.parameters()),
            "code": len(model.voters.middle),
            "k": int((clusters["cluster"] >= 0).sum()),
            "images": len(model.ids),
        }
        write_json(staged / "preprocess.json", about)
        write_bytes(staged / "clusters.csv", csv_bytes(clusters))
        write_text(staged / "MODEL_CARD.md", model_card(run, found, about))
    return found


def _folder(run: Run, to: str, output: str | Path | None) -> Path:
    folder = Path(output) if output else Path(f"{run.path.resolve()}-{to}")
    if os.path.lexists(folder):
        raise InputError(
            "the output must be new",
            got=f"{folder}, which exists",
            do="Choose another folder with -o",
        )
    if run.path.resolve() in folder.resolve().parents:
        raise InputError(
            "the output must not be inside the run", got=str(folder), do="Choose another folder"
        )
    return folder


def cluster_table(run: Run) -> pl.DataFrame:
    """Return a row for each cluster: how many images it has, and the name most of them have.

    Parameters
    ----------
    run : Run

    Returns
    -------
    polars.DataFrame
        cluster; images; label, the most frequent one that a person gave in it, null without one;
        labelled, how many of the images have that label.
    """
    table = run.assignments().select("id", "cluster")
    labels = labels_of(run)
    if labels is None:
        labels = pl.DataFrame(schema={"id": pl.UInt32, "label": pl.String})
    sizes = table.group_by("cluster").agg(images=pl.len())
    named = table.join(labels.select("id", "label"), on="id").drop_nulls("label")
    counted = named.group_by("cluster", "label").agg(labelled=pl.len())
    first = counted.sort("labelled", "label", descending=[True, False]).unique(
        "cluster", keep="first", maintain_order=True
    )
    joined = sizes.join(first, on="cluster", how="left").sort("cluster")
    return joined.select("cluster", "images", "label", pl.col("labelled").fill_null(0))


def export_text(found: dict[str, Any]) -> str:
    """Say what `export_model` wrote."""
    return (
        f"{found['model']}: {found['parameters']:,} parameters, a code of {found['code']} numbers, "
        f"{found['k']} clusters, {found['images']:,} images to compare with; "
        f"{found['bytes'] / 1e6:,.1f} MB\n"
        f"{found['to']}: {found['output']} (preprocess.json, clusters.csv, MODEL_CARD.md)"
    )


__all__ = ["FILES", "cluster_table", "export_model", "export_text"]
