"""Moments as a value: they add up, compare, pickle, and tell what they are."""

from __future__ import annotations

import copy
import pickle

import cases
import naive
import numpy as np
import pytest
from dice_loss import CrossEntropy, Dice, Focal, Moments, Objective
from dice_loss._spec import columns

POOLED = Objective([Dice(), (0.5, CrossEntropy())], activation="softmax", pool="batch")
PER_SAMPLE = Objective(Dice(activation="softmax"))
FOCAL = Objective(Focal(activation="softmax"))
SOFTER = Objective(Focal(gamma=1.5, activation="softmax"))


def halves(objective):
    """The moments of a batch, and of its two samples by themselves."""
    x, labels = cases.logits_for("softmax"), cases.labels_for()
    parts = [(x[:1], labels[:1]), (x[1:], labels[1:])]
    return objective.measure(x, labels), [objective.measure(*part) for part in parts], (x, labels)


def test_appended_samples_are_the_batch():
    whole, (first, second), (x, labels) = halves(PER_SAMPLE)
    appended = first.append(second)
    assert appended == whole and appended.rows == 2
    assert first.rows == 1, "a value does not change"
    assert PER_SAMPLE.evaluate(appended).loss == PER_SAMPLE.loss(x, labels)


def test_pooled_parts_add_up_to_the_whole():
    whole, parts, (x, labels) = halves(POOLED)
    added = parts[0].pooled() + parts[1].pooled()
    assert added == whole.pooled() and added.is_pooled and added.rows == 1
    assert sum(part.pooled() for part in parts) == added
    verdict = POOLED.evaluate(added)
    value, gradient = POOLED.loss_and_gradient(x, labels)
    assert verdict.loss == pytest.approx(value, rel=1e-15)
    # Each part pulls the loss of the whole back to itself.
    pulled = [POOLED.pull_back(verdict, x[i : i + 1], labels[i : i + 1]) for i in (0, 1)]
    np.testing.assert_allclose(np.concatenate(pulled), gradient, rtol=1e-13, atol=1e-18)


def test_a_gradient_from_appended_samples():
    _, (first, second), (x, labels) = halves(PER_SAMPLE)
    verdict = PER_SAMPLE.evaluate(first.append(second))
    gradient = PER_SAMPLE.pull_back(verdict, x, labels)
    np.testing.assert_array_equal(gradient, PER_SAMPLE.loss_and_gradient(x, labels)[1])
    half = PER_SAMPLE.pull_back(verdict, x, labels, upstream=0.5)
    np.testing.assert_allclose(half, gradient / 2, rtol=1e-14)


def test_another_objective_of_the_same_sums_evaluates_them():
    whole, _, (x, labels) = halves(POOLED)
    other = Objective(
        [(2.0, CrossEntropy(class_weights=[1.0, 2.0, 3.0])), (0.25, Dice(pool="all"))],
        activation="softmax",
        reduction="sum",
    )
    assert other.measure(x, labels) == whole
    verdict = other.evaluate(whole)
    assert verdict.loss == other.loss(x, labels)
    np.testing.assert_array_equal(
        POOLED.pull_back(verdict, x, labels), other.loss_and_gradient(x, labels)[1]
    )


def test_they_compare_and_pickle_and_copy():
    whole, (first, _), _ = halves(POOLED)
    for again in (pickle.loads(pickle.dumps(whole)), copy.copy(whole), copy.deepcopy(whole)):
        assert again == whole and again is not whole
        assert POOLED.evaluate(again).loss == POOLED.evaluate(whole).loss
    assert whole != first and whole != whole.pooled() and whole != "moments"
    assert pickle.loads(pickle.dumps(whole.pooled())) == whole.pooled()
    with pytest.raises(TypeError):
        hash(whole)


def test_they_never_change():
    whole, _, _ = halves(POOLED)
    with pytest.raises(ValueError, match="read-only"):
        whole.sums[0, 0, 0] = 1.0
    with pytest.raises(AttributeError):
        whole.rows = 3


