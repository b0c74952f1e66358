"""The kernels and their launcher on a machine without a device: every loss through a fake driver.

The driver runs the kernels' CUDA C++ on the CPU; see `fake_driver`. `cargo xtask test` says where
that source is; without it, or a C++ compiler, these tests are skipped.
"""

from __future__ import annotations

import inspect
import itertools
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import declared
import fake_driver
import pytest
import torch
from batches import (
    BATCHES,
    CLASSES,
    LOSSES,
    SHAPE,
    Batch,
    built,
    every_case,
    labels_of,
    logits_of,
    uniform,
)
from cpp import needs_compiler
from dice_loss import _core, _maps
from dice_loss import torch as losses
from dice_loss.terms import Boundary, CrossEntropy, Dice, Focal, SkeletonRecall
from dice_loss.torch import (
    BCELoss,
    BoundaryLoss,
    DiceBCELoss,
    DiceCELoss,
    DiceLoss,
    FocalLoss,
    GeneralizedDiceLoss,
    GeneralizedWassersteinDiceLoss,
    SegmentationLoss,
    _cuda,
    _native,
    _ops,
    _plain,
    measure,
)
from dice_loss.torch._evaluation import integrands
from dice_loss.torch._target import Target
from test_agreement import compare, lost, size, value_and_gradient
from torch._subclasses.fake_tensor import FakeTensorMode

SOURCES = os.environ.get("DICE_LOSS_KERNELS", "")
STREAM = 0x5EED
#: The fake driver has none of this number.
DEVICE_THAT_FAILS = 9

pytestmark = [
    pytest.mark.skipif(
        not SOURCES, reason="DICE_LOSS_KERNELS does not name what `cargo xtask emit` printed"
    ),
    needs_compiler,
]


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return fake_driver.build(Path(SOURCES), tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="session")
def driver(library):
    return fake_driver.load(library)


@pytest.fixture
def device(driver, monkeypatch):
    """Makes tensors in main memory pass for a device's."""

    def on():
        monkeypatch.setattr(_cuda, "holds", lambda tensor: True)
        monkeypatch.setattr(_cuda, "_ordinal", lambda index: 0)
        monkeypatch.setattr(_cuda, "_where", lambda logits: (0, STREAM))
        driver.fake_launches()

    yield on
    driver.fake_launches()


def launches(driver):
    lines = driver.fake_launches().decode().splitlines()
    return [line.split() for line in lines]


def rounded(batch, dtype):
    """The batch of a type, and the same numbers in float64."""
    single = batch.to(dtype)
    return single, single.to(torch.float64)


def check(batch, loss, dtype, device, driver):
    single, wide = rounded(batch, dtype)
    wanted = value_and_gradient(loss, wide)
    device()
    found = value_and_gradient(loss, single)
    launched = launches(driver)
    assert launched
    assert found[0].dtype is torch.float32 and found[1].dtype is dtype
    compare(found[0].double(), wanted[0], lost(torch.float32))
    # What a gradient of this type can say at all, near 0 half of the least number that it has, and
    # what float32 arithmetic loses on the way.
    info = torch.finfo(dtype)
    relative = 0.5 * info.eps + lost(torch.float32)
    compare(found[1].double(), wanted[1], relative, 0.5 * info.tiny * info.eps)
    return launched


@pytest.mark.parametrize(("name", "activation", "kind"), every_case())
def test_every_loss_in_float32(name, activation, kind, device, driver):
    batch = BATCHES[kind](activation)
    check(batch, built(name, activation, batch), torch.float32, device, driver)


