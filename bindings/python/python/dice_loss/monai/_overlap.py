"""What the losses of sums have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn.modules.loss import _Loss

from ..terms import Activation
from ..torch._target import plain
from . import _voxels
from ._voxels import Voxels


class Overlap(NamedTuple):
    """Sums of every cell, without the channels that take no part."""

    #: The intersection, or what stands for it.
    both: Tensor
    #: The size of the prediction.
    prediction: Tensor
    #: The size of the reference.
    reference: Tensor


PRODUCT = ("intersection", "prediction", "reference")
SQUARED = ("intersection", "prediction_squared", "reference_squared")
L1 = ("difference", "magnitude", "reference")


class OverlapLoss(_Loss):
    """Activation, target, background, pooling and reduction of the losses of sums."""

    def __init__(
        self,
        include_background: bool,
        to_onehot_y: bool,
        sigmoid: bool,
        softmax: bool,
        other_act: Callable[..., Any] | None,
        reduction: str,
        smooth_nr: float,
        smooth_dr: float,
        batch: bool,
    ) -> None:
        super().__init__(reduction=_voxels.check_reduction(reduction))
        check_activation(sigmoid, softmax, other_act)
        self.include_background = include_background
        self.to_onehot_y = to_onehot_y
        self.sigmoid = sigmoid
        self.softmax = softmax
        self.other_act = other_act
        self.smooth_nr = float(smooth_nr)
        self.smooth_dr = float(smooth_dr)
        self.batch = batch

    def voxels(self, input: Tensor, target: Tensor, to_onehot_y: bool) -> Voxels:
        """Input and target, checked."""
        input, target = _voxels.floating(input), plain("target", target)
        channels = input.shape[1]
        activation: Activation = "probabilities"
        if self.sigmoid:
            activation = "sigmoid"
        if self.softmax and channels == 1:
            _voxels.warn("softmax=True has no effect on a prediction of one channel")
        elif self.softmax:
            activation = "softmax"
        if self.other_act is not None:
            input = plain("other_act", self.other_act(input))
        is_labels = _voxels.of_labels(input, target, to_onehot_y)
        first = _voxels.first_channel(input, self.include_background)
        _voxels.check_shape(input, target, is_labels)
        return Voxels(input, target, activation, "labels" if is_labels else "dense", first)

    def overlap(self, sums: dict[str, Tensor], names: tuple[str, ...], voxels: Voxels) -> Overlap:
        """Intersection and sizes of every cell, by any of the three ways to measure them."""
        both, prediction, reference = (
            self.pooled(sums[name][:, voxels.first :], voxels) for name in names
        )
        if names == L1:
            both = (prediction + reference - both) / 2
        return Overlap(both, prediction, reference)

    def pooled(self, sums: Tensor, voxels: Voxels) -> Tensor:
        """Of each sample, or of the batch.

        Quirk: without spatial axes and `batch`, over samples and channels too.
        """
        if self.batch:
            return sums.sum(0)
        return sums if voxels.spatial else sums.sum()


def check_activation(sigmoid: bool, softmax: bool, other_act: Callable[..., Any] | None) -> None:
    """Whether there is at most one, and that one can be called."""
    if other_act is not None and not callable(other_act):
        raise TypeError(f"other_act: found {type(other_act).__name__}, wanted a callable or None")
    chosen = [bool(sigmoid), bool(softmax), other_act is not None]
    if sum(chosen) > 1:
        raise ValueError(
            f"activation: found sigmoid={sigmoid}, softmax={softmax} and other_act={other_act}, "
            "wanted one of them at most"
        )
