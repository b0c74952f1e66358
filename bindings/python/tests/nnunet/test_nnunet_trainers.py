"""Every trainer, the losses of some beside losses by themselves, and what dataset.json says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from beside_nnunet import near, value_and_gradient
from dice_loss.nnunet.maps import LossWithMap
from dice_loss.nnunet.steps import hard_counts
from dice_loss.torch import (
    BCELoss,
    BoundaryLoss,
    ClDiceLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    TverskyLoss,
)
from nnunet_trainers import LABELS, SPACING, batch, names_of_trainers
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

PREFIX = "nnUNetTrainerNative"
#: To derive from.
BASES = [f"{PREFIX}Map", f"{PREFIX}Terms"]
TRAINERS = [name for name in names_of_trainers() if name not in BASES]
#: Of dataset.json; the case to train on, and the one to validate on.
TUMOUR = {
    "class_weights": {"tumour": 4},
    "annotated": {"case_0": ["tumour"], "case_1": ["tumour"]},
}


def iteration(trainer):
    """One of training and one of validation."""
    trainer.initialize()
    trainer.dataloader_train, trainer.dataloader_val = trainer.get_dataloaders()
    trainer.on_train_epoch_start()
    before = [p.clone() for p in trainer.network.parameters()]
    assert np.isfinite(trainer.train_step(next(trainer.dataloader_train))["loss"])
    assert any((p != q).any() for p, q in zip(trainer.network.parameters(), before, strict=True))
    trainer.on_validation_epoch_start()
    with torch.no_grad():
        found = trainer.validation_step(next(trainer.dataloader_val))
    assert np.isfinite(found["loss"])
    assert [len(found[f"{name}_hard"]) for name in ("tp", "fp", "fn")] == [2, 2, 2]
    return found


@pytest.mark.parametrize("name", TRAINERS)
def test_an_iteration(made, name):
    iteration(made(name, "classes"))


@pytest.mark.parametrize("name", TRAINERS)
def test_an_iteration_with_weights_and_partial_labels(made, name):
    trainer = made(name, "ignored regions", TUMOUR)
    trainer.enable_deep_supervision = False
    found = iteration(trainer)
    assert found["tp_hard"][0] == found["fp_hard"][0] == found["fn_hard"][0] == 0
    assert found["fp_hard"][1] + found["fn_hard"][1] > 0


@pytest.mark.parametrize("name", [f"{PREFIX}ClDice", f"{PREFIX}CCDiceCE"])
def test_an_iteration_in_3d(made, name):
    iteration(made(name, "classes", None, "3d_fullres"))


def test_bases_want_terms(made):
    assert set(BASES) <= set(names_of_trainers()) and len(TRAINERS) == 9
    for name in BASES:
        with pytest.raises(NotImplementedError):
            made(name, "classes")._native_loss()


def parts_of(name, regions):
    """The losses that a trainer adds up, each with options of its own."""
    ratio = {"pool": "batch", "background": regions}
    of_nnunet = {**ratio, "smoothing": 1e-5, "absent": "formula"}
    cross_entropy = BCELoss if regions else CrossEntropyLoss
    return {
        "Loss": ((DiceLoss, of_nnunet), (cross_entropy, {})),
        "DiceFocal": ((DiceLoss, ratio), (FocalLoss, {})),
        "TverskyCE": ((TverskyLoss, ratio), (cross_entropy, {})),
        "DiceTopK": ((DiceLoss, ratio), (cross_entropy, {"top_k": 0.1})),
        "ClDice": ((DiceLoss, of_nnunet), (cross_entropy, {}), (ClDiceLoss, ratio)),
        "Boundary": (
            (DiceLoss, of_nnunet),
            (cross_entropy, {}),
            (BoundaryLoss, {**ratio, "spacing": SPACING}),
        ),
    }[name]


@pytest.mark.parametrize("about", [{}, TUMOUR], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize(
    "name", ["Loss", "DiceFocal", "TverskyCE", "DiceTopK", "ClDice", "Boundary"]
)
def test_what_the_loss_is(made, name, kind, about):
    """And its gradient, with class weights and partial labels too."""
    logits, target, options, (of_ours, mask) = batch(kind)
    regions = logits.shape[1] == 2
    of_nnunet = not about and name in ("Loss", "ClDice", "Boundary")
    # There nnU-Net's cross-entropy is a sum over the two regions.
    counting_twice = BCELoss if of_nnunet and kind == "ignored regions" else ()
    told = {}
    if about:
        options["class_weights"] = [1.0, 1.0, 4.0][-logits.shape[1] :]
        tumour_alone = [False, True] if regions else [True, False, True]
        told["class_valid"] = torch.tensor([tumour_alone, [True] * len(tumour_alone)])
    trainer = made(f"{PREFIX}{name}", kind, about)
    trainer.enable_deep_supervision = False
    loss = trainer._build_loss()
    batch_of_nnunet = {"target": target, "keys": ["case_0", "case_9"]}
    if name == "Boundary":
        with_map = next(m for m in loss.modules() if isinstance(m, LossWithMap))
        with_map.share = 1.0
        maps = with_map.maps_of(target, logits.shape[1])
        batch_of_nnunet["target"] = [target, maps]
    trainer.loss = loss
    assert trainer._handed_over(batch_of_nnunet)["target"] is target
    losses = [part(**{**options, **own}) for part, own in parts_of(name, regions)]

    def direct(x):
        found = (
            (2 if isinstance(part, counting_twice) else 1) * part(x, of_ours, mask=mask, **told)
            for part in losses
        )
        return sum(found) - int(of_nnunet)

    found, gradient = value_and_gradient(loss, logits, target)
    value, wanted = value_and_gradient(direct, logits)
    near(found, value)
    near(gradient, wanted)
    if about and regions:
        # What was not annotated is not trained.
        assert gradient[0, 0].eq(0).all() and gradient[1, 0].ne(0).any()


@pytest.mark.parametrize("about", [{}, TUMOUR], ids=["plain", "weighted"])
def test_cldice_is_of_the_finest_output(made, about):
    """Dice and cross-entropy of all, as ever."""
    trainers = [made(f"{PREFIX}{name}", "classes", about) for name in ("ClDice", "Loss")]
    logits, target, _, _ = batch("classes")
    outputs = [logits, logits[..., ::2, ::2], logits[..., ::4, ::4]]
    targets = [target, target[..., ::2, ::2], target[..., ::4, ::4]]
    found = []
    for trainer in trainers:
        trainer.loss = trainer._build_loss()
        trainer._handed_over({"target": targets, "keys": ["case_9", "case_1"]})
        found.append(trainer.loss(outputs, targets))
    weights, valid = None, None
    if about:
        weights, valid = [1.0, 1.0, 4.0], torch.tensor([[True] * 3, [True, False, True]])
    of_tubes = ClDiceLoss(pool="batch", background=False, class_weights=weights)
    near(found[0], found[1] + of_tubes(logits, target, class_valid=valid))


def test_partial_labels_at_every_output(made):
    """The loss of each, weighed as nnU-Net does."""
    trainer = made(f"{PREFIX}Loss", "regions", TUMOUR)
    logits, _, _, (target, _) = batch("regions")
    outputs = [logits, logits[..., ::2, ::2], logits[..., ::4, ::4]]
    targets = [target, target[..., ::2, ::2], target[..., ::4, ::4]]
    trainer.loss = trainer._build_loss()
    trainer._handed_over({"target": targets, "keys": ["case_0", "case_9"]})
    valid = torch.tensor([[False, True], [True, True]])
    of_one = trainer._native_loss()
    wanted = [of_one(x, y, valid) for x, y in zip(outputs, targets, strict=True)]
    near(trainer.loss(outputs, targets), (2 * wanted[0] + wanted[1]) / 3)


def test_class_weights_of_the_dataset(made):
    name = f"{PREFIX}DiceFocal"
    found = made(name, "classes", {"class_weights": [0.1, 1.0, 2.0]})._native_loss()
    assert found.terms.class_weights.tolist() == pytest.approx([0.1, 1.0, 2.0])
    for kind, names in (("classes", "background, liver, tumour"), ("regions", "organ, tumour")):
        trainer = made(name, kind, {"class_weights": {"spleen": 2.0}})
        with pytest.raises(ValueError, match=f"found 'spleen', wanted names among {names}"):
            trainer._native_loss()


@pytest.mark.parametrize(
    ("kind", "listed", "wanted"),
    [
        ("classes", [], [True, False, False]),
        ("classes", ["tumour"], [True, False, True]),
        ("classes", [1, "tumour"], [True, True, True]),
        ("ignored", [2], [True, False, True]),
        ("regions", ["organ"], [True, False]),
        # An organ is what either label is.
        ("regions", [2], [False, True]),
        ("ignored regions", [1, 2], [True, True]),
    ],
)
def test_what_was_annotated(made, kind, listed, wanted):
    trainer = made(f"{PREFIX}Loss", kind, {"annotated": {"case_0": listed}})
    assert trainer.annotated == {"case_0": wanted}


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("classes", ["case_0"], "annotated of dataset.json: found list, wanted a mapping"),
        ("classes", {"case_0": "liver"}, "case case_0: found 'liver', wanted a list of labels"),
        (
            "ignored",
            {"case_0": ["liver", "ignore"]},
            "case case_0: found 'ignore', wanted names among background, liver, tumour, or numbers "
            "among 0, 1, 2",
        ),
        (
            "regions",
            {"case_0": [0]},
            "case case_0: found 0, wanted names among organ, tumour, or numbers among 1, 2",
        ),
    ],
)
def test_annotations_that_are_none(made, kind, given, message):
    with pytest.raises(ValueError, match=message):
        made(f"{PREFIX}Loss", kind, {"annotated": given})._build_loss()


def test_a_case_that_the_dataset_has_not(made):
    trainer = made(f"{PREFIX}Loss", "classes", {"annotated": {"case_7": ["liver"]}})
    trainer.initialize()
    with pytest.raises(
        ValueError, match="found case 'case_7', wanted cases of the data set, such as 'case_0'"
    ):
        trainer.get_dataloaders()


def test_nothing_else_differs_where_all_was_annotated(made):
    assert made(f"{PREFIX}Loss", "classes", {"annotated": {}})._native_loss().weight_dice == 1


@pytest.mark.parametrize("kind", LABELS)
def test_counts_are_those_of_nnunet(made, kind, monkeypatch):
    """Where all was annotated; otherwise those of what was, sample by sample."""
    trainer = made(f"{PREFIX}Loss", kind)
    trainer.enable_deep_supervision = False
    logits, target, _, _ = batch(kind)
    trainer.network, trainer.loss = (lambda _: logits), (lambda *_: torch.zeros(()))
    told = {
        "regions": trainer.label_manager.has_regions,
        "ignore_label": trainer.label_manager.ignore_label,
    }
    classes = logits.shape[1]
    for valid in itertools.product([True, False], repeat=2):
        # The last class in each sample.
        class_valid = torch.ones(2, classes, dtype=torch.bool)
        class_valid[:, -1] = torch.tensor(valid)
        found = hard_counts(logits, target, class_valid, **told)
        for name in found:
            wanted = 0
            for sample, counts in enumerate(class_valid.tolist()):
                one = slice(sample, sample + 1)
                trainer.network = lambda _, one=one: logits[one]
                of_one = {"data": logits[one], "target": target[one].clone()}
                of_sample = nnUNetTrainer.validation_step(trainer, of_one)[name]
                wanted = wanted + of_sample * np.array(counts[-2:])
            assert found[name].tolist() == wanted.tolist()
