"""How many threads the NumPy functions use."""

from __future__ import annotations

import os

_chosen: int | None = None


def get_num_threads() -> int:
    """The number of threads of each call: what was set, or the cores this process may run on."""
    if _chosen is not None:
        return _chosen
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def set_num_threads(threads: int) -> None:
    """Sets the number of threads of each call in this process.

    Results do not depend on it, bit for bit, and no more than 64 are started, unless there are more
    cores. `dice_loss.torch` follows `torch.set_num_threads`
    instead. Raises TypeError unless it is an integer, ValueError if it is below 1.
    """
    global _chosen
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise TypeError(f"threads: found {threads!r}, wanted an integer")
    if threads < 1:
        raise ValueError(f"threads: found {threads}, wanted 1 or more")
    _chosen = threads
