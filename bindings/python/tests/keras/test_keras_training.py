"""`fit` on slices of the embedded chest CT: eager and compiled, by the engine and by keras.ops."""

from pathlib import Path

import keras
import numpy as np
import pytest
from backends import BACKEND, NATIVE
from dice_loss.keras import Dice, DiceCE, DiceScore, Focal, IoUScore, SegmentationLoss, builtin
from dice_loss.terms import CrossEntropy, FocalTversky
from keras import layers

nibabel = pytest.importorskip("nibabel", reason="needs nibabel")
DATA = Path(__file__).resolve().parents[4] / "crates/dice-loss-cli/data"
CLASSES = 8


def read(name):
    """Axial slices, every third voxel of them, (8, H, W)."""
    volume = nibabel.load(DATA / name).get_fdata(dtype="float32")
    height, width = (size // 3 // 4 * 4 for size in volume.shape[:2])
    return np.moveaxis(volume, 2, 0)[::4, ::3, ::3][:8, :height, :width]


@pytest.fixture(scope="module")
def ct():
    image = np.clip((read("chest-ct.nii.gz") + 1000) / 800 - 1, -1, 1)[..., None]
    return image, read("chest-ct-labels.nii.gz").astype("uint8")


def model_of(activation=None):
    """Two levels of convolutions; the same weights in every run."""
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 1))
    first = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D(2)(first)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.Concatenate()([layers.UpSampling2D(2)(x), first])
    return keras.Model(image, layers.Conv2D(CLASSES, 1, activation=activation)(x))


def losses_of(ct, loss, activation=None, epochs=2, **how):
    """The loss of each epoch, and the model."""
    model = model_of(activation)
    metrics = [DiceScore(CLASSES), IoUScore(CLASSES, average=None, class_names="abcdefgh")]
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=metrics, **how)
    history = model.fit(*ct, batch_size=3, epochs=epochs, shuffle=False, verbose=0)
    assert 0.0 < history.history["dice_score"][-1] < 1.0
    assert "iou_score_b" in history.history
    return history.history["loss"], model


HOW = {"eager": {"run_eagerly": True}, "compiled": {"jit_compile": BACKEND != "torch"}}


@pytest.mark.parametrize("how", [pytest.param("eager", marks=pytest.mark.long), "compiled"])
def test_engine_and_reference_train_alike(ct, how):
    found = []
    for native in NATIVE:
        settings = dict(HOW[how])
        if BACKEND == "tensorflow" and native:
            # XLA has no kernel for what leaves the graph.
            settings["jit_compile"] = False
        loss = DiceCE(from_logits=True, background=False, pool="batch", native=native)
        found.append(losses_of(ct, loss, **settings)[0])
    assert found[0][-1] < found[0][0]
    np.testing.assert_allclose(found[0], found[1], rtol=2e-4)


@pytest.mark.parametrize(
    "loss",
    [
        Dice(from_logits=True),
        Focal(from_logits=True),
        SegmentationLoss([(1.0, FocalTversky()), (0.5, CrossEntropy())], from_logits=True),
    ],
    ids=["dice", "focal", "sum"],
)
def test_losses_train(ct, loss):
    history, _ = losses_of(ct, loss)
    assert history[-1] < history[0]


@pytest.mark.long
def test_probabilities_train(ct):
    history, _ = losses_of(ct, DiceCE(), "softmax")
    logits, _ = losses_of(ct, DiceCE(from_logits=True))
    np.testing.assert_allclose(history, logits, rtol=1e-3)


def test_builtin_trains_like_keras(ct):
    image, labels = ct
    one_hot = np.eye(CLASSES, dtype="float32")[labels]
    found = [
        losses_of((image, one_hot), of.Dice(axis=(1, 2, 3)), "softmax")[0]
        for of in (builtin, keras.losses)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def test_weights_of_samples_and_voxels(ct):
    image, labels = ct
    for weight in (np.linspace(0, 2, len(image)), 0.5 + (labels > 0)):
        model = model_of()
        model.compile("sgd", DiceCE(from_logits=True), weighted_metrics=[DiceScore(CLASSES)])
        values = model.evaluate(image, labels, sample_weight=weight, batch_size=8, verbose=0)
        logits = keras.ops.convert_to_numpy(model(image))
        wanted = DiceCE(from_logits=True)(labels, logits, weight.astype("float32"))
        assert values[0] == pytest.approx(float(wanted), rel=1e-5)


class HidesAir(layers.Layer):
    """Masks the voxels of its output whose first logit is negative."""

    def compute_mask(self, x, previous_mask=None):
        return x[..., 0] > 0

    def call(self, x):
        return x


def test_mask_of_a_layer(ct):
    image, labels = ct
    model = model_of()
    masked = keras.Model(model.input, HidesAir()(model.output))
    masked.compile("sgd", DiceCE(from_logits=True))
    value = masked.evaluate(image, labels, batch_size=8, verbose=0)
    logits = keras.ops.convert_to_numpy(model(image))
    loss = DiceCE(from_logits=True)
    assert value == pytest.approx(float(loss(labels, logits, logits[..., 0] > 0)), rel=1e-5)
    assert abs(value - float(loss(labels, logits))) > 1e-3


def test_saved_model_trains_on(ct, tmp_path):
    loss = DiceCE(from_logits=True, background=False, class_weights=[1.0] * 7 + [0.5])
    _, model = losses_of(ct, loss, epochs=1)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.loss.get_config() == loss.get_config()
    assert again.evaluate(*ct, verbose=0) == pytest.approx(model.evaluate(*ct, verbose=0))
    continued = [
        m.fit(*ct, batch_size=3, shuffle=False, verbose=0).history["loss"][0]
        for m in (model, again)
    ]
    assert continued[0] == pytest.approx(continued[1], rel=1e-4)
