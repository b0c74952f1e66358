"""`keras.losses.Dice` and `keras.losses.Tversky`, number for number.

Change the import, and nothing else::

    from dice_loss.keras.builtin import Dice, Tversky

What Keras defines, and the losses of `dice_loss.keras` do otherwise:

- `axis` are the axes that are summed over. With None, the default, everything is one ratio: the
  whole batch, and all classes, so that large classes drown small ones. `axis=(1, 2)` of images
  gives a ratio for each image and class.
- Predictions are probabilities.
- The only smoothing is `keras.config.epsilon()` in the denominator: a class that is neither there
  nor predicted has a loss of 1.
- Up to 3.15.1, Tversky's `alpha` weighs false negatives and its `beta` false positives, against
  its own documentation and the paper; in July 2026 Keras mended that. Here it is as in the Keras
  that is installed, which is asked once. `dice_loss.keras.Tversky` always has them as in the paper.

The sums are those of `keras.ops`, as fast as Keras' own in every shape: three of them take less
time than a sweep of the engine, and a compiler adds them up while it computes the probabilities.
Sums in half precision do not overflow.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import ops

from .._tracing import constant_in_graphs
from . import _namespace as xp
from ._batch import refuse_masked
from ._plain import loss_dtype

__all__ = ["Dice", "Tversky", "dice", "tversky"]

Tensor = Any
Axis = int | tuple[int, ...] | None
_serializable = keras.saving.register_keras_serializable(package="dice_loss.builtin")


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Tensor:
    """`keras.losses.dice`: 1 − 2 Σpg / (Σg + Σp + ε), ε = `keras.config.epsilon()`.

    Args:
        y_true: in [0, 1], of the shape of `y_pred`.
        y_pred: probabilities.
        axis: the axes that are summed over; all by default.

    Returns:
        The loss, of the shape that is left.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    intersection, predicted, there = _sums(y_true, y_pred, axis)
    loss = 1.0 - 2.0 * intersection / (there + predicted + keras.config.epsilon())
    return ops.cast(loss, xp.dtype_of(y_pred))


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Tensor:
    """`keras.losses.tversky`: 1 − I / (I + a Σ(1 − p)g + b Σp(1 − g) + ε), I = Σpg.

    Σ(1 − p)g are the false negatives, Σp(1 − g) the false positives.

    Args:
        y_true: in [0, 1], of the shape of `y_pred`.
        y_pred: probabilities.
        alpha: the weight of false negatives, a, up to Keras 3.15.1; that of false positives, b,
            once Keras has mended it.
        beta: the other.
        axis: the axes that are summed over; all by default.

    Returns:
        The loss, of the shape that is left.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    intersection, predicted, there = _sums(y_true, y_pred, axis)
    missed, invented = there - intersection, predicted - intersection
    # An array of NumPy's multiplies no tensor.
    alpha, beta = (
        weight.item() if isinstance(weight, np.ndarray) else weight for weight in (alpha, beta)
    )
    of_missed, of_invented = (alpha, beta) if _alpha_weighs_misses() else (beta, alpha)
    counted = intersection + of_missed * missed + of_invented * invented + keras.config.epsilon()
    return ops.cast(1.0 - intersection / counted, xp.dtype_of(y_pred))


@_serializable
class Dice(keras.losses.Dice):  # type: ignore[misc]
    """`keras.losses.Dice(reduction, name, axis, dtype)`; see `dice`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fn = dice


@_serializable
class Tversky(keras.losses.Tversky):  # type: ignore[misc]
    """`keras.losses.Tversky(alpha, beta, reduction, name, axis, dtype)`; see `tversky`.

    Which of α and β weighs false negatives is as in the Keras that is installed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fn = tversky


def _sums(y_true: Any, y_pred: Tensor, axis: Axis) -> tuple[Tensor, Tensor, Tensor]:
    """Σpg, Σp and Σg over the axes."""
    refuse_masked({"y_true": y_true})
    wide = loss_dtype(y_pred)
    y_pred, y_true = ops.cast(y_pred, wide), ops.cast(y_true, wide)
    return (
        ops.sum(y_true * y_pred, axis=axis),
        ops.sum(y_pred, axis=axis),
        ops.sum(y_true, axis=axis),
    )


@constant_in_graphs
def _alpha_weighs_misses() -> bool:
    return _asked()


@lru_cache(maxsize=1)
def _asked() -> bool:
    """Whether the installed Keras has `alpha` for false negatives: of one voxel, half of it missed,
    the loss is ½ if it has and about 0 if not."""
    with _outside_graphs():
        loss = keras.losses.tversky([[1.0]], [[0.5]], alpha=1.0, beta=0.0)
        return float(ops.convert_to_numpy(loss)) > 0.25


def _outside_graphs() -> AbstractContextManager[Any]:
    """Where a value is a value, also while a graph is traced."""
    name = keras.backend.backend()
    outside: AbstractContextManager[Any]
    if name == "tensorflow":
        import tensorflow as tf

        outside = tf.init_scope()
    elif name == "jax":
        import jax

        outside = jax.ensure_compile_time_eval()
    else:
        outside = keras.device("cpu")
    return outside
