"""Chooses the backend before anything imports Keras; two threads, whatever the machine has."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest


def load(name):
    """A module of the folder above, which had better not be on the path: its folders are named
    after libraries, and TensorFlow looks whether there is one called jax."""
    if name not in sys.modules:
        path = Path(__file__).resolve().parents[1] / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

LACKING = load("keras_backend").lacking()
load("naive")
load("cases")


def pytest_ignore_collect(collection_path):
    """The files import Keras; without it, `test_keras_is_there.py` says why none of them runs."""
    return True if LACKING and collection_path.name != "test_keras_is_there.py" else None


def pytest_collection_modifyitems(items):
    """What Keras itself is warned of is not tested here."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation"))


if LACKING is None:
    import dice_loss
    import keras

    dice_loss.set_num_threads(2)
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(2)

    @pytest.fixture(autouse=True)
    def seed():
        keras.utils.set_random_seed(0)
