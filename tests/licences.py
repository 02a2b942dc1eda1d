"""The licences of what Pictree needs, from what is installed; no network (``make licences``)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from pictree.recipes.recipe import tomllib

REFUSED = re.compile(
    r"(?<!L)A?GPL|(?<!LESSER )GENERAL PUBLIC LICEN|AFFERO|NON-?COMMERCIAL|BY-NC|SSPL|BUSL",
    re.IGNORECASE,
)
"""What may not be in the core: it would bind who passes Pictree on, or who uses it for money."""

SAID_ELSEWHERE: dict[str, str] = {}
"""Packages whose metadata tell no licence, with what their licence file says."""


def core() -> list[str]:
    """Return what pyproject.toml says that Pictree needs, extras left out."""
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["project"]["dependencies"])


def closure(lines: Iterable[str]) -> dict[str, Distribution]:
    """Return the installed distributions that requirements need, and those that these need."""
    found: dict[str, Distribution] = {}
    asked = [Requirement(line) for line in lines]
    waiting = [(r.name, "") for r in asked if r.marker is None or r.marker.evaluate()]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        try:
            installed = distribution(name)
        except PackageNotFoundError:  # needed elsewhere, such as tomli on an older Python
            continue
        found[name.lower().replace("_", "-")] = installed
        for line in installed.requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                for part in ("", *needed.extras):
                    if (needed.name, part) not in seen:
                        seen.add((needed.name, part))
                        waiting.append((needed.name, part))
    return found


def licence_of(installed: Distribution) -> str:
    """Return what a distribution's metadata say of its licence, in one line."""
    about = installed.metadata
    expression = about.get("License-Expression")
    classified = [
        line.rsplit(" :: ", 1)[-1]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]
    text = (about.get("License") or "").strip().split("\n")[0]
    said = expression or ", ".join(classified) or text
    return said or SAID_ELSEWHERE.get(about["Name"].lower(), "")


def is_refused(licence: str) -> bool:
    """Tell whether a licence is none, or one that the core may not have.

    Of alternatives (``MPL-2.0 OR GPL-2.0``) one good one is enough.
    """
    return all(not part.strip() or REFUSED.search(part) for part in re.split(r"\bOR\b", licence))


def main() -> int:
    """Print a line for each package; return 1 if one is refused."""
    refused = 0
    for name, installed in sorted(closure(core()).items()):
        licence = licence_of(installed)
        refused += is_refused(licence)
        mark = "REFUSED" if is_refused(licence) else "ok"
        sys.stdout.write(f"{mark:8}{name} {installed.version}: {licence or 'no licence told'}\n")
    return min(refused, 1)


if __name__ == "__main__":
    sys.exit(main())
