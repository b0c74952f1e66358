"""Losses as values: compared, shown, checked, and written down for the engine."""

from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
import sys

import declared
import numpy as np
import pytest
from dice_loss import Objective, _core, _spec, compounds, terms
from dice_loss.compounds import Combo, DiceCrossEntropy, DiceFocal, UnifiedFocal
from dice_loss.terms import (
    BackgroundForeground,
    BinaryCrossEntropy,
    CrossEntropy,
    Dice,
    Focal,
    FocalTversky,
    GeneralizedWassersteinDice,
    MatthewsCorrelation,
    Tversky,
)

LOSSES = [
    value
    for module in (terms, compounds)
    for name in module.__all__
    if isinstance(value := getattr(module, name), type) and hasattr(value, "loss")
]


def test_there_is_a_term_for_every_loss():
    names = sorted(loss.loss for loss in LOSSES)
    assert names == sorted(name for name, *_ in _core.catalogue())


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.loss)
def test_terms_are_values(loss):
    term, again = loss(), loss()
    assert term == again and hash(term) == hash(again)
    assert pickle.loads(pickle.dumps(term)) == term
    assert repr(term) == f"{loss.__name__}()"
    with pytest.raises(dataclasses.FrozenInstanceError):
        term.activation = "softmax"
    with pytest.raises(TypeError, match="positional"):
        loss("softmax")
    assert loss.__doc__ and "Args:" in loss.__doc__


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.loss)
def test_terms_are_as_declared(loss):
    wanted = declared.LOSSES[loss.loss]
    assert loss.__name__ == wanted["term"]
    assert list(loss.activations) == wanted["activations"]
    fields = {field.name: field for field in dataclasses.fields(loss)}
    options = {option["name"]: option for option in wanted["options"]}
    assert {*fields} == {*options, *wanted["settings"]}
    for name, option in options.items():
        assert fields[name].default == declared.default_of(option)
    for name in wanted["settings"]:
        assert fields[name].default is None


def test_choices_are_as_declared():
    for option in declared.SETTINGS.values():
        for word in option["words"] or []:
            assert getattr(Dice(**{option["name"]: word}), option["name"]) == word


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.loss)
def test_every_trial_value_comes_back_from_the_engine(loss):
    """Options by Python's names go to the engine and are read there as the same numbers."""
    for options in declared.trials_of(loss.loss):
        term = loss(**options)
        if isinstance(term, compounds.Compound):
            assert term.terms(loss.activations[0]) != loss().terms(loss.activations[0])
            continue
        ((_, described),) = json.loads(_spec.spec(term, activation=loss.activations[0]))["terms"]
        for name in options:
            value = getattr(term, name)
            value = value._asdict() if isinstance(value, BackgroundForeground) else value
            assert described[name] == json.loads(json.dumps(value)), name


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        (Dice(squared=True, activation="softmax"), "Dice(squared=True, activation='softmax')"),
        (Tversky(alpha=1, classes=[2, 1]), "Tversky(alpha=1.0, classes=(1, 2))"),
        (Focal(gamma=[1, 2]), "Focal(gamma=(1.0, 2.0))"),
        (
            DiceCrossEntropy(dice_weight=2, pool="batch"),
            "DiceCrossEntropy(dice_weight=2.0, pool='batch')",
        ),
    ],
)
def test_terms_show_what_is_set(term, shown):
    assert repr(term) == shown
    assert eval(shown, vars(terms) | vars(compounds)) == term


def test_options_may_be_arrays():
    weights = np.array([1, 2, 3])
    assert Dice(class_weights=weights) == Dice(class_weights=(1.0, 2.0, 3.0))
    assert Dice(smoothing=np.float32(0.5)) == Dice(smoothing=(0.5, 0.5))
    assert Focal(gamma=np.array(2)) == Focal()
    assert GeneralizedWassersteinDice(distances=np.eye(2)).distances == ((1.0, 0.0), (0.0, 1.0))


def test_equal_objectives_have_equal_texts():
    explicit = _spec.spec(
        [(1, Dice(activation="softmax", pool="sample", absent="skip", smoothing=[1e-5, 1e-5]))]
    )
    assert _spec.spec(Dice(), activation="softmax") == explicit
    assert _spec.spec([Dice()], activation="softmax", pool="sample", absent="skip") == explicit
    assert _spec.spec([(2, Dice())], activation="softmax") != explicit
    assert json.loads(explicit)["terms"][0][1]["smoothing"] == [1e-5, 1e-5]


