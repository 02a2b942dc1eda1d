"""Reading a folder of JPEG without Pictree."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.rivals.plain_torchvision import let_import


def _timed(work: Path, read: Callable[[list[Path]], object]) -> dict:
    start = time.perf_counter()
    files = sorted((work / "jpegs").iterdir())
    read(files)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "result": {"files a second": round(len(files) / seconds)}}


def _small(file: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(file) as image:
        return np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BICUBIC))


def loop(data: Path, work: Path) -> dict:
    """As everybody writes it."""
    return _timed(work, lambda files: [_small(file) for file in files])


def loader(data: Path, work: Path) -> dict:
    """ImageFolder's way: PIL, Resize and ToTensor in a DataLoader with two workers."""
    from torch.utils.data import DataLoader, Dataset

    let_import()
    from torchvision import transforms

    change = transforms.Compose([transforms.Resize((64, 64)), transforms.ToTensor()])

    class Files(Dataset):
        def __init__(self, files: list[Path]) -> None:
            self.files = files

        def __len__(self) -> int:
            return len(self.files)

        def __getitem__(self, i: int) -> object:
            from PIL import Image

            with Image.open(self.files[i]) as image:
                return change(image.convert("RGB"))

    return _timed(
        work,
        lambda files: [x for x in DataLoader(Files(files), 256, num_workers=2)],  # noqa: C416
    )


def limit(data: Path, work: Path) -> dict:
    """Decode at 1/4 of the size on two threads, and nothing else: libjpeg-turbo's own time."""
    from PIL import Image

    def one(file: Path) -> None:
        with Image.open(io.BytesIO(file.read_bytes())) as image:
            image.draft("RGB", (125, 94))
            image.load()

    def read(files: list[Path]) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, files))

    return _timed(work, read)
