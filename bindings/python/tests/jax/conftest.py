"""Two devices on the CPU, chosen before anything starts JAX; two threads on any machine."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# This folder is a package of that name too, but without an origin.
IS_THERE = (spec := find_spec("jax")) is not None and spec.origin is not None


def pytest_ignore_collect(collection_path):
    """The files import JAX; without it, `test_jax_is_there.py` says why none of them runs."""
    return True if not IS_THERE and collection_path.name != "test_jax_is_there.py" else None


if IS_THERE:
    import dice_loss
    import jax

    dice_loss.set_num_threads(2)

    @pytest.fixture
    def float64():
        """For one test: JAX has float64 only where it is asked for."""
        with jax.enable_x64(True):
            yield
