"""Cross-entropy that takes targets as nnU-Net holds them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from ..terms import CrossEntropy
from ..torch._native import loss_dtype
from ..torch._peers import at_once, is_plain, sums
from ..torch._tracing import is_intercepted
from ..torch.losses import CrossEntropyLoss

__all__ = ["RobustCrossEntropyLoss", "TopKLoss"]


class RobustCrossEntropyLoss(nn.CrossEntropyLoss):
    """`torch.nn.CrossEntropyLoss` of labels with an axis of size 1, and of any type.

    Σ w_y ((1 − s)(−ln p_y)) + s/C Σ_k w_k (−ln p_k), divided by Σ w_y.

    Arguments, range and errors are those of torch's; `mean` and `sum` in main memory run in the
    engine, which keeps nothing but logits and labels for the gradient. All else runs in torch.

    Shapes:
        `input` (N, C, spatial…), `target` labels (N, 1, spatial…) or (N, spatial…).

    Returns:
        As torch, but float32 of half logits.

    Raises:
        IndexError: a label that names no class.
        AssertionError: a target with several channels.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss; see `RobustCrossEntropyLoss`."""
        if target.dim() == input.dim():
            if target.shape[1] != 1:
                raise AssertionError(f"target: found {target.shape[1]} channels, wanted 1")
            target = target[:, 0]
        if not self.is_summed(input, target):
            return super().forward(input, target.long())
        measured = sums(
            input,
            target,
            self.names(),
            wrong=IndexError,
            target_kind="labels",
            ignore_index=self.ignore_index,
        )
        return self.of_sums(measured).to(loss_dtype(input))

    def is_summed(self, input: Tensor, target: Tensor) -> bool:
        """Whether the engine has all that is asked for."""
        return (
            self.reduction in ("mean", "sum")
            and input.device.type == "cpu"
            and input.dim() > 1
            and input.shape[1] > 1
            and target.shape == input.shape[:1] + input.shape[2:]
            and (self.weight is None or self.weight.shape == input.shape[1:2])
        )

    def names(self) -> tuple[str, ...]:
        """The sums that it is made of."""
        return ("reference", "log_loss", *(("log_loss_of_all",) if self.label_smoothing else ()))

    def of_sums(self, measured: Tensor) -> Tensor:
        """The loss, from the sums (N, C, k) in `names`."""
        total = measured.sum(0)
        if self.weight is not None:
            total = total * self.weight.unsqueeze(-1)
        number, of_label, *of_all = total.sum(0).unbind()
        loss = (1 - self.label_smoothing) * of_label
        if of_all:
            loss = loss + self.label_smoothing * of_all[0]
        return loss / number if self.reduction == "mean" else loss


class TopKLoss(RobustCrossEntropyLoss):
    """The mean of the largest k % of the voxels' cross-entropies.

    In main memory and without `weight` the engine finds them and keeps which they are, a number a
    voxel. `dice_loss.torch.CrossEntropyLoss(top_k=0.1)` is the same without the quirk.

    Quirk: ignored voxels, whose loss is 0, count in the k %.

    Args:
        weight: one for each class.
        ignore_index: voxels of this label have no loss.
        k: how many percent.
        label_smoothing: s of `RobustCrossEntropyLoss`.

    Shapes:
        `inp` (N, C, spatial…), `target` labels (N, 1, spatial…).

    Returns:
        A number of at least 0, float32, or float64 of float64; NaN if k % is no voxel.

    Raises:
        IndexError: a label that names no class.

    Paper: Wu et al., Bridging category-level and instance-level semantic image segmentation,
    https://arxiv.org/abs/1605.06885.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        k: float = 10,
        label_smoothing: float = 0,
    ) -> None:
        # The old names of reduction="none", for the warning that nnU-Net's users know.
        super().__init__(weight, False, ignore_index, reduce=False, label_smoothing=label_smoothing)
        self.k = k

    def forward(self, inp: Tensor, target: Tensor) -> Tensor:
        """The loss; see `TopKLoss`."""
        if self.weight is None and not is_intercepted() and self.is_of_engine(inp, target):
            total = at_once(
                inp,
                target,
                ((1.0, self.term(target)),),
                wrong=IndexError,
                activation="softmax",
                target_kind="labels",
                ignore_index=self.ignore_index,
                reduction="sum",
            )
            return total / self.taken_of(target)
        losses = self._voxels(inp, target[:, 0]).reshape(-1)
        largest, _ = torch.topk(losses, self.taken_of(target), sorted=False)
        return largest.mean()

    def taken_of(self, target: Tensor) -> int:
        """How many voxels of labels (N, 1, spatial…) the mean is over."""
        return int(target[:, 0].numel() * self.k / 100)

    def term(self, target: Tensor) -> CrossEntropy:
        """The engine's own cross-entropy of so many voxels."""
        smoothing = float(self.label_smoothing)
        return CrossEntropy(label_smoothing=smoothing, top_k=0.0, min_kept=self.taken_of(target))

    def is_of_engine(self, inp: Tensor, target: Tensor) -> bool:
        """Whether the engine takes voxels in main memory, as many as there are and at least one."""
        return (
            inp.device.type == "cpu"
            and inp.dim() > 1
            and inp.shape[1] > 1
            and target.shape == (inp.shape[0], 1, *inp.shape[2:])
            and is_plain(self.ignore_index)
            and 0 <= float(self.label_smoothing) <= 1
            and 1 <= self.taken_of(target) <= target.numel()
        )

    def _voxels(self, inp: Tensor, labels: Tensor) -> Tensor:
        """The loss of every voxel."""
        smoothing = float(self.label_smoothing)
        of_classes = self.weight is None or self.weight.shape == inp.shape[1:2]
        if inp.device.type != "cpu" or inp.shape[1] < 2 or not (of_classes and 0 <= smoothing <= 1):
            return nn.functional.cross_entropy(
                inp,
                labels.long(),
                self.weight,
                ignore_index=self.ignore_index,
                reduction="none",
                label_smoothing=self.label_smoothing,
            )
        loss = CrossEntropyLoss(
            label_smoothing=smoothing,
            class_weights=self.weight,
            reduction="none",
            ignore_index=self.ignore_index,
            target_kind="labels",
        )
        try:
            return cast(Tensor, loss(inp, labels))
        except ValueError as error:
            raise IndexError(str(error)) from None
