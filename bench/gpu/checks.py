"""Whether every kernel is right: beside float64, within what plain torch itself loses.

Each check yields a name and what is wrong, None if nothing is.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from dice_loss import torch as losses
from dice_loss.terms import (
    Activation,
    BinaryCrossEntropy,
    Boundary,
    CrossEntropy,
    Dice,
    Focal,
    HausdorffDT,
    IoU,
)
from dice_loss.torch import _route
from torch import Tensor

Checked = Iterator[tuple[str, str | None]]

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
#: Ragged: no multiple of 256 voxels. The last is larger than a grid's share for one cube.
SHAPES = ((2, 3, 17, 19, 11), (3, 2, 301), (1, 19, 61, 67), (1, 105, 33, 31), (2, 4, 96, 97, 95))
#: How much worse than plain torch of the same type a kernel may be, where rounding has the say.
SLACK = 2.0
#: What float32 arithmetic may lose on top of plain torch's own luck.
FLOOR = 2e-6


@dataclass(frozen=True)
class Variant:
    """A loss for one recipe of the kernels."""

    name: str
    loss: Callable[[], losses.SegmentationLoss]
    target: str = "labels"
    activation: str = "softmax"
    extras: tuple[str, ...] = field(default=())


def _everything(activation: Activation, map: str | None = None) -> losses.SegmentationLoss:
    overlaps = [Dice(map=map), Dice(squared=True, map=map), IoU(overlap="l1", map=map)]
    voxel = {
        "softmax": [CrossEntropy(label_smoothing=0.1, map=map), Focal(gamma=1.5, map=map)],
        "sigmoid": [BinaryCrossEntropy(map=map), Focal(gamma=1.5, map=map)],
        "probabilities": [],
    }
    return losses.SegmentationLoss([*overlaps, *voxel[activation]], activation=activation)


def _beside_a_map(activation: Activation) -> losses.SegmentationLoss:
    terms = {
        "softmax": [Dice(), CrossEntropy(), Boundary(map="m")],
        "sigmoid": [Dice(), BinaryCrossEntropy(), HausdorffDT(map="m")],
    }
    return losses.SegmentationLoss(terms[activation], activation=activation)


ALL = ("mask", "voxel_weight", "class_valid")
MAP = ("maps",)
OF_LOGITS: tuple[Activation, ...] = ("softmax", "sigmoid")
EVERY: tuple[Activation, ...] = (*OF_LOGITS, "probabilities")
VARIANTS = (
    Variant("softmax dice", losses.DiceLoss),
    Variant("softmax dice + cross-entropy", losses.DiceCELoss),
    Variant("softmax everything", lambda: _everything("softmax"), extras=ALL),
    Variant("softmax transport", losses.GeneralizedWassersteinDiceLoss),
    Variant("softmax everything, dense", lambda: _everything("softmax"), "dense"),
    Variant("sigmoid dice + bce", losses.DiceBCELoss, "labels", "sigmoid"),
    Variant("sigmoid dice + bce, dense", losses.DiceBCELoss, "dense", "sigmoid"),
    Variant("sigmoid everything", lambda: _everything("sigmoid"), "labels", "sigmoid", ALL),
    Variant("sigmoid everything, dense", lambda: _everything("sigmoid"), "dense", "sigmoid", ALL),
    Variant("probabilities", lambda: _everything("probabilities"), "labels", "probabilities", ALL),
    Variant("probabilities, dense", lambda: _everything("probabilities"), "dense", "probabilities"),
)
#: Each under an activation, with labels and with dense targets, and a map.
WITH_MAPS = tuple(
    Variant(f"{activation} {name}, {target}", partial(loss, activation), target, activation, extras)
    for name, loss, activations, extras in (
        ("beside a map", _beside_a_map, OF_LOGITS, MAP),
        (
            "everything with a map",
            partial(_everything, map="m"),
            EVERY,
            (*ALL, *MAP),
        ),
    )
    for activation in activations
    for target in ("labels", "dense")
)


@contextmanager
def plain_torch() -> Iterator[None]:
    """Without kernels or engine."""
    before = _route.chosen
    _route.chosen = _route.Plain
    try:
        yield
    finally:
        _route.chosen = before


@dataclass
class Inputs:
    """What a loss is called with."""

    logits: Tensor
    target: Tensor
    extras: dict[str, Any]


def inputs(variant: Variant, shape: tuple[int, ...], dtype: torch.dtype, device: str) -> Inputs:
    """The same for every type, but for the rounding of the logits."""
    generator = torch.Generator().manual_seed(1)
    x = 3.0 * torch.randn(shape, generator=generator)
    if variant.activation == "probabilities":
        x = x.softmax(1)
    per_voxel = (shape[0], *shape[2:])
    if variant.target == "dense":
        target = torch.rand(shape, generator=generator)
    else:
        target = torch.randint(shape[1], per_voxel, generator=generator)
    whole = {
        "mask": torch.rand(per_voxel, generator=generator) < 0.8,
        "voxel_weight": torch.rand(per_voxel, generator=generator),
        "class_valid": torch.rand(shape[:2], generator=generator) < 0.7,
    }
    whole["class_valid"][:, 0] = True
    maps = {"m": 4.0 * torch.rand(shape, generator=generator).to(device)}
    extras = {name: maps if name == "maps" else whole[name].to(device) for name in variant.extras}
    return Inputs(x.to(dtype).to(device), target.to(device), extras)


def value_and_gradient(loss: Any, given: Inputs, logits: Tensor) -> tuple[Tensor, Tensor]:
    """In float64."""
    x = logits.detach().requires_grad_()
    value = loss(x, given.target, **given.extras)
    (gradient,) = torch.autograd.grad(value, x)
    return value.detach().double(), gradient.double()


def distance(found: Tensor, wanted: Tensor) -> float:
    """The largest, relative to the largest entry."""
    scale = wanted.abs().max().clamp(min=1e-30)
    return float(((found - wanted).abs().max() / scale).nan_to_num(torch.inf))


def variants(device: str, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> Checked:
    """Every recipe, element type, shape and memory format."""
    every = (*VARIANTS, *WITH_MAPS)
    for variant, dtype, shape, last in itertools.product(every, DTYPES, shapes, (False, True)):
        if last and len(shape) < 4:
            continue
        name = f"{variant.name}, {dtype}, {shape}{', channels last' if last else ''}"
        given = inputs(variant, shape, dtype, device)
        if last:
            form = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
            given.logits = given.logits.contiguous(memory_format=form)
        yield name, _beside_plain_torch(variant.loss().to(device), given)


def _beside_plain_torch(loss: Any, given: Inputs) -> str | None:
    found = value_and_gradient(loss, given, given.logits)
    with plain_torch():
        wanted = value_and_gradient(loss, given, given.logits.double())
        plain = value_and_gradient(loss, given, given.logits)
    for what, ours, theirs, exact in zip(("loss", "gradient"), found, plain, wanted, strict=True):
        limit = SLACK * distance(theirs, exact) + FLOOR
        if not distance(ours, exact) <= limit:
            return f"{what} off by {distance(ours, exact):.1e}, allowed {limit:.1e}"
    return None


def repeats(device: str) -> Checked:
    """The same bits twice."""
    given = inputs(VARIANTS[1], SHAPES[-1], torch.float32, device)
    first, second = (value_and_gradient(losses.DiceCELoss(), given, given.logits) for _ in range(2))
    same = torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    yield "the same bits twice", None if same else "found two results"


def kernels_run(device: str) -> Checked:
    """That nothing fell back, and no label out of range goes unseen."""
    given = inputs(VARIANTS[0], SHAPES[0], torch.float16, device)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            losses.DiceLoss()(given.logits, given.target)
            yield "kernels are used", None
        except RuntimeWarning as warning:
            yield "kernels are used", str(warning)
    given.target[0, 0, 0, 0] = 99
    value = losses.DiceLoss()(given.logits, given.target)
    yield "a label out of range", None if value.isnan() else f"found {value}, wanted NaN"


def graph(device: str) -> Checked:
    """Forward and backward captured once and replayed on other numbers."""
    loss = losses.DiceCELoss()
    given = inputs(VARIANTS[1], SHAPES[0], torch.float32, device)
    x = given.logits.requires_grad_()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            x.grad = None
            loss(x, given.target).backward()
    torch.cuda.current_stream().wait_stream(side)
    captured = torch.cuda.CUDAGraph()
    x.grad = None
    with torch.cuda.graph(captured):
        value = loss(x, given.target)
        value.backward()
    with torch.no_grad():
        x.mul_(-0.5)
    captured.replay()
    assert x.grad is not None
    found = (value.detach().double(), x.grad.double())
    wanted = value_and_gradient(loss, given, x)
    same = torch.equal(found[0], wanted[0]) and torch.equal(found[1], wanted[1])
    yield "CUDA graph", None if same else "found other results than without"


def streams(device: str) -> Checked:
    """Two streams at once."""
    loss = losses.DiceCELoss()
    batches = [inputs(VARIANTS[1], shape, torch.float16, device) for shape in SHAPES[-2:]]
    wanted = [value_and_gradient(loss, given, given.logits) for given in batches]
    torch.cuda.synchronize()
    found = []
    for given in batches:
        with torch.cuda.stream(torch.cuda.Stream()):
            found.append([value_and_gradient(loss, given, given.logits) for _ in range(20)][-1])
    torch.cuda.synchronize()
    same = all(torch.equal(a[1], b[1]) for a, b in zip(found, wanted, strict=True))
    yield "two streams", None if same else "found other results than on one"


def autocast(device: str) -> Checked:
    """Under autocast: logits in half precision, the loss in float32."""
    given = inputs(VARIANTS[1], SHAPES[0], torch.float32, device)
    kind = device.split(":")[0]
    layer = torch.nn.Conv3d(3, 3, 1).to(device)
    with torch.autocast(kind, dtype=torch.bfloat16):
        logits = layer(given.logits)
        value = losses.DiceCELoss()(logits, given.target)
    read = logits.detach().float().requires_grad_()
    losses.DiceCELoss()(read, given.target).backward()
    assert read.grad is not None
    upstream = read.grad.to(logits.dtype)
    (wanted,) = torch.autograd.grad(logits, layer.weight, upstream, retain_graph=True)
    value.backward()
    assert layer.weight.grad is not None
    right = logits.dtype is torch.bfloat16 and value.dtype is torch.float32
    far = distance(layer.weight.grad, wanted)
    # Both gradients of the logits are rounded to bfloat16, with 8 bits.
    agrees = right and far < 2**-7
    yield "autocast", None if agrees else f"{logits.dtype}, {value.dtype}, off by {far:.1e}"


def compiled(device: str) -> Checked:
    """Under torch.compile, in one graph."""
    given = inputs(VARIANTS[1], SHAPES[0], torch.float32, device)
    loss = losses.DiceCELoss()
    whole = torch.compile(loss, fullgraph=True)
    found = value_and_gradient(whole, given, given.logits)
    wanted = value_and_gradient(loss, given, given.logits)
    far = max(distance(a, b) for a, b in zip(found, wanted, strict=True))
    yield "torch.compile", None if far < 1e-5 else f"off by {far:.1e}"