#: A loss for each recipe that kernels were compiled from.
RECIPES = {
    "softmax_labels_dice": ("dice", "softmax", "labels"),
    "softmax_labels_dice_cross_entropy": ("dice + ce", "softmax", "labels"),
    "softmax_labels": ("generalized_wasserstein_dice, told all", "softmax", "counted"),
    "softmax_dense": ("cross-entropy smoothed", "softmax", "masked dense"),
    "sigmoid_labels_dice": ("dice + bce", "sigmoid", "labels"),
    "sigmoid_dense_dice": ("dice + bce", "sigmoid", "soft"),
    "sigmoid_labels": ("unified focal", "sigmoid", "counted"),
    "sigmoid_dense": ("focal weighted", "sigmoid", "multilabel"),
    "probabilities_labels": ("combo, told all", "probabilities", "partial"),
    "probabilities_dense": ("dice + bce", "probabilities", "soft"),
    "softmax_labels_dice_mapped": ("boundary, told all", "softmax", "labels"),
    "softmax_dense_dice_mapped": ("hausdorff_dt, told all", "softmax", "masked dense"),
    "sigmoid_labels_dice_mapped": ("skeleton_recall, told all", "sigmoid", "counted"),
    "sigmoid_dense_dice_mapped": ("border_cross_entropy, told all", "sigmoid", "multilabel"),
    "softmax_labels_mapped": ("wasserstein", "softmax", "partial"),
    "softmax_dense_mapped": ("focal weighted", "softmax", "masked dense"),
    "sigmoid_labels_mapped": ("focal weighted", "sigmoid", "counted"),
    "sigmoid_dense_mapped": ("sensitivity_specificity, told all", "sigmoid", "multilabel"),
    "probabilities_labels_mapped": ("cross-entropy smoothed", "probabilities", "partial"),
    "probabilities_dense_mapped": ("bce weighted", "probabilities", "soft"),
}


def weighed(batch, channels, dtype=torch.float32):
    """The batch with a map that is 0 here and there, for a loss that is told to read it."""
    samples, _, *spatial = batch.logits.shape
    values = uniform((samples, channels, *spatial), 12)
    values = torch.where(values < 0.2, 0.0, 4.0 * values).to(dtype)
    settings = {**batch.settings, "map": "m"}
    return Batch(batch.logits, batch.target, settings, {**batch.masks, "maps": {"m": values}})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_kernel(recipe, dtype, device, driver):
    name, activation, kind = RECIPES[recipe]
    batch = BATCHES[kind](activation)
    if recipe.endswith("_mapped") and not recipe.endswith("_dice_mapped"):
        batch = weighed(batch, batch.logits.shape[1])
    found = check(batch, built(name, activation, batch), dtype, device, driver)
    short = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}[dtype]
    between = ["join_f64", "evaluate_f64"]
    names = [f"measure_{recipe}_{short}", *between, f"pull_back_{recipe}_{short}"]
    assert [entry for entry, *_ in found] == names


def test_no_recipe_is_forgotten():
    short = ("f32", "f16", "bf16")
    sweeps = [f"{sweep}_{name}" for sweep in ("measure", "pull_back") for name in RECIPES]
    compiled = {json.loads(line)["name"] for line in Path(SOURCES).read_text().splitlines()}
    between = {"join_f64", "evaluate_f64"}
    assert compiled == between | {f"{sweep}_{f}" for sweep in sweeps for f in short}


LEAN = {
    "softmax_labels_dice": (DiceLoss(), "labels"),
    "softmax_labels_dice_cross_entropy": (DiceCELoss(), "labels"),
    "sigmoid_labels_dice": (DiceBCELoss(), "labels"),
    "sigmoid_dense_dice": (DiceBCELoss(), "dense"),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 2, 7), (3, 5, 31, 17), (2, 19, 6, 7, 9), (1, 256, 301)])
@pytest.mark.parametrize("name", LEAN)
@pytest.mark.filterwarnings("ignore:logits and target of shape .* are read as 256 channels")
def test_lean_recipes_of_ragged_shapes(name, shape, dtype, device, driver):
    loss, kind = LEAN[name]
    batch = BATCHES["labels"]("softmax")
    batch.logits, batch.target = logits_of("softmax", shape), labels_of(shape)
    if kind == "dense":
        batch.target = (logits_of("softmax", shape, 5) > 0.5).to(torch.uint8)
    check(batch, loss, dtype, device, driver)


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int16, torch.int32, torch.int64, torch.float32, torch.bool]
)
def test_labels_of_every_type_and_alignment(dtype, device, driver):
    shape = (3, 2, 5, 7)
    batch = BATCHES["labels"]("softmax")
    labels = labels_of(shape).to(dtype)
    # Begins in the middle of a word, and so does every other sample.
    odd = torch.zeros(labels.numel() + 1, dtype=dtype)[1:].view(labels.shape)
    batch.logits, batch.target = logits_of("softmax", shape), odd.copy_(labels)
    check(batch, DiceLoss(), torch.float32, device, driver)


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str
)
@pytest.mark.parametrize("loss", [DiceCELoss(), DiceBCELoss()], ids=["softmax", "sigmoid"])
def test_dense_values_a_few_roundings_outside(loss, dtype, device, driver):
    """From −4 ε to 1 + 4 ε they are 0 and 1; those beyond make the loss not a number."""
    epsilon = torch.finfo(dtype).eps
    hard = (logits_of("softmax", seed=5) > 0.5).to(dtype)
    x = logits_of("softmax").float()
    device()
    wanted = value_and_gradient(loss, Batch(x, hard))
    off = torch.where(hard == 1, hard + 4 * epsilon, hard - 4 * epsilon)
    assert (off != hard).all()
    found = value_and_gradient(loss, Batch(x, off))
    assert launches(driver)
    assert torch.equal(found[0], wanted[0]) and torch.equal(found[1], wanted[1])
    for beyond in (1 + 5 * epsilon, -5 * epsilon, float("nan")):
        outside = off.clone()
        outside[1, 2, 3, 4] = beyond
        assert loss(x, outside).isnan()