def test_objectives_compare_and_pickle():
    again = pickle.loads(pickle.dumps(POOLED))
    assert again == POOLED and hash(again) == hash(POOLED) and again != PER_SAMPLE
    explicit = [(1.0, Dice(pool="batch", smoothing=(1e-5, 1e-5))), (0.5, CrossEntropy())]
    assert Objective(explicit, activation="softmax", pool="batch") == POOLED
    assert Objective(explicit, activation="softmax") == POOLED
    wanted = "Objective([Dice(), (0.5, CrossEntropy())], activation='softmax', pool='batch')"
    assert repr(POOLED) == repr(again) == wanted


def test_sums_by_name_are_the_naive_ones():
    case = cases.of_counted_voxels("softmax")
    terms = [Dice(squared=True), Dice(overlap="l1"), Dice()]
    objective = Objective(terms, activation="softmax")
    moments = objective.measure(case.logits, case.target, **case.counted)
    wanted = naive.sums(naive.probabilities(case.data.x, "softmax"), case.data.g, case.data.w)
    names = {
        "reference": "g",
        "reference_squared": "gg",
        "voxels": "n",
        "intersection": "pg",
        "prediction": "p",
        "prediction_squared": "pp",
        "softmax.difference": "l1",
        "softmax.magnitude": "abs",
    }
    for name, key in names.items():
        np.testing.assert_allclose(moments[name], wanted[key], rtol=1e-13)
    with pytest.raises(KeyError, match="transport"):
        moments["transport"]
    counted = Objective(activation="softmax", sums=["voxels", "prediction"], decision="argmax").spec
    assert columns(counted, 3, ("voxels", "true_positives")) == (2, 3)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "probabilities"])
def test_sums_without_a_loss(activation):
    case = cases.of_labels(activation)
    objective = Objective(activation=activation, sums=["prediction_squared", "intersection"])
    moments = objective.measure(case.logits, case.target)
    p = naive.probabilities(case.data.x, activation)
    wanted = naive.sums(p, case.data.g, case.data.w)
    for name, key in {"prediction_squared": "pp", "intersection": "pg"}.items():
        np.testing.assert_allclose(moments[name], wanted[key], rtol=1e-13)
    assert len(moments.names) == 5, "nothing is measured that was not asked for"
    assert objective.evaluate(moments).loss == 0.0


def test_the_sum_of_transport():
    case = cases.of_labels("softmax")
    distances = np.array([[0, 1, 2], [1, 0, 4], [2, 4, 0.0]]) / 4
    transport = {"sum": "transport", "distances": distances.tolist()}
    objective = Objective(activation="softmax", sums=[transport])
    p = naive.probabilities(case.data.x, "softmax")
    moved = np.einsum("kl,nls->nks", distances, p)
    wanted = (case.data.w[:, None] * case.data.g * moved).sum(-1)
    moments = objective.measure(case.logits, case.target)
    np.testing.assert_allclose(moments["transport"], wanted, rtol=1e-13)


@pytest.mark.parametrize("decision", ["argmax", 0.4])
def test_counts_of_hard_decisions(decision):
    case = cases.of_counted_voxels("softmax")
    objective = Objective(Dice(), activation="softmax", decision=decision)
    counts = objective.measure(case.logits, case.target, **case.counted).counts()
    p = naive.probabilities(case.data.x, "softmax")
    hard = p >= 0.4 if decision == 0.4 else cases.one_hot(p.argmax(1), 3)
    there, counted = case.data.g > 0, case.data.w[:, None] > 0
    for found, wanted in (
        (counts.true_positives, hard & there),
        (counts.false_positives, hard & ~there),
        (counts.false_negatives, ~hard & there),
    ):
        np.testing.assert_array_equal(found, (wanted & counted).sum(-1))
    with pytest.raises(ValueError, match="specificity: found no true negatives"):
        counts.specificity()


