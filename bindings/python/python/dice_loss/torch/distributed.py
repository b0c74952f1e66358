"""Losses over a batch that lies in several processes, or that comes in several pieces.

A loss pooled over the batch is a function of sums over the batch, so it is exact across processes
as soon as the sums are: one all-reduce of a few numbers for each class. Give any loss of this
package `process_group="world"`. Its value is then that of the whole batch, on every rank, and
under the averaging of DDP and FSDP its gradient is that of the whole batch as well; batches of
different sizes, ignored voxels and losses that ranks weigh differently included. A mean over
voxels, such as cross-entropy, gets the normaliser of the whole batch, and a loss for each sample
the mean over the samples of all ranks::

    criterion = DiceCELoss(pool="batch", process_group="world")
    model = DistributedDataParallel(model)
    criterion(model(image), label).backward()

All ranks must call the loss, and its backward, equally often, and give `class_valid` either all or
none of them.

Gradient accumulation is the same in time instead of space, see `Accumulation`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._native import loss_dtype
from ._ranks import ProcessGroup as ProcessGroup
from ._ranks import SumOfGradients, of_all_ranks, padded, resolved, rows_of_lower_ranks
from .segmentation_loss import SegmentationLoss


class Accumulation:
    """The loss of a batch that is too large for one forward pass, exact for every loss.

    The mean of the losses of micro-batches is not the loss of the batch, where that is a ratio of
    sums over the batch, or where micro-batches hold different numbers of voxels that count. So
    measure all micro-batches first, without gradients, and then take each one's share::

        step = Accumulation(DiceCELoss(pool="batch"))
        with torch.no_grad():
            for image, label in micro_batches:
                step.measure(model(image), label)
        for image, label in micro_batches:
            step.loss(model(image), label).backward()
        optimizer.step()
        step.reset()

    Every call of `loss` returns the loss of the whole batch, with the gradient of its own
    micro-batch's part; the gradients add up to that of the whole batch. (Do not divide them by the
    number of micro-batches.) The second phase takes the micro-batches in the order of the first,
    and the model must compute the same in both: what is random, such as dropout, and what changes,
    such as the statistics of batch normalisation, is not.

    With the loss's `process_group` the batch is that of all ranks, each with the same number of
    micro-batches.

    Args:
        loss: any loss of this package with reduction "mean" or "sum".
    """

    def __init__(self, loss: SegmentationLoss) -> None:
        if loss.reduction == "none":
            raise ValueError("Accumulation: found reduction 'none', wanted 'mean' or 'sum'")
        self._loss = loss
        self.reset()

    def reset(self) -> None:
        """Forgets the batch."""
        self._measured: list[tuple[Tensor, Tensor | None]] = []
        self._next = 0
        self._whole: tuple[Tensor, Tensor | None] | None = None

    def measure(self, logits: Tensor, target: Tensor, **masks: Any) -> None:
        """First phase: adds a micro-batch to the batch."""
        if self._next:
            raise RuntimeError("Accumulation: found measure after loss, wanted reset in between")
        with torch.no_grad():
            moments = self._loss.moments(logits, target, **masks)
        self._measured.append((moments, masks.get("class_valid")))

    def loss(self, logits: Tensor, target: Tensor, **masks: Any) -> Tensor:
        """Second phase: the loss of the batch, with the gradient by this micro-batch."""
        if self._next >= len(self._measured):
            raise RuntimeError(
                f"Accumulation: found micro-batch {self._next + 1}, "
                f"wanted the {len(self._measured)} that were measured"
            )
        moments = self._loss.moments(logits, target, **masks)
        before, _ = self._measured[self._next]
        if moments.shape != before.shape:
            raise ValueError(
                f"Accumulation: found a micro-batch of {moments.shape[0]} samples, wanted the "
                f"{before.shape[0]} that were measured in its place"
            )
        loss: Tensor = self._loss.evaluate(*self._with(moments))
        self._next += 1
        return loss.to(loss_dtype(logits))

    def _with(self, moments: Tensor) -> tuple[Tensor, Tensor | None]:
        """The moments of the batch, those of the current micro-batch with a gradient."""
        group = self._loss.process_group
        first = sum(rows.shape[0] for rows, _ in self._measured[: self._next])
        whole, valid = self._of_batch()
        if group is None:
            rows = torch.cat([whole[:first], moments, whole[first + moments.shape[0] :]])
            return rows, valid
        # The sum of all ranks is known: only the gradients still have to be exchanged.
        change = moments - moments.detach()
        if self._loss.plan.needs_samples:
            first += self._rows_before
            change = padded(change, first, whole.shape[0] - first - change.shape[0])
        else:
            change = change.sum(0, keepdim=True)
        return whole + SumOfGradients.apply(change, resolved(group)), valid

    def _of_batch(self) -> tuple[Tensor, Tensor | None]:
        if self._whole is None:
            moments = torch.cat([rows for rows, _ in self._measured])
            valid = self._valid(moments)
            self._rows_before = 0
            if self._loss.process_group is not None:
                group = resolved(self._loss.process_group)
                by_sample = self._loss.plan.needs_samples
                own = moments.shape[0]
                moments, valid = of_all_ranks(moments, valid, group, by_sample)
                if by_sample:
                    self._rows_before = rows_of_lower_ranks(own, moments.device, group)
            self._whole = moments, valid
        return self._whole

    def _valid(self, moments: Tensor) -> Tensor | None:
        """Which classes were annotated, (N, C); None if all were in every micro-batch."""
        if all(valid is None for _, valid in self._measured):
            return None
        rows = [
            torch.ones(rows.shape[::2], dtype=torch.bool, device=moments.device)
            if valid is None
            else valid.to(torch.bool)
            for rows, valid in self._measured
        ]
        return torch.cat(rows)