@pytest.mark.parametrize(
    ("dtype", "label", "ignore_index", "is_ignored"),
    [
        (torch.uint8, 255, 255, True),
        (torch.uint8, 156, -100, False),
        (torch.int16, -100, -100, True),
        (torch.int32, -(2**31), -(2**31), True),
        (torch.int64, 2**40, 2**40, True),
        (torch.int64, 2**40 + 255, 255, False),
        (torch.uint32, 2**32 - 1, 2**32 - 1, True),
        (torch.uint32, 2**32 - 1, -1, False),
        (torch.uint64, 2**40, 2**40, True),
        (torch.uint64, 2**64 - 1, -1, False),
        (torch.float32, 2.0**24, 2**24, True),
        (torch.float32, 2.0**24, 2**24 + 1, False),
        (torch.float32, 0.5, -(2**31), False),
        (torch.float64, 2.0**24 + 1, 2**24 + 1, True),
        (torch.float64, 2.0**24 + 1, 2**24, False),
    ],
    ids=str,
)
def test_labels_are_compared_by_value(dtype, label, ignore_index, is_ignored, device, driver):
    x, labels = logits_of("softmax").float(), labels_of()
    ignored = torch.zeros_like(labels)
    ignored[1, 2, 3] = 1
    loss = DiceCELoss(ignore_index=ignore_index)
    device()
    wanted = DiceCELoss()(x, labels, mask=ignored == 0)
    plain = labels.flatten().tolist()
    plain[int(ignored.flatten().nonzero()[0])] = label
    found = loss(x, torch.tensor(plain, dtype=dtype).reshape(labels.shape))
    assert launches(driver)
    assert torch.equal(found, wanted) if is_ignored else found.isnan()


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e36, 1e37, 3e38])
@pytest.mark.parametrize("name", ["dice + ce", "unified focal", "generalized dice"])
def test_weights_of_any_size(name, size, device, driver):
    activation = "sigmoid" if name == "unified focal" else "softmax"
    batch = BATCHES["counted"](activation)
    batch.masks["voxel_weight"] = torch.where(batch.masks["voxel_weight"] > 0, size, 0.0).float()
    check(batch, built(name, activation, batch), torch.float32, device, driver)


def test_large_weights_of_what_does_not_count(device, driver):
    """They decide on the scale, and leave the others their digits."""
    batch = BATCHES["labels"]("softmax")
    mask = labels_of(seed=7) != 0
    weight = torch.where(mask, 0.5 + labels_of(seed=8), 3e38).float()
    batch.masks |= {"mask": mask, "voxel_weight": weight}
    check(batch, DiceCELoss(), torch.float32, device, driver)


# Maps.

READ_MAPS = [
    (name, activation)
    for name, (loss, options, activations) in LOSSES.items()
    for activation in activations
    if "map" in inspect.signature(loss).parameters and "map" not in options
]


@pytest.mark.parametrize("channels", [1, CLASSES])
@pytest.mark.parametrize("kind", ["labels", "counted", "partial", "soft"])
@pytest.mark.parametrize(("name", "activation"), READ_MAPS)
def test_every_loss_with_a_map(name, activation, kind, channels, device, driver):
    batch = weighed(BATCHES[kind](activation), channels)
    # Alike, under one map for all, they would leave nothing of a gradient that is linear in p.
    batch.settings["class_weights"] = [1.0, 0.5, 2.0]
    check(batch, built(name, activation, batch), torch.float32, device, driver)


