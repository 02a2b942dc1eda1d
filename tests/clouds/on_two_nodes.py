"""A fit to a bucket by two Ray nodes, each with a folder for temporary files that is its own.

PICTURES FOLDER ROWS: leaves a copy of the run in FOLDER/copy, and prints one JSON object: on which
of them shards were done, and what is left there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pictree.engine.on_ray import Ray
from tests.clouds.moto_server import SECRETS, start
from tests.engine import one_fit
from tests.engine.nodes import NODE, two_nodes


def main(pictures: str, folder: str, rows: str) -> dict[str, Any]:
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
    cluster.shutdown()
    s3fs.S3FileSystem().get("s3://runs/nodes", str(Path(folder, "copy")), recursive=True)
    server.process.kill()
    left = [path.name for disk in disks.values() for path in disk.rglob("pictree-*/*/*")]
    left = [name for name in left if name != "run.lock"]
    return {"disks": sorted(disks_of_workers), "left": left}


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
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")
