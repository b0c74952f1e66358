"""Draws what losses of instances see, of the bones in a slice of the embedded chest CT.

    python bindings/python/examples/draw_cells.py              # docs/cells.png
    python bindings/python/examples/draw_cells.py --slice 20 other.png

Needs nibabel and matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import nibabel
import numpy as np
from dice_loss import Objective, morphology
from dice_loss.terms import InstanceCrossEntropy

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.colors import ListedColormap, LogNorm

ROOT = Path(__file__).resolve().parents[3]
LABELS = ROOT / "crates/dice-loss-cli/data/chest-ct-labels.nii.gz"
BONES = (1, 2, 3, 4)
#: Background, and instances one after another.
COLOURS = ["#14161c", *matplotlib.colormaps["tab20"].colors]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("png", type=Path, nargs="?", default=ROOT / "docs/cells.png")
    parser.add_argument("--slice", type=int, default=21, help="counted from the feet (default: 21)")
    chosen = parser.parse_args()
    volume = nibabel.load(LABELS)
    # Rows from front to back, the patient's right on the left.
    labels = np.asarray(volume.dataobj)[::-1, ::-1, chosen.slice].T
    spacing = tuple(float(step) for step in volume.header.get_zooms()[1::-1])
    # As far as the body goes, and a little.
    rows, columns = (np.flatnonzero((labels > 0).any(axis)) for axis in (1, 0))
    window = np.s_[rows[0] - 3 : rows[-1] + 4, columns[0] - 3 : columns[-1] + 4]
    draw(np.isin(labels[window], BONES), spacing, chosen.png)


def weights(bones: np.ndarray, division: str, spacing: tuple[float, float]) -> np.ndarray:
    """What a voxel weighs in cross-entropy by instances, beside one in plain cross-entropy."""
    objective = Objective(
        InstanceCrossEntropy(division=division, spacing=spacing), activation="sigmoid"
    )
    bones = bones[None, None]
    made = objective.maps(np.zeros(bones.shape), bones)["instance_weights"]
    return made[0, 0] * bones.size


def draw(bones: np.ndarray, spacing: tuple[float, float], path: Path) -> None:
    """Instances, their cells, and the weights by cells and by blobs, side by side."""
    instances = morphology.connected_components(bones).map
    cells = morphology.nearest_component(instances, spacing=spacing)

    figure, panels = pyplot.subplots(
        1, 4, figsize=(11, 2.2), facecolor="white", layout="constrained"
    )
    colours, last = ListedColormap(COLOURS), len(COLOURS) - 1
    for panel, numbers in zip(panels, (instances, cells), strict=False):
        shown = np.where(numbers > 0, (numbers - 1) % last + 1, 0)
        panel.imshow(shown, colours, vmin=0, vmax=last, interpolation="nearest")
    panels[0].set_title(f"{instances.max()} instances: bones")
    panels[1].contour(bones, [0.5], colors="black", linewidths=0.6)
    panels[1].set_title("their cells")
    made = {division: weights(bones, division, spacing) for division in ("cells", "blobs")}
    scale = LogNorm(min(map(np.min, made.values())), max(map(np.max, made.values())))
    for panel, (division, values) in zip(panels[2:], made.items(), strict=True):
        shown = panel.imshow(values, "magma", norm=scale)
        panel.contour(bones, [0.5], colors="white", linewidths=0.6)
        panel.set_title(f"cross-entropy's weights by {division}")
    ticks = [0.1, 1, 10]
    bar = figure.colorbar(shown, ax=panels[3], fraction=0.046, pad=0.02, ticks=ticks)
    bar.ax.set_yticklabels(f"{tick:g}" for tick in ticks)
    for panel in panels:
        panel.set_xticks([])
        panel.set_yticks([])
        panel.title.set_fontsize(9)
    # Without the version of matplotlib, so that the same picture has the same bytes.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