MAPPED = {
    "dice": DiceLoss(map="m", activation="sigmoid"),
    "bce": BCELoss(map="m"),
    "focal": FocalLoss(map="m", activation="sigmoid"),
    "boundary": BoundaryLoss(map="m"),
}


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        *itertools.product(MAPPED, [(1, 2, 7), (3, 5, 31, 17), (2, 19, 6, 7, 9)]),
        *itertools.product(["dice", "bce", "focal"], [(2, 1, 301)]),
    ],
)
def test_maps_of_ragged_shapes(name, shape, is_shared, device, driver):
    x, labels = logits_of("softmax", shape), labels_of(shape)
    if shape[1] == 1:
        labels = (uniform((2, 301), 3) < 0.4).to(torch.uint8)
    batch = weighed(Batch(x, labels), 1 if is_shared else shape[1])
    check(batch, MAPPED[name], torch.float32, device, driver)


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str
)
@pytest.mark.parametrize("channels", [1, CLASSES])
@pytest.mark.parametrize("order", ["unaligned", "channels last", "strided"])
def test_maps_of_every_type_and_order(order, channels, dtype, device, driver):
    batch = weighed(BATCHES["labels"]("softmax"), channels, dtype)
    values = batch.masks["maps"]["m"]
    if order == "unaligned":
        # Begins in the middle of a word.
        odd = torch.zeros(values.numel() + 1, dtype=dtype)[1:].view(values.shape)
        values = odd.copy_(values)
    elif order == "channels last":
        values = values.contiguous(memory_format=torch.channels_last)
    else:
        values = torch.stack([values, -values], -1)[..., 0]
    batch.masks["maps"] = {"m": values}
    check(batch, DiceLoss(map="m"), torch.float32, device, driver)


def test_maps_where_nothing_counts(device, driver):
    """They may be anything there."""
    batch = weighed(BATCHES["counted"]("softmax"), CLASSES)
    values = batch.masks["maps"]["m"]
    counts = batch.masks["mask"] & (batch.masks["voxel_weight"] != 0) & (batch.target != 255)
    assert not counts.all() and counts.any()
    batch.masks["maps"] = {"m": torch.where(counts[:, None], values, torch.nan)}
    loss = DiceLoss(map="m", ignore_index=255)
    check(batch, loss, torch.float32, device, driver)


WRONG = [float("nan"), float("inf"), 1.1e12]


@pytest.mark.parametrize(
    ("loss", "good", "wrong"),
    [
        (DiceLoss(map="m"), [0.0, 1e12], [*WRONG, -1e-30]),
        (BoundaryLoss(map="m"), [-1e12, 0.0, 1e12], [*WRONG, -1.1e12]),
        # Two passes, of which one does not read it.
        (
            SegmentationLoss(terms=[Focal(), Dice(map="m")], activation="softmax"),
            [0.0],
            [*WRONG, -1.0],
        ),
    ],
    ids=["dice", "boundary", "beside"],
)
def test_values_of_maps(loss, good, wrong, device, driver, monkeypatch):
    """Those out of their range make the loss not a number, and are named on demand."""
    x, labels = logits_of("softmax").float(), labels_of()
    values = torch.ones(SHAPE)
    device()

    def of(value):
        values[1, 2, 3, 4] = value
        return loss(x, labels, maps={"m": values})

    for value in good:
        assert of(value).isfinite()
    for value in wrong:
        assert of(value).isnan()
    assert launches(driver)
    monkeypatch.setenv("DICE_LOSS_CUDA_CHECK", "1")
    assert of(1.0).isfinite()
    with pytest.raises(ValueError, match=r"sample 1, class 2, .* in the map 'm', wanted"):
        of(wrong[0])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e11])
@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e36, 3e38])
def test_weights_of_any_size_beside_a_map(size, scale, device, driver):
    batch = weighed(BATCHES["counted"]("softmax"), 1)
    batch.masks["voxel_weight"] = torch.where(batch.masks["voxel_weight"] > 0, size, 0.0).float()
    batch.masks["maps"]["m"] *= scale
    loss = DiceLoss(map="m", ignore_index=255)
    check(batch, loss, torch.float32, device, driver)


