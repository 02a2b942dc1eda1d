"""How the report carries a large pile: size, first paint, memory, and the time of a zoom.

    python benchmarks/report_load.py --images 70000
    python benchmarks/report_load.py --images 1000000 --side 8

The run is made up: digits of the package, shifted and with noise, ten heaps as codes and maps, a
tree of 100 leaves. The page is opened in headless Chromium from the disk, offline.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import shutil
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from playwright.sync_api import Page, sync_playwright

from pictree.clustering.tree import ClusterTree
from pictree.images.inventory import INVENTORY_SCHEMA
from pictree.report.page import write_report
from pictree.store import Run

SHARD = 65_536
LEAVES = 100
GRAPHICS = {
    "2-D canvas": ["--disable-gpu"],
    "WebGL by software": ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
}


def digits(side: int) -> np.ndarray:
    """Return the packaged digits, uint8 (10000, side, side, 1), the middle cut out if smaller."""
    raw = files("pictree").joinpath("data/t10k-images-idx3-ubyte.gz").read_bytes()
    images = np.frombuffer(gzip.decompress(raw), np.uint8, offset=16).reshape(-1, 28, 28, 1)
    step = max(1, 28 // side)
    return np.ascontiguousarray(images[:, ::step, ::step][:, :side, :side])


def make_run(folder: Path, n: int, side: int) -> Run:
    """Write a run of ``n`` made-up images through the store."""
    rng = np.random.default_rng(0)
    leaf = np.sort(rng.integers(0, LEAVES, n)).astype(np.int32)
    rng.shuffle(leaf)
    heaps = rng.normal(size=(LEAVES, 8)).astype(np.float32) * 4
    children = [(0, 1), *((LEAVES + i - 1, i + 1) for i in range(1, LEAVES - 1))]
    tree = ClusterTree(leaf, np.array(children, np.int32), np.full(LEAVES - 1, 0.01))
    labels, base = tree.cut(10), digits(side)
    info = {"clusters": "tree-10", "items": n, "shard_rows": SHARD, "recipe": "made up"}
    run = Run.create(folder, "", info)
    for shard, start in enumerate(range(0, n, SHARD)):
        rows = np.arange(start, min(n, start + SHARD))
        noise = rng.integers(0, 40, (len(rows), *base.shape[1:]), np.uint8)
        run.write_array("pixels", shard, np.maximum(base[rows % len(base)], noise))
        spread = rng.normal(size=(len(rows), 8)).astype(np.float32)
        run.write_array("codes", shard, heaps[leaf[rows]] + spread)
        run.write_table("images", shard, inventory(rows))
        table = {"id": rows.astype(np.uint32), "cluster": labels[rows]}
        distance = np.linalg.norm(spread, axis=1).astype(np.float32)
        assigned = pl.DataFrame({**table, "distance": distance})
        run.write_table("clusters/tree-10/assignments", shard, assigned)
    run.write_arrays("tree.npz", tree.to_arrays() | {"rows": np.arange(n)})
    for method in ("tsne", "umap", "pca"):
        places = rng.normal(size=(LEAVES, 2)) * 5
        points = places[leaf] + rng.normal(size=(n, 2)) * 0.8
        run.write_map(method, points.astype(np.float32))
    run.write_metrics({"method": "tree", "k": 10, "clustered": "all"})
    return run


def inventory(rows: np.ndarray) -> pl.DataFrame:
    """Return a shard of the inventory; every known label is the id's last figure."""
    columns = {
        "id": rows,
        "path": [f"pictures/{i // 1000:04d}/IMG_{i:07d}.png" for i in rows],
        "outcome": ["used"] * len(rows),
        "reason": [""] * len(rows),
        "known_label": [str(i % 10) for i in rows],
        "split": ["train"] * len(rows),
    }
    empty = {name: [None] * len(rows) for name in INVENTORY_SCHEMA if name not in columns}
    return pl.DataFrame({**columns, **empty}).select(
        pl.col(name).cast(kind) for name, kind in INVENTORY_SCHEMA.items()
    )


ZOOM = """async (webgl) => {
  const { stage } = pictree;
  if (webgl) stage.usePoints();
  const whole = stage.camera.home();
  const near = { x: whole.x, y: whole.y, scale: 8 * whole.scale };
  const run = async (to) => {
    const since = performance.now();
    let frames = 0;
    stage.fly(to);
    while (stage.flight) {
      await new Promise((done) => stage.box.addEventListener("drawn", done, { once: true }));
      frames++;
    }
    stage.painter.finish?.();
    return { frames, ms: performance.now() - since };
  };
  await run(near);
  const runs = [await run(whole), await run(near), await run(whole)];
  const since = performance.now();
  stage.painter.draw(stage.camera, 1, stage.side, stage.count);
  stage.painter.finish?.();
  const full = performance.now() - since;
  const sum = (key) => runs.reduce((total, one) => total + one[key], 0);
  return { fps: (1000 * sum("frames")) / sum("ms"), full, quick: Math.round(stage.quick) };
}"""

FOLLOW = """async () => {
  const since = performance.now();
  pictree.set({ k: 25 });
  return performance.now() - since;
}"""


def visit(tab: Page, address: str, webgl: bool) -> dict[str, float]:
    """Open the page and measure it."""
    start = time.perf_counter()
    tab.goto(address)
    tab.wait_for_selector("html[data-ready]", timeout=120_000)
    ready = time.perf_counter() - start
    paint = tab.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
    )
    zoom = tab.evaluate(ZOOM, webgl)
    cut = tab.evaluate(FOLLOW)
    session = tab.context.new_cdp_session(tab)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return {
        "first paint s": paint / 1000,
        "ready s": ready,
        "frames a second of a zoom": zoom["fps"],
        "a frame of all points ms": zoom["full"],
        "another cut ms": cut,
        "JS heap MB": metrics["JSHeapUsedSize"] / 1e6,
    }


def main() -> None:
    """Make the run and its page, open it with each kind of graphics, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=70_000)
    parser.add_argument("--side", type=int, default=28, help="of an image, in pixels")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="report-load-"))
    try:
        run = make_run(folder / "run", asked.images, asked.side)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start = time.perf_counter()
        page = write_report(run)
        beside = sum(f.stat().st_size for f in (run.path / "pictures").glob("atlas-*"))
        written = {
            "images": asked.images,
            "written in s": time.perf_counter() - start,
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "of these before MB": before,
            "page MB": page.stat().st_size / 1e6,
            "beside MB": beside / 1e6,
        }
        print(json.dumps({name: round(value, 2) for name, value in written.items()}))
        for name, arguments in GRAPHICS.items():
            measured = opened(page, arguments, webgl="WebGL" in name)
            print(name, json.dumps({key: round(value, 2) for key, value in measured.items()}))
    finally:
        shutil.rmtree(folder)


def opened(page: Path, arguments: list[str], *, webgl: bool) -> dict[str, float]:
    """Measure the page in a fresh browser."""
    found = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", *arguments]
        )
        context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
        measured = visit(context.new_page(), page.as_uri(), webgl)
        browser.close()
    return measured


if __name__ == "__main__":
    main()
