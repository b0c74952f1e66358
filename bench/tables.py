"""The results as tables, and these tables in the documents that show them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

OURS = "dice-loss"
PEERS = {"MONAI": "MONAI", "torch": "plain torch", "nnU-Net": "nnU-Net", "SMP": "SMP"}
#: What dice-loss is given where nothing else is said; the usual target depends on the classes.
PLAIN = {
    "labels": "regions",
    "dtype": "float32",
    "layout": "channels first",
    "option": "none",
    "memory": "shared",
}
#: Below this number of voxels, what a step costs by itself outweighs them.
LARGE = 100_000

Row = dict[str, str]
Group = list[Row]


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cases(rows: Iterable[Row]) -> dict[str, Group]:
    """The rows of each case in which something was measured.

    A step takes at least the gradient, which is as large as the logits: a peak below that is of a
    step that found the memory of an earlier one.
    """
    found: dict[str, Group] = {}
    for row in rows:
        if row["step_ms"]:
            peak = row["peak_mib"] and str(max(map(float, (row["peak_mib"], row["logits_mib"]))))
            found.setdefault(row["case"], []).append(row | {"peak_mib": peak})
    return found


def ours(group: Group, **other: str) -> Row | None:
    """dice-loss in one case, plain but for what is said."""
    target = "float32" if group[0]["classes"] == "1" else "int64"
    wanted = PLAIN | {"library": OURS, "mode": "eager", "target": target} | other
    return next((row for row in group if wanted.items() <= row.items()), None)


def peer(group: Group, library: str, mode: str, dtype: str) -> Row | None:
    """A library in one case; dice-loss on the same labels is `ours(group, labels="random")`."""
    wanted = {"library": library, "mode": mode, "dtype": dtype}.items()
    found = (row for row in group if row["labels"] == "random" and wanted <= row.items())
    return next(found, None)


def quotient(over: Row | None, under: Row | None, key: str = "step_ms") -> float | None:
    if over is None or under is None or not over[key] or not under[key] or not float(under[key]):
        return None
    return float(over[key]) / float(under[key])


def times(value: float | None) -> str:
    return "·" if value is None else f"{value:.1f} ×"


def plainly(value: float | None) -> str:
    return "·" if value is None else f"{value:.2f}"


def milliseconds(row: Row | None, key: str = "step_ms") -> str:
    return "·" if row is None else f"{float(row[key]):.3g} ms"


def memory(row: Row | None) -> str:
    return f"{float(row['peak_mib']):.0f} MiB" if row and row["peak_mib"] else "·"


def lines(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    head = list(head)
    table = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in table)


def beside_peers(rows: Iterable[Row], *dtypes: str) -> str:
    """dice-loss on two kinds of labels, and the others as multiples of it on random ones."""
    head = [f"logits, {dtypes[0]}" if len(dtypes) == 1 else "logits"]
    head += [f"{OURS}: random labels", "regions"]
    head += [f"{name}, compiled" for name in PEERS.values()]
    head += [f"memory: {OURS}", "MONAI"]
    body = []
    for case, group in cases(rows).items():
        for dtype in dtypes:
            base = ours(group, labels="random", dtype=dtype)
            if base is None:
                continue
            cells = [case if len(dtypes) == 1 else f"{case} {dtype}", milliseconds(base)]
            cells.append(milliseconds(ours(group, dtype=dtype)))
            for name in PEERS:
                modes = [peer(group, name, mode, dtype) for mode in ("eager", "compiled")]
                cells.append(", ".join(times(quotient(row, base)) for row in modes))
            monai = peer(group, "MONAI", "eager", dtype)
            cells += [memory(base), times(quotient(monai, base, "peak_mib"))]
            body.append(cells)
    return lines(head, body)


#: Of each column of the table of dice-loss alone: what is divided by what.
ALONE: dict[str, tuple[Row, Row]] = {
    "random labels": ({"labels": "random"}, {}),
    "5 % noise": ({"labels": "noise"}, {}),
    "CT": ({"labels": "CT"}, {}),
    "bfloat16": ({"dtype": "bfloat16"}, {}),
    "float16": ({"dtype": "float16"}, {}),
    "float labels ÷ int64": ({"target": "float32"}, {"target": "int64"}),
    "uint8 labels ÷ int64": ({"target": "uint8"}, {"target": "int64"}),
    "channels last": ({"layout": "channels last"}, {}),
    "masked": ({"option": "mask"}, {}),
    "weighted": ({"option": "weight"}, {}),
    "ignore_index": ({"option": "ignore_index"}, {}),
    "class_valid": ({"option": "class_valid"}, {}),
    "details=True": ({"option": "details"}, {}),
}


def alone(rows: Iterable[Row]) -> str:
    """The time of a step of dice-loss, as multiples of the plain one."""
    body = [
        [case, milliseconds(ours(group))]
        + [plainly(quotient(ours(group, **a), ours(group, **b))) for a, b in ALONE.values()]
        for case, group in cases(rows).items()
        if ours(group)
    ]
    return lines(["logits", "plain step", *ALONE], body)


def gradient(rows: Iterable[Row]) -> str:
    """What the memory of the gradient costs: multiples of the time with huge pages."""
    head = ["logits", "step, fresh gradient", "without huge pages", "warm gradient"]
    head += ["backward, fresh gradient", "without huge pages", "warm gradient"]
    body = []
    for case, group in cases(rows).items():
        base = ours(group, memory="fresh")
        others = [ours(group, memory=memory) for memory in ("small pages", "held")]
        if base is None or None in others:
            continue
        cells = [case]
        for key in ("step_ms", "backward_ms"):
            cells.append(milliseconds(base, key))
            cells += [f"{plainly(quotient(other, base, key))} ×" for other in others]
        body.append(cells)
    return lines(head, body)


def aims(rows: Iterable[Row]) -> str:
    """What was aimed at: the range over the large shapes, and whether it holds."""
    groups = [group for group in cases(rows).values() if int(group[0]["voxels"]) >= LARGE]

    def beside(library: str, mode: str, least: int, most: int, labels: str) -> list[float | None]:
        return [
            quotient(peer(group, library, mode, "float32"), ours(group, labels=labels))
            for group in groups
            if least <= int(group[0]["classes"]) <= most
        ]

    promised = [
        ("2 classes", "MONAI", "eager", 2, 2, 6),
        ("4 classes", "MONAI", "eager", 4, 4, 12),
        ("14 classes and more", "MONAI", "eager", 14, 10**6, 15),
        ("1 class", "torch", "eager", 1, 1, 10),
        ("1 class", "torch", "compiled", 1, 1, 2),
    ]
    body = [
        [f"{who}: {wanted} × as fast as {PEERS[library]}, {mode}"]
        + [
            reached(beside(library, mode, least, most, labels), least=wanted)
            for labels in ("random", "regions")
        ]
        for who, library, mode, least, most, wanted in promised
    ]
    plain = [ours(group) for group in groups]
    random = [ours(group, labels="random") for group in groups]
    half = [ours(group, dtype="bfloat16") for group in groups]
    cliff = reached(map(quotient, random, plain), most=1.3)
    halved = reached(map(quotient, half, plain), most=1.0)
    body.append(["random labels: at most 1.3 × the time of regions", cliff, "·"])
    body.append(["bfloat16: at most the time of float32", "·", halved])
    return lines(["aim, whole step in float32", "random labels", "regions"], body)


def reached(found: Iterable[float | None], least: float = 0, most: float = float("inf")) -> str:
    values = [value for value in found if value is not None]
    if not values:
        return "·"
    holds = all(least <= value <= most for value in values)
    low, high = f"{min(values):.2g}", f"{max(values):.2g}"
    return f"{'yes' if holds else 'no'}: {low if low == high else f'{low} to {high}'}"


def about(rows: Iterable[Row]) -> str:
    """The machine, the versions, and when."""
    measured = [row for group in cases(rows).values() for row in group]
    versions = dict.fromkeys(f"{row['library']} {row['version']}" for row in measured)

    def all_of(key: str) -> str:
        return " and ".join(dict.fromkeys(row[key] for row in measured))

    loads = [float(row["load"]) for row in measured]
    return (
        f"{all_of('cpu')}, {all_of('threads')} threads, Python {all_of('python')}, "
        f"{', '.join(versions)}; {all_of('date')}, load average when it began "
        f"{min(loads, default=0):.1f} to {max(loads, default=0):.1f}."
    )


def of(rows: list[Row]) -> dict[str, str]:
    """All tables, by the name that the documents have for them."""
    return {
        "peers in float32": beside_peers(rows, "float32"),
        "peers": beside_peers(rows, "float32", "bfloat16"),
        "alone": alone(rows),
        "gradient": gradient(rows),
        "aims": aims(rows),
        "about": about(rows),
    }


def put(path: Path, tables: dict[str, str]) -> None:
    """Writes each table where a document has `<!-- bench: NAME -->` … `<!-- end -->`."""
    text = path.read_text(encoding="utf-8")
    for name, table in tables.items():
        before, after = f"<!-- bench: {name} -->\n", "\n<!-- end -->"
        if before in text:
            start, rest = text.split(before, 1)
            text = f"{start}{before}\n{table}\n{after}{rest.split(after, 1)[1]}"
    path.write_text(text, encoding="utf-8")
