"""Where the work is done: device, number format and threads, each chosen with its reason."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pictree.errors import InputError, MissingExtraError

PRECISIONS = ("auto", "float32", "bfloat16")
NARROW = 16
"""Networks whose widest layer has no more channels than this train in float32.

Measured on a core with AVX512-BF16: small-98 and flat-2 (16 channels) take 2.0 and 2.6 s for
6,400 digits in float32, 1.9 and 2.4 s in bfloat16, which is within the noise.
"""


@dataclass(frozen=True)
class Device:
    """What training and inference run on.

    Attributes
    ----------
    kind : {"cpu", "cuda", "mps"}
    precision : {"float32", "bfloat16"}
        Number format of the training arithmetic. Weights and codes are float32 always.
    threads : int
        CPU threads that torch uses.
    reason : str
        Why, in words.
    """

    kind: str
    precision: str
    threads: int
    reason: str


def choose_device(precision: str = "auto", widths: Sequence[int] = ()) -> Device:
    """Choose the device, the number format and the threads.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 where the hardware multiplies it natively and the network is not
        narrow, and float32 elsewhere.
    widths : sequence of int
        Channels of the network's layers; empty means "not known", which counts as wide.

    Returns
    -------
    Device

    Raises
    ------
    InputError
        When `precision` is none of the three.
    MissingExtraError
        When torch is absent or broken.
    """
    if precision not in PRECISIONS:
        raise InputError(
            f"precision must be one of {', '.join(PRECISIONS)}",
            got=repr(precision),
            do="Pass auto to have it chosen",
        )
    torch = _import_torch()
    kind, name = _choose_kind(torch)
    chosen, why = _choose_precision(torch, kind, precision, widths)
    return Device(kind, chosen, torch.get_num_threads(), f"{name}; {chosen}: {why}")


def keep_pages() -> None:
    """Tell the C library to keep freed memory for the next batch instead of returning it.

    A training step frees and takes the same large blocks again and again; handing their pages
    back to the system each time cost a third of the step (measured, glibc 2.36 on 2 cores).
    For a process that is ours, such as the command line's: it holds for the whole process.
    Does nothing where the C library is not glibc.
    """
    if (library := _glibc()) is None:
        return
    # mallopt's M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_TOP_PAD, from malloc.h.
    for option, size in ((-3, 1 << 30), (-1, (1 << 31) - 1), (-2, 1 << 26)):
        library.mallopt(option, size)


def return_pages() -> None:
    """Give the system back what was freed: the next stage's peak does not stand on the last's.

    Does nothing where the C library is not glibc.
    """
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def _import_torch() -> Any:
    try:
        import torch
    except (ImportError, OSError) as error:
        raise MissingExtraError(
            "torch must be installed and must load",
            got=f"{type(error).__name__}: {error}",
            do="Run: pip install --force-reinstall torch",
        ) from error
    return torch


def _choose_kind(torch: Any) -> tuple[str, str]:
    if torch.cuda.is_available():
        return "cuda", f"GPU {torch.cuda.get_device_name()}"
    if torch.backends.mps.is_available():
        return "mps", "Apple GPU"
    count = torch.get_num_threads()
    return "cpu", f"CPU, {count} thread{'s' * (count != 1)}: no GPU found"


def _choose_precision(
    torch: Any, kind: str, precision: str, widths: Sequence[int]
) -> tuple[str, str]:
    if precision != "auto":
        return precision, "as asked"
    if widths and max(widths) <= NARROW:
        return "float32", f"no layer has more than {NARROW} channels"
    if kind == "cuda" and torch.cuda.get_device_capability() >= (8, 0):
        return "bfloat16", "this GPU has it"
    feature = _cpu_feature(torch) if kind == "cpu" else None
    if feature:
        return "bfloat16", f"this CPU has {feature}"
    return "float32", f"this {'CPU' if kind == 'cpu' else 'GPU'} has no fast bfloat16"


def _cpu_feature(torch: Any) -> str | None:
    """Name the instruction set that multiplies bfloat16 natively, if there is one."""
    if sys.platform == "linux":
        flags = _linux_flags()
        has_amx, has_avx = "amx_bf16" in flags, "avx512_bf16" in flags
    else:
        # Private in torch, and absent from some versions: a missing answer counts as "no".
        has_amx = getattr(torch.cpu, "_is_amx_tile_supported", bool)()
        has_avx = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return "AMX-BF16" if has_amx else "AVX512-BF16" if has_avx else None


def _linux_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
