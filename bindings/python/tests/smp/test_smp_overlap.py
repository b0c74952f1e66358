"""DiceLoss, JaccardLoss and TverskyLoss beside SMP's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from beside_smp import (
    SHAPES,
    agree,
    batch,
    every,
    their_functions,
    theirs,
    value_and_gradient,
)
from dice_loss import smp
from dice_loss.smp import functional
from dice_loss.torch import _route

NAMES = ("DiceLoss", "JaccardLoss", "TverskyLoss")
MODES = (smp.BINARY_MODE, smp.MULTICLASS_MODE, smp.MULTILABEL_MODE)


def both(name, *args, **options):
    return getattr(smp, name)(*args, **options), getattr(theirs, name)(*args, **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_every_option(name, mode):
    cases = every(
        log_loss=[False, True],
        from_logits=[True, False],
        ignore_index=[None, 255],
        classes=[None] if mode == "binary" else [None, [0, 1], [1, 1]],
        class_weights=[None] if mode == "binary" else [None, [0.5, 1.5, 2.5, 3.5, 4.5]],
    )
    for seed, options in enumerate(cases):
        shape = SHAPES[seed % len(SHAPES)]
        options["smooth"] = [0.0, 1.5, 0.25][seed % 3]
        if options["class_weights"] is not None:
            options["class_weights"] = options["class_weights"][: shape[1]]
        if name == "TverskyLoss":
            options |= {"alpha": 0.3, "beta": 0.8, "gamma": [1.0, 0.75, 2.0][seed % 3]}
        inputs = batch(
            mode,
            shape,
            seed,
            dtype=[torch.float32, torch.float64][seed // 2 % 2],
            ignored=options["ignore_index"],
            probabilities=not options["from_logits"],
        )
        agree(*both(name, mode, **options), *inputs, about=f"{options} {shape}")


@pytest.mark.parametrize("mode", ["binary", "multilabel"])
@pytest.mark.parametrize("name", NAMES)
def test_soft_targets(name, mode):
    for seed, options in enumerate(every(ignore_index=[None, -1], smooth=[0.0, 1.0])):
        inputs = batch(mode, SHAPES[0], seed, soft=True, ignored=options["ignore_index"])
        agree(*both(name, mode, **options), *inputs, about=options)


@pytest.mark.parametrize("name", NAMES)
def test_positional_arguments(name):
    options = ["multiclass", [0, 2], True, False, 0.5, 1, 1e-3]
    if name == "TverskyLoss":
        options += [0.2, 0.7, 1.5]
    options.append([1.0, 2.0, 3.0])
    inputs = batch("multiclass", SHAPES[0], 1, ignored=1, probabilities=True)
    agree(*both(name, *options), *inputs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_absent_classes(name, mode):
    """Their loss is 0 and counts in the mean."""
    x, target = batch(mode, SHAPES[0], 3)
    for log_loss in (False, True):
        agree(*both(name, mode, log_loss=log_loss), x, torch.zeros_like(target))
        agree(*both(name, mode, log_loss=log_loss), x, target.clamp(max=1))
    ignored = torch.full_like(target, 9)
    agree(*both(name, mode, ignore_index=9), x, ignored)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_of_the_target(name):
    x, target = batch("binary", SHAPES[0], 4)
    agree(*both(name, "binary"), x, target[:, 0])
    agree(*both(name, "binary"), x, target.float().flatten(1))
    agree(*both(name, "binary"), x[:, 0], target)
    x, labels = batch("multiclass", SHAPES[0], 5, ignored=255)
    agree(*both(name, "multiclass", ignore_index=255), x, labels.unsqueeze(1))
    agree(*both(name, "multiclass", ignore_index=255), x, labels.to(torch.uint8))
    agree(*both(name, "multiclass", ignore_index=255), x, labels.float())
    x = x.to(memory_format=torch.channels_last)
    agree(*both(name, "multiclass", ignore_index=255), x, labels)
    x, target = batch("multilabel", SHAPES[0], 5, ignored=255)
    x = x.to(memory_format=torch.channels_last)
    agree(*both(name, "multilabel", ignore_index=255), x, target)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("from_logits", [True, False])
def test_a_single_class(name, from_logits):
    x, _ = batch("binary", SHAPES[0], 6, probabilities=not from_logits)
    labels = torch.zeros(x.shape[0], *x.shape[2:], dtype=torch.long)
    agree(*both(name, "multiclass", from_logits=from_logits), x, labels)
    labels[0] = 7
    agree(*both(name, "multiclass", from_logits=from_logits, ignore_index=7), x, labels)


@pytest.mark.parametrize("name", NAMES)
def test_errors(name):
    def fails(error, call):
        for library in (smp, theirs):
            with pytest.raises(error) as caught:
                call(getattr(library, name))
            assert caught.type is error

    fails(AssertionError, lambda loss: loss("other"))
    fails(AssertionError, lambda loss: loss("binary", classes=[0]))
    fails(ValueError, lambda loss: loss("binary", class_weights=[1.0]))
    fails(TypeError, lambda loss: loss())
    x, labels = batch("multiclass", SHAPES[0], 7)
    fails(RuntimeError, lambda loss: loss("multiclass")(x, labels + 1))
    fails(RuntimeError, lambda loss: loss("multiclass")(x, labels - 1))
    fails(RuntimeError, lambda loss: loss("multiclass", ignore_index=9)(x, labels + 1))
    fails(AssertionError, lambda loss: loss("multiclass")(x[:1], labels))
    fails(AssertionError, lambda loss: loss("multiclass")(x, labels[:, 1:]))
    fails(RuntimeError, lambda loss: loss("multiclass", ignore_index=9)(x, labels[:, 1:]))
    fails(RuntimeError, lambda loss: loss("multilabel")(x, labels))
    fails(RuntimeError, lambda loss: loss("multiclass", class_weights=[1.0, 2.0])(x, labels))
    fails(IndexError, lambda loss: loss("multiclass", classes=[3])(x, labels))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_overflow(name, mode, dtype):
    x, target = batch(mode, (2, 2, 300, 300), 8)
    half = x.to(dtype).requires_grad_()
    loss = getattr(smp, name)(mode)(half, target)
    exact = half.detach().double().requires_grad_()
    wanted = getattr(theirs, name)(mode)(exact, target)
    assert loss.dtype is torch.float32
    torch.testing.assert_close(loss.double(), wanted, rtol=1e-6, atol=0.0)
    (2.0**16 * loss).backward()
    (2.0**16 * wanted).backward()
    assert half.grad.dtype is dtype
    scale = exact.grad.abs().max().item()
    step = torch.finfo(dtype).eps
    torch.testing.assert_close(half.grad.double(), exact.grad, rtol=0.0, atol=step * scale)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_nothing_leaks_from_ignored_voxels(name, mode):
    x, target = batch(mode, SHAPES[0], 9, ignored=255)
    hidden = (target == 255).unsqueeze(1) if mode == "multiclass" else target == 255
    loss = getattr(smp, name)(mode, ignore_index=255)
    wanted, wanted_gradient = value_and_gradient(loss, x, target)
    found, gradient = value_and_gradient(loss, torch.where(hidden, torch.nan, x), target)
    assert found == wanted and torch.equal(gradient, wanted_gradient)
    assert gradient[hidden.expand_as(x)].eq(0).all()


def test_nan_elsewhere_is_not_hidden():
    x, labels = batch("multiclass", SHAPES[0], 10)
    x[0, 1, 2, 3] = torch.nan
    for loss in both("DiceLoss", "multiclass"):
        assert loss(x, labels).isnan()


def test_a_subclass_may_aggregate_by_itself():
    class Largest(smp.DiceLoss):
        def aggregate_loss(self, loss):
            return loss.max()

    class Theirs(theirs.DiceLoss):
        def aggregate_loss(self, loss):
            return loss.max()

    agree(Largest("multiclass"), Theirs("multiclass"), *batch("multiclass", SHAPES[0], 11))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_other_devices(name, mode, monkeypatch):
    """There plain torch computes the sums."""
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    agree(*both(name, mode, ignore_index=255), *batch(mode, SHAPES[1], 13, ignored=255))


def test_without_a_break_in_a_compiled_graph():
    loss = smp.TverskyLoss("multiclass", gamma=2.0, ignore_index=255)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    agree(compiled, loss, *batch("multiclass", SHAPES[0], 12, ignored=255))


@pytest.mark.parametrize("name", [*NAMES, "FocalLoss"])
@pytest.mark.parametrize(
    "ignored", [1.0, np.int64(1), np.float32(1), True, torch.tensor(1), 255.7, 0.5, 2**63]
)
def test_labels_to_ignore_of_any_kind(name, ignored):
    inputs = batch("multiclass", SHAPES[0], 3, ignored=1)
    # What compares as equal is read the same before and after.
    for value in (1, ignored, 1):
        agree(*both(name, "multiclass", ignore_index=value), *inputs, about=value)


def test_a_fraction_to_ignore_in_a_soft_target():
    inputs = batch("binary", SHAPES[0], 4, soft=True, ignored=0.5)
    agree(*both("DiceLoss", "binary", ignore_index=0.5), *inputs)


NOT_READ = [2, 3, 2.0, -1, 0, np.float64(2.0), {0: 5.0, 1: 1.0, 2: 1.0}, {1.0, 2.0}, "12", range(2)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [*NOT_READ, (0, 2), np.array([2, 0])])
def test_classes_of_any_kind(name, value):
    inputs = batch("multiclass", SHAPES[0], 5)
    agree(*both(name, "multiclass", classes=value), *inputs, about=value)


@pytest.mark.parametrize("name", [*NAMES, "FocalLoss"])
@pytest.mark.parametrize("value", [*NOT_READ, (5, 1, 2), np.array([5, 1, 2])])
def test_class_weights_of_any_kind(name, value):
    inputs = batch("multiclass", SHAPES[0], 6)
    agree(*both(name, "multiclass", class_weights=value), *inputs, about=value)


@pytest.mark.parametrize("dims", [np.int64(1), torch.tensor(1), [0, 2], (np.int64(0), 1)])
def test_axes_of_any_kind(dims):
    x, target = batch("multilabel", SHAPES[0], 7, probabilities=True)
    pair = [
        lambda x, g, library=library: library.soft_dice_score(x, g.to(x.dtype), dims=dims)
        for library in (functional, their_functions)
    ]
    agree(*pair, x, target, about=dims)


@pytest.mark.parametrize("gamma", [True, 1, np.float32(1.0), torch.tensor(1.0)])
def test_exponents_of_any_kind(gamma):
    for mode in ("multiclass", "binary"):
        inputs = batch(mode, SHAPES[0], 8)
        agree(*both("FocalLoss", mode, gamma=gamma), *inputs, about=gamma)