BOTH = (Dice(), CrossEntropy(), Boundary(map="m"))
PASSES = {
    "what most want": (BOTH, ["softmax_labels_dice_mapped"]),
    "more than that": ((*BOTH, Focal()), ["softmax_labels", "softmax_labels_dice_mapped"]),
    "another activation": (
        (Dice(activation="sigmoid"), *BOTH),
        ["sigmoid_labels_dice", "softmax_labels_dice_mapped"],
    ),
    "one sum both ways": (
        (Focal(), Focal(gamma=1.0, map="m")),
        ["softmax_labels", "softmax_labels_mapped"],
    ),
}


@pytest.mark.parametrize("case", PASSES)
def test_passes_beside_a_map(case, device, driver):
    """What most want beside a map takes one pass with it, and all else one of its own."""
    terms, recipes = PASSES[case]
    batch = weighed(BATCHES["labels"]("softmax"), 1)
    loss = SegmentationLoss(terms=list(terms), activation="softmax")
    found = {entry for entry, *_ in check(batch, loss, torch.float32, device, driver)}
    sweeps = {f"{sweep}_{name}_f32" for sweep in ("measure", "pull_back") for name in recipes}
    assert found == {"join_f64", "evaluate_f64"} | sweeps


def test_channels_last(device, driver):
    batch = BATCHES["labels"]("softmax")
    batch.logits = batch.logits.contiguous(memory_format=torch.channels_last)
    check(batch, DiceCELoss(), torch.float16, device, driver)


def test_what_is_launched(device, driver):
    x, labels = logits_of("softmax", (2, 3, 40, 40)).float(), labels_of((2, 3, 40, 40))
    device()
    DiceLoss()(x.requires_grad_(), labels).backward()
    found = launches(driver)
    recipe, between = "softmax_labels_dice", ["join_f64", "evaluate_f64"]
    names = [f"measure_{recipe}_f32", *between, f"pull_back_{recipe}_f32"]
    assert [entry for entry, *_ in found] == names
    assert {stream for *_, stream in found} == {hex(STREAM)}
    # 1600 voxels are 7 tiles of 256; 5 sums of 3 classes are joined, in both samples.
    assert [grid for _, *grid, _ in found] == [["7", "2"], ["15", "2"], ["1", "1"], ["7", "2"]]


@pytest.mark.parametrize("kind", ["labels", "partial"])
@pytest.mark.parametrize("name", LOSSES)
def test_nothing_is_read_back(name, kind, driver):
    """Placeholders of a device's tensors have no values to read."""
    activation = LOSSES[name][2][0]
    batch = BATCHES[kind](activation)
    loss = built(name, activation, batch)
    maps = loss.maps(batch.logits, batch.target, **batch.masks)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:

        def on_device(tensor):
            return mode.from_tensor(tensor).to("cuda:0")

        masks = {key: on_device(mask) for key, mask in batch.masks.items()}
        if maps:
            masks["maps"] = {name: on_device(map) for name, map in maps.items()}
        value = loss(on_device(batch.logits.float()), on_device(batch.target), **masks)
    assert value.device.type == "cuda" and value.dtype is torch.float32


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("loss", [DiceCELoss(), DiceLoss(map="m")], ids=["plain", "with a map"])
def test_compilers_see_one_graph(loss, dynamic, device):
    """What decides on the kernels is traced; they are opaque, and here the engine itself."""
    batch = Batch(logits_of("softmax").float(), labels_of())
    if loss.plan.maps:
        batch = weighed(batch, 1)
    wanted = value_and_gradient(loss, batch)
    device()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    found = value_and_gradient(compiled, batch)
    compare(found[0], wanted[0], lost(torch.float32))
    compare(found[1], wanted[1], lost(torch.float32))


def test_own_formula(device, driver):
    x, labels = logits_of("softmax"), labels_of()
    sums = ("prediction", "log_loss", "prediction")
    wanted_x, found_x = x.clone().requires_grad_(), x.float().requires_grad_()
    wanted = measure(wanted_x, labels, sums)
    wanted.square().sum().backward()
    device()
    found = measure(found_x, labels, sums)
    found.square().sum().backward()
    assert launches(driver)
    compare(found, wanted.detach(), lost(torch.float32))
    # The slopes are twice the sums, and lose what they lose.
    compare(found_x.grad.double(), wanted_x.grad, 2 * lost(torch.float32))


def test_a_label_out_of_range_makes_the_loss_not_a_number(device):
    x, labels = logits_of("softmax").float(), labels_of()
    labels[1, 2, 3] = 3
    device()
    assert DiceCELoss()(x, labels).isnan()
    assert DiceLoss(pool="batch")(x, labels).isnan()
    assert DiceLoss(reduction="none")(x, labels).isnan().all()


