"""Where the TensorFlow backend leaves the graph for the engine, and that nobody sees it."""

import numpy as np
import pytest
from backends import BACKEND, channels_last
from dice_loss.keras import DiceCE, SegmentationLoss
from dice_loss.terms import CrossEntropy, Dice

if BACKEND != "tensorflow":
    pytest.skip("of the TensorFlow backend", allow_module_level=True)

import tensorflow as tf
from dice_loss.keras import _tensorflow

RANDOM = np.random.default_rng(7)
#: As many as the engine takes by default.
LOGITS = channels_last(RANDOM.normal(size=(2, 2, 128, 128))).astype("float32")
LABELS = RANDOM.integers(0, 2, (2, 128, 128))
SMALL = LOGITS[:, :4, :4], LABELS[:, :4, :4]


@pytest.fixture
def calls(monkeypatch):
    """What of the engine is called."""
    found = []
    for name in ("objective", "pull_back"):
        real = getattr(_tensorflow._core, name)

        def spy(*arguments, name=name, real=real):
            found.append(name)
            return real(*arguments)

        monkeypatch.setattr(_tensorflow._core, name, spy)
    return found


def step_of(loss, labels=LABELS):
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(labels, x)
        return value, tape.gradient(value, x)

    return step


def test_a_graph_and_eager_steps_are_by_the_engine(calls):
    step = step_of(DiceCE(from_logits=True))
    wanted = step_of(DiceCE(from_logits=True, native=False))(tf.constant(LOGITS))
    assert calls == []
    for run in (step, tf.function(step)):
        found = run(tf.constant(LOGITS))
        assert calls == ["objective", "pull_back"]
        calls.clear()
        for ours, plain in zip(found, wanted, strict=True):
            # Sums of 32768 voxels, in float32 in the plain formulas.
            np.testing.assert_allclose(ours, plain, rtol=2e-5, atol=1e-10)


@pytest.mark.parametrize("nested", [False, True], ids=["itself", "from outside"])
def test_whatever_xla_compiles_is_plain(calls, nested):
    step = step_of(DiceCE(from_logits=True))
    inner = tf.function(step) if nested else step
    compiled = tf.function(lambda x: inner(x), jit_compile=True)
    found = compiled(tf.constant(LOGITS))
    assert calls == []
    np.testing.assert_allclose(found[0], step(tf.constant(LOGITS))[0], rtol=1e-5)
    assert calls == ["objective", "pull_back"]


def test_small_tensors_maps_and_strategies_stay_in_the_graph(calls):
    DiceCE(from_logits=True)(SMALL[1], SMALL[0])
    SegmentationLoss(CrossEntropy(), from_logits=True, reduction="none")(LABELS, LOGITS)
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        DiceCE(from_logits=True)(LABELS, LOGITS)
    assert calls == []
    DiceCE(from_logits=True, native=True)(SMALL[1], SMALL[0])
    assert calls == ["objective"]


def test_without_a_way_to_ask_graphs_are_plain(calls, monkeypatch):
    monkeypatch.setattr(_tensorflow, "is_compiled", lambda graph: True)
    step = step_of(DiceCE(from_logits=True))
    tf.function(step)(tf.constant(LOGITS))
    assert calls == []
    step(tf.constant(LOGITS))
    assert calls == ["objective", "pull_back"]


def test_shapes_that_are_not_known_yet(calls):
    logits = tf.TensorSpec((None, None, None, 2), tf.float32)
    labels = tf.TensorSpec((None, None, None), tf.int64)

    @tf.function(input_signature=[logits, labels])
    def step(x, y):
        return step_of(DiceCE(from_logits=True), y)(x)

    found = step(*SMALL)
    assert calls == ["objective", "pull_back"]
    wanted = step_of(DiceCE(from_logits=True, native=False), SMALL[1])(tf.constant(SMALL[0]))
    for ours, plain in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-8)


LOSSES = {
    "mean": lambda native: DiceCE(from_logits=True, native=native),
    "none": lambda native: SegmentationLoss(
        Dice(), from_logits=True, reduction="none", native=native
    ),
    "class": lambda native: SegmentationLoss(
        Dice(pool="batch"), from_logits=True, reduction="none", native=native
    ),
    "sum": lambda native: DiceCE(from_logits=True, reduction="sum", native=native),
}


@pytest.mark.parametrize("in_graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("weight", [None, np.array([0.5, 2.0], "float32")], ids=["", "weighted"])
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_of_any_order(name, weight, in_graph):
    logits, labels = tf.constant(SMALL[0], tf.float64), SMALL[1]
    direction = tf.constant(RANDOM.normal(size=SMALL[0].shape))
    found = {}
    for native in (True, False):
        loss = LOSSES[name](native)

        def derivatives(x, loss=loss):
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    value = tf.reduce_sum(loss(labels, x, weight) ** 2)
                slope = inner.gradient(value, x)
                along = tf.reduce_sum(slope * direction)
            return value, slope, outer.gradient(along, x)

        found[native] = (tf.function(derivatives) if in_graph else derivatives)(logits)
    for ours, plain in zip(found[True], found[False], strict=True):
        # Both are in float64.
        np.testing.assert_allclose(ours, plain, rtol=1e-9, atol=1e-13)


def test_forward_derivatives_are_refused_by_the_engine():
    logits, labels = tf.constant(SMALL[0], tf.float64), SMALL[1]
    direction = tf.constant(RANDOM.normal(size=SMALL[0].shape))
    with (
        tf.autodiff.ForwardAccumulator(logits, direction),
        pytest.raises(ValueError, match=r"forward accumulator.*native=False"),
    ):
        DiceCE(from_logits=True, native=True)(labels, logits)


def test_a_jacobian():
    logits, labels = tf.constant(SMALL[0], tf.float64), SMALL[1]
    found = []
    for native in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            values = LOSSES["none"](native)(labels, logits)
        found.append(tape.jacobian(values, logits))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("in_graph", [False, True], ids=["eager", "graph"])
def test_labels_that_name_no_class_are_refused(in_graph):
    wrong = LABELS.copy()
    wrong[1, 2, 3] = 7
    loss = DiceCE(from_logits=True)

    def value(x):
        return loss(wrong, x)

    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="found label 7"):
        (tf.function(value) if in_graph else value)(tf.constant(LOGITS))
