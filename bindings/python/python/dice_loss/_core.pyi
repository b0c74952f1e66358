"""The engine. Private: `dice_loss` and `dice_loss.torch` are the public faces.

A `View` lends memory: (address, shape, strides in elements, element type). The caller keeps it
alive and does not write to it during a call. Shapes are (N, C, spatial…) for logits, dense targets
and gradients, (N, spatial…) or (N, 1, spatial…) for labels, masks and voxel weights. Strides must
not be negative, and the spatial axes must step as one (`collapses`): channels first and channels
last do. An output must not overlap what is read.

A `spec` is what `dice_loss._spec` writes; parsed once a thread, then found by its text.
`threads` sizes the pool that a sweep runs in, of 64 at most unless there are more cores; the result
does not depend on it. All functions let go of the GIL, and raise ValueError with what was found and
what was wanted, MemoryError where memory is wanting, and what the handler of a signal raises while
a sweep goes on. What they were to write is then written in part.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

View: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...], str]

Options: TypeAlias = tuple[
    Literal["labels", "dense", "regions"],  # what the target is
    Sequence[Sequence[int]] | None,  # regions: for each label, its channels
    int | None,  # ignore_index
    View | None,  # mask (N, spatial…): bool, uint8 or a float; 0 does not count
    View | None,  # voxel_weight (N, spatial…): a float
    View | None,  # class_valid (N, C): bool or uint8
    list[tuple[str, View]],  # maps by name (N, 1 or C, spatial…): floats
]

def catalogue() -> list[tuple[str, str, str, str, list[str]]]:
    """Every loss of the engine: name, title, formula, paper, activations."""

def spec(text: str) -> str:
    """An objective as the engine writes it: compounds taken apart, everything filled in, names in
    order. JSON with the keys "terms" (each `{"loss": …}` with options and settings, alone or as
    `[weight, term]`), "sums", "reduction", "decision", and what the terms leave open:
    "activation", "pool", "absent", "background", "class_weights". Raises for unknown names, and for
    what is wrong whatever the number of classes.
    """

def sums() -> list[tuple[str, list[str]]]:
    """Every sum, with the activations that the engine sums it up under: none for those of the
    reference alone.
    """

def check(spec: str, classes: int) -> None:
    """Whether all options fit each other and the number of classes."""

def integrands(spec: str, classes: int) -> list[str]:
    """What each of the K columns of the moments sums up, as JSON: `{"sum": "intersection",
    "activation": "softmax"}`. Further keys: "gamma" (one for each class) of focal and
    focal_negative, "distances" (C rows, the largest 1) of transport, "decision" ("argmax" or a
    threshold) of true_positives, false_positives and false_negatives. reference,
    reference_squared and voxels, which come first, have no activation.
    """

def tapes(spec: str) -> str:
    """The formula of each term, as a JSON list; null of a voxel loss. A formula has "coupled",
    whether it has one number for all classes, and "operations": the last is the loss, operands are
    the places of earlier ones. `{"sum": "intersection"}`, "weight", "foreground" (0 of class 0,
    else 1), `{"constant": x}`, `{"negate": a}`, `{"add": [a, b]}`, "subtract", "multiply",
    "divide", "ln", "exp", "sqrt", `{"power": [a, exponent]}`, "ln_cosh", "at_least_zero",
    `{"select": [a, b, c]}` (b where a > 0, else c), "total" and "least" (over the classes).
    """

def maps(spec: str) -> list[tuple[str, str | None, bool]]:
    """The maps that an objective reads, in the order of their names: each with what makes it,
    "signed_distance", "hausdorff" or "skeleton", None of one that is to be given; and with whether
    it may be negative.
    """

def make_map(
    spec: str,
    name: str,
    logits: View,
    target: View,
    options: Options,
    threads: int,
    out: View,
) -> None:
    """Makes a map that has a recipe, of the target and, for "hausdorff" and "hardest", of the
    logits. Writes (N, `made_channels`, spatial…), contiguous float32. The maps among the options
    are not read.
    """

def made_channels(spec: str, name: str, classes: int) -> int:
    """Channels of a map that has a recipe: 1 if it is the same for all classes, or C."""

def map_channels(spec: str, classes: int) -> int:
    """Channels of the map of voxel losses: 1, or C. Wants voxel terms of one kind only."""

def collapses(shape: Sequence[int], strides: Sequence[int], channels: bool) -> bool:
    """Whether the engine can follow these strides, of (N, C, spatial…) or of (N, spatial…)."""

def measure(
    spec: str, logits: View, target: View, options: Options, threads: int, out: View
) -> None:
    """Sweep 1. Writes the moments (N, K, C), contiguous float64."""

class Verdict:
    """What `evaluate` found."""

    @property
    def loss(self) -> float:
        """The weighted sum of the terms; for reduction "none" the sum of all values."""
    @property
    def terms(self) -> list[tuple[str, float, float, list[float]]]:
        """Name, weight, loss (not weighted) and the loss of each class (NaN where none counted)."""
    @property
    def values(self) -> list[float] | None:
        """For reduction "none" and overlap terms: the values, row-major in `shape`."""
    @property
    def shape(self) -> list[int]:
        """Of `values`: [N, C], [C], [N] or []."""
    @property
    def cells(self) -> list[int]:
        """For each (row, class), row-major: the index of the value that it is part of."""
    @property
    def soft_dice(self) -> list[float] | None:
        """Of each class, 2Σpg / (Σp + Σg), a mean over the rows that have it; NaN if none has."""
    @property
    def instances(self) -> list[float] | None:
        """If details were asked for and a term looks at instances: of each instance its sample,
        class and number, soft Dice, true positives, false positives and false negatives."""

def evaluate(
    spec: str, moments: View, valid: View | None, pooled: bool, gradient: View | None
) -> Verdict:
    """From moments (rows, K, C) to the loss and, into `gradient` (same shape; one row if
    `pooled`), its derivatives by them; for reduction "none" those of the sum of all values. Both
    views are contiguous float64. `valid` (rows, C), bool or uint8, says which classes were
    annotated.

    `pooled` adds the rows up before, if there are several: what a sum over processes leaves.
    """

def objective(
    spec: str,
    logits: View,
    target: View,
    options: Options,
    threads: int,
    moments: View | None,
    slopes: View | None,
    gradient: View | None = None,
    details: View | None = None,
) -> Verdict:
    """`measure` and `evaluate` in one call. Writes the moments (N, K, C), the derivatives of the
    loss by them, of the same shape, and those by the logits, where they are asked for; and as
    details, float64 one after another, of all terms but the last: (T) losses, (T, C) losses of each
    class, (C) soft Dice, (C) hard Dice, (C, 3) true positives, false positives, false negatives.
    """

def direct(
    spec: str,
    logits: View,
    target: View,
    options: Options,
    threads: int,
    upstream: View | None,
    gradient: View | None,
) -> tuple[float, list[float], list[int]]:
    """A loss beside the objective, its values, row-major, and their shape, [N, C] or [C].

    Writes the gradient by the logits, times `upstream`, where it is asked for: float64, one number,
    () in shape, or one for each value.
    """

def check_direct(spec: str, classes: int) -> None:
    """Raises ValueError for options of such a loss that are wrong for so many classes."""

def pull_back(
    spec: str,
    slopes: View,
    logits: View,
    target: View,
    options: Options,
    threads: int,
    gradient: View,
) -> None:
    """Sweep 2. Writes Σ slopes · ∂moments/∂logits into `gradient`, which has the shape and the
    element type of the logits. `slopes` (N, K, C), or (1, K, C) for all samples alike, is
    contiguous float64. Those of sums that do not depend on the logits are not read.
    """

def voxel_losses(
    spec: str, logits: View, target: View, options: Options, threads: int, out: View
) -> None:
    """The loss of every voxel, for reduction "none" and voxel terms only. Writes
    (N, `map_channels`, spatial…), of any float type."""

def pull_back_map(
    spec: str,
    upstream: View,
    logits: View,
    target: View,
    options: Options,
    threads: int,
    gradient: View,
) -> None:
    """Sweep 2 of `voxel_losses`: `upstream` has the map's shape and any float type."""

