"""Says which backend the tests of this folder run on, or why they do not."""

import keras_backend
import pytest


def test_backend_is_installed():
    if reason := keras_backend.lacking():
        pytest.skip(reason)
    import keras

    assert keras.backend.backend() in keras_backend.BACKENDS
