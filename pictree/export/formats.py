"""The formats that ``pictree export --to`` knows."""

from __future__ import annotations

from pictree.errors import InputError
from pictree.export.base import FolderFormat, TableFormat
from pictree.export.coco import COCO
from pictree.export.embedding_atlas import EMBEDDING_ATLAS
from pictree.export.fiftyone import FIFTYONE
from pictree.export.folders import FOLDERS
from pictree.export.imagefolder import IMAGEFOLDER
from pictree.export.labelstudio import LABELSTUDIO
from pictree.export.tables import CSV, PARQUET

_EVERY: tuple[FolderFormat | TableFormat, ...] = (
    FOLDERS,
    CSV,
    PARQUET,
    IMAGEFOLDER,
    LABELSTUDIO,
    COCO,
    FIFTYONE,
    EMBEDDING_ATLAS,
)
FORMATS = {fmt.name: fmt for fmt in _EVERY}


def format_of(name: str) -> FolderFormat | TableFormat:
    """Return a format by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name in FORMATS:
        return FORMATS[name]
    raise InputError(
        f"--to must be one of {', '.join(FORMATS)}", got=repr(name), do="Choose one of these"
    )
