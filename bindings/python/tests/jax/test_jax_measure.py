"""The sums that losses are made of."""

from __future__ import annotations

import cases
import jax
import jax.numpy as jnp
import naive
import numpy as np
import pytest
from dice_loss import jax as losses

NAMES = {
    "reference": "g",
    "reference_squared": "gg",
    "voxels": "n",
    "intersection": "pg",
    "prediction": "p",
    "prediction_squared": "pp",
    "difference": "l1",
    "magnitude": "abs",
    "sensitivity_error": "inside",
    "specificity_error": "outside",
    "squared_error": "errors",
}


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "probabilities"])
@pytest.mark.parametrize("kind", ["labels", "soft target", "counted voxels"])
def test_sums_and_their_gradients(kind, activation, reference, float64):
    case = cases.CASES[kind](activation)
    upstream = np.random.default_rng(6).normal(size=(2, 3, len(NAMES)))

    def sums_at(logits):
        data = case.naive_at(logits)
        # Where nothing counts there is NaN.
        x = np.where(data.w[:, None] > 0, data.x, 0.5)
        found = naive.sums(naive.probabilities(x, activation), data.g, data.w)
        return np.stack([found[name] for name in NAMES.values()], -1)

    def function(logits):
        options = {"activation": activation, "reference": reference}
        return losses.measure(logits, case.target, [*NAMES], **options, **case.counted)

    sums, pull = jax.vjp(function, jnp.asarray(case.logits))
    np.testing.assert_allclose(sums, sums_at(case.logits), atol=1e-12)
    (found,) = pull(jnp.asarray(upstream))
    wanted = naive.gradient(lambda x: (upstream * sums_at(x)).sum(), case.logits)
    np.testing.assert_allclose(found, wanted, atol=1e-8)


@pytest.mark.parametrize(
    ("activation", "names"),
    [
        ("softmax", ["log_loss", "log_loss_of_all", "merged", "focal", "transport", "positive"]),
        ("sigmoid", ["positive", "negative", "focal", "focal_negative"]),
    ],
)
def test_the_engine_and_plain_jax_agree(activation, names, float64):
    case = cases.of_labels(activation)
    for chosen in [names, *([name] for name in names)]:

        def both(reference, chosen=chosen):
            def function(logits):
                options = {"gamma": [0.5, 1.0, 2.0], "reference": reference}
                return losses.measure(logits, case.target, chosen, activation=activation, **options)

            sums, pull = jax.vjp(function, jnp.asarray(case.logits))
            return sums, pull(jnp.ones_like(sums))[0]

        for found, wanted in zip(both(False), both(True), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-13)


def test_a_loss_of_ones_own(float64):
    case = cases.of_labels("softmax")

    def own(logits):
        i, p, g = jnp.unstack(losses.measure(logits, case.target), axis=-1)
        return (1 - (2 * i + 1e-5) / (p + g + 1e-5)).mean()

    found = jax.jit(jax.value_and_grad(own))(jnp.asarray(case.logits))
    wanted = jax.value_and_grad(losses.dice)(
        jnp.asarray(case.logits), case.target, absent="formula"
    )
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-13)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-14)


def test_float32_without_float64():
    case = cases.of_labels("softmax")
    assert losses.measure(case.logits, case.target).dtype == np.float32


def test_unknown_names_are_refused():
    case = cases.of_labels("softmax")
    with pytest.raises(ValueError, match="sums: found 'overlap', wanted names among"):
        losses.measure(case.logits, case.target, ["overlap"])
