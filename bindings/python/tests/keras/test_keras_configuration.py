"""Losses as what a saved model keeps."""

import inspect
import json

import declared
import keras
import pytest
from dice_loss import compounds, terms
from dice_loss import keras as losses

WEIGHTED = [
    (0.5, terms.Dice(squared=True, background=False, classes=[1, 2])),
    terms.Focal(gamma=terms.BackgroundForeground(1.0, 2.0), activation="sigmoid"),
    (2.0, compounds.DiceCrossEntropy(pool="batch", class_weights=[1, 2, 3])),
]
LOSSES = [
    losses.Dice(squared=True, smoothing=(0.0, 1.0), axis=1, ignore_index=255),
    losses.IoU(overlap="l1", from_logits=True, name="mine", class_weights=[1, 2]),
    losses.Tversky(alpha=0.1, regions=[[], [0], [0, 1]], activation="sigmoid"),
    losses.FocalTversky(gamma=2.0, pool="all", absent="zero", background=False),
    losses.GeneralizedDice(weight="inverse", reduction="sum", dtype="float64"),
    losses.Focal(gamma=terms.BackgroundForeground(0.0, 2.0), alpha=[0.1, 0.9], native=False),
    losses.DiceCE(label_smoothing=0.1, sparse_y_true=True),
    losses.CrossEntropy(background=False, classes=[1, 2]),
    losses.SegmentationLoss(WEIGHTED, from_logits=True, reduction="mean_with_sample_weight"),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_configuration_makes_the_same_loss(loss):
    saved = json.loads(json.dumps(keras.losses.serialize(loss)))
    again = keras.losses.deserialize(saved)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert again._plan == loss._plan


def test_every_loss_is_exported():
    names = {loss["keras"] for loss in declared.LOSSES.values()}
    assert names == {*losses.losses.__all__}
    assert names <= {*losses.__all__}


@pytest.mark.parametrize("name", declared.LOSSES)
def test_configuration_holds_every_option(name):
    loss = declared.LOSSES[name]
    for options in declared.trials_of(name):
        made = getattr(losses, loss["keras"])(from_logits=True, **options)
        saved = json.loads(json.dumps(keras.losses.serialize(made)))
        again = keras.losses.deserialize(saved)
        assert again._plan == made._plan
        assert again._plan != getattr(losses, loss["keras"])(from_logits=True)._plan


@pytest.mark.parametrize("name", declared.LOSSES)
def test_signature_spells_all_options_out(name):
    loss = declared.LOSSES[name]
    signature = inspect.signature(getattr(losses, loss["keras"])).parameters
    made = getattr(losses, loss["keras"])(from_logits=True)
    assert {"axis", "reduction", "ignore_index", *loss["settings"]} <= {*signature}
    assert {*signature} == {*made.get_config()}
    assert signature["activation"].default == loss["activations"][0]
    for option in loss["options"]:
        assert signature[option["name"]].default == declared.default_of(option)
    for option, value in made.get_config().items():
        if option not in ("name", "smoothing", "from_logits"):
            assert value == signature[option].default, option


def test_losses_of_two_activations_want_logits():
    with pytest.raises(ValueError, match="terms with sigmoid and softmax, wanted True"):
        losses.DiceFocal()
    losses.DiceFocal(focal_activation="softmax")
    losses.DiceFocal(activation="sigmoid")


def test_unknown_term_is_refused():
    with pytest.raises(ValueError, match="terms: found 'Hinge', wanted a term"):
        losses.SegmentationLoss([{"class_name": "Hinge", "config": {}}])
