"""How long a step takes on a device, beside the peers and a copy of the same bytes."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cases import FULL, QUICK, Case
from contenders import CONTENDERS, Contender

__all__ = ["FULL", "QUICK", "rows"]

Row = dict[str, Any]


def rows(
    device: str, cases: tuple[Case, ...], repeats: int, modes: tuple[str, ...]
) -> Iterator[Row]:
    """A row for each case, type, mode and library, and one for the copy."""
    for case in cases:
        for name in case.dtypes:
            given = replace(case.peers, dtype=name)
            logits = case.logits(name, given.layout).to(device)
            target = case.target(given).to(device)
            base = {"case": case.name, "loss": case.loss, "dtype": name, "device": named(device)}
            base |= {"torch": torch.__version__}
            yield base | {"library": "copy", "mode": "eager"} | _copy(logits, target, repeats)
            for mode in [mode for mode in case.ways(name) if mode in modes]:
                for contender in CONTENDERS:
                    row = base | {"library": contender.name, "mode": mode}
                    yield (
                        row
                        | {"version": contender.version() or ""}
                        | _measured(contender, case, mode, logits, target, repeats)
                    )


def named(device: str) -> str:
    """The GPU's name."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"


def _measured(
    contender: Contender, case: Case, mode: str, logits: Tensor, target: Tensor, repeats: int
) -> Row:
    if contender.version() is None:
        return {"note": f"{contender.package} is not installed"}
    x = logits.detach().requires_grad_()
    try:
        loss = contender.build(case)
        loss = torch.compile(loss) if mode == "compiled" else loss
        value = loss(x, target)
        value.backward()
        forward = _timed(lambda _: loss(x, target), repeats, x)
        backward = _timed(lambda value: value.backward(), repeats, x, lambda: loss(x, target))
        both = _timed(lambda _: loss(x, target).backward(), repeats, x)
        peak = _peak(lambda: loss(x, target).backward(), x)
    except Exception as error:  # A peer that runs out of memory, or does not compile, is a result.
        return {"note": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}
    return {
        "forward_ms": forward["median"],
        "backward_ms": backward["median"],
        "step_ms": both["median"],
        "step_low_ms": both["low"],
        "step_high_ms": both["high"],
        "extra_mib": "" if peak is None else peak / 2**20,
        "loss_value": float(value.detach()),
    }


def _copy(logits: Tensor, target: Tensor, repeats: int) -> Row:
    """Reading logits and target once, as a copy of half of them; and a copy of the logits."""
    half = (logits.nbytes + target.nbytes) // 2
    source = torch.empty(half, dtype=torch.uint8, device=logits.device)
    twin, other = torch.empty_like(source), torch.empty_like(logits)
    forward = _timed(lambda _: twin.copy_(source), repeats, None)["median"]
    backward = _timed(lambda _: other.copy_(logits), repeats, None)["median"]
    return {"forward_ms": forward, "backward_ms": backward, "step_ms": forward + backward}


def _timed(
    work: Callable[[Any], Any],
    repeats: int,
    leaf: Tensor | None,
    before: Callable[[], Any] = lambda: None,
) -> dict[str, float]:
    """Milliseconds of `work` on what `before` made, by the device's own clock where it has one."""
    times = []
    for _ in range(repeats + 2):
        if leaf is not None:
            leaf.grad = None
        made = before()
        if torch.cuda.is_available():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            work(made)
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end))
        else:
            begin = time.perf_counter()
            work(made)
            times.append(1e3 * (time.perf_counter() - begin))
    times = sorted(times[2:])
    low, high = times[len(times) // 5], times[-1 - len(times) // 5]
    return {"median": statistics.median(times), "low": low, "high": high}


def _peak(work: Callable[[], Any], leaf: Tensor) -> int | None:
    """Bytes that a step takes beyond what it was given; the gradient included."""
    if not torch.cuda.is_available():
        return None
    leaf.grad = None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before
