"""Feed a reader by atheris, guided by what it runs through; see CONTRIBUTING.md.

``python -m tests.fuzz.fuzz TARGET CORPUS -max_total_time=360``; what is found new is put into the
folder CORPUS.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["pictree.images", "numpy.lib", "zipfile", "tarfile"]):
    from tests.fuzz.targets import feed


def main() -> None:
    """Fuzz until the time is over, or something is found."""
    target = sys.argv.pop(1)
    atheris.Setup(sys.argv, lambda raw: feed(target, raw))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
