"""One case in a process of its own: every contender on the same tensors, a JSON line each.

Started by peers.py. The ways to use dice-loss take turns, step by step, so that what else the
machine does hits all of them; the peers follow one by one. Of each, in this order:

- memory: the peak of the resident set in one step (forward, backward, a gradient that was not
  there before), less the resident set just before it. By then inputs, libraries and compiled code
  are in memory. The kernel keeps the peak (VmHWM), which is reset through /proc/self/clear_refs.
- time: forward, backward and both, of the same steps, the gradient fresh in each.
- the loss and its gradient beside those of dice-loss from the same logits in float32, channels
  first, and int64 labels.
- what autograd keeps for the backward pass: the memory behind saved tensors, but for the inputs.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import gc
import itertools
import json
import re
import statistics
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from cases import DTYPES, FULL, MEMORY, QUICK, Case, Variant
from contenders import CONTENDERS, OURS, Contender, Loss, dice_loss
from torch import Tensor

MEBIBYTE = 2**20
#: Relative to the reference. Some sums of peers over millions of voxels are exact to four digits in
#: float32; in bfloat16 every probability has three.
TOLERANCE = {"float32": 1e-3, "float16": 5e-3, "bfloat16": 5e-2}
#: Steps at least and at most.
STEPS = (3, 40)
#: Linux's prctl(2) and glibc's mallopt(3).
PR_SET_THP_DISABLE = 41
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4

Row = dict[str, Any]


@dataclass
class Job:
    """A contender, or a way to use dice-loss, with its tensors."""

    about: Row
    variant: Variant
    contender: Contender
    loss: Loss
    logits: Tensor
    target: Tensor

    def step(self) -> tuple[float, float, float]:
        """The loss of one step, and the seconds that it took forward and backward."""
        self.logits.grad = None
        start = time.perf_counter()
        value = self.loss(self.logits, self.target)
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


def peak_memory(job: Job) -> int | None:
    """Bytes; None where the system does not tell."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
        job.step()
        return resident("VmHWM") - before
    except (AttributeError, OSError):
        return None
    finally:
        job.logits.grad = None


def kept_memory(job: Job) -> int:
    """Bytes behind the tensors that autograd saves; views of one memory count once."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = job.loss(job.logits, job.target)
    inputs = [job.logits, job.target]
    if isinstance(job.loss, functools.partial):
        inputs += job.loss.keywords.values()
    for tensor in inputs:
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


def times(jobs: Sequence[Job], seconds: float) -> list[Row]:
    """Of as many steps as there is time for, the jobs taking turns."""
    taken: list[list[tuple[float, float]]] = [[] for _ in jobs]
    least, most = STEPS
    start = time.perf_counter()
    for done in range(most):
        if done >= least and time.perf_counter() - start > seconds * len(jobs):
            break
        for job, found in zip(jobs, taken, strict=True):
            _, forward, backward = job.step()
            job.logits.grad = None
            found.append((forward, backward))
    return [
        {
            **spread([forward for forward, _ in found], "forward"),
            **spread([backward for _, backward in found], "backward"),
            **spread([sum(pair) for pair in found], "step"),
            "repeats": len(found),
        }
        for found in taken
    ]


class Tensors:
    """Those of a case; what has been made is kept for the next who asks."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.logits_made: dict[tuple[str, str], Tensor] = {}
        self.targets_made: dict[tuple[str, str, bool], Tensor] = {}

    def logits(self, variant: Variant) -> Tensor:
        key = (variant.dtype, variant.layout)
        if key not in self.logits_made:
            self.logits_made[key] = self.case.logits(*key).requires_grad_()
        return self.logits_made[key]

    def target(self, variant: Variant) -> Tensor:
        key = (variant.labels, variant.target, variant.option == "ignore_index")
        if key not in self.targets_made:
            self.targets_made[key] = self.case.target(variant)
        return self.targets_made[key]


class Reference:
    """Loss and gradient by dice-loss in float32, of the last definition that was asked for."""

    def __init__(self, case: Case, tensors: Tensors) -> None:
        self.case, self.tensors = case, tensors
        self.found: dict[Any, tuple[float, Tensor]] = {}

    def differences(self, job: Job) -> Row:
        """Of the loss, relative; and the largest of the gradient, relative to its largest."""
        value, *_ = job.step()
        assert job.logits.grad is not None
        loss, wanted = self.wanted(job)
        pairs = list(zip(job.logits.grad, wanted, strict=True))
        job.logits.grad = None
        apart = max((g.float() - w).abs().max().item() for g, w in pairs)
        largest = max(w.abs().max().item() for w in wanted)
        return {
            "loss": value,
            "loss_difference": abs(value - loss) / abs(loss),
            "gradient_difference": apart / largest,
        }

    def wanted(self, job: Job) -> tuple[float, Tensor]:
        plain = self.case.plain
        variant = replace(
            job.variant, target=plain.target, layout=plain.layout, memory=plain.memory
        )
        key = (variant, job.contender.definition)
        if key not in self.found:
            logits = self.tensors.logits(variant).detach().float().requires_grad_()
            settings = dict(job.contender.definition)
            loss = dice_loss(self.case, variant.option, **settings)
            value = loss(logits, self.tensors.target(variant))
            (gradient,) = torch.autograd.grad(value, logits)
            self.found = {key: (value.item(), gradient)}
        return self.found[key]


