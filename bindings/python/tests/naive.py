"""The losses written down once more, slowly and in float64, from their definitions.

Shares nothing with the package: what these functions and the engine agree on, they agree on for
two reasons. A `Data` is dense: logits and reference (N, C, S), weights (N, S), validity (N, C).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Data:
    """A batch, everything spelled out."""

    x: np.ndarray
    g: np.ndarray
    w: np.ndarray
    valid: np.ndarray
    #: What each voxel weighs in each class, beside its weight, in a loss that wants a map.
    m: np.ndarray | None = None


def probabilities(x, activation):
    if activation == "softmax":
        shifted = np.exp(x - x.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)
    return 1.0 / (1.0 + np.exp(-x)) if activation == "sigmoid" else x


def taking_part(classes, background=None, chosen=None, weights=None):
    """v: the weight of each class, 0 where it takes no part."""
    v = np.ones(classes) if weights is None else np.array(weights, dtype=float)
    if background is False and classes > 1:
        v[0] = 0.0
    if chosen is not None:
        v[[c for c in range(classes) if c not in chosen]] = 0.0
    return v


def pair(smoothing):
    return smoothing if isinstance(smoothing, tuple | list) else (smoothing, smoothing)


def sums(p, g, w, m=None):
    """Each sum of a sample and class, as (N, C)."""
    plain = w[:, None]
    w = plain if m is None else plain * m
    return {
        "pg": (w * p * g).sum(-1),
        "p": (w * p).sum(-1),
        "pp": (w * p * p).sum(-1),
        "l1": (w * np.abs(p - g)).sum(-1),
        "abs": (w * np.abs(p)).sum(-1),
        "inside": (w * g * (p - g) ** 2).sum(-1),
        "outside": (w * (1 - g) * (p - g) ** 2).sum(-1),
        "errors": (w * (p - g) ** 2).sum(-1),
        "g": (w * g).sum(-1),
        "gg": (w * g * g).sum(-1),
        "apart": (w * (p - g) ** 2).sum(-1),
        "mapped": (w * np.ones_like(g)).sum(-1),
        "n": (plain * np.ones_like(g)).sum(-1),
        "size": (plain * g).sum(-1),
    }


def intersection(m, overlap):
    if overlap == "product":
        return m["pg"], m["p"]
    return (m["abs"] + m["g"] - m["l1"]) / 2, m["abs"]


def dice_coefficient(m, squared=False, overlap="product", smoothing=1e-5):
    s, t = pair(smoothing)
    if squared:
        return (2 * m["pg"] + s) / (m["pp"] + m["gg"] + t)
    i, p = intersection(m, overlap)
    return (2 * i + s) / (p + m["g"] + t)


def sizes(m, squared, overlap):
    if squared:
        return m["pg"], m["pp"], m["gg"]
    return *intersection(m, overlap), m["g"]


def tversky_index(m, squared=False, alpha=0.3, beta=0.7, overlap="product", smoothing=1e-5):
    s, t = pair(smoothing)
    i, p, g = sizes(m, squared, overlap)
    return (i + s) / (i + alpha * (p - i) + beta * (g - i) + t)


def dice(m, **options):
    return 1 - dice_coefficient(m, **options)


def iou(m, squared=False, overlap="product", smoothing=1e-5):
    s, t = pair(smoothing)
    i, p, g = sizes(m, squared, overlap)
    return 1 - (i + s) / (p + g - i + t)


def tversky(m, **options):
    return 1 - tversky_index(m, **options)


def focal_tversky(m, gamma=0.75, **options):
    return (1 - tversky_index(m, **options)) ** gamma


def log_dice(m, gamma=1.0, **options):
    return (-np.log(dice_coefficient(m, **options))) ** gamma


def log_cosh_dice(m, **options):
    return np.log(np.cosh(1 - dice_coefficient(m, **options)))


def kappa(m, smoothing=1e-5):
    s, t = pair(smoothing)
    by_chance = m["p"] * m["g"] / m["n"]
    return 1 - (2 * (m["pg"] - by_chance) + s) / (m["p"] + m["g"] - 2 * by_chance + t)


def matthews_correlation(m, smoothing=1e-5):
    n, pg, p, g = (
        m[key] + more * smoothing for key, more in {"n": 2, "pg": 1, "p": 1, "g": 1}.items()
    )
    return 1 - (n * pg - p * g) / np.sqrt(p * g * (n - p) * (n - g))


def sensitivity_specificity(m, ratio=0.05):
    rest = m["n"] - m["g"]
    inside, outside = (
        np.where(size > 0, m[key] / np.where(size > 0, size, 1.0), 0.0)
        for key, size in (("inside", m["g"]), ("outside", rest))
    )
    return ratio * inside + (1 - ratio) * outside


def boundary(m, spacing=None):
    return m["p"] / m["n"]


def hausdorff_dt(m, alpha=2.0, log=False, spacing=None):
    loss = m["apart"] / m["n"]
    return np.log(1 + loss) if log else loss


def skeleton_recall(m, radius=2.0, spacing=None, smoothing=1e-5):
    s, t = pair(smoothing)
    return 1 - (m["p"] + s) / (m["mapped"] + t)


OF_CLASS = {
    function.__name__: function
    for function in (
        dice,
        iou,
        tversky,
        focal_tversky,
        log_dice,
        log_cosh_dice,
        kappa,
        matthews_correlation,
        sensitivity_specificity,
        boundary,
        hausdorff_dt,
        skeleton_recall,
    )
}


def volume_weights(m, v, weight):
    present = (v > 0) & (m["g"] > 0)
    smallest = min(m["g"][present], default=1.0)
    power = {"inverse_square": 2, "inverse": 1, "uniform": 0}[weight]
    return v * np.where(present, smallest / np.where(present, m["g"], 1.0), 1.0) ** power


def generalized_dice(m, v, weight="inverse_square", overlap="product", smoothing=1e-5):
    s, t = pair(smoothing)
    u = volume_weights(m, v, weight)
    i, p = intersection(m, overlap)
    return 1 - (2 * (u * i).sum() + s) / ((u * (p + m["g"])).sum() + t)


def generalized_wasserstein_dice(m, v, distances=None, weight="foreground", smoothing=1e-5):
    s, t = pair(smoothing)
    if weight == "foreground":
        a, b = v * (np.arange(len(v)) > 0), v
    else:
        a = b = volume_weights(m, v, weight)
    found, cost = 2 * (a * (m["g"] - m["cost"])).sum(), (b * m["cost"]).sum()
    return 1 - (found + s) / (found + cost + t)


COUPLED = {
    "generalized_dice": generalized_dice,
    "generalized_wasserstein_dice": generalized_wasserstein_dice,
}


def overlap_loss(
    loss,
    data,
    activation,
    *,
    pool="sample",
    absent="skip",
    background=None,
    classes=None,
    class_weights=None,
    reduction="mean",
    **options,
):
    """The value of an overlap loss; for reduction none its values."""
    p = probabilities(data.x, activation)
    m = sums(p, data.g, data.w, data.m)
    if loss == "generalized_wasserstein_dice":
        count = data.x.shape[1]
        given = options.get("distances")
        distances = 1 - np.eye(count) if given is None else np.array(given) / np.max(given)
        moved = np.einsum("kl,nls->nks", distances, p)
        m["cost"] = (data.w[:, None] * data.g * moved).sum(-1)
    v = taking_part(data.x.shape[1], background, classes, class_weights)
    v = v * data.valid
    m = {key: value * data.valid for key, value in m.items()}
    cells = _coupled_cells if loss in COUPLED else _class_cells
    values, weights = cells(loss, m, v, pool, absent, options)
    total = (values * weights).sum()
    if reduction == "none":
        return values * weights
    if reduction == "sum":
        return total
    return total / weights.sum() if weights.sum() > 0 else 0.0


def _class_cells(loss, m, v, pool, absent, options):
    if pool == "batch":
        m = {key: value.sum(0) for key, value in m.items()}
        v = v.max(0)
    if pool == "all":
        m = {key: (value * v).sum() for key, value in m.items()}
        v = (v.max() > 0) * 1.0
    there = m["size"] > 0
    weights = np.where(there | (absent != "skip"), v, 0.0)
    counts = (there | (absent == "formula")) & (v > 0)
    safe = {key: np.where(counts, value, 1.0) for key, value in m.items()}
    safe["n"] = np.where(counts, m["n"], 4.0)
    return np.where(counts, OF_CLASS[loss](safe, **options), 0.0), weights


def _coupled_cells(loss, m, v, pool, absent, options):
    if pool != "sample":
        m = {key: value.sum(0, keepdims=True) for key, value in m.items()}
        v = v.max(0, keepdims=True)
    values, weights = [], []
    for row in range(len(v)):
        sums_of_row = {key: value[row] for key, value in m.items()}
        takes_part = np.where((sums_of_row["g"] > 0) | (absent == "formula"), v[row], 0.0)
        if takes_part.any():
            values.append(COUPLED[loss](sums_of_row, takes_part, **options))
            weights.append(1.0)
        else:
            values.append(0.0)
            weights.append(1.0 if absent == "zero" and v[row].any() else 0.0)
    shape = () if pool != "sample" else (len(v),)
    return np.reshape(values, shape), np.reshape(weights, shape)


def per_class(values, classes):
    """One value for each class, from a number or a sequence."""
    return np.broadcast_to(np.array(values, dtype=float), (classes,))[:, None]


def marginal(p, g, valid):
    """p and g with the classes that were not annotated added to the background."""
    rest = (~valid)[:, :, None]
    merged = []
    for values in (p, g):
        kept = np.where(rest, 0.0, values)
        kept[:, 0] = values[:, 0] + np.where(rest, values, 0.0)[:, 1:].sum(1)
        merged.append(kept)
    return merged


def voxel_loss(
    loss,
    data,
    activation,
    *,
    background=None,
    classes=None,
    class_weights=None,
    reduction="mean",
    **options,
):
    """The value of a voxel loss; for reduction none its map."""
    count = data.x.shape[1]
    v = taking_part(count, background, classes, class_weights)[:, None]
    if loss in ("border_cross_entropy", "instance_cross_entropy"):
        v = v * data.m
        loss = "cross_entropy" if activation == "softmax" else "binary_cross_entropy"
    p, g, w = probabilities(data.x, activation), data.g, data.w[:, None]
    exclusive = loss == "cross_entropy" or (loss == "focal" and activation == "softmax")
    if exclusive:
        p, g = marginal(p, g, data.valid)
        kept = data.valid.copy()
        kept[:, 0] = True
        with np.errstate(divide="ignore"):
            log = np.where(kept[:, :, None], np.log(p), 0.0)
        if loss == "cross_entropy":
            share = options.get("label_smoothing", 0.0)
            spread = kept[:, :, None] / kept.sum(1)[:, None, None]
            each = -v * ((1 - share) * g + share * spread) * log
        else:
            alpha = options.get("alpha")
            alpha = 1.0 if alpha is None else per_class(alpha, count)
            each = -v * alpha * g * (1 - p) ** per_class(options.get("gamma", 2.0), count) * log
        each = each.sum(1, keepdims=True)
        share = v * g
        counts = (w > 0) & (share.sum(1, keepdims=True) > 0)
        truth = -np.where(g > 0, g * log, 0.0).sum(1, keepdims=True)
    else:
        w = w * data.valid[:, :, None]
        if loss == "binary_cross_entropy":
            yes, no = per_class(options.get("pos_weight", 1.0), count), 1.0
            gamma = 0.0
        else:
            alpha = options.get("alpha")
            yes = 1.0 if alpha is None else per_class(alpha, count)
            no = 1.0 if alpha is None else 1 - yes
            gamma = per_class(options.get("gamma", 2.0), count)
        each = -v * (
            yes * g * (1 - p) ** gamma * np.log(p) + no * (1 - g) * p**gamma * np.log(1 - p)
        )
        share = v * np.ones_like(g)
        counts = w * share > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            truth = -np.where(g > 0, g * np.log(p), 0.0) - np.where(
                g < 1, (1 - g) * np.log(1 - p), 0.0
            )
    if options.get("top_k", 1.0) < 1 or options.get("threshold", 1.0) < 1:
        w = w * hardest(w * each, truth, counts, **options)
    total = (w * share).sum()
    if reduction == "none":
        return w * each
    if reduction == "sum":
        return (w * each).sum()
    return (w * each).sum() / total if total > 0 else 0.0


def hardest(losses, truth, counts, top_k=1.0, threshold=1.0, min_kept=0, **_):
    """Where the voxels are that are taken, of those that count: by their losses, or below the
    threshold by the log loss of the truth. Of equal ones the first."""
    losses = losses if threshold == 1 else truth
    order = [i for i in np.argsort(-losses, axis=None, kind="stable") if counts.flat[i]]
    count = max(1, int(top_k * len(order) + 1e-9))
    if threshold < 1:
        below = truth > -np.log(threshold) if threshold > 0 else np.zeros(truth.shape, bool)
        count = min(count, (below & counts).sum())
    taken = np.zeros(losses.shape)
    taken.flat[order[: max(count, min_kept)]] = 1
    return taken


VOXEL = (
    "cross_entropy",
    "binary_cross_entropy",
    "focal",
    "border_cross_entropy",
    "instance_cross_entropy",
)


SELECTION = ("top_k", "threshold", "min_kept")


def loss_value(loss, data, activation, **settings):
    """Of any loss of the catalogue."""
    if loss in COMPOUND:
        return COMPOUND[loss](data, activation, **settings)
    return (voxel_loss if loss in VOXEL else overlap_loss)(loss, data, activation, **settings)


def _split(settings, *own):
    """The options of an overlap loss, and what holds for the voxel loss beside it."""
    own_options = {key: settings[key] for key in own if key in settings}
    shared = {key: settings[key] for key in ("class_weights", "reduction") if key in settings}
    overlap = ("pool", "absent", "background", "squared", "overlap", "smoothing", "weight")
    return {key: settings[key] for key in overlap if key in settings} | shared, own_options | shared


def dice_cross_entropy(data, activation, dice_weight=1.0, cross_entropy_weight=1.0, **settings):
    of_dice, of_voxels = _split(settings, "label_smoothing", *SELECTION)
    return dice_weight * overlap_loss(
        "dice", data, activation, **of_dice
    ) + cross_entropy_weight * voxel_loss("cross_entropy", data, activation, **of_voxels)


def dice_binary_cross_entropy(
    data, activation, dice_weight=1.0, cross_entropy_weight=1.0, **settings
):
    of_dice, of_voxels = _split(settings, "pos_weight", *SELECTION)
    return dice_weight * overlap_loss(
        "dice", data, activation, **of_dice
    ) + cross_entropy_weight * voxel_loss("binary_cross_entropy", data, activation, **of_voxels)


def dice_focal(
    data, activation, dice_weight=1.0, focal_weight=1.0, focal_activation="sigmoid", **settings
):
    of_dice, of_voxels = _split(settings, "gamma", "alpha", *SELECTION)
    return dice_weight * overlap_loss(
        "dice", data, activation, **of_dice
    ) + focal_weight * voxel_loss("focal", data, focal_activation, **of_voxels)


def generalized_dice_focal(
    data,
    activation,
    generalized_dice_weight=1.0,
    focal_weight=1.0,
    focal_activation="sigmoid",
    **settings,
):
    of_dice, of_voxels = _split(settings, "gamma", "alpha", *SELECTION)
    return generalized_dice_weight * overlap_loss(
        "generalized_dice", data, activation, **of_dice
    ) + focal_weight * voxel_loss("focal", data, focal_activation, **of_voxels)


def combo(data, activation, alpha=0.5, beta=0.5, **settings):
    of_dice, shared = _split(settings)
    p, g = probabilities(data.x, activation), data.g
    w = data.w[:, None] * data.valid[:, :, None] * np.ones_like(g)
    v = taking_part(data.x.shape[1], weights=shared.get("class_weights"))[:, None]
    each = -beta * g * np.log(p) - (1 - beta) * (1 - g) * np.log(1 - p)
    entropy = (w * v * each).sum()
    if shared.get("reduction", "mean") == "mean":
        entropy /= (w * v).sum()
    return alpha * entropy + (1 - alpha) * overlap_loss("dice", data, activation, **of_dice)


def unified_focal(
    data,
    activation,
    asymmetric=False,
    lambda_=0.5,
    delta=0.6,
    gamma=0.5,
    smoothing=1e-5,
    **settings,
):
    of_overlap, shared = _split(settings)
    of_overlap |= {"smoothing": smoothing, "alpha": 1 - delta, "beta": delta}
    count = data.x.shape[1]
    if activation == "softmax":
        focus = [gamma] + [0.0 if asymmetric else gamma] * (count - 1)
        balance = [1 - delta] + [delta] * (count - 1)
        focal = voxel_loss("focal", data, activation, gamma=focus, alpha=balance, **shared)
    elif asymmetric:
        yes = voxel_loss("focal", data, activation, gamma=0.0, alpha=1.0, **shared)
        no = voxel_loss("focal", data, activation, gamma=gamma, alpha=0.0, **shared)
        focal = delta * yes + (1 - delta) * no
    else:
        focal = voxel_loss("focal", data, activation, gamma=gamma, alpha=delta, **shared)
    if asymmetric and activation == "softmax":
        ground = of_overlap | {"background": None, "classes": [0]}
        tversky_part = 0.5 * overlap_loss("tversky", data, activation, **ground)
        front = of_overlap | {"background": False}
        tversky_part += 0.5 * overlap_loss(
            "focal_tversky", data, activation, gamma=1 - gamma, **front
        )
    else:
        tversky_part = overlap_loss(
            "focal_tversky", data, activation, gamma=1 - gamma, **of_overlap
        )
    return lambda_ * focal + (1 - lambda_) * tversky_part


COMPOUND = {
    function.__name__: function
    for function in (
        dice_cross_entropy,
        dice_binary_cross_entropy,
        dice_focal,
        generalized_dice_focal,
        combo,
        unified_focal,
    )
}


def gradient(value, x, step=5e-4):
    """Differences of a number by every entry of x, right to the fourth order in the step."""
    slopes = np.zeros_like(x)
    for index in np.ndindex(*x.shape):

        def at(steps, index=index):
            moved = x.copy()
            moved[index] += steps * step
            return value(moved)

        slopes[index] = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
    return slopes
