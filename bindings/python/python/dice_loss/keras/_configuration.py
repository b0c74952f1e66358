"""Terms as what a saved model keeps: plain data, and back."""

from __future__ import annotations

import dataclasses
from typing import Any

from .. import compounds, terms
from .._options import BackgroundForeground
from ..compounds import Compound
from ..terms import Term

Weighted = Term | Compound | tuple[float, Term | Compound]


def written(entry: Weighted) -> Any:
    """`{"class_name": …, "config": …}`, or `[weight, …]` of it."""
    if isinstance(entry, Term | Compound):
        options = {field.name: plain(getattr(entry, field.name)) for field in _fields(entry)}
        return {"class_name": type(entry).__name__, "config": options}
    weight, term = entry
    return [plain(weight), written(term)]


def read(entry: Any) -> Weighted:
    """A term from what `written` made of it; terms are left as they are."""
    if isinstance(entry, list | tuple):
        weight, term = entry
        return (weight, read(term))  # type: ignore[return-value]
    if not isinstance(entry, dict):
        return entry  # type: ignore[no-any-return]
    name = entry["class_name"]
    module = terms if name in terms.__all__ else compounds
    if name not in module.__all__:
        raise ValueError(f"terms: found {name!r}, wanted a term such as 'Dice'")
    made: Term | Compound = getattr(module, name)(**entry["config"])
    return made


def plain(value: Any) -> Any:
    """An option as JSON has it."""
    if isinstance(value, BackgroundForeground):
        return value._asdict()
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _fields(entry: Term | Compound) -> tuple[Any, ...]:
    return dataclasses.fields(entry)
