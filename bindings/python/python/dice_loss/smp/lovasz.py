"""The Lovász loss."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from .. import _direct
from .._choices import Pool
from ..torch import _direct as functions
from ..torch._native import settings_of
from ..torch._peers import differs, is_plain, said
from ..torch._target import check_logits, prepare
from .constants import BINARY_MODE, MULTICLASS_MODE, MULTILABEL_MODE

__all__ = ["LovaszLoss"]

MODES = (BINARY_MODE, MULTICLASS_MODE, MULTILABEL_MODE)


class LovaszLoss(_Loss):
    """The Lovász hinge in modes "binary" and "multilabel", Lovász-softmax in mode "multiclass".

    Σ_i e_i (J_i − J_{i−1}) over the errors in descending order, with J_i the Jaccard loss of a
    prediction that is wrong in the first i voxels alone. Quirks kept: in mode "multilabel" the
    voxels of all classes are ranked together, as if they were one mask; `from_logits` has no
    effect.

    Args:
        mode: "binary", "multiclass" or "multilabel".
        per_image: the mean of the losses of the images, each over the classes that it has;
            otherwise the voxels of the batch are ranked together.
        ignore_index: elements of the target that hold it are not ranked.
        from_logits: no effect; `y_pred` holds logits.

    Shapes:
        `y_pred`: logits (N, C, spatial…); with one spatial axis too, which in mode "multiclass" SMP
        takes for binary masks. `y_true`: labels (N, spatial…) or (N, 1, spatial…) in mode
        "multiclass"; otherwise 0 and 1, of the shape of `y_pred` or as many elements of each image,
        of any type.

    Returns:
        A number, float32, or float64 of float64, which SMP refuses. 0 where nothing is ranked; SMP
        gives an empty tensor there in mode "multiclass".

    Raises:
        AssertionError: an unknown mode.
        ValueError: one channel in mode "multiclass".
        RuntimeError: shapes that do not fit; a target that is neither a class nor ignored, in modes
            "binary" and "multilabel" neither 0 nor 1. SMP computes something of these.

    Paper: Berman, Rannen Triki and Blaschko 2018, https://arxiv.org/abs/1705.08790.
    """

    def __init__(
        self,
        mode: str,
        per_image: bool = False,
        ignore_index: int | None = None,
        from_logits: bool = True,
    ) -> None:
        if mode not in MODES:
            raise AssertionError(f"mode: found {mode!r}, wanted one of {MODES}")
        super().__init__()
        self.mode = mode
        self.ignore_index = ignore_index
        self.per_image = per_image

    def forward(self, y_pred: Tensor, y_true: Tensor) -> Tensor:
        """The loss, a number."""
        if self.mode == MULTICLASS_MODE:
            if y_pred.shape[1] == 1:
                raise ValueError("y_pred: found 1 channel, wanted 2 or more for mode 'multiclass'")
            pairs = [(y_pred, y_true)]
            if self.per_image:
                # Of each image the mean is over its own classes.
                pairs = [*zip(y_pred.split(1), y_true.split(1), strict=True)]
            return torch.stack(
                [self._loss("lovasz_softmax", "batch", *pair) for pair in pairs]
            ).mean()
        samples = y_pred.shape[0] if self.per_image else 1
        pair = (each.reshape(samples, 1, -1) for each in (y_pred, y_true))
        return self._loss("lovasz_hinge", "sample", *pair)

    def _loss(self, loss: str, pool: Pool, y_pred: Tensor, y_true: Tensor) -> Tensor:
        number = self.ignore_index
        ignored = number if is_plain(number) else None
        mask = None if number is None or number is ignored else differs(y_true, number)
        try:
            voxels = prepare(
                check_logits(y_pred),
                y_true,
                target_kind="labels",
                ignore_index=ignored,
                mask=mask,
            )
            settings = settings_of(ignored, None, ())
            return functions.loss(y_pred, voxels, _spec(loss, pool), settings)
        except ValueError as error:
            raise RuntimeError(said(error, "ignore_index")) from None


@lru_cache(maxsize=8)
def _spec(loss: str, pool: Pool) -> str:
    return _direct.spec(loss, pool=pool)
