"""`CodesDataset` gives a data loader the run's own codes, ids, clusters and labels."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pictree import CodesDataset
from pictree.label.session import Session
from pictree.store import Run


@pytest.fixture(scope="module")
def labelled(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two clusters named."""
    folder = Path(shutil.copytree(small_run, tmp_path_factory.mktemp("dataset") / "run"))
    session = Session(Run.open(folder))
    for name in ("zebra", "apple"):
        groups = session.history.state.groups
        group = next(key for key, value in groups.items() if value.label is None)
        session.act("label", {"group": group, "name": name}, session.revision)
    session.close()
    return folder


def test_items_are_the_runs_rows(labelled: Path) -> None:
    run, codes = Run.open(labelled), CodesDataset(labelled)
    assert len(codes) == len(run.used()) == 599
    assert codes.code_size == 98
    for row in (0, 300, -1):
        item = codes[row]
        assert (item["code"].numpy() == run.array("codes")[row]).all()
        assert item["id"] == run.used()["id"][row]
        assert item["cluster"] == run.labels()[row]
    assert codes.paths == run.used()["path"].to_list()
    with pytest.raises(IndexError, match="row 599 of 599"):
        codes[599]


def test_labels_are_peoples_names(labelled: Path) -> None:
    from pictree.label.read import labels_of

    codes = CodesDataset(labelled)
    assert codes.names == ["apple", "zebra"]
    table = labels_of(Run.open(labelled))
    assert table is not None
    named = dict(table.select("id", "label").iter_rows())
    told = [None if place < 0 else codes.names[place] for place in codes.labels.tolist()]
    assert told == [named[i] for i in codes.ids.tolist()]
    assert {"apple", "zebra", None} == set(told)


def test_a_loader_shuffles_and_batches(labelled: Path) -> None:
    codes = CodesDataset(Run.open(labelled))
    order = torch.Generator().manual_seed(0)
    batches = list(DataLoader(codes, batch_size=100, shuffle=True, generator=order))
    assert [len(batch["id"]) for batch in batches] == [100] * 5 + [99]
    ids = torch.cat([batch["id"] for batch in batches])
    assert ids.tolist() != sorted(ids.tolist())
    rows = np.searchsorted(codes.ids, ids.numpy())
    together = torch.cat([batch["code"] for batch in batches])
    assert together.dtype == torch.float32
    assert (together.numpy() == Run.open(labelled).array("codes")[rows]).all()
    clusters = torch.cat([batch["cluster"] for batch in batches])
    assert clusters.tolist() == codes.clusters[rows].tolist()


def test_a_linear_model_learns_the_clusters_from_it(labelled: Path) -> None:
    codes = CodesDataset(labelled)
    torch.manual_seed(0)
    model = torch.nn.Linear(codes.code_size, int(codes.clusters.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    for _ in range(40):
        for batch in DataLoader(codes, batch_size=64, shuffle=True):
            loss = torch.nn.functional.cross_entropy(model(batch["code"]), batch["cluster"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    whole = next(iter(DataLoader(codes, batch_size=len(codes))))
    right = (model(whole["code"]).argmax(1) == whole["cluster"]).float().mean()
    assert right > 0.9


def test_nobody_has_labelled(small_run: Path) -> None:
    codes = CodesDataset(small_run)
    assert codes.names == []
    assert set(codes.labels.tolist()) == {-1}
