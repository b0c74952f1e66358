"""The results as a table and as a picture: `python bench/chart.py` makes both anew from the CSV."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = "dice-loss"
#: Of each library: compiled, eager.
COLOURS = {
    "torch": ("#f5b89a", "#e5703a"),
    "MONAI": ("#a5c8ec", "#3a7fc4"),
    "nnU-Net": ("#b9dfb4", "#4b9e48"),
    "SMP": ("#d5bce6", "#8e5bb0"),
    OURS: ("#9a9a9a", "#333333"),
}

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def groups(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each case and type of logits."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["case"], row["dtype"]), []).append(row)
    return found


def ours(rows: list[Row]) -> Row | None:
    """Of one group, what the others are compared with: dice-loss, run eagerly if it was."""
    found = [row for row in rows if row["library"] == OURS and row["step_ms"]]
    return min(found, key=lambda row: row["mode"] != "eager", default=None)


def table(rows: list[Row]) -> str:
    """Milliseconds and MiB of dice-loss, and how many times as much the others take."""
    libraries = [name for name in COLOURS if name != OURS]
    head = ["logits", f"{OURS}: step, extra memory"]
    head += [f"{name}: step, compiled; memory" for name in libraries]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (case, dtype), group in groups(rows).items():
        base = ours(group)
        if base is None:
            continue
        cells = [f"{case} {dtype}", f"{float(base['step_ms']):.3g} ms, {memory(base)}"]
        cells += [versus(base, group, name) for name in libraries]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def memory(row: Row) -> str:
    return f"{float(row['peak_mib']):.0f} MiB" if row["peak_mib"] else "–"


def versus(base: Row, group: list[Row], library: str) -> str:
    modes = {row["mode"]: row for row in group if row["library"] == library}
    eager, compiled = modes.get("eager"), modes.get("compiled")
    steps = ", ".join(ratio(row, base, "step_ms") for row in (eager, compiled) if row)
    return f"{steps}; {ratio(eager, base, 'peak_mib')}"


def ratio(row: Row | None, base: Row, key: str) -> str:
    if row is None or not row[key] or not base[key]:
        return "–"
    return f"{float(row[key]) / float(base[key]):.1f} ×"


def draw(rows: list[Row], path: Path) -> None:
    """Two columns of bars for each case that has something to compare with: time and memory."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    shown = [(key, group) for key, group in groups(rows).items() if ours(group)]
    shown = [(key, group) for key, group in shown if key[1] == "float32"] or shown
    if not shown:
        return
    shown = [(key, drawable(group)) for key, group in shown]
    heights = [len(group) for _, group in shown]
    figure, panels = pyplot.subplots(
        len(shown),
        2,
        figsize=(10, 0.5 + 0.155 * sum(heights) + 0.42 * len(shown)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
        facecolor="white",
    )
    for ((case, _), group), (left, right) in zip(shown, panels, strict=True):
        base = ours(group)
        assert base is not None
        bars(left, group[::-1], base, "step_ms", f"{float(base['step_ms']):.3g} ms")
        bars(right, group[::-1], base, "peak_mib", memory(base))
        right.tick_params(labelleft=False)
        left.set_title(f"{case}, {base['loss_name']}", loc="left", fontsize=9, weight="bold")
    panels[0][1].set_title("memory beyond the inputs", loc="left", fontsize=9)
    panels[0][0].set_title("time of a step", loc="right", fontsize=9)
    about = shown[0][1][0]
    figure.supxlabel(
        f"Forward and backward, as multiples of {OURS}; {about['dtype']}, "
        f"{about['threads']} threads, {about['cpu']}, torch {about['torch']}",
        fontsize=8,
        color="#555555",
    )
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.06)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def drawable(group: list[Row]) -> list[Row]:
    """What was measured, and dice-loss once: compiled, it calls the same kernels."""
    base = ours(group)
    return [row for row in group if row["step_ms"] and (row["library"] != OURS or row is base)]


def bars(panel, rows: list[Row], base: Row, key: str, unit: str) -> None:
    ratios = [float(row[key] or "nan") / float(base[key] or "nan") for row in rows]
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
    rows = read(paths.csv)
    print(table(rows))
    draw(rows, paths.png)


if __name__ == "__main__":
    main()
