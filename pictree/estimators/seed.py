"""scikit-learn's `random_state` as the seed that the stages take."""

from __future__ import annotations

import numbers

import numpy as np
from sklearn.utils import check_random_state


def to_seed(random_state: int | np.random.RandomState | None) -> int:
    """Return an int as it is; draw one from a generator, or from NumPy's own for None."""
    generator = check_random_state(random_state)
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(generator.randint(2**31 - 1))
