"""Losses that count lesions: every instance of a class the same, be it large or small.

They are sums of terms as any other (`Dice(pool="cell")`, `Dice(pool="blob")`,
`InstanceCrossEntropy`), under the names that papers gave them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, TypedDict, Unpack

from torch import Tensor

from .._options import number
from .._spec import Reduction
from .._terms import ClassWeights, Regions, Smoothing
from ..terms import (
    Absent,
    Activation,
    BinaryCrossEntropy,
    CrossEntropy,
    Dice,
    InstanceCrossEntropy,
)
from ._ranks import ProcessGroup
from .segmentation_loss import SegmentationLoss, Weighted

__all__ = ["BlobLoss", "CCDiceCELoss", "CCDiceLoss", "Options"]


class Options(TypedDict, total=False):
    """What these losses are told beside their formula; see `SegmentationLoss`."""

    #: Softmax by default.
    activation: Activation
    absent: Absent | None
    #: False by default.
    background: bool | None
    class_weights: ClassWeights | Tensor | None
    reduction: Reduction
    ignore_index: int | None
    regions: Regions | None
    target_kind: str | None
    process_group: ProcessGroup | None


def _dice_and_cross_entropy(
    pool: Literal["cell", "blob"],
    dice: Dice,
    options: Options,
    instance_weight: float,
    cross_entropy_weight: float,
    whole_weight: float,
) -> list[Weighted]:
    """Of each instance, and of the whole if that has a weight."""
    of_instances = InstanceCrossEntropy(division="cells" if pool == "cell" else "blobs")
    terms: list[Weighted] = [
        (instance_weight, replace(dice, pool=pool)),
        (instance_weight * cross_entropy_weight, of_instances),
    ]
    if whole_weight:
        exclusive = options.get("activation", "softmax") != "sigmoid"
        cross_entropy = CrossEntropy() if exclusive else BinaryCrossEntropy()
        terms += [
            (whole_weight, replace(dice, pool="sample")),
            (whole_weight * cross_entropy_weight, cross_entropy),
        ]
    return terms


class _OfInstances(SegmentationLoss):
    """What the losses here have in common: the options of their formula stay as they are."""

    _OWN = (
        "activation",
        "squared",
        "smoothing",
        "cross_entropy_weight",
        "whole_weight",
        "blob_weight",
        "pool",
    )

    def __init__(self, terms: list[Weighted], own: dict[str, Any], options: Options) -> None:
        if "pool" in options:
            raise TypeError(f"{type(self).__name__}: pool: found one, wanted none: it is its name")
        usual: Options = {"activation": "softmax", "background": False}
        given: Options = {**usual, **options}
        super().__init__(terms, **given)
        vars(self).update(own)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._OWN and "plan" in self.__dict__:
            made = f"{type(self).__name__}({name}=…)" if name != "pool" else "another loss"
            raise AttributeError(f"{name}: found a change to {value!r}, wanted {made}, made anew")
        super().__setattr__(name, value)


class CCDiceLoss(_OfInstances):
    """CC-Dice loss: the mean of the Dice losses of all instances, each in its Voronoi cell.

    L = 1/K Σ_k Dice(cell k), for each class of each sample, and of those the mean. A voxel belongs
    to the cell of the nearest instance of the class, so what is predicted far from any costs in one
    cell alone. A class without instances in a sample is one cell, the whole of it, which `absent`
    decides on: `"skip"` by default; the paper takes it as it is, `"formula"`.

    Range [0, 1]; a perfect match costs 0. Papers: Bouteille et al. 2025,
    https://arxiv.org/abs/2511.17146; of several classes, one against the rest, Kundu et al. 2026,
    https://arxiv.org/abs/2604.24276.

    ::

        CCDiceLoss()(logits, target).backward()

    Instances are connected components of the target that share as much as a corner, in voxels.
    Where the spacing of voxels is not the same along all axes, or instances touch, hand them in:
    `maps={"instances": numbers}`, (N, C, spatial…), for each class 0 or the number of the cell.

    Args:
        squared: sizes as sums of squares, as in V-Net.
        smoothing: s and s′, added to numerator and denominator: one number for both, or a pair.
        whole_weight: λ, the weight of the Dice loss of the whole class beside.
        activation, absent, background, class_weights, reduction, ignore_index, regions,
            target_kind, process_group: see `SegmentationLoss`.
    """

    def __init__(
        self,
        *,
        squared: bool = False,
        smoothing: Smoothing = 1e-5,
        whole_weight: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        dice = Dice(squared=squared, smoothing=smoothing)
        whole_weight = number("whole_weight", whole_weight)
        terms: list[Weighted] = [(1.0, replace(dice, pool="cell"))]
        if whole_weight:
            terms.append((whole_weight, replace(dice, pool="sample")))
        own = {"squared": squared, "smoothing": smoothing, "whole_weight": whole_weight}
        super().__init__(terms, own, options)


class CCDiceCELoss(_OfInstances):
    """CC-DiceCE: the mean over all instances of Dice plus cross-entropy, each in its Voronoi cell.

    L = Dice of cells (see `CCDiceLoss`) + λ cross-entropy of cells, in which every cell counts the
    same (`InstanceCrossEntropy`).

    Range [0, ∞); a perfect match costs 0. Papers: those of `CCDiceLoss`.

    ::

        CCDiceCELoss()(logits, target).backward()

    Args:
        squared, smoothing: of Dice, as in `CCDiceLoss`.
        cross_entropy_weight: λ.
        whole_weight: the weight of Dice plus λ cross-entropy of the whole image beside.
        activation, absent, background, class_weights, reduction, ignore_index, regions,
            target_kind, process_group: see `SegmentationLoss`. Cross-entropy keeps the background.
    """

    def __init__(
        self,
        *,
        squared: bool = False,
        smoothing: Smoothing = 1e-5,
        cross_entropy_weight: float = 1.0,
        whole_weight: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        dice = Dice(squared=squared, smoothing=smoothing)
        weights = {"cross_entropy_weight": cross_entropy_weight, "whole_weight": whole_weight}
        weights = {name: number(name, weight) for name, weight in weights.items()}
        terms = _dice_and_cross_entropy("cell", dice, options, instance_weight=1.0, **weights)
        super().__init__(terms, {"squared": squared, "smoothing": smoothing, **weights}, options)


class BlobLoss(_OfInstances):
    """Blob loss: Dice plus cross-entropy of the whole image, and the mean of those of instances.

    L = α (Dice + λ CE) + β 1/K Σ_k (Dice + λ CE)(instance k and the background), all other
    instances left out.

    Range [0, ∞); a perfect match costs 0. Paper: Kofler et al. 2022,
    https://arxiv.org/abs/2205.08209. The authors' code multiplies the network's output by a mask,
    so that other instances are no longer left out but count as p = ½ under sigmoid; here they count
    nothing, as the paper has it.

    ::

        BlobLoss()(logits, target).backward()

    Args:
        squared, smoothing: of Dice, as in `CCDiceLoss`.
        cross_entropy_weight: λ.
        whole_weight: α; 2 as in the paper.
        blob_weight: β; 1 as in the paper.
        activation, absent, background, class_weights, reduction, ignore_index, regions,
            target_kind, process_group: see `SegmentationLoss`. Cross-entropy keeps the background.
    """

    def __init__(
        self,
        *,
        squared: bool = False,
        smoothing: Smoothing = 1e-5,
        cross_entropy_weight: float = 1.0,
        whole_weight: float = 2.0,
        blob_weight: float = 1.0,
        **options: Unpack[Options],
    ) -> None:
        dice = Dice(squared=squared, smoothing=smoothing)
        weights = {"cross_entropy_weight": cross_entropy_weight, "whole_weight": whole_weight}
        weights = {name: number(name, weight) for name, weight in weights.items()}
        blob_weight = number("blob_weight", blob_weight)
        terms = _dice_and_cross_entropy("blob", dice, options, blob_weight, **weights)
        own = {"squared": squared, "smoothing": smoothing, "blob_weight": blob_weight, **weights}
        super().__init__(terms, own, options)