def advise_huge_pages(address: int, bytes: int) -> None:
    """Asks the system to back fresh memory with huge pages; no effect where there are none."""

def counts(
    prediction: View,
    reference: View,
    classes: int | None,
    ignore_index: int | None,
    mask: View | None,
    threads: int,
    out: View,
) -> None:
    """Hard counts. With `classes`, prediction and reference are label maps (N, spatial…) of one
    integer type; without, bool or uint8 masks (N, C, spatial…). Writes true positives, false
    positives, false negatives and true negatives as (N, 4, C), int64. Voxels whose reference is
    `ignore_index` (label maps only) or whose `mask` (N, spatial…), bool or uint8, is 0 do not
    count. All views are contiguous.
    """

def lesions(
    prediction: View,
    reference: View,
    classes: int | None,
    ignore_index: int | None,
    mask: View | None,
    spacing: Sequence[float],
    connectivity: int | None,
    overlap: float,
    threads: int,
    counts: View,
    sums: View,
) -> None:
    """Lesions of each sample and class, of what `counts` takes. Writes those of the reference,
    those found, predicted and right, matches and cells as (N, 6, C), int64; the matches'
    intersection over union and the cells' Dice coefficients, added up, as (N, 2, C), float64.
    """

def xla_targets() -> list[tuple[str, object]]:
    """Functions for XLA's foreign function interface on the CPU: names, and capsules to register.

    All take `spec` and `settings` (JSON) as attributes, then row-major buffers: logits, target and,
    as `settings` says, mask, voxel_weight and class_valid. `dice_loss_objective` returns loss (or
    values) and slopes (N, K, C), `dice_loss_measure` the moments, `dice_loss_voxel_losses` the map;
    `dice_loss_pull_back` takes slopes before the rest, `dice_loss_pull_back_map` the gradient by
    the map, and both return the gradient by the logits. Loss, slopes and moments are float32 or
    float64. Axes that every buffer has before its own are mapped over; one that is the same all
    along such an axis has it with size 1.
    """

