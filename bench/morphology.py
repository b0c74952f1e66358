"""The morphology of label maps beside SciPy, scikit-image, cc3d and edt.

    python bench/morphology.py                  # a map of 256³ with 1, 10 and 100 classes: minutes
    python bench/morphology.py --quick          # a tiny one: to see that everything runs
    python bench/morphology.py --only distance  # tasks that begin so
    python bench/morphology.py --size 128       # a map of 128³

Labels are ellipsoids in a map of bytes. A contender that takes one mask at a time is given each
class in turn, comparison included; dice-loss and cc3d take the map as it is. With many classes a
task that writes a map for each, or that goes by class, is timed on some of them and scaled: the
column `classes_timed` says how many. dice-loss counts the voxels and boxes of components with their
numbers, cc3d in `statistics`, which makes a contender of its own. Contenders take turns, so that
what else the machine does hits all, and each takes its least time: what disturbs a run only adds to
it, and least of all to the time of processors, that of all threads together. Writes what it
measured into a CSV, the rest of the rows are left.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cc3d
import dice_loss
import edt
import numpy as np
from dice_loss import morphology
from scipy import ndimage
from skimage import measure
from skimage.morphology import isotropic_dilation, skeletonize

HERE = Path(__file__).resolve().parent
#: What tells one row from another.
KEY = ("task", "size", "classes", "contender")
COLUMNS = [
    *KEY, "least_ms", "ms", "low_ms", "high_ms", "times_ours", "processor_ms", "repeats",
    "classes_timed", "difference", "version", "dice_loss", "numpy", "python", "cpu", "threads",
    "load", "date", "command",
]  # fmt: skip
#: Distributions of the contenders.
PACKAGES = {
    "dice-loss": "dice-loss",
    "SciPy": "scipy",
    "scikit-image": "scikit-image",
    "cc3d": "connected-components-3d",
    "cc3d, statistics": "connected-components-3d",
    "edt": "edt",
}
SPACING = (2.5, 1.0, 1.0)
RADIUS = 5.0
#: Takes the map and the classes to go through.
Work = Callable[[Any, list[int]], Any]


def ellipsoids(size: int, classes: int) -> Any:
    """A label map of three ellipsoids for each class, of six for one alone."""
    generator = np.random.default_rng(classes)
    count = 6 if classes == 1 else 3 * classes
    labels = np.zeros((size,) * 3, np.uint8)
    radius = 0.45 * size / count ** (1 / 3)
    for index in range(count):
        centre, axes = generator.random(3) * size, radius * (0.5 + generator.random(3))
        low = np.maximum(centre - axes, 0).astype(int)
        high = np.minimum(centre + axes + 1, size).astype(int)
        places = np.ogrid[tuple(slice(*ends) for ends in zip(low, high, strict=True))]
        terms = zip(places, centre, axes, strict=True)
        inside = sum(((place - c) / a) ** 2 for place, c, a in terms) < 1
        labels[tuple(slice(*ends) for ends in zip(low, high, strict=True))][inside] = (
            index % classes + 1
        )
    return labels


def tasks(threads: int) -> dict[str, dict[str, Work]]:
    """Contenders that find the same, ours first."""
    each = per_class
    return {
        "distance": {
            "dice-loss": lambda m, c: morphology.distance_transform(m, classes=c),
            "edt": each(lambda m, k: edt.edt(m != k, parallel=threads)),
            "SciPy": each(lambda m, k: ndimage.distance_transform_edt(m != k)),
        },
        "distance with spacing": {
            "dice-loss": lambda m, c: morphology.distance_transform(m, classes=c, spacing=SPACING),
            "edt": each(lambda m, k: edt.edt(m != k, anisotropy=SPACING, parallel=threads)),
            "SciPy": each(lambda m, k: ndimage.distance_transform_edt(m != k, sampling=SPACING)),
        },
        "signed distance": {
            "dice-loss": lambda m, c: morphology.signed_distance(m, classes=c),
            "edt": each(lambda m, k: -edt.sdf(m == k, parallel=threads)),
        },
        "components": {
            "dice-loss": lambda m, c: morphology.connected_components(m, classes=c).map,
            "cc3d": lambda m, c: cc3d.connected_components(m, connectivity=26),
            "cc3d, statistics": lambda m, c: with_statistics(m),
            "scikit-image": lambda m, c: measure.label(m, connectivity=3),
            "SciPy": each(lambda m, k: ndimage.label(m == k, np.ones((3, 3, 3)))[0]),
        },
        "nearest component": {
            "dice-loss": lambda m, c: morphology.nearest_component(m),
            "SciPy": lambda m, c: m[
                tuple(
                    ndimage.distance_transform_edt(
                        m == 0, return_distances=False, return_indices=True
                    )
                )
            ],
        },
        "dilation": {
            "dice-loss": lambda m, c: morphology.dilate(m, RADIUS, classes=c),
            "scikit-image": each(lambda m, k: isotropic_dilation(m == k, RADIUS)),
        },
        "skeleton": {
            "dice-loss": lambda m, c: morphology.skeletonize(m, classes=c),
            "scikit-image": each(lambda m, k: skeletonize(m == k, method="lee")),
        },
    }


#: Contenders whose time does not depend on how many classes they are asked for.
WHOLE = {
    ("components", "dice-loss"),
    ("components", "cc3d"),
    ("components", "cc3d, statistics"),
    ("components", "scikit-image"),
    ("nearest component", "dice-loss"),
    ("nearest component", "SciPy"),
    ("skeleton", "dice-loss"),
}


def per_class(of_mask: Callable[[Any, int], Any]) -> Work:
    return lambda labels, classes: [of_mask(labels, label) for label in classes]


def with_statistics(labels: Any) -> Any:
    found = cc3d.connected_components(labels, connectivity=26)
    cc3d.statistics(found)
    return found


#: As many voxels as maps of all classes together may have.
ROOM = 1 << 28


def asked(task: str, name: str, classes: int, size: int) -> int:
    """How many classes a contender is timed on."""
    if (task, name) in WHOLE:
        return classes
    ours = max(1, ROOM // size**3)
    return min(classes, ours if name == "dice-loss" else 2 if name == "edt" else 1)


def difference(task: str, found: Any, wanted: Any) -> float:
    """Of the first class: the largest of distances, else how many voxels in a million differ."""
    if task == "components":
        # The same pieces by other numbers, where nothing but the numbers differs.
        pairs = len(np.unique(found.astype(np.int64) * (int(wanted.max()) + 1) + wanted))
        return float(abs(pairs - len(np.unique(wanted))))
    if "distance" in task:
        return float(np.abs(found - wanted).max())
    return float(1e6 * np.mean(found.astype(np.int64) != wanted.astype(np.int64)))


def first_of(task: str, result: Any) -> Any:
    """What was found of the first class, as an array of the map's shape."""
    if isinstance(result, list) or (isinstance(result, np.ndarray) and result.ndim == 4):
        return result[0]
    return result == 1 if task == "skeleton" else result


