"""The moments as a differentiable function of the logits, for formulas of one's own."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .. import _sums
from .._terms import ClassValues, Regions
from ..terms import Activation
from . import _plain, _sweeps
from ._batch import prepare
from ._native import classes_of


def measure(
    logits: ArrayLike,
    target: ArrayLike,
    sums: Sequence[str] = ("intersection", "prediction", "reference"),
    *,
    activation: Activation = "softmax",
    gamma: ClassValues = 2.0,
    distances: Sequence[Sequence[float]] | None = None,
    ignore_index: int | None = None,
    mask: ArrayLike | None = None,
    voxel_weight: ArrayLike | None = None,
    class_valid: ArrayLike | None = None,
    regions: Regions | None = None,
    channel_axis: int = 1,
    reference: bool = False,
) -> Array:
    """Sums over the voxels of each sample and class: what a loss of your own is made of.

    Differentiable by the logits; one sweep over the voxels forwards and one backwards, however many
    sums. A Dice loss in two lines::

        i, p, g = jnp.unstack(measure(logits, labels, activation="softmax"), axis=-1)
        loss = (1 - (2 * i + 1e-5) / (p + g + 1e-5)).mean()

    Sums add up: over samples by `.sum(0)`, over devices by `jax.lax.psum`.

    Args:
        logits, target: as for `segmentation_loss`.
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
        ignore_index, mask, voxel_weight, class_valid, regions, channel_axis, reference: as for
            `segmentation_loss`. Classes that were not annotated have sums of 0.

    Returns:
        (N, C, k) for k names: float64 where JAX has it (`jax_enable_x64`), else float32.

    Raises:
        ValueError: an unknown name, shapes that do not fit.
        jax.errors.JaxRuntimeError: a label that names no class, when it runs.
    """
    reading, logits, counted = prepare(
        logits,
        target,
        ignore_index=ignore_index,
        mask=mask,
        voxel_weight=voxel_weight,
        class_valid=class_valid,
        regions=regions,
        channel_axis=channel_axis,
    )
    plan = _sums.plan(sums, activation, classes_of(reading, logits), gamma, distances)
    if plan.spec is None or reference:
        measured = _plain.moments_of(plan.integrands, reading, logits, counted)
    else:
        measured = _sweeps.moments(plan.spec, reading, logits, counted)[
            :, jnp.array(plan.columns), :
        ]
    return measured.swapaxes(1, 2)
