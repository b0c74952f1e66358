"""MONAI beside this package: the same arguments, value, gradient, warnings, exceptions."""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from dice_loss import monai as ours

with warnings.catch_warnings():
    # What MONAI's own imports are warned of is not tested here.
    warnings.simplefilter("ignore")
    # A folder of tests of that name would do for `monai`.
    pytest.importorskip("monai.losses", reason="needs monai")
    from monai import losses as theirs

__all__ = ["Batch", "Outcome", "agree", "drawn", "inputs", "ours", "outcome", "theirs"]

SHAPES = [(2, 3, 7), (3, 2, 5, 4), (2, 3, 4, 5), (1, 4, 3, 4, 5), (2, 1, 5, 6), (2, 1, 9)]
#: How near to MONAI, relative to the largest number of a tensor.
TOLERANCE = 1e-5


@dataclass
class Batch:
    """What a loss is called with."""

    input: torch.Tensor
    rest: tuple[torch.Tensor | None, ...]

    def to(self, dtype: torch.dtype) -> Batch:
        """In another type."""
        rest = [x.to(dtype) if x is not None and x.is_floating_point() else x for x in self.rest]
        return Batch(self.input.to(dtype), tuple(rest))


@dataclass
class Outcome:
    """What a loss made of it."""

    value: torch.Tensor | None
    gradient: torch.Tensor | None
    error: Exception | None
    warned: list[type[Warning]]


def outcome(library: Any, name: str, options: dict[str, Any], batch: Batch) -> Outcome:
    """Value, or values weighted unevenly, and gradient of a loss; or what it raised."""
    x = batch.input.clone().requires_grad_()
    value = gradient = error = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = getattr(library, name)(**options)(x, *batch.rest)
            weights = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype)
            (gradient,) = torch.autograd.grad((value * weights.view(value.shape)).sum(), x)
            value = value.detach()
        except Exception as raised:
            error = raised
    return Outcome(value, gradient, error, [warning.category for warning in caught])


def agree(
    name: str, options: dict[str, Any], batch: Batch, libraries: tuple[Any, Any] = (ours, theirs)
) -> None:
    """Ours does what MONAI does, as exactly as MONAI's float32 allows."""
    about = f"{name}({options}) of {tuple(batch.input.shape)}"
    found, wanted = (outcome(library, name, options, batch) for library in libraries)
    assert type(found.error) is type(wanted.error), f"{about}: {found.error!r}, {wanted.error!r}"
    if wanted.error is not None:
        return
    assert found.warned == wanted.warned, about
    assert found.value.dtype is wanted.value.dtype and found.value.shape == wanted.value.shape, (
        about
    )
    pairs = [(found.value, wanted.value), (found.gradient, wanted.gradient)]
    if all(torch.allclose(*pair, rtol=0.0, atol=allowed(pair[1])) for pair in pairs):
        return
    wide = {key: v.double() if isinstance(v, torch.Tensor) else v for key, v in options.items()}
    exact = outcome(libraries[1], name, wide, batch.to(torch.float64))
    assert exact.error is None, about
    near(found.value, wanted.value, exact.value, f"value of {about}")
    near(found.gradient, wanted.gradient, exact.gradient, f"gradient of {about}")


def allowed(wanted: torch.Tensor) -> float:
    """The tolerance of a tensor's entries."""
    return TOLERANCE * wanted.nan_to_num().abs().max().item()


def near(found: torch.Tensor, wanted: torch.Tensor, exact: torch.Tensor, about: str) -> None:
    """Within the tolerance, or as far as MONAI's own rounding goes."""
    rounding = (wanted.double() - exact.double()).nan_to_num().abs().max().item()
    torch.testing.assert_close(
        found.double(),
        exact.double(),
        rtol=0.0,
        atol=allowed(exact) + 4.0 * rounding,
        equal_nan=True,
        msg=lambda message: f"{about}: {message}",
    )


def drawn(options: dict[str, list[Any]], draws: int = 2) -> list[Any]:
    """Every value of every option, several times, with values of the others drawn at random."""
    cases = []
    for number, (option, values) in enumerate(options.items()):
        for index, value in enumerate(values):
            for draw in range(draws):
                generator = random.Random(f"{number} {index} {draw}")
                case = {key: generator.choice(choices) for key, choices in options.items()}
                case[option] = value
                cases.append(pytest.param(case, draw, id=f"{option}-{index}-{draw}"))
    return cases


def inputs(shape: tuple[int, ...], kind: str, seed: int, probabilities: bool = False) -> Batch:
    """Logits or probabilities, and labels, a one-hot or a soft target."""
    generator = torch.Generator().manual_seed(seed)
    x = 2.0 * torch.randn(shape, generator=generator)
    x = x.sigmoid() if probabilities else x
    if kind == "soft":
        return Batch(x, (torch.rand(shape, generator=generator),))
    voxels = (shape[0], 1, *shape[2:])
    labels = torch.randint(0, max(shape[1], 2), voxels, generator=generator)
    if shape[1] == 1:
        return Batch(x, (labels.float(),))
    return Batch(x, (labels if kind == "labels" else one_hot(labels, shape[1]),))


def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """(N, 1, spatial…) to (N, C, spatial…)."""
    return torch.nn.functional.one_hot(labels[:, 0], classes).movedim(-1, 1).float()
