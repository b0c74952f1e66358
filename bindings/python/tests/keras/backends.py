"""Values and gradients on whatever backend Keras has, plainly and compiled."""

from __future__ import annotations

import contextlib

import keras
import numpy as np

BACKEND = keras.backend.backend()
#: By the engine, and by `keras.ops`.
NATIVE = (True, False)


@contextlib.contextmanager
def precision(dtype):
    """JAX has float64 only where it is asked for."""
    if BACKEND == "jax" and dtype == "float64":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield


def value_and_gradient(function, x, compiled=False):
    """A number and its derivatives by x, as NumPy arrays."""
    if BACKEND == "tensorflow":
        value, gradient = _tensorflow(function, x, compiled)
    elif BACKEND == "jax":
        value, gradient = _jax(function, x, compiled)
    else:
        value, gradient = _torch(function, x, compiled)
    return keras.ops.convert_to_numpy(value), keras.ops.convert_to_numpy(gradient)


def _tensorflow(function, x, compiled):
    import tensorflow as tf

    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return value, tape.gradient(value, x)

    return (tf.function(both, jit_compile=True) if compiled else both)(tf.constant(x))


def _jax(function, x, compiled):
    import jax

    both = jax.value_and_grad(function)
    return (jax.jit(both) if compiled else both)(jax.numpy.asarray(x))


def _torch(function, x, compiled):
    import torch

    if compiled:
        torch.compiler.reset()
        function = torch.compile(function, backend="aot_eager", fullgraph=True)
    x = torch.tensor(x, requires_grad=True)
    value = function(x)
    value.backward()
    return value.detach(), x.grad


def numpy(tensor):
    """A tensor of the backend as an array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def channels_last(array):
    """(N, C, spatial…) as (N, spatial…, C)."""
    return np.moveaxis(np.asarray(array), 1, -1)