def test_settings_of_the_whole_leave_voxel_terms_alone():
    text = _spec.spec(
        [Dice(), CrossEntropy()],
        activation="softmax",
        pool="batch",
        absent="formula",
        background=False,
    )
    (_, dice), (_, cross_entropy) = json.loads(text)["terms"]
    assert (dice["pool"], dice["absent"], dice["background"]) == ("batch", "formula", False)
    assert cross_entropy["background"] is None and "pool" not in cross_entropy


def test_compounds_are_taken_apart():
    nested = _spec.spec([(0.5, DiceCrossEntropy(dice_weight=2.0))], activation="softmax")
    assert nested == _spec.spec([(1.0, Dice()), (0.5, CrossEntropy())], activation="softmax")
    mixed = DiceFocal(class_weights=[1, 2], pool="batch").terms("softmax")
    assert mixed == [
        (
            1.0,
            Dice(activation="softmax", class_weights=[1, 2], pool="batch", absent="skip"),
        ),
        (1.0, Focal(activation="sigmoid", class_weights=[1, 2])),
    ]


def test_compounds_keep_the_background_where_they_need_it():
    text = _spec.spec(UnifiedFocal(asymmetric=True), activation="softmax", background=False)
    backgrounds = [(term["loss"], term["background"]) for _, term in json.loads(text)["terms"]]
    assert backgrounds == [("focal", None), ("tversky", True), ("focal_tversky", False)]


