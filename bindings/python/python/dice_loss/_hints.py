"""What to write in place of an option that a loss does not know."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from ._options import shown

#: What Python says of arguments that do not fit a signature.
_OF_A_CALL = re.compile(r"\b(keyword|positional) arguments?\b")
_SIMPLE = (bool, int, float, str, type(None))
#: Methods that take one of these are looked after as constructors are.
_ARRAYS = {"logits", "target"}


def explain(name: str) -> None:
    """Lets the public functions and classes of a module name the counterpart of what they do not
    know.

    Signatures stay as they are, for people, editors and type checkers: it is Python's own TypeError
    that is caught and said better.
    """
    module = sys.modules[name]
    for public in module.__all__:
        value = getattr(module, public)
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith(f"{name}.") and hasattr(value, "__all__"):
                explain(value.__name__)
        elif isinstance(value, type):
            for cls in value.__mro__:
                if cls.__module__.startswith(f"{__package__}."):
                    _explain_methods(cls)
        elif isinstance(value, types.FunctionType) and not hasattr(value, "explains"):
            explained = _explained(value)
            for owner in (module, sys.modules[value.__module__]):
                setattr(owner, public, explained)


def _explain_methods(cls: type) -> None:
    for name, value in [*vars(cls).items()]:
        if not isinstance(value, types.FunctionType) or hasattr(value, "explains"):
            continue
        code = value.__code__
        parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        takes_arrays = not _ARRAYS.isdisjoint(parameters)
        if name == "__init__" or (takes_arrays and not name.startswith("_")):
            setattr(cls, name, _explained(value))


def _explained(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def explained(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            # Of a constructor within, which knows fewer options, if it is not Python's.
            is_said = hasattr(error, "names_options")
            is_of_names = is_said or _OF_A_CALL.search(str(error))
            better = _better(function, args, options) if is_of_names else None
            if better is None:
                raise
        said = TypeError(better)
        said.names_options = True  # type: ignore[attr-defined]
        raise said

    explained.explains = True  # type: ignore[attr-defined]
    return explained


def _better(
    function: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]
) -> str | None:
    """What is wrong with the names of a call; None if nothing is."""
    names, by_place = _names(function)
    if names is None:
        return None
    who, other, where = function.__name__, None, ""
    if names[:1] == ["self"]:
        made = type(args[0])
        if who == "__init__":
            other, where = getattr(made, "forward", None), "where the loss is called"
            who = made.__name__
        else:
            other, where = made.__init__, "where it is made"
            who = f"{made.__name__}.{who}"
    known = [name for name in names if name != "self"]
    unknown = {name: value for name, value in options.items() if name not in known}
    if unknown:
        elsewhere = (_names(other)[0] or []) if other else []
        return f"{who}: {_wanted(unknown, known, elsewhere, where)}"
    if len(args) > by_place:
        return f"{who}: {_named(args[by_place], names[by_place:])}"
    return None


def _names(function: Callable[..., Any]) -> tuple[list[str] | None, int]:
    """The names of all parameters, and how many may go without; None if any name will do."""
    names: list[str] = []
    by_place = 0
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return None, 0
        if parameter.kind is parameter.VAR_KEYWORD:
            # `Unpack` of a TypedDict names them.
            found = inspect.unwrap(function)
            options = eval(parameter.annotation, vars(sys.modules[found.__module__]))
            listed = getattr(options, "__args__", [None])[0]
            if not hasattr(listed, "__annotations__"):
                return None, 0
            names += [*listed.__annotations__]
            continue
        names.append(parameter.name)
        by_place += parameter.kind is not parameter.KEYWORD_ONLY
    return names, by_place


def _wanted(unknown: Mapping[str, Any], known: list[str], elsewhere: list[str], where: str) -> str:
    """What was found and what is wanted, of each option that is not known."""
    said, is_listed = [], False
    for name, value in unknown.items():
        if name in elsewhere:
            said.append(f"found {name!r}, wanted it {where}")
            continue
        counterparts = _counterparts_of(name, value, known, elsewhere, where)
        near = difflib.get_close_matches(name, known, n=2, cutoff=0.75)
        if counterparts:
            given = f"{name}={shown(value)}" if isinstance(value, _SIMPLE) else repr(name)
            said.append(f"found {given}, wanted {' or '.join(counterparts)}")
        elif near:
            said.append(f"found {name!r}, wanted {' or '.join(map(repr, near))}")
        else:
            said.append(f"found {name!r}")
            is_listed = True
    listed = f", wanted one of {', '.join(known)}" if is_listed else ""
    return "; ".join(said) + listed


def _counterparts_of(
    name: str, value: Any, known: list[str], elsewhere: list[str], where: str
) -> list[str]:
    """In the order of the peers, each once, and of whom where they differ."""
    from ._counterparts import PEERS

    found: dict[str, list[str]] = {}
    for peer in PEERS:
        for argument in peer.arguments:
            if argument.name != name or not argument.options <= {*known, *elsewhere}:
                continue
            here = argument.here(value)
            if not argument.options <= {*known}:
                here = f"{here} {where}"
            found.setdefault(here, []).append(f"{peer.name} {argument.losses}".strip())
    if len(found) < 2:
        return [*found]
    return [f"{here} ({', '.join(whose)})" for here, whose in found.items()]


def _named(value: Any, known: list[str]) -> str:
    """A positional argument where all that is left goes by name."""
    from ._counterparts import SMP

    said = f"found {shown(value)} as a positional argument, wanted {', '.join(known)} by name"
    modes = next(argument.ours for argument in SMP.arguments if argument.name == "mode")
    if isinstance(value, str) and value in modes and isinstance(modes, Mapping):
        said += f"; what SMP calls mode={value!r} is {modes[value]}"
    return said
