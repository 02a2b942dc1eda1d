"""Label Studio: tasks.json with predictions, config.xml for the project, images/.

https://labelstud.io/guide/predictions. The pictures are found by its local storage: start it
with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and
LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=(the folder that holds the export).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import polars as pl

from pictree.export.base import FolderFormat, in_one, number_of
from pictree.files import write_json, write_text

_CONFIG = """<View>
  <Image name="image" value="$image"/>
  <Choices name="label" toName="image" choice="single">
{choices}
  </Choices>
</View>
"""


def _describe(folder: Path, rows: pl.DataFrame) -> None:
    top = rows["export"][0] if len(rows) else ""
    write_json(folder / "tasks.json", [_task(row, top) for row in rows.iter_rows(named=True)])
    names = rows.select(_choice()).to_series().unique().sort()
    choices = "\n".join(f"    <Choice value={_attribute(name)}/>" for name in names)
    write_text(folder / "config.xml", _CONFIG.format(choices=choices))


def _choice() -> pl.Expr:
    """Name what is predicted: the label, or the cluster where there is none."""
    cluster = pl.lit("cluster ") + pl.col("cluster").cast(pl.String)
    return pl.coalesce("label", cluster).alias("choice")


def _attribute(name: str) -> str:
    return quoteattr(name, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _task(row: dict[str, Any], top: str) -> dict[str, Any]:
    choice = row["label"] if row["label"] is not None else f"cluster {row['cluster']}"
    result = {
        "from_name": "label",
        "to_name": "image",
        "type": "choices",
        "value": {"choices": [choice]},
    }
    prediction: dict[str, Any] = {"model_version": "pictree", "result": [result]}
    if row["confidence"] is not None:
        prediction["score"] = number_of(row["confidence"])
    about = {key: row[key] for key in ("id", "path", "cluster", "label")}
    image = f"/data/local-files/?d={quote(f'{top}/' + row['file_name'])}"
    return {"data": {"image": image, **about}, "predictions": [prediction]}


LABELSTUDIO = FolderFormat(
    "labelstudio", "Label Studio: tasks with predictions and scores", in_one("images"), _describe
)
