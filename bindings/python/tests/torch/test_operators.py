"""What traces, compiles, exports or intercepts tensor operations."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from batches import BATCHES, labels_of, logits_of
from dice_loss.torch import (
    DeepSupervisionLoss,
    DiceCELoss,
    DiceLoss,
    FocalLoss,
    _plan,
    _route,
    functional,
    measure,
)
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

OPERATORS = torch.ops.dice_loss
# opcheck looks at the gradients of its own intermediate tensors.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")


def inputs(loss, batch):
    x = batch.logits.clone().requires_grad_()
    masks = [batch.masks.get(name) for name in ("mask", "voxel_weight", "class_valid")]
    _, voxels = _plan.read(loss.plan, x, batch.target, *masks)
    return _route.chosen(x, voxels, loss.plan.spec, loss.plan.settings).inputs()


@pytest.mark.parametrize("kind", ["labels", "counted", "partial", "soft", "regions"])
def test_opcheck(kind):
    batch = BATCHES[kind]("sigmoid")
    loss = DiceLoss(activation="sigmoid", **batch.settings)
    arguments = inputs(loss, batch)
    torch.library.opcheck(OPERATORS.objective.default, arguments)
    moments = OPERATORS.measure.default(*arguments).detach()
    if kind in ("labels", "counted"):
        torch.library.opcheck(OPERATORS.measure.default, arguments)
        slopes = torch.ones_like(moments).requires_grad_()
        torch.library.opcheck(OPERATORS.pull_back.default, (slopes, *arguments))


def test_opcheck_of_maps():
    batch = BATCHES["labels"]("softmax")
    arguments = inputs(FocalLoss(reduction="none"), batch)
    torch.library.opcheck(OPERATORS.voxel_losses.default, arguments)
    upstream = torch.ones((2, 1, 4, 5), dtype=torch.float64, requires_grad=True)
    torch.library.opcheck(OPERATORS.pull_back_map.default, (upstream, *arguments))


def test_opcheck_of_values():
    batch = BATCHES["labels"]("softmax")
    for pool in ("sample", "batch", "all"):
        arguments = inputs(DiceLoss(reduction="none", pool=pool), batch)
        torch.library.opcheck(OPERATORS.objective.default, arguments)


COMPILED = {
    "loss": lambda: DiceCELoss(ignore_index=1),
    "values": lambda: DiceLoss(reduction="none"),
    "map": lambda: FocalLoss(reduction="none"),
    "function": lambda: lambda x, y: functional.dice_loss(x, y, background=False),
    "sums": lambda: lambda x, y: measure(x, y, ("intersection", "focal"), ignore_index=2),
    "deep supervision": lambda: _deeply_supervised(),
    "details": lambda: lambda x, y: _first(DiceCELoss())(x, y),
}


def _first(loss):
    def function(x, y):
        value, details = loss(x, y, details=True)
        return value + 0.0 * details.soft_dice.sum()

    return function


def _deeply_supervised():
    loss = DeepSupervisionLoss(DiceCELoss(), weights="same")
    return lambda x, y: loss([x, x[..., ::2, ::2]], y)


def compiled(function, **options):
    """Through dynamo and AOT autograd; the generated code is not what is tested."""
    torch.compiler.reset()
    return torch.compile(function, fullgraph=True, backend="aot_eager", **options)


@pytest.mark.parametrize("name", [name for name in COMPILED if name != "details"])
def test_compiles_to_one_graph(name):
    function = COMPILED[name]()
    x, labels = logits_of("softmax").float().requires_grad_(), labels_of()
    wanted = function(x, labels)
    (wanted_gradient,) = torch.autograd.grad(wanted.sum(), x)
    fast = compiled(lambda a, b: function(1.0 * a, b))
    found = fast(x, labels)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0.0)
    torch.testing.assert_close(gradient, wanted_gradient, rtol=1e-6, atol=1e-9)


def test_details_compile():
    loss = DiceCELoss()
    x, labels = logits_of("softmax").float(), labels_of()
    value, details = compiled(lambda a, b: loss(a, b, details=True))(x, labels)
    wanted_value, wanted = loss(x, labels, details=True)
    torch.testing.assert_close(value, wanted_value)
    for found, exact in zip(details, wanted, strict=True):
        torch.testing.assert_close(found, exact, equal_nan=True)


def test_compiles_for_any_size():
    loss = compiled(DiceCELoss(), dynamic=True)
    for shape in ((2, 3, 4, 5), (3, 3, 6, 7)):
        x = logits_of("softmax", shape).requires_grad_()
        labels = labels_of(shape)
        found = loss(x, labels)
        found.backward()
        torch.testing.assert_close(found, DiceCELoss()(x, labels), rtol=1e-12, atol=0.0)


def test_the_reference_compiles_too(monkeypatch):
    """As it does on other devices."""
    x, labels = logits_of("softmax").requires_grad_(), labels_of()
    loss = DiceCELoss()
    wanted = loss(x, labels)
    monkeypatch.setattr(_route, "chosen", _route.Plain)
    for options in ({}, {"dynamic": True}):
        found = compiled(loss, **options)(x, labels)
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0.0)


def test_compiled_transforms():
    loss, labels = DiceLoss(), labels_of()
    x = logits_of("softmax")

    def function(logits):
        return torch.func.grad(lambda z: loss(z, labels))(logits)

    torch.testing.assert_close(compiled(function)(x), function(x), rtol=1e-12, atol=1e-15)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 3, 1)
        self.loss = DiceCELoss()

    def forward(self, x, labels):
        return self.loss(self.layer(x), labels)


@pytest.mark.parametrize("strict", [True, False])
def test_exports(strict):
    model, x, labels = Model(), logits_of("softmax").float(), labels_of()
    program = torch.export.export(model, (x, labels), strict=strict)
    assert any(node.target is OPERATORS.objective.default for node in program.graph.nodes)
    found = program.module()(x, labels)
    torch.testing.assert_close(found, model(x, labels))
    found.backward()


def test_a_compiled_training_step_in_channels_last():
    model = Model().to(memory_format=torch.channels_last)
    x = logits_of("softmax", (2, 3, 8, 8)).float().to(memory_format=torch.channels_last)
    labels = labels_of((2, 3, 8, 8))
    wanted = model(x, labels)
    torch.testing.assert_close(compiled(model)(x, labels), wanted, rtol=1e-6, atol=0.0)


def test_inductor_keeps_the_layout():
    """The whole compiler; with nothing but operators of this package it has no code to build."""
    x = logits_of("softmax").to(memory_format=torch.channels_last).requires_grad_()
    labels = labels_of()
    wanted = torch.autograd.grad(DiceCELoss()(x, labels), x)
    torch.compiler.reset()
    loss = torch.compile(DiceCELoss(), fullgraph=True)(x, labels)
    found = torch.autograd.grad(loss, x)
    assert torch.equal(found[0], wanted[0])
    assert found[0].is_contiguous(memory_format=torch.channels_last)


def test_importing_the_package_does_not_import_the_compiler():
    """Which takes as long as importing torch."""
    program = "import sys, dice_loss.torch; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_fake_tensors_have_the_right_shapes():
    loss = DiceLoss(reduction="none")
    with FakeTensorMode():
        x = torch.empty((2, 3, 4, 5), requires_grad=True)
        value = loss(x, torch.empty((2, 4, 5), dtype=torch.int64))
        value.sum().backward()
    assert value.shape == (2, 3) and x.grad.shape == x.shape


def test_make_fx_sees_operators():
    loss = DiceLoss()
    x, labels = logits_of("softmax"), labels_of()
    graph = make_fx(lambda a, b: loss(a, b))(x, labels)
    assert any(node.target is OPERATORS.objective.default for node in graph.graph.nodes)
    torch.testing.assert_close(graph(x, labels), loss(x, labels))


def test_activation_checkpointing():
    model, x, labels = Model(), logits_of("softmax").float(), labels_of()
    model(x, labels).backward()
    wanted = model.layer.weight.grad.clone()
    model.zero_grad()
    torch.utils.checkpoint.checkpoint(model, x, labels, use_reentrant=False).backward()
    torch.testing.assert_close(model.layer.weight.grad, wanted)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_cannot_be_scripted_says_so():
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv2d(1, 3, 1)
            self.criterion = DiceCELoss()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    with pytest.raises(RuntimeError, match=r"DiceCELoss: torch\.jit\.script cannot compile a loss"):
        torch.jit.script(Network())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_cannot_be_exported_to_onnx_says_so(monkeypatch):
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    x, labels = torch.randn(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(RuntimeError, match="ONNX has no operator for a loss"):
        torch.jit.trace(DiceCELoss(), (x, labels))
