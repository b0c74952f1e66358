"""Says why the tests of this folder do not run, where they do not."""

from importlib.util import find_spec

import pytest


def test_jax_is_installed():
    spec = find_spec("jax")
    if spec is None or spec.origin is None:
        pytest.skip("jax is not installed")
    import jax

    assert jax.device_count("cpu") == 2, "the tests of devices want two of them"
