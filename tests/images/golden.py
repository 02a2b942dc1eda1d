"""What becomes of each file of the collection of malicious and odd pictures.

``python -m tests.images.golden FOLDER`` prints it as JSON: how tests/images/torture.json was made,
and is made again when a newer Pillow reads more or less. Look at what differs first.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import PIL

from pictree.images.decode import ImageFormat
from pictree.images.inventory import take_stock
from pictree.images.sources import open_source

FMT = ImageFormat(32, 32, 3, "")


def outcomes(folder: str) -> dict[str, Any]:
    """Return the names by outcome and reason, and the memory that reading them took at most."""
    source = open_source(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    frame, _ = take_stock(source, range(len(source)), FMT, first_id=0, seen={})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    found: dict[str, list[str]] = {}
    for path, outcome, reason in frame.select("path", "outcome", "reason").iter_rows():
        found.setdefault(f"{outcome}: {reason}" if reason else outcome, []).append(path)
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    memory = {"more_mb": peak >> 10, "child_mb": child >> 10}
    return {"pillow": PIL.__version__, **memory, "outcomes": dict(sorted(found.items()))}


if __name__ == "__main__":
    print(json.dumps(outcomes(sys.argv[1]), indent=0, ensure_ascii=False))  # noqa: T201
