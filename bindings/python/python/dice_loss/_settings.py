"""What all losses have in common: the settings of a call, and their part of the documentation."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

from numpy.typing import ArrayLike

from . import _core
from ._spec import Reduction
from .compounds import Compound
from .terms import Absent, Pool, Term

Function = TypeVar("Function", bound=Callable[..., Any])


class Counted(TypedDict, total=False):
    """What of the target counts, and how it is to be read."""

    ignore_index: int | None
    mask: ArrayLike | None
    voxel_weight: ArrayLike | None
    class_valid: ArrayLike | None
    regions: Sequence[Sequence[int]] | None


class CommonSettings(Counted, total=False):
    """Of every loss."""

    background: bool | None
    class_weights: Sequence[float] | None
    reduction: Reduction


class VoxelSettings(CommonSettings, total=False):
    """Of a voxel loss."""

    classes: Sequence[int] | None


class OverlapSettings(VoxelSettings, total=False):
    """Of an overlap loss."""

    pool: Pool | None
    absent: Absent | None


class CompoundSettings(CommonSettings, total=False):
    """Of a compound."""

    pool: Pool | None
    absent: Absent | None


COUNTED = tuple(Counted.__annotations__)
"""The settings that belong to the data, not to the loss."""

_DESCRIPTIONS = {
    "logits": "(N, C, spatial…): float32, float64, float16, or bfloat16 of `ml_dtypes`.",
    "target": "labels (N, spatial…) or (N, 1, spatial…), integers; or dense (N, C, spatial…), "
    "one-hot, multilabel or soft, in [0, 1], of any type. For one channel labels are 0 and 1.",
    "activation": "what turns logits into probabilities: {activations}.",
    "pool": 'what the overlap loss is computed over: "sample", each class of each sample; "batch", '
    'each class over the batch; "all", everything at once.',
    "absent": 'what a class counts that the reference lacks: "skip", nothing; "formula", what the '
    'formula says; "zero", a loss of 0 that stays in the mean.',
    "background": "whether class 0 takes part{in_overlap}; with one channel it always does.",
    "classes": "only these classes take part; all by default.",
    "class_weights": "one for each class, not negative; they normalise the mean over classes.",
    "reduction": "{reductions}.",
    "ignore_index": "voxels with this label do not count.",
    "mask": "(N, spatial…); voxels where it is False or 0 do not count.",
    "voxel_weight": "(N, spatial…), at least 0: how much each voxel counts.",
    "class_valid": "(N, C) or (C,) bool: which classes were annotated.",
    "regions": "for labels 0, 1, …, the channels that each belongs to; the target is a label map.",
}
_ACTIVATIONS = {name: activations for name, _, _, _, activations in _core.catalogue()}
_DEFAULTS = {"pool": "sample", "absent": "skip", "background": True, "reduction": "mean"}
_RETURNS = """\
Returns:
    The loss, a float (an array for reduction "none"), and its gradient in the shape, type and order
    of axes of the logits; 0 at voxels that do not count, whatever the logits hold there.

Raises:
    TypeError: an array or option of the wrong type.
    ValueError: shapes that do not fit, labels outside the classes, dense targets outside [0, 1],
        options out of their range, an activation that is not among those above.

See `Objective.loss_and_gradient` for what is accepted and what is copied."""


def documented(loss: type[Term] | type[Compound], settings: type) -> Callable[[Function], Function]:
    """Gives the function of a loss the loss's documentation, and the settings to its signature."""

    def decorate(function: Function) -> Function:
        names = list(settings.__annotations__)
        function.__doc__ = _documentation(loss, function, names)
        function.__signature__ = _signature(function, settings)  # type: ignore[attr-defined]
        return function

    return decorate


def _documentation(loss: Any, function: Callable[..., Any], names: list[str]) -> str:
    about, _, own = inspect.cleandoc(loss.__doc__).partition("\n\nArgs:\n")
    quoted = [f'"{activation}"' for activation in _ACTIVATIONS[loss.loss]]
    is_compound = issubclass(loss, Compound)
    words = {
        "activations": ", ".join(quoted[:-1]) + " or " + quoted[-1],
        "in_overlap": " in the overlap loss" if is_compound else "",
        "reductions": '"mean" over what counts, or "sum"'
        + ("" if is_compound else f'; or "none": {loss.unreduced}'),
    }
    lines = [_entry(name, words) for name in ("logits", "target", "activation")]
    lines += [textwrap.dedent(own).rstrip()] if own else []
    lines += [_entry(name, words) for name in _ordered(names)]
    arguments = textwrap.indent("\n".join(lines), "    ")
    return f"{about}\n\nArgs:\n{arguments}\n\n{_RETURNS}\n"


def _ordered(names: list[str]) -> list[str]:
    return [name for name in _DESCRIPTIONS if name in names]


def _entry(name: str, words: dict[str, str]) -> str:
    text = f"{name}: {_DESCRIPTIONS[name].format(**words)}"
    return textwrap.fill(text, 92, subsequent_indent="    ", break_on_hyphens=False)


def _signature(function: Callable[..., Any], settings: type) -> inspect.Signature:
    declared = inspect.signature(function)
    own = [p for p in declared.parameters.values() if p.kind != p.VAR_KEYWORD]
    annotations = settings.__annotations__
    shared = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_DEFAULTS.get(name),
            annotation=getattr(annotations[name], "__forward_arg__", annotations[name]),
        )
        for name in _ordered(list(annotations))
    ]
    return declared.replace(parameters=own + shared)