def test_checks_on_demand(device, monkeypatch):
    x, labels = logits_of("softmax").float(), labels_of()
    labels[1, 2, 3] = 3
    device()
    monkeypatch.setenv("DICE_LOSS_CUDA_CHECK", "1")
    with pytest.raises(ValueError, match="found label 3, wanted 0 to 2"):
        DiceLoss()(x, labels)


def test_turned_off(device, driver, monkeypatch):
    x, labels = logits_of("softmax").float(), labels_of()
    wanted = DiceLoss()(x, labels)
    device()
    monkeypatch.setenv("DICE_LOSS_CUDA", "0")
    compare(DiceLoss()(x, labels), wanted, lost(torch.float32))
    assert not launches(driver)


def test_two_maps_are_read_by_plain_torch(device, driver):
    """No kernel reads more than one."""
    x, labels = logits_of("softmax").float(), labels_of()
    loss = SegmentationLoss(terms=[Boundary(), SkeletonRecall()], activation="softmax")
    maps = loss.maps(x, labels)
    wanted = value_and_gradient(lambda x, y: loss(x, y, maps=maps), Batch(x, labels))
    device()
    _cuda._cached_refusal.cache_clear()
    _cuda._warn.cache_clear()
    with pytest.warns(RuntimeWarning, match="an objective of 3 classes that no kernel"):
        found = value_and_gradient(lambda x, y: loss(x, y, maps=maps), Batch(x, labels))
    assert {entry for entry, *_ in launches(driver)} == {"evaluate_f64"}
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_what_no_kernel_takes_is_said_once(device, driver):
    x, labels = logits_of("softmax"), labels_of()
    wanted = DiceLoss()(x, labels)
    device()
    _cuda._cached_refusal.cache_clear()
    _cuda._warn.cache_clear()
    with pytest.warns(RuntimeWarning, match="found logits of torch.float64, wanted float32"):
        found = DiceLoss()(x, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DiceLoss()(x, labels)
    compare(found, wanted, lost(torch.float64))
    # The sums are of the right type, wherever they were made.
    assert {entry for entry, *_ in launches(driver)} == {"evaluate_f64"}


# The loss between the sweeps. Kernel, engine and plain torch have the same sums, in float64.

#: What a value or slope may lose, relative to the largest: a formula has fewer than 48 operations.
EVALUATED = 48 * torch.finfo(torch.float64).eps
VALID = torch.tensor([[True, True, False], [True, False, True]])
SETTINGS = [
    {"pool": pool, "absent": absent, "reduction": reduction}
    for pool, absent, reduction in itertools.product(
        ("sample", "batch", "all"), ("skip", "zero", "formula"), ("mean", "sum", "none")
    )
]


def sums_of(spec, activation, labels=None, valid=None, classes=3):
    shape = (2, classes, 4, 5)
    labels = labels_of(shape) if labels is None else labels
    maps = {
        map.name: 4.0 * uniform(shape, 11) - (2.0 if map.is_signed else 0.0)
        for map in _maps.wanted(spec)
    }
    target = Target(labels, "labels", None, None, None, None, valid, maps)
    return _plain.moments(integrands(spec, classes), logits_of(activation, shape), target)


def check_evaluation(loss, activation, valid, driver, classes=3):
    """Loss, values and slopes beside the engine's, which has no slopes by sums of data alone."""
    spec = loss.plan.spec
    moments = sums_of(spec, activation, valid=valid, classes=classes)
    program = _cuda.program(moments, valid, spec)
    value, slopes = _cuda.evaluate(moments, valid, None, spec, program)
    assert launches(driver) == [["evaluate_f64", "1", "1", hex(STREAM)]]
    wanted = torch.empty_like(moments)
    views = (_native.view(moments.contiguous()), None if valid is None else _native.view(valid))
    verdict = _core.evaluate(spec, *views, False, _native.view(wanted))
    values = verdict.loss if loss.reduction != "none" else verdict.values
    values = torch.tensor(values, dtype=torch.float64)
    assert value.shape == torch.Size(verdict.shape if loss.reduction == "none" else ())
    compare(value, values.reshape(value.shape), EVALUATED)
    columns = integrands(spec, classes)
    of_data = ("reference", "reference_squared", "voxels", "mapped", "merged")
    own = [at for at, column in enumerate(columns) if column.name not in of_data]
    assert size(wanted[:, own]) > 0
    compare(slopes[:, own], wanted[:, own], EVALUATED)


def settings_of(loss, index):
    """Some settings that a loss has: each number others."""
    settings = dict(SETTINGS[index % len(SETTINGS)])
    if loss["kind"] == "voxel":
        settings = {"reduction": ("mean", "sum")[index % 2]}
    elif loss["kind"] != "overlap" and settings["reduction"] == "none":
        settings["reduction"] = "mean"
    if index % 2:
        settings["class_weights"] = [1.0, 0.5, 2.0]
    return {
        key: value for key, value in settings.items() if key in (*loss["settings"], "reduction")
    }


@pytest.mark.parametrize("name", declared.LOSSES)
def test_every_formula_is_evaluated(name, device, driver):
    loss = declared.LOSSES[name]
    device()
    trials = itertools.product(loss["activations"], [{}, *declared.trials_of(name)])
    first = 5 * list(declared.LOSSES).index(name)
    for index, (activation, options) in enumerate(trials, first):
        settings = settings_of(loss, index)
        module = getattr(losses, loss["torch"])(activation=activation, **options, **settings)
        check_evaluation(module, activation, VALID if index % 3 == 0 else None, driver)


@pytest.mark.parametrize("loss", [DiceLoss, GeneralizedDiceLoss])
def test_every_setting_is_evaluated(loss, device, driver):
    device()
    for index, settings in enumerate(SETTINGS):
        weights = {"class_weights": [1.0, 0.5, 2.0]} if index % 2 else {}
        module = loss(background=index % 4 > 1, **weights, **settings)
        check_evaluation(module, "softmax", VALID if index % 3 else None, driver)


@pytest.mark.parametrize("loss", [DiceLoss, GeneralizedDiceLoss])
def test_units_take_several_classes(loss, device, driver):
    device()
    for pool in ("sample", "batch"):
        check_evaluation(loss(pool=pool), "softmax", None, driver, classes=301)


def by_both_ways(moments, valid, spec, class_weights=None):
    """What `of_moments` and plain torch make of moments, and the gradients by them."""
    both = []
    for function in (_ops.of_moments, _ops._plain_of_moments):
        leaf = moments.clone().requires_grad_()
        value = function(leaf, valid, spec, class_weights)
        upstream = torch.linspace(0.5, 2.0, value.numel(), dtype=value.dtype)
        value.backward(upstream.reshape(value.shape))
        both.append((value.detach(), leaf.grad))
    return both


LABELS = labels_of()
CORNERS = {
    "labels": (LABELS, None),
    "one class is nowhere": (LABELS.clamp(max=1), None),
    "background alone": (torch.zeros_like(LABELS), None),
    "partial": (LABELS, VALID),
    "nothing annotated": (LABELS, torch.zeros_like(VALID)),
}


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize(
    ("loss", "reduction"),
    [
        *itertools.product([DiceLoss, GeneralizedDiceLoss], ["mean", "none"]),
        (DiceCELoss, "mean"),
    ],
)
def test_evaluated_by_autograd(loss, reduction, corner, device, driver):
    """With weights of classes that are a tensor, and slopes by the sums of the reference too."""
    labels, valid = CORNERS[corner]
    spec = loss(reduction=reduction, absent="zero").plan.spec
    moments = sums_of(spec, "softmax", labels, valid)
    weights = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    device()
    found, wanted = by_both_ways(moments, valid, spec, weights)
    assert [entry for entry, *_ in launches(driver)] == ["evaluate_f64"]
    compare(found[0], wanted[0], EVALUATED)
    compare(found[1], wanted[1], EVALUATED)


def test_second_derivatives_of_moments(device, driver):
    spec = DiceLoss().plan.spec
    moments = sums_of(spec, "softmax")
    device()
    both = []
    for function in (_ops.of_moments, _ops._plain_of_moments):
        leaf = moments.clone().requires_grad_()
        value = function(leaf, None, spec, None)
        (slopes,) = torch.autograd.grad(value, leaf, create_graph=True)
        both.append(torch.autograd.grad(slopes.square().sum(), leaf)[0])
    assert launches(driver)
    compare(both[0], both[1], EVALUATED)


def test_second_derivatives_of_logits(device):
    def second():
        x = logits_of("softmax").float().requires_grad_()
        (gradient,) = torch.autograd.grad(DiceCELoss()(x, labels_of()), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), x)[0]

    wanted = second()
    device()
    compare(second(), wanted, lost(torch.float32))