def test_what_a_verdict_knows():
    x, labels = cases.logits_for("softmax"), cases.labels_for()
    verdict = POOLED.evaluate(POOLED.measure(x, labels))
    data = cases.of_labels("softmax").data
    names = [(term.name, term.weight) for term in verdict.terms]
    assert names == [("dice", 1.0), ("cross_entropy", 0.5)]
    each = [term.loss for term in verdict.terms]
    wanted = [
        naive.loss_value("dice", data, "softmax", pool="batch"),
        naive.loss_value("cross_entropy", data, "softmax"),
    ]
    np.testing.assert_allclose(each, wanted, rtol=1e-12)
    assert verdict.loss == pytest.approx(wanted[0] + 0.5 * wanted[1], rel=1e-12)
    m = naive.sums(naive.probabilities(data.x, "softmax"), data.g, data.w)
    with np.errstate(invalid="ignore"):
        soft = np.nanmean(np.where(m["g"] > 0, 2 * m["pg"] / (m["p"] + m["g"]), np.nan), axis=0)
    np.testing.assert_allclose(verdict.soft_dice, soft, rtol=1e-12)
    per_class = 1 - (2 * m["pg"].sum(0) + 1e-5) / ((m["p"] + m["g"]).sum(0) + 1e-5)
    np.testing.assert_allclose(verdict.terms[0].per_class, per_class, rtol=1e-12)
    assert verdict.values is None


def test_slopes_are_the_derivatives_by_the_sums():
    moments, _, _ = halves(POOLED)
    verdict = POOLED.evaluate(moments)

    def loss_at(sums):
        return POOLED.evaluate(Moments(moments.integrands, sums, moments.class_valid)).loss

    wanted = naive.gradient(loss_at, np.array(moments.sums), step=1e-4)
    fixed = [moments.names.index(name) for name in ("reference", "reference_squared", "voxels")]
    fixed.append(moments.names.index("softmax.merged"))
    wanted[:, fixed] = 0.0
    np.testing.assert_allclose(verdict.slopes, wanted, atol=1e-9)


WHOLE, (FIRST, SECOND), _ = halves(POOLED)
REFUSED = {
    "moments of samples added": (lambda: FIRST + SECOND, ValueError, "wanted pooled moments"),
    "pooled moments appended": (lambda: FIRST.pooled().append(SECOND), ValueError, "found pooled"),
    "moments of other sums": (
        lambda: FIRST.pooled() + halves(PER_SAMPLE)[0].pooled(),
        ValueError,
        "sum 5 of the moments: found none, wanted softmax.log_loss",
    ),
    "moments of other exponents": (
        lambda: halves(FOCAL)[0].append(halves(SOFTER)[0]),
        ValueError,
        r'sum 4 of the moments: found {"sum":"focal",.*"gamma":\[1.5,1.5,1.5\]}, wanted {',
    ),
    "evaluated by an objective of other sums": (
        lambda: PER_SAMPLE.evaluate(WHOLE),
        ValueError,
        "sum 5 of the moments: found softmax.log_loss, wanted none",
    ),
    "a verdict of other sums": (
        lambda: PER_SAMPLE.pull_back(POOLED.evaluate(WHOLE), *halves(PER_SAMPLE)[2]),
        ValueError,
        "sum 5 of the verdict: found softmax.log_loss, wanted none",
    ),
    "pooled moments of a loss of each sample": (
        lambda: PER_SAMPLE.evaluate(halves(PER_SAMPLE)[0].pooled()),
        ValueError,
        "dice: pool: found sample of pooled moments",
    ),
    "a number added": (lambda: FIRST.pooled() + 1, TypeError, "unsupported operand"),
    "the verdict of other samples": (
        lambda: PER_SAMPLE.pull_back(
            PER_SAMPLE.evaluate(halves(PER_SAMPLE)[1][0]), *halves(PER_SAMPLE)[2]
        ),
        ValueError,
        "logits: found 2 samples, wanted the 1 of the verdict",
    ),
    "sums of another shape": (
        lambda: Moments(WHOLE.integrands, np.zeros((2, 4, 3)), np.ones((2, 3), bool)),
        ValueError,
        r"sums: found shape \(2, 4, 3\), wanted \(2, 7, 3\)",
    ),
    "pooled moments of several rows": (
        lambda: Moments(WHOLE.integrands, WHOLE.sums, WHOLE.class_valid, is_pooled=True),
        ValueError,
        "pooled moments: found 2 rows, wanted 1",
    ),
    "counts without a decision": (WHOLE.counts, ValueError, "found an objective without decision"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_add_up_is_refused(what):
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()
