"""Terms of this package, of targets as nnU-Net has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ..torch import SegmentationLoss
from ..torch.distributed import ProcessGroup

__all__ = ["LossOfTerms", "of_terms", "split"]


class LossOfTerms(nn.Module):
    """A weighted sum of terms, in one sweep over the voxels.

    A class that the reference lacks leaves the mean of the terms that are ratios, where nnU-Net's
    Dice has it count. The best value is 0, not −1.

    Args:
        terms: a term of `dice_loss.terms`, or several, each alone or as `(weight, term)`.
        regions: whether the target is that of regions, which may overlap, under sigmoid; of labels
            under softmax otherwise, and then the background is left out of ratios.
        ignore_label: as nnU-Net has it: a label, or of regions the last channel if it is given.
        batch_dice: whether ratios are of all samples of a batch together.
        class_weights: one for each channel of the output; they normalise every mean.
        process_group: `"world"` under DDP: the batches of all ranks are one, for every term.

    Shapes:
        `net_output` logits (N, C, spatial…); `target` labels (N, 1, spatial…), or regions (N, C,
        spatial…) and one channel more with `ignore_label`; `class_valid` (N, C), which classes were
        annotated.
    """

    def __init__(
        self,
        terms: Any,
        *,
        regions: bool = False,
        ignore_label: int | None = None,
        batch_dice: bool = False,
        class_weights: Sequence[float] | None = None,
        process_group: ProcessGroup | None = None,
    ) -> None:
        super().__init__()
        self.ignores_region = regions and ignore_label is not None
        self.terms = of_terms(
            terms,
            regions=regions,
            ignore_label=ignore_label,
            batch_dice=batch_dice,
            class_weights=class_weights,
            process_group=process_group,
        )

    def forward(
        self, net_output: Tensor, target: Tensor, class_valid: Tensor | None = None
    ) -> Tensor:
        """The loss; see `LossOfTerms`."""
        of_terms, mask = split(target, self.ignores_region)
        loss: Tensor = self.terms(net_output, of_terms, mask=mask, class_valid=class_valid)
        return loss


def of_terms(
    terms: Any, *, regions: bool, ignore_label: int | None, batch_dice: bool, **options: Any
) -> SegmentationLoss:
    """The terms, told what nnU-Net's plans and labels say."""
    return SegmentationLoss(
        terms,
        activation="sigmoid" if regions else "softmax",
        pool="batch" if batch_dice else "sample",
        background=regions,
        ignore_index=None if regions else ignore_label,
        target_kind="dense" if regions else "labels",
        **options,
    )


def split(target: Tensor, ignores_region: bool) -> tuple[Tensor, Tensor | None]:
    """What terms are of, and which voxels count."""
    if not ignores_region:
        return target, None
    return target[:, :-1], target[:, -1:] == 0