REFUSED = {
    "no activation": (lambda: _spec.spec(Dice()), ValueError, "dice: activation: found"),
    "an unknown activation": (
        lambda: Dice(activation="relu"),
        ValueError,
        "Dice: activation: found 'relu', wanted 'softmax' or 'sigmoid' or 'probabilities'",
    ),
    "an activation that does not go with the loss": (
        lambda: _spec.spec(BinaryCrossEntropy(), activation="softmax"),
        ValueError,
        "binary_cross_entropy: activation",
    ),
    "one that does not go with the compound": (
        lambda: _spec.spec(Combo(), activation="softmax"),
        ValueError,
        "combo: activation: found softmax, wanted sigmoid or probabilities",
    ),
    "a word for a number": (
        lambda: Tversky(alpha="a lot"),
        TypeError,
        "Tversky: alpha: found 'a lot', wanted a number",
    ),
    "a truth value for a number": (
        lambda: MatthewsCorrelation(smoothing=True),
        TypeError,
        "MatthewsCorrelation: smoothing: found True, wanted a number",
    ),
    "a number for a truth value": (
        lambda: Dice(squared=1),
        TypeError,
        "Dice: squared: found 1, wanted True or False",
    ),
    "no number": (
        lambda: Focal(gamma=float("nan")),
        ValueError,
        "Focal: gamma: found nan, wanted a finite number",
    ),
    "negative smoothing": (
        lambda: _spec.spec(Dice(smoothing=-1), activation="softmax"),
        ValueError,
        "dice: smoothing.numerator: found -1",
    ),
    "an exponent of 0": (
        lambda: _spec.spec(FocalTversky(gamma=0), activation="softmax"),
        ValueError,
        "focal_tversky: gamma: found 0",
    ),
    "three numbers to smooth with": (
        lambda: Dice(smoothing=(1, 2, 3)),
        ValueError,
        "Dice: smoothing: found 3 numbers",
    ),
    "a class that is no number": (
        lambda: Dice(classes=[1.5]),
        TypeError,
        "Dice: classes: found 1.5, wanted an integer",
    ),
    "a negative class": (
        lambda: Dice(classes=[-1]),
        ValueError,
        "Dice: classes: found -1, wanted integers of at least 0",
    ),
    "weights that are one number": (
        lambda: Dice(class_weights=1.0),
        TypeError,
        "Dice: class_weights: found 1.0, wanted a number for each class",
    ),
    "a matrix without zeros on its diagonal": (
        lambda: _spec.spec(
            GeneralizedWassersteinDice(distances=np.ones((2, 2))), activation="softmax"
        ),
        ValueError,
        "0 on the diagonal",
    ),
    "a class for a term": (
        lambda: _spec.spec([(1.0, Dice)]),
        TypeError,
        "wanted a term such as Dice()",
    ),
    "a weight that is no number": (
        lambda: _spec.spec([("1", Dice())]),
        TypeError,
        "weight of Dice: found '1', wanted a number",
    ),
    "three for a pair": (
        lambda: _spec.spec([(1.0, Dice(), "batch")]),
        TypeError,
        r"wanted a term or a pair \(weight, term\)",
    ),
    "a pool of a voxel term": (lambda: CrossEntropy(pool="batch"), TypeError, "pool"),
    "a share above 1": (
        lambda: _spec.spec(UnifiedFocal(lambda_=1.5), activation="softmax"),
        ValueError,
        "unified_focal: lambda: found 1.5, wanted 0 to 1",
    ),
    "a beta of 1": (
        lambda: _spec.spec(Combo(beta=1), activation="sigmoid"),
        ValueError,
        "combo: beta: found 1.0, wanted a number between 0 and 1, neither included",
    ),
    "an unknown reduction": (
        lambda: _spec.spec(Dice(), activation="softmax", reduction="max"),
        ValueError,
        "reduction: found 'max', wanted 'mean' or 'sum' or 'none'",
    ),
    "an unknown sum": (
        lambda: _spec.spec((), sums=["union"], activation="softmax"),
        ValueError,
        "sums: found 'union', wanted some of reference",
    ),
    "counts without a decision": (
        lambda: _spec.spec((), sums=["true_positives"], activation="softmax"),
        ValueError,
        "true_positives: decision: found none",
    ),
    "two foregrounds": (
        lambda: Focal(gamma=BackgroundForeground(1.0, "2")),
        TypeError,
        "Focal: gamma: found '2', wanted a number",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_said_at_once(what):
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()


PARAMETERS = {
    "true_positives": {"decision": "argmax"},
    "false_positives": {"decision": "argmax"},
    "false_negatives": {"decision": 0.5},
    "transport": {"distances": [[0, 1, 1], [1, 0, 1], [1, 1, 0]]},
    "focal": {"gamma": [2.0, 1.0, 0.0]},
    "focal_negative": {"gamma": [2.0, 1.0, 0.0]},
    "mapped": {"map": "border"},
}


@pytest.mark.parametrize(
    ("name", "activation"),
    [(name, by) for name, activations in _core.sums() for by in activations or ["softmax"]],
)
def test_every_sum_can_be_asked_for(name, activation):
    wanted = {"sum": name, **PARAMETERS.get(name, {})}
    text = _spec.spec((), sums=[wanted], activation=activation)
    (column,) = _spec.columns(text, 3, (name,))
    found = json.loads(_core.integrands(text, 3)[column])
    assert found == wanted | ({"activation": activation} if "activation" in found else {})


def test_nothing_but_numpy_is_imported():
    program = (
        "import sys, dice_loss; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules} "
        "& {'torch', 'jax', 'keras', 'monai', 'scipy', 'ml_dtypes'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_an_objective_shows_what_it_was_told():
    weights, sums = np.array([1.0, 2.0, 3.0]), [{"sum": "focal", "gamma": [1.0, 1.0, 1.0]}]
    objective = Objective(Dice(), activation="softmax", class_weights=weights, sums=sums)
    shown = repr(objective)
    assert "class_weights=(1.0, 2.0, 3.0)" in shown
    # It keeps what it was told, whatever becomes of it.
    weights[0], sums[0]["sum"] = 5.0, "reference"
    assert repr(objective) == shown


@pytest.mark.parametrize(
    ("sums", "error", "message"),
    [
        ("intersection", TypeError, "sums: found 'intersection', wanted a sequence of names"),
        (3, TypeError, "sums: found 3, wanted a sequence"),
        ([3], ValueError, "sums: found 3, wanted some of reference, "),
        ([{"sum": ["a"]}], ValueError, r"sums: found \['a'\], wanted some of reference, "),
        ([{"sum": "focal", "gamma": [float("nan")] * 3}], ValueError, "sums: gamma: found nan"),
        ([{"sum": "transport", "distances": 3}], TypeError, "sums: distances: found 3"),
    ],
)
def test_sums_that_are_none_are_refused_by_name(sums, error, message):
    with pytest.raises(error, match=message):
        Objective(Dice(), activation="softmax", sums=sums)
