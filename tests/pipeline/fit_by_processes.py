"""One fit by worker processes, for tests that kill it: PICTURES RUN [--resume]."""

from __future__ import annotations

import sys

from pictree.pipeline import fit as fitting
from tests.pipeline.conftest import small_recipe

if __name__ == "__main__":
    fitting.shard_rows_for = lambda _: 150
    fitting.fit(
        sys.argv[1],
        sys.argv[2],
        recipe=small_recipe(),
        engine="processes",
        resume="--resume" in sys.argv,
    )
