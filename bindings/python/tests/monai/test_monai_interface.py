"""Names, attributes, state dicts, exceptions and warnings."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from beside_monai import Batch, agree, inputs, ours, theirs

OVERLAP = ["DiceLoss", "MaskedDiceLoss", "GeneralizedDiceLoss", "TverskyLoss", "MCCLoss"]
COMPOUND = ["DiceCELoss", "DiceFocalLoss", "GeneralizedDiceFocalLoss"]
#: Those that have to be told something.
ASKING = [
    "DeepSupervisionLoss",
    "GeneralizedWassersteinDiceLoss",
    "MaskedLoss",
    "MultiScaleLoss",
    "NACLLoss",
    "generalized_wasserstein_dice",
]
PLAIN = [name for name in ours.__all__ if name not in ASKING]


@pytest.mark.parametrize("name", ours.__all__)
def test_a_loss_is_a_loss_to_torch(name):
    assert issubclass(getattr(ours, name), torch.nn.modules.loss._Loss)


def test_short_names_are_the_same_losses():
    short = [name for name in ours.__all__ if getattr(theirs, name).__name__ != name]
    assert {"Dice", "dice_ce"} <= {*short}
    for name in short:
        assert getattr(ours, name) is getattr(ours, getattr(theirs, name).__name__)


def test_monai_is_not_imported():
    code = "import sys, dice_loss.monai; sys.exit('monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", PLAIN)
def test_attributes(name):
    found, wanted = (getattr(library, name)() for library in (ours, theirs))
    for key, value in vars(wanted).items():
        if not key.startswith("_") and not key.startswith("pre_"):
            assert getattr(found, key) == value, key
    assert dict(found.named_children()).keys() - {"spatial_weighted"} == (
        dict(wanted.named_children()).keys()
        - {"spatial_weighted", "asy_focal_loss", "asy_focal_tversky_loss"}
    )


@pytest.mark.parametrize("name", ["DiceLoss", "FocalLoss", *COMPOUND])
@pytest.mark.parametrize("background", [True, False])
def test_state_dict(name, background):
    found, wanted = (
        getattr(library, name)(
            weight=torch.tensor([0.5, 2.0, 1.0]), include_background=background
        ).state_dict()
        for library in (ours, theirs)
    )
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


def test_loaded_weights_take_effect():
    batch = inputs((2, 3, 4, 5), "labels", 0)
    options = {"softmax": True, "to_onehot_y": True}
    plain, weighted = (
        ours.DiceCELoss(**options, weight=torch.tensor(weight))
        for weight in ([1.0, 1.0, 1.0], [0.5, 2.0, 1.0])
    )
    before = plain(batch.input, *batch.rest)
    plain.load_state_dict(weighted.state_dict())
    after = plain(batch.input, *batch.rest)
    assert after != before and after == weighted(batch.input, *batch.rest)


@pytest.mark.parametrize("name", [*OVERLAP, *COMPOUND])
@pytest.mark.parametrize(
    "options",
    [
        {"other_act": 3},
        {"sigmoid": True, "softmax": True},
        {"sigmoid": True, "other_act": torch.tanh},
        {"softmax": True, "other_act": torch.tanh},
        {"reduction": "other"},
        {"reduction": None},
    ],
)
def test_options_that_do_not_fit(name, options):
    agree(name, options, inputs((2, 3, 4, 5), "one-hot", 0))


SHAPES = {
    "other size": lambda x, y, hot: (x, hot[..., :3]),
    "labels": lambda x, y, hot: (x, y),
    "labels without channel": lambda x, y, hot: (x, y[:, 0]),
    "other channels": lambda x, y, hot: (x, hot[:, :2]),
    "other samples": lambda x, y, hot: (x, hot[:1]),
    "label beyond": lambda x, y, hot: (x, y + 1),
    "label below": lambda x, y, hot: (x, y - 1),
    "labels of another size": lambda x, y, hot: (x, y[..., :3]),
    "one channel": lambda x, y, hot: (x[:, :1], hot[:, :1]),
    "axes": lambda x, y, hot: (x[0, :, 0, 0], hot[0, :, 0, 0]),
    "types": lambda x, y, hot: (x, y.to(torch.uint8)),
    "float labels": lambda x, y, hot: (x, y.float()),
    "integers": lambda x, y, hot: (x, hot.long()),
}


@pytest.mark.parametrize("name", [*OVERLAP, *COMPOUND, "FocalLoss"])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("to_onehot_y", [False, True])
def test_targets_that_may_not_fit(name, shapes, to_onehot_y):
    batch = inputs((2, 3, 4, 5), "labels", 0)
    hot = inputs((2, 3, 4, 5), "one-hot", 0).rest[0]
    x, target = SHAPES[shapes](batch.input, batch.rest[0], hot)
    options = {"to_onehot_y": to_onehot_y}
    if name != "FocalLoss":
        options["softmax"] = True
    agree(name, options, Batch(x, (target,)))


@pytest.mark.parametrize("name", [*OVERLAP, *COMPOUND, "FocalLoss"])
@pytest.mark.parametrize("kind", ["labels", "one-hot"])
@pytest.mark.parametrize("wide", ["input", "target"])
def test_float64(name, kind, wide):
    batch = inputs((2, 3, 4, 5), kind, 0)
    x, (target,) = batch.input, batch.rest
    pair = (x.double(), target) if wide == "input" else (x, target.double())
    options = {} if name == "FocalLoss" else {"softmax": True}
    agree(name, {**options, "to_onehot_y": kind == "labels"}, Batch(pair[0], (pair[1],)))


@pytest.mark.parametrize("name", [*OVERLAP, *COMPOUND])
def test_one_channel_warns(name):
    options = {"softmax": True, "to_onehot_y": True, "include_background": False}
    agree(name, options, inputs((2, 1, 4, 5), "one-hot", 0, probabilities=True))


@pytest.mark.parametrize("weight", [[1.0, 2.0], [-1.0, 1.0, 1.0], [1.0], torch.ones(1, 3)])
@pytest.mark.parametrize("name", ["DiceLoss", "DiceFocalLoss", "DiceCELoss"])
def test_weights_that_do_not_fit(name, weight):
    options = {"softmax": True, "weight": torch.as_tensor(weight)}
    agree(name, options, inputs((2, 3, 4, 5), "one-hot", 0))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DiceCELoss", {"lambda_ce": -1.0}),
        ("DiceCELoss", {"lambda_dice": -1.0}),
        ("DiceCELoss", {"weight": [1.0, 2.0, 3.0]}),
        ("DiceCELoss", {"label_smoothing": 1.5}),
        ("DiceFocalLoss", {"lambda_focal": -1.0}),
        ("DiceFocalLoss", {"lambda_dice": -1.0}),
        ("GeneralizedDiceFocalLoss", {"lambda_gdl": -1.0}),
        ("GeneralizedDiceFocalLoss", {"lambda_focal": -1.0}),
        ("GeneralizedDiceLoss", {"w_type": "other"}),
        ("FocalLoss", {"reduction": "other"}),
        ("AsymmetricUnifiedFocalLoss", {"reduction": "other"}),
        ("GeneralizedWassersteinDiceLoss", {"dist_matrix": torch.ones(2, 3)}),
        ("GeneralizedWassersteinDiceLoss", {"dist_matrix": torch.ones(2, 2)}),
        ("GeneralizedWassersteinDiceLoss", {"dist_matrix": torch.eye(3), "weighting_mode": "gdl"}),
        ("GeneralizedWassersteinDiceLoss", {"dist_matrix": torch.eye(3), "reduction": "other"}),
    ],
)
def test_values_that_do_not_fit(name, options):
    kind = "labels" if "dist_matrix" in options else "one-hot"
    agree(name, options, inputs((2, 3, 4, 5), kind, 0, probabilities=True))


@pytest.mark.parametrize("name", [*OVERLAP, "FocalLoss"])
def test_reduction_set_later(name):
    batch = inputs((2, 3, 4, 5), "one-hot", 0, probabilities=True)
    rest = (*batch.rest, torch.ones(2, 1, 4, 5)) if name == "MaskedDiceLoss" else batch.rest
    for library in (ours, theirs):
        loss = getattr(library, name)()
        loss.reduction = "sum"
        total = loss(batch.input, *rest)
        torch.testing.assert_close(
            total, getattr(theirs, name)(reduction="sum")(batch.input, *rest)
        )
        loss.reduction = "other"
        with pytest.raises(ValueError, match="other"):
            loss(batch.input, *rest)


def test_names_as_enumerations():
    from monai.utils import LossReduction, Weight

    batch = inputs((2, 3, 4, 5), "one-hot", 0, probabilities=True)
    agree("GeneralizedDiceLoss", {"reduction": LossReduction.SUM, "w_type": Weight.SIMPLE}, batch)


def test_meta_tensors():
    from monai.data import MetaTensor

    batch = inputs((2, 3, 4, 5), "labels", 0)
    loss = ours.DiceCELoss(softmax=True, to_onehot_y=True)
    wrapped = loss(MetaTensor(batch.input), MetaTensor(batch.rest[0]))
    assert type(wrapped) is torch.Tensor and wrapped == loss(batch.input, batch.rest[0])


@pytest.mark.parametrize("name", ["DiceLoss", "TverskyLoss", "FocalLoss"])
@pytest.mark.parametrize(
    "ignored", [1.0, np.int64(1), np.float32(1), True, torch.tensor(1), 255.7, 0.5, 2**63]
)
def test_labels_to_ignore_of_any_kind(name, ignored):
    # What compares as equal is read the same before and after.
    for value in (1, ignored, 1):
        options = {"to_onehot_y": True, "ignore_index": value}
        agree(name, options, inputs((2, 3, 5, 4), "labels", 3))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("TverskyLoss", {"sigmoid": True, "alpha": np.array(0.3), "beta": np.array([0.7])}),
        ("FocalLoss", {"gamma": True}),
        ("FocalLoss", {"gamma": torch.tensor([1.0])}),
        ("FocalLoss", {"weight": [[1.0, 2.0, 3.0]]}),
        ("FocalLoss", {"alpha": 1, "use_softmax": True, "include_background": False}),
        ("FocalLoss", {"alpha": np.float32(0.7), "use_softmax": True, "include_background": False}),
        ("FocalLoss", {"alpha": torch.tensor(0.7), "use_softmax": True}),
        ("DiceFocalLoss", {"sigmoid": True, "gamma": True}),
        ("DiceLoss", {"sigmoid": True, "weight": np.array([1, 2, 3])}),
        ("DiceLoss", {"sigmoid": True, "weight": torch.tensor(2)}),
    ],
)
def test_arguments_of_any_kind(name, options):
    agree(name, {"to_onehot_y": True, **options}, inputs((2, 3, 5, 4), "labels", 4))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("background", [True, False])
def test_weights_of_dice_and_cross_entropy_are_those_of_all_channels(count, background):
    options = {"to_onehot_y": True, "softmax": True, "include_background": background}
    options["weight"] = torch.ones(count)
    batch = inputs((2, 4, 5, 4), "labels", 5)
    agree("DiceCELoss", options, batch)
    wanted = rf"weight: found shape \({count},\), wanted \(4,\), one for each class"
    with pytest.raises(ValueError, match=wanted):
        ours.DiceCELoss(**options)(batch.input, *batch.rest)
