"""Draws the maps that losses of borders and tubes read, of a slice of the embedded chest CT.

    python bindings/python/examples/draw_maps.py              # docs/maps.png
    python bindings/python/examples/draw_maps.py --slice 20 other.png

Needs nibabel and matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import nibabel
import numpy as np
from dice_loss import morphology

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.colors import ListedColormap

ROOT = Path(__file__).resolve().parents[3]
LABELS = ROOT / "crates/dice-loss-cli/data/chest-ct-labels.nii.gz"
BONES, LUNGS, TISSUE = (1, 2, 3, 4), (5, 6), 7
#: Background, bones, lungs, tissue.
COLOURS = ListedColormap(["#14161c", "#f0e3c0", "#4f8fc0", "#8a5a52"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("png", type=Path, nargs="?", default=ROOT / "docs/maps.png")
    parser.add_argument("--slice", type=int, default=21, help="counted from the feet (default: 21)")
    chosen = parser.parse_args()
    volume = nibabel.load(LABELS)
    # Rows from front to back, the patient's right on the left.
    labels = np.asarray(volume.dataobj)[::-1, ::-1, chosen.slice].T
    spacing = tuple(float(step) for step in volume.header.get_zooms()[1::-1])
    draw(labels, spacing, chosen.png)


def draw(labels: np.ndarray, spacing: tuple[float, float], path: Path) -> None:
    """Classes, signed distances, dilated skeletons and the weights of borders, side by side."""
    lungs, bones = np.isin(labels, LUNGS), np.isin(labels, BONES)
    distances = morphology.signed_distance(lungs, spacing=spacing, convention="boundary")
    skeletons = morphology.skeletonize(lungs)
    tubes = morphology.dilate(skeletons, 2) & lungs
    components = morphology.connected_components(bones).map
    weights = morphology.border_weights(components, w0=10, sigma=10, spacing=spacing)

    # As far as the body goes, and a little.
    rows, columns = (np.flatnonzero((labels > 0).any(axis)) for axis in (1, 0))
    window = np.s_[rows[0] - 3 : rows[-1] + 4, columns[0] - 3 : columns[-1] + 4]
    labels, lungs, bones, distances, skeletons, tubes, weights = (
        whole[window] for whole in (labels, lungs, bones, distances, skeletons, tubes, weights)
    )

    figure, panels = pyplot.subplots(
        1, 4, figsize=(11, 2.2), facecolor="white", layout="constrained"
    )
    kinds = np.select([bones, lungs, labels == TISSUE], [1, 2, 3], 0)
    panels[0].imshow(kinds, COLOURS, vmin=0, vmax=3, interpolation="nearest")
    panels[0].set_title("bones, lungs and tissue")

    far = float(np.abs(distances).max())
    shown = panels[1].imshow(distances, "RdBu_r", vmin=-far, vmax=far)
    panels[1].contour(lungs, [0.5], colors="black", linewidths=0.6)
    panels[1].set_title("boundary: mm to the lungs' border")
    figure.colorbar(shown, ax=panels[1], fraction=0.046, pad=0.02)

    steps = lungs.astype(int) + tubes + skeletons
    ramp = ListedColormap(["#14161c", "#2d4358", "#e5a03a", "#ffffff"])
    panels[2].imshow(steps, ramp, vmin=0, vmax=3, interpolation="nearest")
    panels[2].set_title("skeleton recall: lungs, dilated")

    shown = panels[3].imshow(weights, "magma", vmin=1)
    panels[3].contour(bones, [0.5], colors="white", linewidths=0.6)
    panels[3].set_title("U-Net's weights between bones")
    figure.colorbar(shown, ax=panels[3], fraction=0.046, pad=0.02)
    for panel in panels:
        panel.set_xticks([])
        panel.set_yticks([])
        panel.title.set_fontsize(9)
    # Without the version of matplotlib, so that the same picture has the same bytes.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
