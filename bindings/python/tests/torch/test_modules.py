"""The modules as modules: options, repr, state, copies, functions of the same name."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import re

import declared
import dice_loss
import pytest
import torch
from batches import BATCHES, LOSSES, built, labels_of, logits_of
from dice_loss.compounds import DiceCrossEntropy
from dice_loss.terms import CrossEntropy, Dice
from dice_loss.torch import (
    BCELoss,
    DeepSupervisionLoss,
    DiceBCELoss,
    DiceCELoss,
    DiceLoss,
    FocalLoss,
    GeneralizedWassersteinDiceLoss,
    SegmentationLoss,
    TverskyLoss,
    functional,
    losses,
)


def value(loss, **masks):
    return loss(logits_of("softmax"), labels_of(), **masks)


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (DiceLoss(), "DiceLoss()"),
        (DiceLoss(squared=True, background=False), "DiceLoss(squared=True, background=False)"),
        (BCELoss(), "BCELoss()"),
        (BCELoss(activation="probabilities"), "BCELoss(activation='probabilities')"),
        (DiceCELoss(class_weights=[1, 2]), "DiceCELoss(class_weights=[1.0, 2.0])"),
        (FocalLoss(gamma=1, ignore_index=255), "FocalLoss(gamma=1.0, ignore_index=255)"),
        (
            SegmentationLoss([Dice(), (0.5, CrossEntropy())], activation="softmax"),
            "SegmentationLoss([Dice(), (0.5, CrossEntropy())], activation='softmax')",
        ),
        (
            DeepSupervisionLoss(DiceLoss(), weights="exp"),
            "DeepSupervisionLoss(\n  weights='exp'\n  (loss): DiceLoss()\n)",
        ),
    ],
)
def test_repr_shows_what_differs_from_the_default(loss, text):
    assert repr(loss) == text


@pytest.mark.parametrize("name", losses.__all__)
def test_every_module(name):
    """Says what it takes, is documented, builds with its defaults, and has a function."""
    loss = getattr(losses, name)
    signature = inspect.signature(loss)
    assert {"activation", "reduction", "ignore_index", "process_group"} <= set(signature.parameters)
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    assert "Range" in loss.__doc__
    assert repr(loss()) == f"{name}()"
    of_same_name = {f.replace("_", ""): f for f in functional.__all__}[name.lower()]
    function = getattr(functional, of_same_name)
    activation = signature.parameters["activation"].default
    x, labels = logits_of(activation), labels_of()
    torch.testing.assert_close(function(x, labels), loss()(x, labels), rtol=0.0, atol=0.0)
    torch.testing.assert_close(
        function(x, labels, ignore_index=1, reduction="sum"),
        loss(ignore_index=1, reduction="sum")(x, labels),
        rtol=0.0,
        atol=0.0,
    )


@pytest.mark.parametrize("name", declared.LOSSES)
def test_signatures_are_as_declared(name):
    loss = declared.LOSSES[name]
    module = getattr(losses, loss["torch"])
    function = getattr(functional, loss["torch_function"])
    of_module = inspect.signature(module).parameters
    for option in loss["options"]:
        assert of_module[option["name"]].default == declared.default_of(option)
    assert of_module["activation"].default == loss["activations"][0]
    assert {*of_module} >= {*loss["settings"]}
    maps = ["maps"] if "map" in loss["settings"] else []
    shared = ["logits", "target", "mask", "voxel_weight", "class_valid", *maps, "details"]
    of_function = inspect.signature(function).parameters
    assert [*of_function] == [*shared, *of_module]
    for option in of_module:
        assert re.search(rf"\b{option}\b", module.__doc__) and option in function.__doc__, option


@pytest.mark.parametrize("name", declared.LOSSES)
def test_every_option_at_every_trial_value(name):
    """As the NumPy functions, which the naive losses check: they are of the same engine."""
    loss = declared.LOSSES[name]
    for activation in loss["activations"]:
        x, labels = logits_of(activation).requires_grad_(), labels_of()
        for options in [*declared.trials_of(name), {"background": False}]:
            found = getattr(losses, loss["torch"])(activation=activation, **options)(x, labels)
            (gradient,) = torch.autograd.grad(found, x)
            wanted, slopes = getattr(dice_loss, name)(
                x.detach().numpy(), labels.numpy(), activation=activation, **options
            )
            assert found.item() == wanted, options
            assert torch.equal(gradient, torch.from_numpy(slopes)), options
            function = getattr(functional, loss["torch_function"])
            assert function(x, labels, activation=activation, **options) == found


def test_a_sum_is_the_sum_of_its_terms():
    parts = DiceLoss(background=False), losses.CrossEntropyLoss()
    whole = SegmentationLoss(
        [(2.0, Dice()), (0.5, CrossEntropy())], activation="softmax", background=False
    )
    torch.testing.assert_close(value(whole), 2.0 * value(parts[0]) + 0.5 * value(parts[1]))
    compound = SegmentationLoss(DiceCrossEntropy(), activation="softmax")
    torch.testing.assert_close(value(compound), value(DiceCELoss()))


def test_agrees_with_torch():
    x, labels = logits_of("softmax"), labels_of()
    labels[0, 0] = -100
    weights = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    ours = losses.CrossEntropyLoss(class_weights=weights, ignore_index=-100)
    wanted = torch.nn.functional.cross_entropy(x, labels, weights)
    torch.testing.assert_close(ours(x, labels), wanted, rtol=1e-7, atol=0.0)
    masks = torch.nn.functional.one_hot(labels_of(), 3).movedim(-1, 1)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(x, masks.double())
    torch.testing.assert_close(BCELoss()(x, masks), wanted, rtol=1e-12, atol=0.0)
    probabilities = x.sigmoid()
    ours = BCELoss(activation="probabilities")(probabilities, masks)
    torch.testing.assert_close(ours, wanted, rtol=1e-12, atol=0.0)


def test_class_weights_are_saved_and_loaded():
    saved = DiceCELoss(class_weights=[1.0, 0.1, 3.0])
    buffer = io.BytesIO()
    torch.save(saved.state_dict(), buffer)
    buffer.seek(0)
    state = torch.load(buffer, weights_only=True)
    assert list(state) == ["class_weights"]
    loaded = DiceCELoss(class_weights=[1.0, 1.0, 1.0])
    assert value(loaded) != value(saved)
    loaded.load_state_dict(state)
    torch.testing.assert_close(value(loaded), value(saved), rtol=1e-7, atol=0.0)
    assert "0.1" in repr(loaded)
    plan = saved.plan
    saved.load_state_dict(saved.state_dict())
    assert saved.plan == plan, "its own state changes nothing, not even by rounding"
    saved.load_state_dict(saved.state_dict(), assign=True)
    assert saved.plan == plan
    assert not DiceLoss().state_dict()


def test_class_weights_may_be_a_tensor_and_move_along():
    weights = torch.tensor([1.0, 2.0, 3.0])
    loss = DiceLoss(class_weights=weights)
    torch.testing.assert_close(value(loss), value(DiceLoss(class_weights=[1, 2, 3])))
    loss.to(torch.float64)
    assert loss.class_weights.dtype is torch.float64
    torch.testing.assert_close(value(loss), value(DiceLoss(class_weights=[1, 2, 3])))
    weights[0] = 100.0
    torch.testing.assert_close(value(loss), value(DiceLoss(class_weights=[1, 2, 3])))


def test_an_option_that_is_changed_takes_effect():
    loss = DiceCELoss()
    loss.ignore_index, loss.background = 1, False
    loss.class_weights = torch.tensor([1.0, 2.0, 3.0])
    wanted = DiceCELoss(ignore_index=1, background=False, class_weights=[1, 2, 3])
    assert value(loss) == value(wanted)
    assert repr(loss) == repr(wanted)
    loss.class_weights = None
    assert value(loss) == value(DiceCELoss(ignore_index=1, background=False))
    with pytest.raises(ValueError, match="average"):
        loss.reduction = "average"
    assert loss.reduction == "mean"


@pytest.mark.parametrize("name", declared.LOSSES)
def test_every_option_of_the_formula_may_be_changed(name):
    loss = declared.LOSSES[name]
    build = getattr(losses, loss["torch"])
    for options in declared.trials_of(name):
        found, wanted = build(), build(**options)
        for option, changed in options.items():
            setattr(found, option, changed)
            assert getattr(found, option) == getattr(wanted, option)
        assert repr(found) == repr(wanted)
        x, labels = logits_of(loss["activations"][0]), labels_of()
        assert torch.equal(found(x, labels), wanted(x, labels))


def test_a_weight_that_is_annealed():
    loss, others = DiceCELoss(), []
    for weight in (1.0, 0.5, 0.0):
        loss.dice_weight = weight
        assert loss.dice_weight == weight
        others.append(value(loss) - value(DiceCELoss(dice_weight=weight)))
    assert others == [0.0] * 3
    assert copy.deepcopy(loss).dice_weight == 0.0
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    assert value(compiled) == value(DiceCELoss(dice_weight=0.0))
    loss.dice_weight = 5.0
    assert value(compiled) == value(DiceCELoss(dice_weight=5.0))


@pytest.mark.parametrize(
    ("option", "changed", "error", "says"),
    [
        ("label_smoothing", 2.0, ValueError, "label_smoothing: found 2"),
        ("label_smoothing", "much", TypeError, "label_smoothing: found 'much', wanted a number"),
        ("dice_weight", float("inf"), ValueError, "dice_weight: found inf, wanted a finite"),
        ("terms", Dice(), AttributeError, "terms: found others of a DiceCELoss, wanted its opt"),
    ],
)
def test_a_refused_option_of_the_formula_leaves_no_trace(option, changed, error, says):
    loss = DiceCELoss(label_smoothing=0.1)
    before, repr_before = value(loss), repr(loss)
    with pytest.raises(error, match=says):
        setattr(loss, option, changed)
    assert repr(loss) == repr_before
    assert value(loss) == before


def test_options_of_terms_are_set_with_the_terms():
    loss = SegmentationLoss([Dice(), (0.5, CrossEntropy())], activation="softmax")
    with pytest.raises(
        AttributeError,
        match=r"^label_smoothing: found an option of CrossEntropy, which is one of the terms; "
        r"wanted `terms` set anew, with CrossEntropy\(label_smoothing=…\)$",
    ):
        loss.label_smoothing = 0.1
    loss.weather = "fine"
    assert loss.weather == "fine"
    named = DiceLoss()
    named.gamma = 2.0
    assert named.gamma == 2.0, "of another loss"
    with pytest.raises(AttributeError, match="'DiceLoss' object has no attribute 'alpha'"):
        _ = named.alpha


@pytest.mark.parametrize("name", LOSSES)
def test_copies_and_pickles(name):
    activation = LOSSES[name][2][0]
    batch = BATCHES["labels"](activation)
    loss = built(name, activation, batch)
    for other in (copy.deepcopy(loss), copy.copy(loss), pickle.loads(pickle.dumps(loss))):
        assert repr(other) == repr(loss)
        assert torch.equal(other(batch.logits, batch.target), loss(batch.logits, batch.target))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: DiceLoss(smoothing=-1.0), "smoothing"),
        (lambda: TverskyLoss(alpha=-0.5), "alpha"),
        (lambda: FocalLoss(gamma=-1.0), "gamma"),
        (lambda: DiceBCELoss(activation="softmax"), "softmax"),
        (lambda: GeneralizedWassersteinDiceLoss(activation="sigmoid"), "igmoid"),
        (lambda: DiceLoss(reduction="average"), "average"),
        (lambda: DiceLoss(pool="samples"), "samples"),
        (lambda: DiceLoss(target_kind="regions"), "target_kind"),
        (lambda: DiceLoss(class_weights=[1.0, -1.0]), "class_weights"),
        (lambda: SegmentationLoss(Dice()), "activation"),
        (lambda: DiceCELoss(reduction="none"), "reduction none"),
    ],
)
def test_options_out_of_range_are_refused_when_built(build, says):
    with pytest.raises(ValueError, match=says):
        build()


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: FocalLoss(pool="batch"), "pool"),
        (lambda: DiceLoss(gamma=1.0), "gamma"),
        (lambda: DiceCELoss(classes=[1]), "classes"),
    ],
)
def test_unknown_options_are_refused(build, name):
    with pytest.raises(TypeError, match=f"found '{name}', wanted one of .*activation, "):
        build()


def test_options_that_do_not_fit_the_classes():
    with pytest.raises(ValueError, match="class_weights"):
        value(DiceLoss(class_weights=[1.0, 2.0]))
    with pytest.raises(ValueError, match="classes"):
        value(DiceLoss(classes=[3]))
    with pytest.raises(ValueError, match="sigmoid"):
        DiceLoss()(logits_of("sigmoid", (2, 1, 4)), labels_of((2, 1, 4)))