def measured(
    task: str,
    contenders: dict[str, Work],
    labels: Any,
    classes: int,
    seconds: float,
    repeats: int,
) -> list[dict[str, Any]]:
    """In turns; contenders whose time is over and whose repeats are done drop out."""
    size = labels.shape[0]
    times: dict[str, list[float]] = {name: [] for name in contenders}
    firsts: dict[str, Any] = {}
    processor: dict[str, list[float]] = {name: [] for name in contenders}
    busy = dict.fromkeys(contenders, 0.0)
    while waiting := [name for name in times if len(times[name]) < repeats or busy[name] < seconds]:
        for name in waiting:
            listed = list(range(1, asked(task, name, classes, size) + 1))
            before, before_on_processors = time.perf_counter(), time.process_time()
            result = contenders[name](labels, listed)
            took = time.perf_counter() - before
            on_processors = time.process_time() - before_on_processors
            busy[name] += took
            times[name].append(took * classes / len(listed))
            processor[name].append(on_processors * classes / len(listed))
            if name not in firsts:
                firsts[name] = np.array(first_of(task, result))
            del result
    ours = min(times["dice-loss"])
    rows = []
    for name, spent in times.items():
        ordered, fifth = sorted(spent), len(spent) // 5
        rows.append(
            {
                "task": task,
                "size": f"{size}³",
                "classes": classes,
                "contender": name,
                "least_ms": 1e3 * ordered[0],
                "ms": 1e3 * statistics.median(spent),
                "low_ms": 1e3 * ordered[fifth],
                "high_ms": 1e3 * ordered[-1 - fifth],
                "times_ours": ordered[0] / ours,
                "processor_ms": 1e3 * min(processor[name]),
                "repeats": len(spent),
                "classes_timed": asked(task, name, classes, size),
                "difference": comparable(task, name, classes, firsts),
                "version": version(PACKAGES[name]),
            }
        )
    return rows


def comparable(task: str, name: str, classes: int, firsts: dict[str, Any]) -> float | str:
    """What differs from ours; nothing is said where other things were computed."""
    if task == "components" and classes > 1:
        # Ours begin at 1 in each class, SciPy's are those of one class.
        return ""
    if task == "nearest component" and name == "SciPy":
        # Ties go to any.
        return ""
    return difference(task, firsts[name], firsts["dice-loss"])


def machine(threads: int) -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else []
    return {
        "dice_loss": dice_loss.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "cpu": names[0] if names else platform.processor(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "command": f"python bench/morphology.py {' '.join(sys.argv[1:])}".strip(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a tiny map: to see that everything runs")
    add("--only", default="", help="tasks whose name begins with this")
    add("--classes", type=int, nargs="+", default=[1, 10, 100], help="numbers of classes")
    add("--threads", type=int, default=2, help="of those that have a choice (default: 2)")
    add("--size", type=int, default=256, help="voxels along each axis (default: 256)")
    add("--seconds", type=float, default=2.0, help="for a contender (default: 2)")
    add("--repeats", type=int, default=3, help="at least, whatever they take (default: 3)")
    add("--out", type=Path, default=HERE / "results/morphology.csv")
    chosen = parser.parse_args()
    dice_loss.set_num_threads(chosen.threads)
    about = machine(chosen.threads)
    repeats = 1 if chosen.quick else chosen.repeats
    rows = []
    for classes in chosen.classes:
        labels = ellipsoids(24 if chosen.quick else chosen.size, classes)
        for task, contenders in tasks(chosen.threads).items():
            if not task.startswith(chosen.only):
                continue
            for row in measured(task, contenders, labels, classes, chosen.seconds, repeats):
                rows.append({**row, **about})
                print(
                    f"{task:<22}{classes:>4} classes  {row['contender']:<17}"
                    f"{row['least_ms']:10.1f} ms{row['times_ours']:8.2f} × ours",
                    flush=True,
                )
    plain = [
        {key: f"{value:.5g}" if isinstance(value, float) else value for key, value in r.items()}
        for r in rows
    ]
    write(chosen.out, plain)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """In place of the rows that were there of the same measurements."""
    new = {tuple(str(row[column]) for column in KEY) for row in rows}
    others = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            others = [
                row
                for row in csv.DictReader(file)
                if tuple(row.get(column) for column in KEY) not in new
            ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*others, *rows])


if __name__ == "__main__":
    main()
