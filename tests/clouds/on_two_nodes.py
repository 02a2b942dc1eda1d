"""A fit to a bucket by two Ray nodes, each with a folder for temporary files that is its own.

PICTURES NEW FOLDER ROWS: leaves a copy of the run in FOLDER/copy, then places the pictures of NEW,
to FOLDER/ray.csv, and adds them, with a copy of that in FOLDER/added. Prints one JSON object: on
which of the nodes shards were done. Ends when nothing is left there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from pictree.commands import place
from pictree.engine.on_ray import Ray
from tests.clouds.moto_server import SECRETS, start
from tests.engine import one_fit
from tests.engine.nodes import NODE, two_nodes


def main(pictures: str, new: str, folder: str, rows: str) -> dict[str, Any]:
    import s3fs

    server = start(Path(folder, "log"))
    os.environ |= SECRETS | {"AWS_ENDPOINT_URL": server.address}
    s3fs.S3FileSystem().mkdir("runs")
    disks = {name: Path(folder, name) for name in ("driver", "head", "second")}
    for disk in disks.values():
        disk.mkdir()
    tempfile.tempdir = str(disks["driver"])
    os.environ["TMPDIR"] = str(disks["head"])
    cluster, second = two_nodes()
    cluster.remove_node(second)
    os.environ["TMPDIR"] = str(disks["second"])
    cluster.add_node(**NODE)
    disks_of_workers: set[str] = set()
    noting(disks_of_workers)
    one_fit.main(pictures, "s3://runs/nodes", "ray", rows)
    found: dict[str, Any] = {"fit": sorted(disks_of_workers)}
    s3fs.S3FileSystem().get("s3://runs/nodes", str(Path(folder, "copy")), recursive=True)
    disks_of_workers.clear()
    place.predict("s3://runs/nodes", [new], output=Path(folder, "ray.csv"), engine="ray")
    found["predict"] = sorted(disks_of_workers)
    place.add("s3://runs/nodes", [new], engine="ray", as_json=True)
    cluster.shutdown()
    s3fs.S3FileSystem().invalidate_cache()
    s3fs.S3FileSystem().get("s3://runs/nodes", str(Path(folder, "added")), recursive=True)
    server.process.kill()
    found["left"] = [path.name for path in disks["driver"].glob("pictree-*/*/*")]
    own = f"pictree-{os.getuid()}"  # the driver's
    while [path for disk in disks.values() for path in disk.glob("pictree-*") if path.name != own]:
        time.sleep(0.05)  # what dead workers had is removed when they are seen to be dead
    return found


def noting(disks: set[str]) -> None:
    """Keep the name of the folder for temporary files of each worker that sends a receipt."""
    whole = Ray.map

    def noted(self: Ray, work: Any, shards: Any) -> Any:
        for receipt in whole(self, work, shards):
            started_with = Path("/proc", receipt.worker.rsplit(":")[-1], "environ").read_text()
            told = dict(one.split("=", 1) for one in started_with.split("\0") if "=" in one)
            disks.add(Path(told["TMPDIR"]).name)
            yield receipt

    Ray.map = noted  # type: ignore[method-assign]


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        found = main(*sys.argv[1:])
    sys.stdout.write(json.dumps(found) + "\n")
