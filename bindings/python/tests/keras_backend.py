"""Which backend Keras takes in a test run: `$KERAS_BACKEND`, or the first that is installed."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

BACKENDS = ("torch", "tensorflow", "jax")


def is_installed(module):
    """A folder of tests with a library's name is a package too, but without an origin."""
    spec = find_spec(module)
    return spec is not None and spec.origin is not None


# Keras and TensorFlow look whether there are others beside them, and a folder of tests is none.
for _name in BACKENDS:
    if not is_installed(_name):
        sys.modules.setdefault(_name, None)


def lacking():
    """What Keras needs and does not find, in words; None if it can run."""
    if not is_installed("keras"):
        return "keras is not installed"
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen is None:
        chosen = next((name for name in BACKENDS if is_installed(name)), None)
        if chosen is None:
            return f"none of {', '.join(BACKENDS)} is installed"
        os.environ["KERAS_BACKEND"] = chosen
    return None if is_installed(chosen) else f"{chosen}, the backend, is not installed"
