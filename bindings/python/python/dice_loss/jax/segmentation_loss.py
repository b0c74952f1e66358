"""Any weighted sum of losses, as a function of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from jax import Array
from jax.typing import ArrayLike

from .. import _maps, _spec
from .._plain.objective import objective
from .._spec import Reduction, WeightedTerm
from .._terms import ClassWeights, Regions
from ..compounds import Compound
from ..terms import Absent, Activation, Pool, Term
from . import _plain, _sweeps
from ._batch import Counted, Reading, prepare
from ._devices import AxisName, of_all_devices
from ._native import loss_dtype, with_maps

__all__ = ["segmentation_loss"]


def segmentation_loss(
    terms: Term | Compound | Iterable[WeightedTerm],
    logits: ArrayLike,
    target: ArrayLike,
    *,
    activation: Activation | None = None,
    pool: Pool | None = None,
    absent: Absent | None = None,
    background: bool | None = None,
    class_weights: ClassWeights | None = None,
    reduction: Reduction = "mean",
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    voxel_weight: ArrayLike | None = None,
    class_valid: ArrayLike | None = None,
    regions: Regions | None = None,
    channel_axis: int = 1,
    maps: Mapping[str, ArrayLike] | None = None,
    axis_name: AxisName | None = None,
    reference: bool = False,
) -> Array:
    """A weighted sum of losses, all of them in one sweep over the voxels.

    ::

        terms = [(1.0, Dice(background=False, pool="batch")), (0.5, CrossEntropy())]
        loss, gradient = jax.value_and_grad(segmentation_loss, argnums=1)(
            terms, logits, labels, activation="softmax"
        )

    The terms are those of `dice_loss.terms` and `dice_loss.compounds`. Works under `jit`, `grad`,
    `vmap` and `shard_map`. Everything but the arrays is static: bind it by `functools.partial`, or
    close over it.

    Args:
        terms: a term, or a sequence of terms, each alone or as `(weight, term)`.
        logits: (N, C, spatial…), any number of spatial axes, or channels last, see
            `channel_axis`: float32, float64, float16 or bfloat16. Not copied, not widened.
        target: labels (N, spatial…), with or without an axis of 1 channel, of any type as long as
            they are integers; or dense, in the shape of the logits: one-hot, multilabel or soft,
            in [0, 1]. With one channel, floating point and bool are dense, integers labels 0 and 1.
        activation: softmax, sigmoid or probabilities (the input as it is), of the terms that do
            not say.
        pool: what the overlap terms are computed over: `"sample"` (the default, each class of
            each sample), `"batch"` (each class), `"all"` (everything), or, so that small
            instances count as much as large ones, `"cell"` or `"blob"` (each instance of each class
            of each sample, with the voxels nearest to it or with the background).
        absent: what a class counts that the reference lacks: `"skip"` (the default: nothing),
            `"formula"` or `"zero"`.
        background: whether class 0 takes part in overlap terms.
        class_weights: one for each class, at least 0; they normalise the mean over classes. A
            sequence, or a mapping by class, which without `background` may leave out class 0.
        reduction: `"mean"`, `"sum"` or `"none"`.
        ignore_index: voxels of this label do not count, whatever the logits hold there. An
            integer, which 255.0 is too.
        mask: (N, spatial…); voxels where it is False or 0 do not count.
        voxel_weight: (N, spatial…), at least 0: how much each voxel counts.
        class_valid: (N, C) or (C,); which classes were annotated.
        regions: for labels 0, 1, …, the channels that each belongs to, or a mapping by label,
            `{1: [0], 4: [0, 1]}`, where labels between that are not named belong to none; use
            sigmoid.
        channel_axis: 1, or -1 for channels last. Neither is transposed.
        maps: for each name that a term has as its `map`, an array in the layout of the logits with
            1 channel or C, or without that axis, finite where the voxel counts: what each voxel
            weighs in that term, in all classes alike or in each. What a loss can make of the target
            may be left out on the CPU; elsewhere it is to be made ahead.
        axis_name: axes of `shard_map` (or `pmap`) over which the batch is spread: the loss is then
            that of the whole batch, the same on every device. Unreduced values of samples and
            voxels stay where they are.
        reference: compute in plain `jax.numpy`, which takes forward-mode differentiation and
            derivatives of any order. The values of target and weights are not checked then, and
            without `jax_enable_x64` sums beyond 1e18 give NaN.

    Returns:
        The loss: float32, or float64 of float64 logits. For `reduction="none"` it is (N, C), (C),
        (N) or a number, by pool and kind of the loss, and of voxel losses a map in the layout of
        the logits, with 1 or C channels. The gradient has the type of the logits.

    Raises:
        TypeError, ValueError: options, types and shapes that do not fit, when the function is
            traced.
        jax.errors.JaxRuntimeError: a label that names no class, a dense target or weight out of
            range, when it runs.
    """
    spec = _spec.spec(
        terms,
        activation=activation,
        pool=pool,
        absent=absent,
        background=background,
        class_weights=class_weights,
        reduction=reduction,
    )
    reading, logits, counted = prepare(
        logits,
        target,
        ignore_index=ignore_index,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        regions=regions,
        channel_axis=channel_axis,
        maps=maps,
        wanted=_maps.wanted(spec),
    )
    return loss_of(spec, reading, logits, counted, axis_name=axis_name, reference=reference)


def named_loss(
    loss: Term | Compound,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    reduction: Reduction,
    axis_name: AxisName | None,
    reference: bool,
    **counted: Any,
) -> Array:
    """The loss of one term or compound that says everything itself."""
    spec = _cached_spec(loss, reduction)
    reading, logits, voxels = prepare(logits, target, **counted, wanted=_maps.wanted(spec))
    return loss_of(spec, reading, logits, voxels, axis_name=axis_name, reference=reference)


@lru_cache(maxsize=256)
def _cached_spec(loss: Term | Compound, reduction: Reduction) -> str:
    return _spec.spec(loss, reduction=reduction)


def loss_of(
    spec: str,
    reading: Reading,
    logits: Array,
    counted: Counted,
    *,
    axis_name: AxisName | None = None,
    reference: bool = False,
) -> Array:
    """The loss of a spec."""
    whole = objective(spec)
    reading, counted = with_maps(spec, _maps.wanted(spec), reading, logits, counted)
    if whole.has_map:
        sweep = _plain.voxel_losses if reference else _sweeps.voxel_losses
        return sweep(spec, reading, logits, counted)
    # What belongs to a sample stays with its device.
    if axis_name is None or (whole.reduction == "none" and whole.needs_samples):
        if reference:
            _plain.expect_held(counted.voxel_weight)
            return _plain.loss(spec, reading, logits, counted)
        return _sweeps.loss(spec, reading, logits, counted)
    sweep = _plain.moments if reference else _sweeps.moments
    sums = sweep(spec, reading, logits, counted)
    sums, valid = of_all_devices(sums, counted.class_valid, axis_name, whole.needs_samples)
    return _plain.of_moments(spec, sums, valid).astype(loss_dtype(logits))
