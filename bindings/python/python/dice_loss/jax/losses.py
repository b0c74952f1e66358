"""Every loss as a function of logits and target, under its name in the catalogue.

The functions take the options of those in `dice_loss.losses`, and return the loss alone: the
gradient is `jax.grad`'s to take. Beside them, all take `channel_axis`, `axis_name` and `reference`;
see `segmentation_loss` for these, for shapes, types and errors.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jax import Array
from jax.typing import ArrayLike

from .. import _spec, compounds, losses, terms
from .._settings import COUNTED
from ..compounds import Compound
from ..terms import Term
from ._batch import prepare
from ._devices import AxisName
from .segmentation_loss import loss_of, segmentation_loss

__all__ = [
    "binary_cross_entropy",
    "combo",
    "cross_entropy",
    "dice",
    "dice_binary_cross_entropy",
    "dice_cross_entropy",
    "dice_focal",
    "focal",
    "focal_tversky",
    "generalized_dice",
    "generalized_dice_focal",
    "generalized_wasserstein_dice",
    "iou",
    "log_cosh_dice",
    "log_dice",
    "matthews_correlation",
    "tversky",
    "unified_focal",
]

_Loss = Callable[..., Array]
_OWN = ("channel_axis", "axis_name", "reference")


def _function(of_numpy: Callable[..., Any], loss: type[Term] | type[Compound]) -> _Loss:
    """A loss with the options of the NumPy function of the same name."""
    name, defaults = loss.loss, _defaults(of_numpy)

    def function(
        logits: ArrayLike,
        target: ArrayLike,
        *,
        channel_axis: int = 1,
        axis_name: AxisName | None = None,
        reference: bool = False,
        **options: Any,
    ) -> Array:
        for option in options:
            if option not in defaults:
                wanted = ", ".join([*defaults, *_OWN])
                raise TypeError(f"{name}: found option {option!r}, wanted one of {wanted}")
        counted = {option: options.pop(option) for option in COUNTED if option in options}
        reading, logits, voxels = prepare(logits, target, channel_axis=channel_axis, **counted)
        spec = _written(loss, defaults, options)
        return loss_of(spec, reading, logits, voxels, axis_name=axis_name, reference=reference)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _documentation(of_numpy)
    function.__signature__ = _signature(of_numpy)  # type: ignore[attr-defined]
    return function


def _defaults(of_numpy: Callable[..., Any]) -> dict[str, Any]:
    """The options by keyword."""
    parameters = inspect.signature(of_numpy).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def _written(
    loss: type[Term] | type[Compound], defaults: dict[str, Any], options: dict[str, Any]
) -> str:
    """The spec of a loss; what is not given is as for NumPy."""
    filled = {k: v for k, v in defaults.items() if k not in COUNTED} | options
    reduction = filled.pop("reduction")
    return _cached_spec(loss(**filled), reduction)


@lru_cache(maxsize=256)
def _cached_spec(term: Term | Compound, reduction: _spec.Reduction) -> str:
    return _spec.spec(term, reduction=reduction)


def _signature(of_numpy: Callable[..., Any]) -> inspect.Signature:
    own = inspect.signature(segmentation_loss).parameters
    signature = inspect.signature(of_numpy)
    parameters = [*signature.parameters.values(), *(own[name] for name in _OWN)]
    return signature.replace(parameters=parameters, return_annotation=Array)


def _documentation(of_numpy: Callable[..., Any]) -> str:
    about, _, _ = inspect.cleandoc(of_numpy.__doc__ or "").partition("\n\nReturns:\n")
    about = about.replace(
        "float32, float64, float16, or bfloat16 of `ml_dtypes`.",
        "float32, float64, float16 or\n        bfloat16.",
    )
    return f"""{about}
    channel_axis: 1, or -1 for channels last.
    axis_name: axes of `shard_map` over which the batch is spread.
    reference: compute in plain `jax.numpy`, for forward mode and higher derivatives.

Returns:
    The loss. See `dice_loss.jax.segmentation_loss` for its shape and type, and for errors.
"""


dice: _Loss = _function(losses.dice, terms.Dice)
iou: _Loss = _function(losses.iou, terms.IoU)
tversky: _Loss = _function(losses.tversky, terms.Tversky)
focal_tversky: _Loss = _function(losses.focal_tversky, terms.FocalTversky)
log_dice: _Loss = _function(losses.log_dice, terms.LogDice)
log_cosh_dice: _Loss = _function(losses.log_cosh_dice, terms.LogCoshDice)
generalized_dice: _Loss = _function(losses.generalized_dice, terms.GeneralizedDice)
generalized_wasserstein_dice: _Loss = _function(
    losses.generalized_wasserstein_dice, terms.GeneralizedWassersteinDice
)
matthews_correlation: _Loss = _function(losses.matthews_correlation, terms.MatthewsCorrelation)
cross_entropy: _Loss = _function(losses.cross_entropy, terms.CrossEntropy)
binary_cross_entropy: _Loss = _function(losses.binary_cross_entropy, terms.BinaryCrossEntropy)
focal: _Loss = _function(losses.focal, terms.Focal)
dice_cross_entropy: _Loss = _function(losses.dice_cross_entropy, compounds.DiceCrossEntropy)
dice_binary_cross_entropy: _Loss = _function(
    losses.dice_binary_cross_entropy, compounds.DiceBinaryCrossEntropy
)
dice_focal: _Loss = _function(losses.dice_focal, compounds.DiceFocal)
generalized_dice_focal: _Loss = _function(
    losses.generalized_dice_focal, compounds.GeneralizedDiceFocal
)
combo: _Loss = _function(losses.combo, compounds.Combo)
unified_focal: _Loss = _function(losses.unified_focal, compounds.UnifiedFocal)
