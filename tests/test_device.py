from __future__ import annotations

import platform
import subprocess
import sys
import textwrap

import pytest

from pictree import device
from pictree.device import choose_device, keep_pages
from pictree.errors import InputError, MissingExtraError


def test_an_asked_precision_is_kept():
    assert choose_device("float32").precision == "float32"
    assert choose_device("bfloat16").precision == "bfloat16"
    assert choose_device("float32").reason.endswith("float32: as asked")


def test_a_narrow_network_takes_float32_on_any_machine():
    chosen = choose_device("auto", widths=(16, 2))
    assert chosen.precision == "float32"
    assert chosen.reason.endswith("float32: no layer has more than 16 channels")


def test_the_reason_names_what_this_machine_has():
    chosen = choose_device("auto", widths=(32,))
    assert chosen.kind in ("cpu", "cuda", "mps")
    assert chosen.threads >= 1
    assert f"{chosen.precision}: this" in chosen.reason


def test_an_unknown_precision_is_refused_in_whole():
    with pytest.raises(InputError) as caught:
        choose_device("float16")
    assert str(caught.value) == (
        "precision must be one of auto, float32, bfloat16; got 'float16'. "
        "Pass auto to have it chosen."
    )


def test_absent_torch_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # what a failed import leaves
    with pytest.raises(MissingExtraError, match="Run: pip install --force-reinstall torch"):
        choose_device()


def test_importing_device_does_not_load_torch():
    assert "torch" not in vars(device)


def test_keep_pages_can_be_called_again():
    keep_pages()
    keep_pages()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed memory")
def test_what_was_kept_goes_back():
    script = """
    import re
    from pictree.device import keep_pages, return_pages

    def resident_kb():
        return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])

    keep_pages()
    blocks = [bytearray(1 << 20) for _ in range(100)]
    del blocks
    kept = resident_kb()
    return_pages()
    print(kept - resident_kb())
    """
    child = [sys.executable, "-c", textwrap.dedent(script)]
    freed = subprocess.run(child, capture_output=True, text=True, check=True).stdout
    assert int(freed) > 90 * 1024
