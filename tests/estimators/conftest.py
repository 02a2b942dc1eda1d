"""A recipe of many small steps: good reconstructions in about a second."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a recipe: the network of large-1568, batches of 32, 4 epochs."""
    file = tmp_path_factory.mktemp("recipes") / "quick.toml"
    file.write_text("[training]\nbatch_size = 32\nlearning_rate = 0.002\nepochs = 4\n")
    return file
