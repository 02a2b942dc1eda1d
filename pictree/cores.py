"""How many cores may work at once."""

from __future__ import annotations


def free_cores() -> int:
    """Return the cores that this process may use, and no more than its libraries' threads.

    So OMP_NUM_THREADS, a container's share and a caller's `threadpoolctl` limit all hold.
    """
    from joblib import effective_n_jobs
    from threadpoolctl import threadpool_info

    threads = max((library["num_threads"] for library in threadpool_info()), default=1)
    return min(int(effective_n_jobs(-1)), threads)