def test_a_sum_that_is_no_number_is_not_left_out(device, driver):
    moments = sums_of(DiceLoss().plan.spec, "softmax")
    moments[1] = torch.nan
    device()
    for reduction in ("mean", "sum", "none"):
        spec = DiceLoss(reduction=reduction).plan.spec
        assert _ops.of_moments(moments, None, spec).isnan().all()
        assert launches(driver)


@pytest.mark.parametrize(
    ("samples", "classes", "dtype"),
    [(5, 205, torch.float64), (0, 3, torch.float64), (2, 3, torch.float32)],
)
def test_what_the_kernel_does_not_evaluate(samples, classes, dtype, device, driver):
    """More than 1024 classes of samples, none at all, sums of another type."""
    spec = DiceLoss().plan.spec
    columns = len(integrands(spec, classes))
    moments = torch.ones((samples, columns, classes), dtype=dtype)
    device()
    found = _ops.of_moments(moments, None, spec)
    assert not launches(driver)
    assert torch.equal(found, _ops._plain_of_moments(moments, None, spec, None))


def test_details(device, driver):
    batch = BATCHES["counted"]("softmax")
    loss = GeneralizedWassersteinDiceLoss(**batch.settings)
    _, wanted = loss(batch.logits, batch.target, **batch.masks, details=True)
    device()
    _, found = loss(batch.logits.float(), batch.target, **batch.masks, details=True)
    assert launches(driver)
    compare(found.soft_dice.double(), wanted.soft_dice.double(), lost(torch.float32))


