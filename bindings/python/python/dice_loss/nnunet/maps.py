"""Terms that read maps, beside nnU-Net's loss: the maps are made by the data loader's workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from .._maps import made_channels
from .._spec import listed, with_weights
from ..morphology import Spacing, nearest_component
from .terms import of_terms, split

__all__ = ["LossWithMap", "MapTransform", "without_maps"]


class MapTransform:
    """Makes the maps of a loss, for the last place among the transforms of batchgeneratorsv2.

    `segmentation` becomes a list: the target of each output of the network, as it was, and then
    the maps of each, all in one tensor. They are made of the first target, which is the finest, and
    resized to the others by nearest neighbour, as nnU-Net does with targets: so an instance has the
    same number in all. Without deep supervision there is one of each.

    Args:
        loss: what knows of the maps.
        channels: how many the network's output has.
    """

    def __init__(self, loss: LossWithMap, channels: int) -> None:
        self.loss = loss
        self.channels = channels

    def __call__(self, **sample: Any) -> dict[str, Any]:
        """The sample with maps."""
        found = sample["segmentation"]
        targets = found if isinstance(found, list) else [found]
        finest = self.loss.maps_of(targets[0][None], self.channels)
        maps = [
            nn.functional.interpolate(finest, target.shape[1:], mode="nearest-exact")[0]
            for target in targets
        ]
        return {**sample, "segmentation": [*targets, *maps]}


class LossWithMap(nn.Module):
    """whole · loss(net_output, target) + share · term, with the maps of the term handed in.

    Args:
        loss: one of nnU-Net's, or of this package's in their place.
        term: `Boundary`, `SkeletonRecall` or another term with a map, or several of them, each
            alone or as `(weight, term)`.
        share: what the term counts; may be set anew at any time.
        whole: what the loss counts; with 0 it is left out.
        spacing: of the voxels, which decides whose cell they are in. Other maps have the spacing
            that their terms have.
        regions: whether the target is that of regions, which may overlap, under sigmoid; of
            labels under softmax otherwise, and then the background is left out of the term.
        ignore_label: as nnU-Net has it: a label, or of regions the last channel if it is given.
        batch_dice: whether the term is of all samples of a batch together, where that matters.
            Cells and blobs are of each sample.
        class_weights: of the term, one for each channel of the output.

    Shapes:
        `net_output` logits (N, C, spatial…); `target` labels (N, 1, spatial…), or regions (N, C,
        spatial…) and one channel more with `ignore_label`; `maps` (N, K, spatial…), those of
        `names` one after another, with as many channels as `channels_of` says; `class_valid`
        (N, C), which classes were annotated, for a `loss` that takes it too.

    Raises:
        ValueError: a term without a map.
    """

    def __init__(
        self,
        loss: nn.Module,
        term: Any,
        *,
        share: float = 1.0,
        whole: float = 1.0,
        spacing: Spacing = 1.0,
        regions: bool = False,
        ignore_label: int | None = None,
        batch_dice: bool = False,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.loss = loss
        self.share = share
        self.whole = whole
        self.spacing = spacing
        self.ignores_region = regions and ignore_label is not None

        settings: dict[str, Any] = {
            "regions": regions,
            "ignore_label": ignore_label,
            "batch_dice": batch_dice,
        }
        self.term = of_terms(term, class_weights=class_weights, **settings)
        # Makes components where cells are wanted: the engine's cells know no spacing.
        components = [(w, _of_components(t)) for w, t in with_weights(listed(term))]
        self.maker = of_terms(components, **settings)
        maps = self.term.plan.maps
        if not maps:
            raise ValueError("term: found one with 0 maps, wanted one with a map")
        self.names = [map.name for map in maps]
        self.in_cells = [map.name for map in maps if map.recipe == "cells"]

    def forward(
        self, net_output: Tensor, target: Tensor, maps: Tensor, class_valid: Tensor | None = None
    ) -> Tensor:
        """The loss; see `LossWithMap`."""
        of_term, mask = split(target, self.ignores_region)
        channels = self.channels_of(net_output.shape[1])
        named = dict(zip(self.names, maps.split(channels, 1), strict=True))
        term: Tensor = self.share * self.term(
            net_output, of_term, mask=mask, class_valid=class_valid, maps=named
        )
        if not self.whole:
            return term
        beside = () if class_valid is None else (class_valid,)
        loss: Tensor = self.loss(net_output, target, *beside)
        return self.whole * loss + term

    def channels_of(self, classes: int) -> list[int]:
        """How many channels each map has: 1 if it is the same for all classes."""
        spec = self.term.plan.spec
        return [made_channels(spec, name, classes) for name in self.names]

    def maps_of(self, target: Tensor, channels: int) -> Tensor:
        """The maps of a target (N, 1 or more, spatial…), for so many channels of the output."""
        of_term, mask = split(target, self.ignores_region)
        # Of the logits nothing is read but the shape.
        logits = torch.zeros(1).expand(target.shape[0], channels, *target.shape[2:])
        made = self.maker.maps(logits, of_term, mask=mask)
        for name in self.in_cells:
            made[name] = _cells(made[name], self.spacing)
        return torch.cat([made[name] for name in self.names], 1)


def _of_components(term: Any) -> Any:
    """The same term, but of blobs where it is of cells."""
    return replace(term, pool="blob") if getattr(term, "pool", None) == "cell" else term


def _cells(components: Tensor, spacing: Spacing) -> Tensor:
    """Whose cell each voxel is in, (N, C, spatial…) as the numbers of components are."""
    numbers = components.to(torch.int32)
    cells = [
        nearest_component(of_class, spacing=spacing) if of_class.max() > 1 else of_class
        for of_class in numbers.flatten(0, 1)
    ]
    return torch.stack(cells).view_as(numbers).to(components.dtype)


def without_maps(target: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Targets and the maps of each, of what `MapTransform` made."""
    outputs = len(target) // 2
    return list(target[:outputs]), list(target[outputs:])
