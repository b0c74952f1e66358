"""The compounds and cross-entropies beside nnU-Net's."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch
from beside_nnunet import SHAPES, agree, batch, every, theirs, value_and_gradient
from dice_loss import nnunet
from dice_loss.nnunet import compounds
from dice_loss.torch import _route

DICE = {"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False}


def both(name, *args, **options):
    """Each with its own copy of the arguments, some of which nnU-Net changes."""
    losses = []
    for library in (nnunet, theirs):
        own = copy.deepcopy(args)
        changed = dict(options)
        if "dice_class" in changed:
            changed["dice_class"] = getattr(library, changed["dice_class"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            losses.append(getattr(library, name)(*own, **changed))
    return losses


@pytest.fixture
def sweeps(monkeypatch):
    """How often the compounds took both losses from one sweep."""
    calls = []
    for name in ("measured_of", "at_once"):
        real = getattr(compounds, name)

        def counting(*args, real=real, **options):
            calls.append(options)
            return real(*args, **options)

        monkeypatch.setattr(compounds, name, counting)
    return calls


@pytest.mark.parametrize("dice_class", ["SoftDiceLoss", "MemoryEfficientSoftDiceLoss"])
@pytest.mark.parametrize("ignore_label", [None, 9, 0])
def test_labels(dice_class, ignore_label, sweeps):
    cases = every(
        label_smoothing=[0.0, 0.1],
        weight=[None, [0.5, 2.0, 1.0, 3.0]],
        reduction=["mean", "sum"],
        batch_dice=[False, True],
    )
    for seed, options in enumerate(cases):
        shape = SHAPES[seed % len(SHAPES)]
        dice = {**DICE, "batch_dice": options.pop("batch_dice"), "do_bg": seed % 3 == 0}
        weight_ce, weight_dice = [(1, 1), (0.5, 2)][seed // 2 % 2]
        if options["weight"] is not None:
            options["weight"] = torch.tensor(options["weight"][: shape[1]])
        x, labels = batch(shape, seed, ignored=ignore_label)
        pair = both(
            "DC_and_CE_loss", dice, options, weight_ce, weight_dice, ignore_label,
            dice_class=dice_class,
        )  # fmt: skip
        agree(*pair, x, labels, about=f"{dice} {options} {shape}")
        assert len(sweeps) == seed + 1


@pytest.mark.parametrize("weights", [(0, 1), (1, 0)])
@pytest.mark.parametrize("ignore_label", [None, 9])
def test_one_loss_alone(weights, ignore_label):
    x, labels = batch(SHAPES[0], 1, ignored=ignore_label)
    agree(*both("DC_and_CE_loss", DICE, {}, *weights, ignore_label), x, labels)
    agree(*both("DC_and_topk_loss", DICE, {}, *weights, ignore_label), x, labels)
    for loss in both("DC_and_CE_loss", DICE, {}, 0, 0, ignore_label):
        assert loss(x, labels) == 0


@pytest.mark.parametrize("dtype", [torch.int16, torch.float32, torch.uint8])
def test_types_of_labels(dtype):
    x, labels = batch(SHAPES[0], 2, ignored=9)
    agree(*both("DC_and_CE_loss", DICE, {}, ignore_label=9), x, labels.to(dtype))
    agree(*both("DC_and_topk_loss", DICE, {}, ignore_label=9), x, labels.to(dtype))


@pytest.mark.parametrize("name", ["DC_and_CE_loss", "DC_and_topk_loss"])
def test_all_voxels_ignored(name):
    x, labels = batch(SHAPES[0], 3)
    for dice in (DICE, {**DICE, "smooth": 0}):
        agree(*both(name, dice, {}, ignore_label=9), x, torch.full_like(labels, 9))
    weight = torch.tensor([0.0, 1.0, 1.0])
    ignored = torch.where(labels == 0, 0, 9)
    for loss in both("DC_and_CE_loss", DICE, {"weight": weight}, ignore_label=9):
        assert loss(x, ignored).isnan()


def test_what_one_sweep_cannot_compute(sweeps):
    """Then one loss after the other."""
    x, labels = batch(SHAPES[0], 4)
    one_hot = torch.nn.functional.one_hot(labels[:, 0]).movedim(-1, 1)
    agree(*both("DC_and_CE_loss", DICE, {}), x, one_hot)
    agree(*both("DC_and_CE_loss", DICE, {"ignore_index": 1}), x, labels)
    agree(*both("DC_and_CE_loss", DICE, {}), x[:, :1], labels.clamp(max=0))
    unreduced = nnunet.DC_and_CE_loss(DICE, {"reduction": "none"})(x, labels)
    wanted = theirs.DC_and_CE_loss(DICE, {"reduction": "none"})(x, labels)
    torch.testing.assert_close(unreduced, wanted)
    mixed = nnunet.DC_and_CE_loss(DICE, {}, dice_class=theirs.MemoryEfficientSoftDiceLoss)
    agree(mixed, theirs.DC_and_CE_loss(DICE, {}), x, labels)
    compiled, other = both("DC_and_CE_loss", DICE, {})
    compiled.dc = torch.compile(compiled.dc, backend="eager")
    agree(compiled, other, x, labels)
    assert not sweeps


@pytest.mark.parametrize("dice_class", ["SoftDiceLoss", "MemoryEfficientSoftDiceLoss"])
@pytest.mark.parametrize("use_ignore_label", [False, True])
def test_regions(dice_class, use_ignore_label, sweeps):
    cases = every(
        pos_weight=[None, [1.5], [0.5, 2.0, 1.0, 3.0]],
        reduction=["mean", "sum"],
        batch_dice=[False, True],
    )
    for seed, options in enumerate(cases):
        shape = SHAPES[seed % len(SHAPES)]
        dice = {**DICE, "batch_dice": options.pop("batch_dice"), "do_bg": True}
        weights = [(1, 1), (0.5, 0)][seed // 2 % 2]
        dtype = [torch.bool, torch.float32, torch.long][seed % 3]
        positive = options["pos_weight"]
        if positive is not None:
            axes = (-1, *(1,) * (len(shape) - 2))
            options["pos_weight"] = torch.tensor(positive[: shape[1]]).reshape(axes)
        x, _ = batch(shape, seed)
        channels = shape[1] + use_ignore_label
        target = torch.rand(shape[0], channels, *shape[2:]) < 0.4
        pair = both(
            "DC_and_BCE_loss", options, dice, *weights, use_ignore_label, dice_class=dice_class
        )
        agree(*pair, x, target.to(dtype), about=f"{dice} {options} {shape}")
        assert len(sweeps) == seed + 1


def test_regions_one_after_another(sweeps):
    x, _ = batch(SHAPES[0], 5)
    target = (torch.rand(2, 4, 7, 5) < 0.4).float()
    weight = torch.rand(7, 5)
    for bce in ({"weight": weight}, {"pos_weight": weight}):
        agree(*both("DC_and_BCE_loss", bce, DICE), x, target[:, :3])
        agree(*both("DC_and_BCE_loss", bce, DICE, use_ignore_label=True), x, target)
    mixed = nnunet.DC_and_BCE_loss({}, DICE, dice_class=theirs.SoftDiceLoss)
    agree(mixed, theirs.DC_and_BCE_loss({}, DICE), x, target[:, :3])
    assert not sweeps


def test_regions_all_ignored():
    x, _ = batch(SHAPES[0], 6)
    target = torch.ones(2, 4, 7, 5)
    agree(*both("DC_and_BCE_loss", {}, DICE, use_ignore_label=True), x, target)
    weighted = {"weight": torch.rand(7, 5)}
    agree(*both("DC_and_BCE_loss", weighted, DICE, use_ignore_label=True), x, target)


@pytest.mark.parametrize("ignore_label", [None, 9])
def test_top_k(ignore_label):
    cases = every(
        k=[10, 37.5, 100], label_smoothing=[0.0, 0.1], weight=[None, [0.5, 2.0, 1.0, 3.0]]
    )
    for seed, options in enumerate(cases):
        shape = SHAPES[seed % len(SHAPES)]
        if options["weight"] is not None:
            options["weight"] = torch.tensor(options["weight"][: shape[1]])
        x, labels = batch(shape, seed, ignored=ignore_label)
        agree(*both("DC_and_topk_loss", DICE, options, 0.5, 2, ignore_label), x, labels)
        if ignore_label is None:
            agree(*both("TopKLoss", **options), x, labels)


def test_top_k_is_deprecated_by_torch_alike():
    for library in (nnunet, theirs):
        with pytest.warns(UserWarning, match="size_average and reduce"):
            loss = library.DC_and_topk_loss(DICE, {})
        assert loss.ce.reduction == "none"


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy(reduction):
    cases = every(
        ignore_index=[-100, 1], label_smoothing=[0.0, 0.2], weight=[None, [0.5, 2.0, 1.0, 3.0]]
    )
    for seed, options in enumerate(cases):
        shape = SHAPES[seed % len(SHAPES)]
        if options["weight"] is not None:
            options["weight"] = torch.tensor(options["weight"][: shape[1]])
        ours, other = both("RobustCrossEntropyLoss", reduction=reduction, **options)
        x, labels = batch(shape, seed, ignored=options["ignore_index"])
        for target in (labels, labels[:, 0], labels.float()):
            summed = [lambda x, y, loss=loss: loss(x, y).sum() for loss in (ours, other)]
            agree(*summed, x, target, about=f"{options} {shape}")


def test_errors():
    x, labels = batch(SHAPES[0], 7)
    one_hot = torch.nn.functional.one_hot(labels[:, 0]).movedim(-1, 1)
    cases = [
        ("DC_and_CE_loss", (DICE, {}), RuntimeError, labels + 1),
        ("DC_and_CE_loss", (DICE, {}), RuntimeError, labels - 1),
        ("DC_and_CE_loss", (DICE, {}, 1, 0), IndexError, labels + 1),
        ("DC_and_CE_loss", (DICE, {}, 1, 1, 9), RuntimeError, labels + 1),
        ("DC_and_CE_loss", (DICE, {}, 1, 1, 9), AssertionError, one_hot),
        ("DC_and_topk_loss", (DICE, {}), RuntimeError, labels + 1),
        ("DC_and_topk_loss", (DICE, {}, 1, 0), IndexError, labels + 1),
        ("DC_and_topk_loss", (DICE, {}, 1, 1, 9), AssertionError, one_hot),
        ("RobustCrossEntropyLoss", (), IndexError, labels + 1),
        ("RobustCrossEntropyLoss", (), AssertionError, one_hot),
        ("TopKLoss", (), IndexError, labels + 1),
        ("DC_and_BCE_loss", ({}, DICE), ValueError, labels),
        ("DC_and_CE_loss", ({"batch_dice": True}, {}), ValueError, labels),
        ("DC_and_BCE_loss", ({}, {"batch_dice": True}), ValueError, one_hot),
    ]
    for name, arguments, error, target in cases:
        for loss in both(name, *arguments):
            with pytest.raises(error) as caught:
                loss(x, target)
            assert caught.type is error, (name, arguments, caught)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_overflow(dtype):
    x, labels = batch((2, 2, 300, 300), 8)
    regions = torch.cat([labels == 0, labels == 1], 1)
    for name, arguments, target in [
        ("DC_and_CE_loss", (DICE, {"reduction": "sum"}), labels),
        ("DC_and_BCE_loss", ({"reduction": "sum"}, DICE), regions),
        ("DC_and_topk_loss", (DICE, {}), labels),
    ]:
        half = x.to(dtype)
        ours, other = both(name, *arguments)
        found, gradient = value_and_gradient(ours, half, target)
        wanted, exact = value_and_gradient(other, half.float(), target)
        assert found.dtype is torch.float32 and gradient.dtype is dtype
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=0.0)
        if name != "DC_and_topk_loss":
            atol = torch.finfo(dtype).eps * exact.abs().max().item()
            torch.testing.assert_close(gradient.float(), exact, rtol=0.0, atol=atol)


@pytest.mark.parametrize("name", ["DC_and_CE_loss", "DC_and_topk_loss"])
def test_nothing_leaks_from_ignored_voxels(name):
    x, labels = batch(SHAPES[0], 9, ignored=9)
    ours, _ = both(name, DICE, {}, ignore_label=9)
    wanted, wanted_gradient = value_and_gradient(ours, x, labels)
    found, gradient = value_and_gradient(ours, torch.where(labels == 9, torch.nan, x), labels)
    assert found == wanted and torch.equal(gradient, wanted_gradient)
    assert gradient[(labels == 9).expand_as(x)].eq(0).all()


@pytest.mark.parametrize("bce", [{}, {"weight": torch.rand(7, 5)}])
def test_nothing_leaks_from_regions_that_are_ignored(bce):
    x, _ = batch(SHAPES[0], 10)
    target = torch.rand(2, 4, 7, 5) < 0.4
    ours, _ = both("DC_and_BCE_loss", bce, DICE, use_ignore_label=True)
    wanted, wanted_gradient = value_and_gradient(ours, x, target)
    found, gradient = value_and_gradient(ours, torch.where(target[:, -1:], torch.nan, x), target)
    assert found == wanted and torch.equal(gradient, wanted_gradient)
    assert gradient[target[:, -1:].expand_as(x)].eq(0).all()


def test_arguments_are_not_changed():
    """nnU-Net writes the ignored label into them."""
    ce, bce = {}, {}
    nnunet.DC_and_CE_loss(DICE, ce, ignore_label=9)
    nnunet.DC_and_BCE_loss(bce, DICE, use_ignore_label=True)
    assert ce == {} and bce == {}


@pytest.mark.parametrize("ignore_label", [None, 9])
def test_without_a_break_in_a_compiled_graph(ignore_label):
    loss = nnunet.DC_and_CE_loss(DICE, {}, ignore_label=ignore_label)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    agree(compiled, loss, *batch(SHAPES[0], 11, ignored=ignore_label))


@pytest.mark.parametrize("ignore_label", [None, 9])
def test_other_devices(ignore_label, monkeypatch):
    """There plain torch computes Dice, compiled or not, and torch's own kernel cross-entropy."""
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    monkeypatch.setattr(nnunet.RobustCrossEntropyLoss, "is_summed", lambda *_: False)
    monkeypatch.setattr(nnunet.DC_and_BCE_loss, "_positive_weight", lambda *_: None)
    x, labels = batch(SHAPES[0], 12, ignored=ignore_label)
    pair = both("DC_and_CE_loss", DICE, {}, ignore_label=ignore_label)
    agree(*pair, x, labels)
    pair[0].dc.compile(backend="aot_eager", fullgraph=True)
    agree(*pair, x, labels)
    target = (torch.rand(2, 4, 7, 5) < 0.4).float()
    agree(*both("DC_and_BCE_loss", {}, DICE, use_ignore_label=True), x, target)


def test_names():
    assert set(nnunet.__all__) == {name for name in vars(theirs) if not name.startswith("__")}
    assert all(getattr(nnunet, name) is not None for name in nnunet.__all__)


@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("RobustCrossEntropyLoss", (), {"ignore_index": np.int64(1), "label_smoothing": True}),
        ("TopKLoss", (), {"label_smoothing": True, "k": np.int64(50)}),
        ("TopKLoss", (), {"ignore_index": np.int64(1), "k": torch.tensor(50)}),
        ("DC_and_CE_loss", (DICE, {}), {"ignore_label": np.int64(1), "weight_ce": True}),
        ("DC_and_CE_loss", (DICE, {}), {"ignore_label": torch.tensor(1), "weight_dice": 2.5}),
        ("SoftDiceLoss", (), {"ddp": False, "smooth": np.float32(1), "clip_tp": 1}),
        ("MemoryEfficientSoftDiceLoss", (), {"ddp": 0, "smooth": torch.tensor(2), "do_bg": 1}),
    ],
)
def test_arguments_of_any_kind(name, args, options):
    x, labels = batch(SHAPES[0], 3)
    agree(*both(name, *args, **options), x, labels)
