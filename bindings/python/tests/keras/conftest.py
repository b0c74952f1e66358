"""Chooses the backend before anything imports Keras; two threads, whatever the machine has."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras_backend

LACKING = keras_backend.lacking()


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
