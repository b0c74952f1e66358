"""Segmentation losses for JAX.

Every loss is a pure function, see `dice_loss.jax.losses`; any weighted sum of them costs the same,
see `segmentation_loss`. `measure` gives the sums that losses are made of, for formulas of your own.
Losses that sort the voxels by their errors are in `dice_loss.jax.ranked`, that of centrelines in
`dice_loss.jax.centerline`.
They work under `jit`, `grad`, `value_and_grad`, `vmap` and `shard_map`.

::

    import jax
    from dice_loss.jax import dice_cross_entropy

    loss, gradient = jax.value_and_grad(dice_cross_entropy)(logits, labels, background=False)

On the CPU they run in the native engine, elsewhere in plain `jax.numpy`, which `reference=True`
asks for where forward-mode differentiation or a higher derivative is wanted.
"""

from .._hints import explain as _explain
from ._measure import measure
from .centerline import *  # noqa: F403
from .centerline import __all__ as _centerline
from .losses import *  # noqa: F403
from .losses import __all__ as _losses
from .ranked import *  # noqa: F403
from .ranked import __all__ as _ranked
from .segmentation_loss import segmentation_loss

__all__ = [
    "measure",
    "segmentation_loss",
    *_centerline,
    *_losses,
    *_ranked,
]

_explain(__name__)