def measured(jobs: Sequence[Job], reference: Reference, seconds: float) -> Iterator[Row]:
    peaks = []
    for job in jobs:
        job.step()
        peaks.append(peak_memory(job))
    for job, row, peak in zip(jobs, times(jobs, seconds), peaks, strict=True):
        row["peak_mib"] = None if peak is None else peak / MEBIBYTE
        row |= reference.differences(job)
        row["kept_mib"] = kept_memory(job) / MEBIBYTE
        tolerance = TOLERANCE[job.variant.dtype]
        if max(row["loss_difference"], row["gradient_difference"]) > tolerance:
            row["note"] = f"differs from the reference by more than {tolerance:g}"
        yield job.about | row


def available() -> float:
    """Bytes that can be taken without swapping."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.M)
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else float("inf")


def hindrance(contender: Contender, case: Case) -> str | None:
    """Why a contender cannot be measured here."""
    if contender.version() is None:
        return f"skipped: {contender.package} is not installed"
    need, room = contender.need * 4 * case.voxels * case.classes, 0.9 * available()
    if need > room:
        return f"skipped: may need {need / 2**30:.1f} GiB, there are {room / 2**30:.1f}"
    return None


def rows(case: Case, chosen: argparse.Namespace) -> Iterator[Row]:
    """First the ways to use dice-loss, by turns, then one contender after another."""
    tensors = Tensors(case)
    reference = Reference(case, tensors)
    if OURS.name in chosen.libraries and "eager" in chosen.modes:
        # By itself it has time for more steps, until memory that is held has settled.
        variants, seconds = [replace(case.plain, memory=chosen.memory)], 4 * chosen.seconds
        if chosen.memory == case.plain.memory:
            variants = [variant for variant in case.variants() if variant.dtype in chosen.dtypes]
            seconds = chosen.seconds
        jobs = [
            Job(
                described(case, OURS, variant, "eager"),
                variant,
                OURS,
                dice_loss(case, variant.option),
                tensors.logits(variant),
                tensors.target(variant),
            )
            for variant in variants
        ]
        yield from measured(jobs, reference, seconds)
    if chosen.memory == case.plain.memory:
        yield from peers(case, chosen, tensors, reference)


def peers(
    case: Case, chosen: argparse.Namespace, tensors: Tensors, reference: Reference
) -> Iterator[Row]:
    """All that were not measured by turns: dice-loss compiled is among them."""
    for dtype, contender, mode in itertools.product(chosen.dtypes, CONTENDERS, chosen.modes):
        if contender.name not in chosen.libraries or mode not in case.ways(dtype):
            continue
        if contender is OURS and mode == "eager":
            continue
        variant = replace(case.peers, dtype=dtype)
        about = described(case, contender, variant, mode)
        note = hindrance(contender, case)
        if note is not None:
            yield about | {"note": note}
            continue
        try:
            loss = contender.build(case)
            if mode == "compiled":
                torch.compiler.reset()
                loss = torch.compile(loss, dynamic=False)
            logits, target = tensors.logits(variant), tensors.target(variant)
            job = Job(about, variant, contender, loss, logits, target)
            yield from measured([job], reference, chosen.seconds)
        except Exception as error:
            reason = str(error).strip().splitlines() or [""]
            yield about | {"note": f"failed: {type(error).__name__}: {reason[0][:200]}"}


def described(case: Case, contender: Contender, variant: Variant, mode: str) -> Row:
    """What the row of the results begins with."""
    return {
        "case": case.name,
        "loss_name": case.loss,
        "classes": case.classes,
        "voxels": case.voxels,
        "library": contender.name,
        "version": contender.version(),
        "mode": mode,
        **asdict(variant),
        "logits_mib": case.voxels * case.classes * DTYPES[variant.dtype] / MEBIBYTE,
    }


def prepare(memory: str) -> None:
    """How this process gets the memory of a gradient, where not as it is by itself."""
    libc = ctypes.CDLL(None, use_errno=True)
    if memory == "small pages" and libc.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_THP_DISABLE)")
    # Everything comes from the heap and stays there: the next gradient is where the last one was.
    if memory == "held" and not (
        libc.mallopt(M_MMAP_MAX, 0) and libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    ):
        raise OSError("mallopt: refused")


def main() -> None:
    cases = {case.name: case for case in FULL + QUICK}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=cases)
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, required=True)
    parser.add_argument("--modes", nargs="+", choices=["eager", "compiled"], required=True)
    parser.add_argument("--libraries", nargs="+", required=True)
    parser.add_argument("--memory", choices=MEMORY, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    prepare(chosen.memory)
    torch.set_num_threads(chosen.threads)
    # Libraries may print; the lines of this process are rows.
    lines, sys.stdout = sys.stdout, sys.stderr
    for row in rows(cases[chosen.case], chosen):
        print(json.dumps(row), file=lines, flush=True)


if __name__ == "__main__":
    main()
