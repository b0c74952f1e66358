"""The kernels and their launcher on a machine without a device: every loss through a fake driver.

The driver runs the kernels' CUDA C++ on the CPU; see `fake_driver`. `cargo xtask test` says where
that source is; without it, or a C++ compiler, these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import fake_driver
import pytest
import torch
from batches import BATCHES, LOSSES, Batch, built, every_case, labels_of, logits_of
from cpp import needs_compiler
from dice_loss import _core
from dice_loss.torch import (
    DiceBCELoss,
    DiceCELoss,
    DiceLoss,
    GeneralizedWassersteinDiceLoss,
    _cuda,
    measure,
)
from test_agreement import compare, lost, value_and_gradient
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
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_kernel(recipe, dtype, device, driver):
    name, activation, kind = RECIPES[recipe]
    batch = BATCHES[kind](activation)
    found = check(batch, built(name, activation, batch), dtype, device, driver)
    short = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}[dtype]
    names = [f"measure_{recipe}_{short}", "join_f64", f"pull_back_{recipe}_{short}"]
    assert [entry for entry, *_ in found] == names


def test_no_recipe_is_forgotten():
    short = ("f32", "f16", "bf16")
    sweeps = [f"{sweep}_{name}" for sweep in ("measure", "pull_back") for name in RECIPES]
    compiled = {json.loads(line)["name"] for line in Path(SOURCES).read_text().splitlines()}
    assert compiled == {"join_f64"} | {f"{sweep}_{f}" for sweep in sweeps for f in short}


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


def test_channels_last(device, driver):
    batch = BATCHES["labels"]("softmax")
    batch.logits = batch.logits.contiguous(memory_format=torch.channels_last)
    check(batch, DiceCELoss(), torch.float16, device, driver)


def test_what_is_launched(device, driver):
    x, labels = logits_of("softmax", (2, 3, 40, 40)).float(), labels_of((2, 3, 40, 40))
    device()
    DiceLoss()(x.requires_grad_(), labels).backward()
    found = launches(driver)
    names = ["measure_softmax_labels_dice_f32", "join_f64", "pull_back_softmax_labels_dice_f32"]
    assert [entry for entry, *_ in found] == names
    assert {stream for *_, stream in found} == {hex(STREAM)}
    # 1600 voxels are 7 tiles of 256; 5 sums of 3 classes are joined, in both samples.
    assert [grid for _, *grid, _ in found] == [["7", "2"], ["15", "2"], ["7", "2"]]


@pytest.mark.parametrize("kind", ["labels", "partial"])
@pytest.mark.parametrize("name", LOSSES)
def test_nothing_is_read_back(name, kind, driver):
    """Placeholders of a device's tensors have no values to read."""
    activation = LOSSES[name][2][0]
    batch = BATCHES[kind](activation)
    loss = built(name, activation, batch)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:

        def on_device(tensor):
            return mode.from_tensor(tensor).to("cuda:0")

        masks = {key: on_device(mask) for key, mask in batch.masks.items()}
        value = loss(on_device(batch.logits.float()), on_device(batch.target), **masks)
    assert value.device.type == "cuda" and value.dtype is torch.float32


@pytest.mark.parametrize("dynamic", [False, True])
def test_compilers_see_one_graph(dynamic, device):
    """What decides on the kernels is traced; they are opaque, and here the engine itself."""
    x, labels = logits_of("softmax").float(), labels_of()
    loss = DiceCELoss()
    wanted = value_and_gradient(loss, Batch(x, labels))
    device()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    found = value_and_gradient(compiled, Batch(x, labels))
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
    assert not launches(driver)


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
    lent = (_cuda._native.view(x), _cuda._native.view(labels), None, None, None, None)
    moments = torch.zeros(1, 5, 3, dtype=torch.float64)
    tables = torch.tensor(step.tables(None))
    with pytest.raises(RuntimeError, match=r"the CUDA driver: .*refused"):
        step.pull_back(
            DEVICE_THAT_FAILS,
            STREAM,
            lent,
            _cuda._native.view(torch.zeros(1, 3, 0)),
            tables.data_ptr(),
            moments.data_ptr(),
            False,
            False,
        )


def test_kernels_want_memory_of_their_own_type(driver):
    spec = DiceLoss().plan.spec
    (step,) = _core.cuda_passes(spec, 3, "labels", False, False)
    x, labels = torch.zeros(1, 2, 4), torch.zeros(1, 4, dtype=torch.uint8)
    lent = (_cuda._native.view(x), _cuda._native.view(labels), None, None, None, None)
    with pytest.raises(ValueError, match=r"shape of the logits: found \(1, 2, 4\)"):
        step.measure(0, 0, lent, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="float32, float16 or bfloat16"):
        step.load(0, "float64")
