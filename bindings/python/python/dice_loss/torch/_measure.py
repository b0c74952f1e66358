"""The moments as a differentiable function of the logits, for formulas of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

from .. import _options, _sums
from .._terms import ClassValues
from .._terms import Regions as RegionsGiven
from ..terms import Activation
from . import _plain, _route
from ._native import settings_of
from ._target import Regions, check_logits, check_values, prepare
from ._tracing import classes_of, constant_in_graphs


def measure(
    logits: Tensor,
    target: Tensor,
    sums: Sequence[str] = ("intersection", "prediction", "reference"),
    *,
    activation: Activation = "softmax",
    gamma: ClassValues = 2.0,
    distances: Sequence[Sequence[float]] | None = None,
    target_kind: str | None = None,
    regions: RegionsGiven | None = None,
    ignore_index: int | None = None,
    mask: Tensor | None = None,
    voxel_weight: Tensor | None = None,
    class_valid: Tensor | None = None,
) -> Tensor:
    """Sums over the voxels of each sample and class: what a loss of your own is made of.

    Differentiable by the logits, once and more often; one sweep over the voxels forwards and one
    backwards, however many sums. A Dice loss in two lines::

        i, p, g = measure(logits, target, activation="softmax").unbind(-1)
        loss = (1 - (2 * i + 1e-5) / (p + g + 1e-5)).mean()

    Args:
        logits: (N, C, spatial…), float32, float64, float16 or bfloat16.
        target: labels (N, spatial…) or (N, 1, spatial…), or dense (N, C, spatial…) in [0, 1]; see
            `SegmentationLoss` for the rule.
        sums: names, in the order wanted. With w the voxel's weight, p the probability and g the
            reference: `reference` Σwg, `reference_squared` Σwg², `voxels` Σw,
            `intersection` Σwpg, `prediction` Σwp, `prediction_squared` Σwp²,
            `difference` Σw|p − g|, `magnitude` Σw|p|, `transport` Σwg_k Σ_l M_kl p_l,
            `sensitivity_error` Σwg(p − g)², `specificity_error` Σw(1 − g)(p − g)²,
            `squared_error` Σw(p − g)²,
            `log_loss` −Σwg ln p, `log_loss_of_all` −Σw ln p / C, `merged` (Σwg as the log
            losses see partial labels), `positive` −Σwg ln p and `negative`
            −Σw(1 − g) ln(1 − p) of each class by itself, `focal` −Σwg(1 − p)^γ ln p and
            `focal_negative` −Σw(1 − g)p^γ ln(1 − p).
        activation: `"softmax"`, `"sigmoid"`, or `"probabilities"` for an input that holds
            them already.
        gamma: γ of the focal sums, one number, one for each class, or `BackgroundForeground`.
        distances: M of `transport`, C × C with a diagonal of 0; divided by the largest. All
            classes are equally far apart by default.
        target_kind: `"labels"` or `"dense"`, where shape and dtype are not to decide.
        regions: for each label the channels that it belongs to: rows, or a mapping by label.
        ignore_index: voxels of this label do not count.
        mask: (N, spatial…) or (N, 1, spatial…), or what is broadcast to it: 1 along an axis,
            (spatial…), (N,). Voxels where it is 0 do not count.
        voxel_weight: of the same shape, 0 to 3.4e38; how much each voxel counts.
        class_valid: (N, C); which classes were annotated. The others have sums of 0.

    Returns:
        (N, C, k) in float64 (float32 on MPS, which has none), for k names. NaN in a voxel that
        does not count stays out of it.

    Raises:
        ValueError: an unknown name, shapes that do not fit, a label that names no class.
    """
    logits = check_logits(logits)
    read = _read(ignore_index, regions)
    voxels = prepare(
        logits,
        target,
        target_kind=target_kind,
        regions=read.regions,
        ignore_index=read.ignore_index,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
    )
    plan = _planned(sums, activation, classes_of(logits), gamma, distances)
    if plan.spec is None:
        check_values(logits, voxels)
        return _plain.moments(plan.integrands, logits, voxels).transpose(1, 2)
    route = _route.chosen(logits, voxels, plan.spec, read.settings)
    return route.moments(plan.columns).transpose(1, 2)


class _Read(NamedTuple):
    """What a target is told by, made plain."""

    ignore_index: int | None
    regions: Regions | None
    #: The text of both.
    settings: str


@constant_in_graphs
def _planned(
    sums: Sequence[str],
    activation: Activation,
    classes: int,
    gamma: ClassValues,
    distances: Sequence[Sequence[float]] | None,
) -> _sums.Plan:
    return _sums.plan(sums, activation, classes, gamma, distances)


@constant_in_graphs
def _read(ignore_index: int | None, regions: RegionsGiven | None) -> _Read:
    if ignore_index is not None and type(ignore_index) is not int:
        ignore_index = _options.integer("ignore_index", ignore_index)
    return _cached_read(ignore_index, _options.optional(_options.table, "regions", regions))


@lru_cache(maxsize=256)
def _cached_read(ignore_index: int | None, regions: Regions | None) -> _Read:
    ignore_index = _options.optional(_options.integer, "ignore_index", ignore_index)
    return _Read(ignore_index, regions, settings_of(ignore_index, regions, ()))