REFUSED = """
import os, sys
from dice_loss import _core
print(_core.cuda_refusal(0))
"""


@pytest.mark.parametrize(
    ("version", "refusal"),
    [
        ("12010", "None"),
        ("13000", "None"),
        ("11080", "found a CUDA driver of version 11.8, wanted 12.1 or newer"),
    ],
)
def test_drivers_by_version(library, version, refusal):
    environment = os.environ | {
        "LD_LIBRARY_PATH": str(library.parent),
        "FAKE_DRIVER_VERSION": version,
    }
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == refusal


def test_a_driver_that_refuses(driver):
    (step,) = _core.cuda_passes(DiceLoss().plan.spec, 3, "labels", False, False)
    x, labels = torch.zeros(1, 3, 0), torch.zeros(1, 0, dtype=torch.uint8)
    lent = (_native.view(x), _native.view(labels), None, None, None, None, None)
    moments = torch.zeros(1, 5, 3, dtype=torch.float64)
    tables = torch.tensor(step.tables(None))
    with pytest.raises(RuntimeError, match=r"the CUDA driver: .*refused"):
        step.pull_back(
            DEVICE_THAT_FAILS,
            STREAM,
            lent,
            _native.view(torch.zeros(1, 3, 0)),
            tables.data_ptr(),
            moments.data_ptr(),
            False,
            False,
        )


def test_kernels_want_memory_of_their_own_type(driver):
    spec = DiceLoss().plan.spec
    (step,) = _core.cuda_passes(spec, 3, "labels", False, False)
    x, labels = torch.zeros(1, 2, 4), torch.zeros(1, 4, dtype=torch.uint8)
    lent = (_native.view(x), _native.view(labels), None, None, None, None, None)
    with pytest.raises(ValueError, match=r"shape of the logits: found \(1, 2, 4\)"):
        step.measure(0, 0, lent, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="float32, float16 or bfloat16"):
        step.load(0, "float64")


def test_kernels_want_the_map_that_they_read(driver):
    (step,) = _core.cuda_passes(BoundaryLoss().plan.spec, 3, "labels", False, False)
    x, labels = torch.zeros(1, 3, 4), torch.zeros(1, 4, dtype=torch.uint8)

    def measure_with(map):
        lent = (_native.view(x), _native.view(labels), None, None, map, None, None)
        step.measure(0, 0, lent, 0, 0, 0, 0)

    with pytest.raises(ValueError, match="map: found none, wanted the one that the terms name"):
        measure_with(None)
    with pytest.raises(ValueError, match=r"shape of the map: found \(1, 2, 4\), wanted .*1, 3, 4"):
        measure_with(_native.view(torch.zeros(1, 2, 4)))
