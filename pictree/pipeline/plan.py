"""What a fit of a pile would take on many machines: measured on a sample, then on paper."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pictree.engine.base import WORKER_BYTES
from pictree.engine.choose import NAMES
from pictree.errors import InputError
from pictree.images.decode import ImageFormat
from pictree.images.format import choose_format
from pictree.images.inventory import take_stock
from pictree.images.sources import Source, open_source
from pictree.networks.autoencoder import build, limited
from pictree.pipeline.hardware import hardware
from pictree.pipeline.learn import architecture_of, device_for
from pictree.pipeline.learning_time import coded_per_second, learning_seconds
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.shards import shard_rows_for

SAMPLE = 2_048
_PIECE = 64
"""Files that lie together are read together; the sample's pieces are spread over the pile."""
_INVENTORY_BYTES = 46
"""Bytes of inventory and assignments of an image, in a run of 70,000 digits; long paths add."""
_HOUR = 3600.0


@dataclass(frozen=True)
class Measured:
    """What a sample told.

    Attributes
    ----------
    sample : int
        Files looked at.
    used : float
        Share of them that can be used.
    read_per_second, code_per_second : float
        Images that this machine reads and decodes, and computes codes and errors of, with all
        its cores.
    cores : int
    pixel_bytes, code_bytes : int
        Of one image in the run folder.
    learning_seconds : float or None
        For which this machine would learn from the whole pile; None where that is not measured.
    """

    sample: int
    used: float
    read_per_second: float
    code_per_second: float
    cores: int
    pixel_bytes: int
    code_bytes: int
    learning_seconds: float | None