def cuda_refusal(device: int) -> str | None:
    """Why a CUDA device cannot run the package's kernels; None if it can."""

Lent: TypeAlias = tuple[
    View,  # logits
    View,  # target: labels, or dense in the shape of the logits
    View | None,  # mask
    View | None,  # voxel_weight
    View | None,  # map: of all classes or of each
    int | None,  # ignore_index
    int | None,  # how many rows a table of regions has
]

class CudaPass:
    """A sweep over the voxels in each direction. All addresses are the device's; nothing waits.

    RuntimeError if the driver refuses.
    """

    @property
    def name(self) -> str:
        """Of the recipe that its kernels were compiled from."""
    @property
    def columns(self) -> int:
        """Sums that it computes of each class."""
    @property
    def places(self) -> list[list[int]]:
        """For each sum that is wanted: its place among them, and its column of the moments."""
    @property
    def partial(self) -> bool:
        """Whether the tables end with (N, C), 1 for each class that was annotated."""
    def tables(self, regions: Sequence[Sequence[int]] | None) -> list[float]:
        """What the kernels look up, without those rows; float32 on the device."""
    def load(self, device: int, dtype: str) -> None:
        """Loads the kernels for logits of a type: from now on they can be captured in graphs."""
    def partials(self, samples: int, voxels: int) -> int:
        """How many float32 sweep 1 wants to work with."""
    def measure(
        self,
        device: int,
        stream: int,
        lent: Lent,
        tables: int,
        partials: int,
        places: int,
        moments: int,
    ) -> None:
        """Sweep 1. `places` are int32; writes its columns of the moments (N, K, C), float64."""
    def pull_back(
        self,
        device: int,
        stream: int,
        lent: Lent,
        gradient: View,
        tables: int,
        slopes: int,
        shared: bool,
        adds: bool,
    ) -> None:
        """Sweep 2. `slopes` are (N, K, C), or (1, K, C) if `shared`, contiguous float32. Writes the
        gradient, which has the type of the logits, or adds to it."""

