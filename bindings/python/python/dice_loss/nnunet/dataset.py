"""What dataset.json may say beside nnU-Net's own keys: class weights, and what was annotated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

__all__ = ["annotated", "channels", "check_cases", "class_weights"]


def channels(dataset: Mapping[str, Any], regions: bool) -> dict[str, tuple[int, ...]]:
    """The labels of each channel of the output, by name, in the order of the channels."""
    unseen = {"ignore", "background"} if regions else {"ignore"}
    found = {
        name: tuple(labels) if isinstance(labels, Sequence) else (int(labels),)
        for name, labels in dataset["labels"].items()
        if name not in unseen
    }
    return found if regions else dict(sorted(found.items(), key=itemgetter(1)))


def class_weights(dataset: Mapping[str, Any], regions: bool) -> list[float] | None:
    """One for each channel of the output, of `"class_weights"`; None where there are none."""
    given: Any = dataset.get("class_weights")
    if not isinstance(given, Mapping):
        return None if given is None else list(given)
    names = channels(dataset, regions)
    for name in given:
        if name not in names:
            raise ValueError(
                f"class_weights of dataset.json: found {name!r}, wanted names among "
                f"{', '.join(names)}"
            )
    return [float(given.get(name, 1.0)) for name in names]


def annotated(dataset: Mapping[str, Any], regions: bool) -> dict[str, list[bool]]:
    """Whether each channel of the output was annotated, by case, of `"annotated"`.

    A channel was annotated in a case whose list has its name, or the numbers of all its labels.
    Under softmax the background always was.
    """
    what = "annotated of dataset.json"
    given: Any = dataset.get("annotated", {})
    if not isinstance(given, Mapping):
        raise ValueError(
            f"{what}: found {type(given).__name__}, wanted a mapping of cases to lists of labels"
        )
    known = channels(dataset, regions)
    numbers = sorted({label for labels in known.values() for label in labels})
    found = {}
    for case, listed in given.items():
        if isinstance(listed, str) or not isinstance(listed, Sequence):
            raise ValueError(f"{what}, case {case}: found {listed!r}, wanted a list of labels")
        for label in listed:
            if label not in [*known, *numbers]:
                raise ValueError(
                    f"{what}, case {case}: found {label!r}, wanted names among "
                    f"{', '.join(known)}, or numbers among {', '.join(map(str, numbers))}"
                )
        found[case] = [
            name in listed
            or all(label in (listed if regions else [0, *listed]) for label in labels)
            for name, labels in known.items()
        ]
    return found


def check_cases(annotated: Mapping[str, Any], cases: Iterable[str]) -> None:
    """Fails for a case that the data set has not."""
    known = set(cases)
    for case in annotated:
        if case not in known:
            raise ValueError(
                f"annotated of dataset.json: found case {case!r}, wanted cases of the data set, "
                f"such as {min(known, default='')!r}"
            )
