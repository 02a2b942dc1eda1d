"""What Pictree's core needs may be used and passed on by anybody."""

from __future__ import annotations

import pytest

from tests.licences import closure, core, is_refused, licence_of


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "GPL-3.0-only",
        "AGPL-3.0",
        "GNU General Public License v3 (GPLv3)",
        "GNU Affero General Public License v3",
        "CC-BY-NC-4.0",
        "Free for non-commercial use",
        "GPL-2.0 OR AGPL-3.0",
    ],
)
def test_these_are_refused(licence: str) -> None:
    assert is_refused(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "BSD-3-Clause AND MIT",
        "Apache Software License",
        "GNU Lesser General Public License v3 (LGPLv3)",
        "LGPL-2.1-or-later",
        "MPL-2.0 OR GPL-2.0",
        "Python Software Foundation License",
    ],
)
def test_these_are_not(licence: str) -> None:
    assert not is_refused(licence)


def test_the_core_needs_none_that_is_refused() -> None:
    needed = closure(core())
    assert {"numpy", "torch", "polars", "pillow", "starlette", "uvicorn"} <= set(needed)
    licences = {name: licence_of(installed) for name, installed in needed.items()}
    refused = {name: licence for name, licence in licences.items() if is_refused(licence)}
    assert refused == {}