class CudaProgram:
    """From the moments to the loss and its derivatives, by one kernel. Addresses as of a pass."""

    @property
    def numbers(self) -> list[int]:
        """The objective, as the kernel reads it: int32 on the device."""
    @property
    def constants(self) -> list[float]:
        """The numbers in it: float64 on the device."""
    @property
    def room(self) -> int:
        """How many float64 it wants to work with, for each class of a sample."""
    def evaluate(
        self,
        device: int,
        stream: int,
        samples: int,
        columns: int,
        values: int,
        moments: int,
        valid: int | None,
        weights: int | None,
        numbers: int,
        constants: int,
        scratch: int,
        loss: int,
        slopes: int,
    ) -> None:
        """Writes the loss, one number or for reduction "none" so many `values`, and the derivatives
        of their sum by the moments (N, K, C): all contiguous float64.

        `valid` is (N, C), not 0 for each class that was annotated; `weights` (C), those of the
        classes in terms that have none of their own.
        """

def cuda_program(spec: str, classes: int) -> CudaProgram | None:
    """How an objective is evaluated; None if the kernel cannot: a map, or no terms."""

def cuda_passes(
    spec: str,
    classes: int,
    kind: Literal["labels", "dense", "regions"],
    weighted: bool,
    partial: bool,
) -> list[CudaPass] | None:
    """The sweeps that an objective takes; None if no kernels were compiled for it."""

def labels_present(labels: View, threads: int) -> bytes:
    """The labels of a map but for 0, rising, in their own type.

    Here and below a map is contiguous, of any integer type, with one to three axes; `classes` is
    contiguous, of that type too; outputs are contiguous and overlap nothing. `spacing` has a number
    for each axis.
    """

def distance_transform(
    labels: View, classes: View, spacing: Sequence[float], squared: bool, threads: int, out: View
) -> None:
    """Distances to the nearest voxel of each class: float32, (classes, map)."""

def signed_distance(
    labels: View,
    classes: View,
    spacing: Sequence[float],
    convention: str,  # "centres" or "boundary"
    threads: int,
    out: View,
) -> None:
    """Signed distances to the border of each class: float32, (classes, map)."""

def nearest_component(components: View, spacing: Sequence[float], threads: int, out: View) -> None:
    """The nearest component of every voxel, in the map's type."""

def two_nearest(
    components: View, spacing: Sequence[float], threads: int, first: View, second: View
) -> None:
    """The distances to the two nearest components: float32, as the map."""

def border_weights(
    components: View, spacing: Sequence[float], w0: float, sigma: float, threads: int, out: View
) -> None:
    """U-Net's weights of borders: float32, as the map."""

def connected_components(
    labels: View, classes: View, connectivity: int | None, threads: int, out: View
) -> bytes:
    """The number of each voxel's component within its class: uint32, as the map.

    Returns a row of int64 for each component: the place of its class, its number, its voxels, and
    of its bounding box the first voxel along each axis and the one past the last.
    """

def skeletonize(labels: View, classes: View, threads: int, out: View) -> None:
    """The skeletons of all classes: a label map, as the one given."""

def with_ball(
    labels: View,
    classes: View,
    radius: float,
    grown: bool,
    spacing: Sequence[float],
    threads: int,
    out: View,
) -> None:
    """Each class grown by a ball, or worn off: uint8, (classes, map)."""
