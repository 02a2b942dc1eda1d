"""Damaged files of a run, made again from its other files, to the same bytes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.clustering.flat import FlatClusters
from pictree.device import Device
from pictree.errors import PictreeError
from pictree.files import csv_bytes, move, write_bytes, write_json
from pictree.images.inventory import problems
from pictree.manifest import agrees, read_manifest
from pictree.pipeline import features
from pictree.pipeline.coders import coder_of
from pictree.pipeline.codes import GivenCodes, has_autoencoder
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import run_stages, stages_of
from pictree.pipeline.group import assigned, centre_distances, with_duplicates
from pictree.pipeline.learn import device_for
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe, parse_recipe
from pictree.report.page import write_report
from pictree.store import Run

_SCRATCH = ".tmp-repair"
_PICTURES = "it needs the pictures: repeat the run's first command into another folder"
_HOPELESS = {
    "run.json": "nothing else tells it: restore it from a copy",
    "recipe.toml": "nothing else tells it: restore it from a copy",
    "images/": _PICTURES,
    "pixels/": _PICTURES,
    "added/": _PICTURES,
    "log.jsonl": "it holds the times of the training; nothing but the report's curve needs it",
    "checkpoints/": "it holds the times of the training; nothing needs it any more",
}
_NEEDED = ("run.json", "recipe.toml", "images/", "pixels/", "added/")
_DIFFERS = (
    "what was made again has another content than the manifest says, so it was not put in place: "
    "made by another version of Pictree, on another machine, or the manifest is what is damaged"
)
_LATER = (
    *("clusters", "k", "k_shortlist", "clustered", "agreement", "unknown_distance", "instant"),
    *("rounds", "maps", "maps_missing", "peak_mb", "added"),
)
"""Keys of run.json that the stages after the first write."""


def repair(run: Run, bad: Sequence[str], progress: Progress) -> dict[str, str]:
    """Make files of a finished run again; each is put in place if it is what the manifest says.

    All work is done in a folder beside them, in which the good files are linked. First the stages
    that wrote the bad ones run again; what that can't give is learned again from the pixels.

    Parameters
    ----------
    run : Run
        Locked by this process.
    bad : sequence of str
        Names by `pictree.manifest.condition`.
    progress : Progress

    Returns
    -------
    dict of str to str
        The files that are still bad, and why.
    """
    left = {name: reason for name in bad if (reason := _reason(name, _HOPELESS))}
    needed = [name for name in left if _reason(name, dict.fromkeys(_NEEDED, name))]
    rest = [name for name in bad if name not in left]
    if needed:
        return left | dict.fromkeys(rest, f"{needed[0]} must be mended first")
    why: dict[str, str] = {}
    ways = [_by_stages, _by_learning, _by_stages]
    while rest and ways:
        why = _try(run, ways[0], rest, why, progress)
        mended = [name for name in rest if name not in why]
        rest = [name for name in rest if name in why]
        if not mended or ways[0] is _by_learning:  # what was mended may help to mend the rest
            ways.pop(0)
    return left | why


def _reason(name: str, reasons: dict[str, str]) -> str:
    return next((why for start, why in reasons.items() if name.startswith(start)), "")


def _try(
    run: Run, way: Callable[..., None], names: list[str], why: dict[str, str], progress: Progress
) -> dict[str, str]:
    """Go one way; return what it did not mend, and why."""
    listed = read_manifest(run.path)
    with _scratch(run, names) as copy:
        said = _DIFFERS
        try:
            way(copy, names, progress)
        except PictreeError as error:
            said = str(error)
        made = [name for name in names if (copy.path / name).is_file()]
        good = [name for name in made if agrees(copy.path, name, listed[name])]
        for name in good:
            move(copy.path / name, run.path / name)
    return {n: _DIFFERS if n in made else why.get(n, said) for n in names if n not in good}


@contextmanager
def _scratch(run: Run, bad: Sequence[str]) -> Iterator[Run]:
    """Give a copy of the run without the bad files; its files are links, and never written to."""
    folder = run.path / _SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for name in sorted(set(read_manifest(run.path)) - set(bad)):
            if (run.path / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                _link(run.path / name, folder / name)
        yield Run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(file: Path, to: Path) -> None:
    try:
        os.link(file, to)
    except OSError:  # a file system without links
        shutil.copyfile(file, to)


# the first way


def _by_stages(copy: Run, bad: Sequence[str], progress: Progress) -> None:
    """Run those stages again that wrote the bad files."""
    before = copy.info
    _added(copy, bad)
    write_bytes(copy.path / "problems.csv", csv_bytes(problems(copy.inventory())))
    again = {stage for name in bad for stage in _stages_of(name, before)}
    again -= set() if has_autoencoder(copy) else {"codes", "encode"}
    state = {name: s for name, s in before["stages"].items() if name not in again}
    _without_log(copy)
    copy.update(stages=state)
    _stages(copy, _device(copy), progress)
    for name in bad:
        other = re.match(r"clusters/tree-(\d+)/", name)
        if other and f"tree-{other[1]}" != before["clusters"] and copy.has_tree:
            cut(copy.path, int(other[1]))
    write_json(copy.path / "run.json", before)  # the report tells the times that it holds
    write_report(copy)


def _stages_of(name: str, info: dict[str, Any]) -> list[str]:
    """Return the stages that write a file."""
    is_learned = "instant" in info
    if name.startswith(f"clusters/{info['clusters']}/"):
        return ["adopt" if is_learned else "group"]
    if name == "tree.npz" and not is_learned:
        return ["group"]
    if info.get("features") and name.startswith(("codes/", "model/")):
        return ["features"]
    return ["encode"] if name == "reconstructions.npz" and not is_learned else []


def _without_log(copy: Run) -> None:
    """Let no stage train for the sake of a lost log."""
    if not (copy.path / "log.jsonl").exists() and "learn" in copy.info["stages"]:
        copy.write_log([])


def _device(copy: Run) -> Device:
    info = copy.info
    if info.get("rounds", {}).get("kept"):
        return Device(**info["device"])
    return device_for(_recipe(copy))


def _recipe(copy: Run) -> Recipe:
    text = (copy.path / "recipe.toml").read_text(encoding="utf-8")
    return parse_recipe(text, name=copy.info["recipe"])


def _stages(copy: Run, device: Device, progress: Progress) -> None:
    info = copy.info
    others: GivenCodes | None = None
    if info.get("codes"):  # taken already: the table is not asked for
        others = GivenCodes(np.zeros((0, 0)), info["codes"]["file"], info["codes"]["sha256"])
    elif info.get("features"):
        device = features.device_as(copy)
    stages = stages_of(copy, _no_stock, _recipe(copy), others, device, info["seed"], progress)
    run_stages(copy, stages, progress)


def _no_stock() -> None:
    """Nothing: a copy has the pixels and the inventory, so this stage is done."""


def _added(copy: Run, bad: Sequence[str]) -> None:
    """Make codes, errors and assignments of added pictures again, shard by shard."""
    own, every = len(copy.fitted().shards()), len(copy.shards())
    is_ours = not copy.info.get("codes")
    for shard in range(own, every):
        names = {kind: f"{kind}/{shard:05d}.npy" for kind in ("codes", "errors")}
        if is_ours and set(names.values()) & set(bad):
            coder, pixels = coder_of(copy, None, 0, None), copy.read_array("pixels", shard)
            codes = coder.codes(copy.read_table("images", shard), pixels)
            arrays = {"codes": codes, "errors": coder.errors(pixels)}
            for kind, array in arrays.items():
                if array is not None:
                    copy.write_array(kind, shard, array)
        for kind in {str(Path(name).parent) for name in bad if f"assignments/{shard:05d}" in name}:
            if (copy.path / kind).with_name("model.npz").exists():
                _assign(copy, kind, shard)


def _assign(copy: Run, kind: str, shard: int) -> None:
    clusters = FlatClusters.from_arrays(copy.arrays(f"{Path(kind).parent}/model.npz"))
    inventory, codes = copy.read_table("images", shard), copy.read_array("codes", shard)[:]
    labels = clusters.predict(codes) if len(codes) else np.zeros(0, np.int32)
    distances = centre_distances(clusters.centres, codes, labels)
    ids = inventory.filter(pl.col("outcome") == "used")["id"]
    before = [copy.read_table(kind, earlier) for earlier in range(shard)]
    every = pl.concat([*before, assigned(ids, labels, distances)])
    copy.write_table(kind, shard, with_duplicates(inventory, every))


# the second way


def _by_learning(copy: Run, bad: Sequence[str], progress: Progress) -> None:
    """Do the whole fit again but for its first stage, whose pixels are here."""
    progress.say(f"learning again, from the pixels, for {', '.join(bad)}")
    info, recipe = copy.info, _recipe(copy)
    for shard in range(len(copy.fitted().shards()), len(copy.shards())):
        for kind in ("images", "pixels"):
            copy.shard_file(kind, shard).unlink()
    kept = {"images", "pixels", "run.json", "recipe.toml", "problems.csv"}
    kept |= {"codes"} if info.get("codes") else set()
    for path in copy.path.iterdir():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = {name: info["stages"][name] for name in ("stock", "codes") if name in info["stages"]}
    start = {key: value for key, value in info.items() if key not in _LATER}
    write_json(copy.path / "run.json", {**start, "stages": done})
    write_bytes(copy.path / "problems.csv", csv_bytes(problems(copy.inventory())))
    _stages(copy, device_for(recipe), progress)
