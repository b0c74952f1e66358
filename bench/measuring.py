"""One case in a process of its own: every contender on the same tensors, a JSON line each.

Started by peers.py. What is measured of each contender, in this order:

- memory: the peak of the resident set in one step (forward, backward, a gradient that was not
  there before), less the resident set just before it. By then inputs, libraries and compiled code
  are in memory. The kernel keeps the peak (VmHWM), which is reset through /proc/self/clear_refs.
- time: forward, backward and both, of the same steps, the gradient fresh in each.
- what autograd keeps for the backward pass: the memory behind saved tensors, but for the inputs.
- the loss and its gradient beside those of dice-loss from the same logits in float32.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import re
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from cases import FULL, QUICK, Case
from contenders import CONTENDERS, Contender, Loss, dice_loss
from torch import Tensor

MEBIBYTE = 2**20
#: Relative to the reference. Some sums of peers over millions of voxels are exact to four digits in
#: float32; in bfloat16 every probability has three.
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}

Row = dict[str, Any]


def step(loss: Loss, logits: Tensor, target: Tensor) -> tuple[float, float, float]:
    """The loss of one step, and the seconds that it took forward and backward."""
    logits.grad = None
    start = time.perf_counter()
    value = loss(logits, target)
    middle = time.perf_counter()
    value.backward()
    end = time.perf_counter()
    return value.item(), middle - start, end - middle


def resident(key: str) -> int:
    """VmRSS or VmHWM in bytes."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"^{key}:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise OSError(f"/proc/self/status has no {key}")
    return int(found[1]) * 1024


def peak_memory(loss: Loss, logits: Tensor, target: Tensor) -> int | None:
    """Bytes; None where the system does not tell."""
    logits.grad = None
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
        step(loss, logits, target)
        return resident("VmHWM") - before
    except (AttributeError, OSError):
        return None


def kept_memory(loss: Loss, logits: Tensor, target: Tensor) -> int:
    """Bytes behind the tensors that autograd saves; views of one memory count once."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = loss(logits, target)
    for tensor in (logits, target):
        kept.pop(tensor.untyped_storage().data_ptr(), None)
    del value
    return sum(kept.values())


def spread(seconds: list[float], name: str) -> Row:
    """The median, and the limits of the middle three fifths, in milliseconds."""
    ordered = sorted(1e3 * value for value in seconds)
    fifth = len(ordered) // 5
    return {
        f"{name}_ms": statistics.median(ordered),
        f"{name}_low_ms": ordered[fifth],
        f"{name}_high_ms": ordered[-1 - fifth],
    }


def times(loss: Loss, logits: Tensor, target: Tensor, seconds: float) -> Row:
    """Of 3 to 20 steps, as many as there is time for."""
    forward: list[float] = []
    backward: list[float] = []
    while len(forward) < 3 or (sum(forward) + sum(backward) < seconds and len(forward) < 20):
        _, first, second = step(loss, logits, target)
        forward.append(first)
        backward.append(second)
    both = [sum(pair) for pair in zip(forward, backward, strict=True)]
    return {
        **spread(forward, "forward"),
        **spread(backward, "backward"),
        **spread(both, "step"),
        "repeats": len(both),
    }


class Reference:
    """Loss and gradient by dice-loss in float32, for each definition that was asked for."""

    def __init__(self, case: Case, logits: Tensor, target: Tensor) -> None:
        self.case, self.target = case, target
        self.logits = logits.detach().float()
        self.found: dict[Any, tuple[float, Tensor]] = {}

    def differences(self, contender: Contender, value: float, gradient: Tensor) -> Row:
        """Of the loss, relative; and the largest of the gradient, relative to its largest."""
        if contender.definition not in self.found:
            logits = self.logits.detach().requires_grad_()
            loss = dice_loss(self.case, **dict(contender.definition))(logits, self.target)
            (wanted,) = torch.autograd.grad(loss, logits)
            self.found = {contender.definition: (loss.item(), wanted)}
        loss, wanted = self.found[contender.definition]
        pairs = zip(gradient, wanted, strict=True)
        apart = max((g.float() - w).abs().max().item() for g, w in pairs)
        largest = max(w.abs().max().item() for w in wanted)
        return {
            "loss": value,
            "loss_difference": abs(value - loss) / abs(loss),
            "gradient_difference": apart / largest,
        }


def measured(
    loss: Loss,
    logits: Tensor,
    target: Tensor,
    contender: Contender,
    reference: Reference,
    seconds: float,
) -> Row:
    step(loss, logits, target)
    peak = peak_memory(loss, logits, target)
    row = times(loss, logits, target, seconds)
    row["peak_mib"] = None if peak is None else peak / MEBIBYTE
    value, *_ = step(loss, logits, target)
    row |= reference.differences(contender, value, logits.grad)
    logits.grad = None
    row["kept_mib"] = kept_memory(loss, logits, target) / MEBIBYTE
    tolerance = TOLERANCE[logits.dtype]
    if max(row["loss_difference"], row["gradient_difference"]) > tolerance:
        row["note"] = f"differs from the reference by more than {tolerance:g}"
    return row


def available() -> float:
    """Bytes that can be taken without swapping."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.M)
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else float("inf")


def hindrance(contender: Contender, logits: Tensor) -> str | None:
    """Why a contender cannot be measured here."""
    if contender.version() is None:
        return f"skipped: {contender.package} is not installed"
    need, room = contender.need * 4 * logits.numel(), 0.9 * available()
    if need > room:
        return f"skipped: may need {need / 2**30:.1f} GiB, there are {room / 2**30:.1f}"
    return None


def rows(case: Case, chosen: argparse.Namespace) -> Iterator[Row]:
    dtype = getattr(torch, chosen.dtype)
    logits, target = case.logits(dtype).requires_grad_(), case.target()
    reference = Reference(case, logits, target)
    about = {
        "case": case.name,
        "loss_name": case.loss,
        "classes": case.classes,
        "voxels": case.voxels,
        "dtype": chosen.dtype,
        "logits_mib": logits.nbytes / MEBIBYTE,
    }
    for contender in CONTENDERS:
        if contender.name not in chosen.libraries:
            continue
        for mode in chosen.modes:
            who = {"library": contender.name, "version": contender.version(), "mode": mode}
            note = hindrance(contender, logits)
            if note is None:
                found = attempt(contender, mode, logits, target, reference, chosen.seconds)
            else:
                found = {"note": note}
            yield about | who | found


def attempt(
    contender: Contender,
    mode: str,
    logits: Tensor,
    target: Tensor,
    reference: Reference,
    seconds: float,
) -> Row:
    try:
        loss = contender.build(reference.case)
        if mode == "compiled":
            torch.compiler.reset()
            loss = torch.compile(loss, dynamic=False)
        return measured(loss, logits, target, contender, reference, seconds)
    except Exception as error:
        reason = str(error).strip().splitlines() or [""]
        return {"note": f"failed: {type(error).__name__}: {reason[0][:200]}"}


def main() -> None:
    cases = {case.name: case for case in FULL + QUICK}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=cases)
    parser.add_argument("dtype", choices=["float32", "bfloat16"])
    parser.add_argument("--modes", nargs="+", choices=["eager", "compiled"], required=True)
    parser.add_argument("--libraries", nargs="+", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(chosen.threads)
    # Libraries may print; the lines of this process are rows.
    lines, sys.stdout = sys.stdout, sys.stderr
    for row in rows(cases[chosen.case], chosen):
        print(json.dumps(row), file=lines, flush=True)


if __name__ == "__main__":
    main()
