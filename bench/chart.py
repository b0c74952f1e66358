"""The results as a picture: `python bench/chart.py` makes it and the documents' tables anew."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tables
from tables import OURS, Row, cases, memory, ours

HERE = Path(__file__).resolve().parent
#: Of each library: compiled, eager.
COLOURS = {
    "torch": ("#f5b89a", "#e5703a"),
    "MONAI": ("#a5c8ec", "#3a7fc4"),
    "nnU-Net": ("#b9dfb4", "#4b9e48"),
    "SMP": ("#d5bce6", "#8e5bb0"),
    OURS: ("#9a9a9a", "#333333"),
}


def draw(rows: list[Row], path: Path) -> None:
    """Two columns of bars for each case that has something to compare with: time and memory."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    shown = {case: drawable(group) for case, group in cases(rows).items()}
    shown = {case: group for case, group in shown.items() if group}
    if not shown:
        return
    heights = [len(group) for group in shown.values()]
    figure, panels = pyplot.subplots(
        len(shown),
        2,
        figsize=(10, 0.5 + 0.155 * sum(heights) + 0.42 * len(shown)),
        height_ratios=heights,
        squeeze=False,
        facecolor="white",
    )
    for (case, group), (left, right) in zip(shown.items(), panels, strict=True):
        base = group[0]
        bars(left, group[::-1], base, "step_ms", f"{float(base['step_ms']):.3g} ms")
        bars(right, group[::-1], base, "peak_mib", memory(base))
        right.tick_params(labelleft=False)
        left.set_title(f"{case}, {base['loss_name']}", loc="left", fontsize=9, weight="bold")
    panels[0][1].set_title("memory beyond the inputs", loc="left", fontsize=9)
    panels[0][0].set_title("time of a step", loc="right", fontsize=9)
    about = next(iter(shown.values()))[0]
    figure.supxlabel(
        f"Forward and backward, as multiples of {OURS}; {about['dtype']}, random labels, "
        f"{about['threads']} threads, {about['cpu']}, torch {about['torch']}",
        fontsize=8,
        color="#555555",
    )
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.06)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def drawable(group: list[Row]) -> list[Row]:
    """dice-loss once, and the others on the same tensors: compiled, it calls the same kernels."""
    base = ours(group, labels="random")
    if base is None:
        return []
    others = [row for row in group if row["library"] != OURS and row["dtype"] == base["dtype"]]
    return [base, *others]


def bars(panel: Any, rows: list[Row], base: Row, key: str, unit: str) -> None:
    whole = float(base[key] or "nan") or float("nan")
    ratios = [float(row[key] or "nan") / whole for row in rows]
    names = [row["library"] + (" compiled" if row["mode"] == "compiled" else "") for row in rows]
    colours = [COLOURS[row["library"]][row["mode"] == "eager"] for row in rows]
    drawn = panel.barh(range(len(rows)), ratios, color=colours, height=0.8)
    labels = [
        unit if row is base else f"{value:.1f} ×" for row, value in zip(rows, ratios, strict=True)
    ]
    panel.bar_label(drawn, labels, padding=3, fontsize=7.5, color="#333333")
    panel.set_yticks(range(len(rows)), names, fontsize=7.5)
    panel.set_xlim(0, 1.15 * max((value for value in ratios if value == value), default=1))
    panel.set_xticks([])
    panel.tick_params(length=0)
    panel.spines[["top", "right", "bottom"]].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path, nargs="?", default=HERE / "results/peers.csv")
    parser.add_argument("png", type=Path, nargs="?", default=HERE.parent / "docs/bench-peers.png")
    paths = parser.parse_args()
    rows = tables.read(paths.csv)
    draw(rows, paths.png)
    for document in ("README.md", "docs/performance.md"):
        tables.put(HERE.parent / document, tables.of(rows))


if __name__ == "__main__":
    main()