def plan(
    pictures: Any,
    *,
    recipe: Recipe,
    engine: str = "ray",
    nodes: int = 1,
    price: float = 1.0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure a sample of a pile, and say on paper what a fit of all of it takes.

    Parameters
    ----------
    pictures : str, path, array or list of these
    recipe : Recipe
        Its image size and its first network.
    engine : {"local", "processes", "ray"}
    nodes : int
        Machines, each like this one; one for "local" and "processes".
    price : float
        Of a machine for an hour, in any currency.
    progress : Progress, optional

    Returns
    -------
    dict
        images, engine, nodes, measured (see `Measured`), and what `on_paper` returns.

    Raises
    ------
    InputError
        If a number is out of range, or nodes are asked for that the engine does not use.
    SourceError
        If the pictures can't be found, or none of the sample is usable.
    """
    _check(engine, nodes, price)
    progress = progress or Progress()
    with progress:
        source = open_source(pictures)
        measured = measure(source, recipe, progress)
    paper = on_paper(len(source), measured, engine=engine, nodes=nodes, price=price)
    return {
        "images": len(source),
        "engine": engine,
        "nodes": nodes,
        "measured": asdict(measured),
        **paper,
    }


def _check(engine: str, nodes: int, price: float) -> None:
    if engine not in NAMES:
        raise InputError(
            f"--engine must be one of {', '.join(NAMES)}", got=engine, do="Choose one of these"
        )
    if nodes < 1 or (nodes > 1 and engine != "ray"):
        raise InputError(
            "--nodes must be at least 1, and 1 for an engine of one machine",
            got=f"{nodes} with --engine {engine}",
            do="Pass --engine ray for several",
        )
    if not 0 <= price < np.inf:
        raise InputError(
            "--price must be an amount of money for a machine and an hour",
            got=str(price),
            do="Pass 0 or more",
        )


def measure(source: Source, recipe: Recipe, progress: Progress) -> Measured:
    """Read and encode a sample of a source, and take the time; nothing is written."""
    size, channels = recipe.images.size, recipe.images.channels
    fmt = choose_format(
        source,
        None if isinstance(size, str) else size,
        {"auto": None, "grey": 1, "colour": 3}[channels],
    )
    pieces = _pieces(len(source))
    files = sum(map(len, pieces))
    progress.start("reading a sample", files)
    start = time.perf_counter()
    pixels = _read(source, pieces, fmt, progress)
    read = max(time.perf_counter() - start, 1e-9)
    progress.close()
    device = device_for(recipe)
    shape = (fmt.height, fmt.width, fmt.channels)
    model = build(limited(architecture_of(shape, recipe), max(1, len(source))), 0)
    usable = len(source) * len(pixels) // files
    progress.start("learning a little", 1)
    coded = coded_per_second(model, pixels, device)
    learning = learning_seconds(model, pixels, usable, recipe, device)
    progress.close()
    return Measured(
        files,
        len(pixels) / files,
        files / read,
        coded,
        hardware()["cores"],
        int(np.prod(shape)),
        4 * model.code_size + 4,
        learning,
    )


def _pieces(items: int) -> list[range]:
    """Return ranges of items, evenly spread."""
    if items <= SAMPLE:
        return [range(items)]
    starts = np.linspace(0, items - _PIECE, SAMPLE // _PIECE).astype(int)
    return [range(start, start + _PIECE) for start in starts.tolist()]


def _read(source: Source, pieces: list[range], fmt: ImageFormat, progress: Progress) -> np.ndarray:
    seen: dict[bytes, int] = {}
    found = [
        take_stock(source, part, fmt, first_id=part.start, seen=seen, progress=progress.advance)[1]
        for part in pieces
    ]
    pixels = np.concatenate(found)
    if not len(pixels):
        raise InputError(
            "a plan needs pictures that can be used",
            got=f"none of {sum(map(len, pieces))} looked at",
            do="See the reasons with `pictree scan`",
        )
    return pixels


def on_paper(
    images: int, measured: Measured, *, engine: str, nodes: int, price: float
) -> dict[str, Any]:
    """Work out hours, bytes, memory and cost.

    Parameters
    ----------
    images : int
    measured : Measured
    engine : {"local", "processes", "ray"}
    nodes : int
    price : float

    Returns
    -------
    dict
        shards; cores_busy (with the codes); hours (reading, codes: what an engine shares out;
        learning: of one machine, or None); cost (of these hours); run_bytes; worker_bytes,
        driver_bytes (memory: of a worker, and at least of the one machine that clusters: as
        much, and all codes); assumptions.
    """
    used = images * measured.used
    rows = shard_rows_for(measured.pixel_bytes)
    shards, cores = max(1, -(-images // rows)), measured.cores
    # A shard is read by all cores of its machine, and coded by one of them; the slowest has most.
    busy = cores if engine == "local" else min(nodes * cores, shards)
    most_read = min(images, -(-shards // nodes) * rows)
    most_coded = (
        used / cores if engine == "local" else min(used, -(-shards // busy) * rows * measured.used)
    )
    reading = most_read / measured.read_per_second / _HOUR
    coding = most_coded / (measured.code_per_second / cores) / _HOUR
    learning = measured.learning_seconds
    learning = None if learning is None else learning / _HOUR
    per_image = measured.pixel_bytes + measured.code_bytes + _INVENTORY_BYTES
    return {
        "shards": shards,
        "cores_busy": busy,
        "hours": {"reading": reading, "codes": coding, "learning": learning},
        "price": price,
        "cost": (reading + coding + (learning or 0.0)) * nodes * price,
        "run_bytes": int(used * per_image),
        "worker_bytes": WORKER_BYTES,
        "driver_bytes": WORKER_BYTES + int(used * measured.code_bytes),
        "assumptions": [
            f"every machine is as fast as this one ({measured.cores} cores), and its cores as fast "
            "together as alone",
            "the storage gives all machines their files as fast as this one gave the sample's",
            "the files that were not looked at are like the sample's",
            "reading and codes alone are shared out; learning is done by one machine while the "
            "others wait"
            + (", and for this recipe in neither hours nor cost" if learning is None else ""),
            "clusters, scores, maps and the report are one machine's, and in neither hours nor "
            "cost",
            f"a machine costs {price:g} an hour, also while it waits",
        ],
    }


def plan_text(found: dict[str, Any]) -> str:
    """Say a plan for people."""
    measured, hours = found["measured"], found["hours"]
    gib = 2**30
    lines = [
        f"{found['images']:,} files, {found['shards']:,} shards; {measured['sample']:,} looked at, "
        f"{measured['used']:.1%} usable",
        f"measured here, {measured['cores']} cores: {measured['read_per_second']:,.0f} images per "
        f"second read, {measured['code_per_second']:,.0f} encoded",
        f"on paper, {found['nodes']} × {measured['cores']} cores ({found['cores_busy']} busy): "
        f"{_duration(hours['reading'])} reading, {_duration(hours['codes'])} codes"
        + ("" if hours["learning"] is None else f", {_duration(hours['learning'])} learning"),
        f"cost of that, at {found['price']:g} a machine and hour: {found['cost']:,.2f}",
        f"run folder: {found['run_bytes'] / gib:,.1f} GiB",
        f"memory: {found['worker_bytes'] / gib:.1f} GiB a worker, and for the machine that "
        f"clusters {found['driver_bytes'] / gib:,.1f} GiB or more",
        "assumed:",
    ]
    return "\n".join([*lines, *(f"  {sentence}" for sentence in found["assumptions"])])


def _duration(hours: float) -> str:
    seconds = hours * _HOUR
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if hours < 2 else f"{hours:,.1f} h"
