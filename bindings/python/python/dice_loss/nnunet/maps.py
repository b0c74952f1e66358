"""A term that reads a map, beside nnU-Net's loss: the map is made by the data loader's workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..torch import SegmentationLoss

__all__ = ["LossWithMap", "MapTransform", "without_maps"]


class MapTransform:
    """Makes the map of a term, for the last place among the transforms of batchgeneratorsv2.

    `segmentation` becomes a list: the target of each output of the network, as it was, and then
    the map of each. The map is made of the first target, which is the finest, and resized to the
    others by nearest neighbour, as nnU-Net does with targets. Without deep supervision there is
    one of each.

    Args:
        loss: what knows of the map.
        channels: how many the network's output has.
    """

    def __init__(self, loss: LossWithMap, channels: int) -> None:
        self.loss = loss
        self.channels = channels

    def __call__(self, **sample: Any) -> dict[str, Any]:
        """The sample with maps."""
        found = sample["segmentation"]
        targets = found if isinstance(found, list) else [found]
        finest = self.loss.map_of(targets[0][None], self.channels)
        maps = [
            nn.functional.interpolate(finest, target.shape[1:], mode="nearest-exact")[0]
            for target in targets
        ]
        return {**sample, "segmentation": [*targets, *maps]}


class LossWithMap(nn.Module):
    """loss(net_output, target) + share · term, with the map of the term handed in.

    Args:
        loss: one of nnU-Net's, or of this package's in their place.
        term: `Boundary`, `SkeletonRecall` or another term with a map.
        share: what the term counts; may be set anew at any time.
        regions: whether the target is that of regions, which may overlap, under sigmoid; of
            labels under softmax otherwise, and then the background is left out of the term.
        ignore_label: as nnU-Net has it: a label, or of regions the last channel if it is given.
        batch_dice: whether the term is of all samples of a batch together, where that matters.

    Shapes:
        `net_output` logits (N, C, spatial…); `target` labels (N, 1, spatial…), or regions (N, C,
        spatial…) and one channel more with `ignore_label`; `map` (N, C, spatial…).

    Raises:
        ValueError: a term without a map.
    """

    def __init__(
        self,
        loss: nn.Module,
        term: Any,
        *,
        share: float = 1.0,
        regions: bool = False,
        ignore_label: int | None = None,
        batch_dice: bool = False,
    ) -> None:
        super().__init__()
        self.loss = loss
        self.share = share
        self.ignores_region = regions and ignore_label is not None
        self.term = SegmentationLoss(
            term,
            activation="sigmoid" if regions else "softmax",
            pool="batch" if batch_dice else "sample",
            background=regions,
            ignore_index=None if regions else ignore_label,
            target_kind="dense" if regions else "labels",
        )
        names = [map.name for map in self.term.plan.maps]
        if len(names) != 1:
            raise ValueError(f"term: found one with {len(names)} maps, wanted one with a map")
        self.name = names[0]

    def forward(self, net_output: Tensor, target: Tensor, map: Tensor) -> Tensor:
        """The loss; see `LossWithMap`."""
        of_term, mask = self._split(target)
        term: Tensor = self.term(net_output, of_term, mask=mask, maps={self.name: map})
        loss: Tensor = self.loss(net_output, target)
        return loss + self.share * term

    def map_of(self, target: Tensor, channels: int) -> Tensor:
        """The map of a target (N, 1 or more, spatial…), for so many channels."""
        of_term, mask = self._split(target)
        # Of the logits nothing is read but the shape.
        logits = torch.zeros(1).expand(target.shape[0], channels, *target.shape[2:])
        made: Tensor = self.term.maps(logits, of_term, mask=mask)[self.name]
        return made

    def _split(self, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the term is of, and which voxels count."""
        if not self.ignores_region:
            return target, None
        return target[:, :-1], target[:, -1:] == 0


def without_maps(target: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Targets and maps, of what `MapTransform` made."""
    outputs = len(target) // 2
    return list(target[:outputs]), list(target[outputs:])
