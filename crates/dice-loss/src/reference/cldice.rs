//! Soft clDice, from its definition: windows voxel by voxel, and every step kept.

use super::{
    Gradient,
    probability::{jacobian, probabilities},
    voxels::{Voxel, Voxels},
};
use crate::{
    Absent, Activation, ClDice, Logits, Objective, Pool, Reduction, Result, Smoothing, Target,
};

/// The loss of a batch, and its gradient.
#[derive(Debug, Clone)]
pub struct Centerline {
    /// What [`ClDice::loss`] is to return.
    pub loss: f64,
    /// What [`ClDice::loss_and_gradient`] is to write, for an upstream gradient of 1.
    pub gradient: Gradient,
}

/// A class of a sample.
struct Class {
    p: Vec<f64>,
    g: Vec<f64>,
    sample: usize,
    class: usize,
    /// What its sums are multiplied with.
    share: f64,
}

/// The sums of what has one value.
#[derive(Default)]
struct Sums {
    skeleton_g: f64,
    skeleton: f64,
    p_skeleton: f64,
    reference: f64,
    pg: f64,
    p: f64,
    g: f64,
}

/// clDice, as [`ClDice::loss_and_gradient`], with the same errors but for those of voxel weights, which it
/// does not look for. `spatial` are the sizes of one to three spatial axes.
pub fn cldice(
    cldice: &ClDice,
    logits: &Logits,
    target: &Target,
    spatial: &[usize],
) -> Result<Centerline> {
    let [samples, classes, voxels] = logits.layout.shape();
    cldice.check(classes)?;
    let prepared = Objective::new().prepare(classes)?;
    prepared.check_tensors(logits, target)?;
    let batch = Voxels::read(prepared.plan(), logits, target, None)?;
    let counted: Vec<_> = batch.counted().collect();
    let settings = &cldice.told.settings;
    let pool = settings.pool.unwrap_or_default();
    let weights = settings.weights(classes);
    let absent = settings.absent.unwrap_or_default();
    let units = match pool {
        Pool::All => 1,
        Pool::Batch => classes,
        _ => samples * classes,
    };
    let (mut sum, mut total) = (0.0, 0.0);
    // By each probability: the derivative, and its magnitude.
    let mut by_p = vec![[0.0; 2]; samples * classes * voxels];
    for unit in 0..units {
        let belongs = |sample: usize, class: usize| match pool {
            Pool::All => weights[class] > 0.0,
            Pool::Batch => class == unit,
            _ => sample * classes + class == unit,
        };
        let weight = if pool == Pool::All { 1.0 } else { weights[unit % classes] };
        let members: Vec<_> = (0..samples * classes)
            .map(|at| (at / classes, at % classes))
            .filter(|&(sample, class)| belongs(sample, class))
            .filter(|&(sample, class)| batch.annotated[sample * classes + class])
            .map(|(sample, class)| {
                let mut found = Class {
                    p: vec![0.0; voxels],
                    g: vec![0.0; voxels],
                    sample,
                    class,
                    share: if pool == Pool::All { weights[class] } else { 1.0 },
                };
                for (_, voxel, of) in counted.iter().filter(|(of, ..)| *of == sample) {
                    found.p[*voxel] = probability(cldice.activation, of, class);
                    found.g[*voxel] = of.target[class];
                }
                found
            })
            .collect();
        let is_absent = members.iter().all(|member| member.g.iter().all(|g| *g == 0.0));
        if weight == 0.0 || members.is_empty() || is_absent && absent == Absent::Skip {
            continue;
        }
        total += weight;
        if is_absent && absent == Absent::Zero {
            continue;
        }
        let (loss, slopes) = of_unit(cldice, &members, spatial);
        sum += weight * loss;
        for (member, slopes) in members.iter().zip(slopes) {
            let first = (member.sample * classes + member.class) * voxels;
            for (at, slope) in slopes.into_iter().enumerate() {
                by_p[first + at] = slope.map(|slope| weight * slope);
            }
        }
    }
    let scale = match cldice.told.reduction {
        Reduction::Mean if total > 0.0 => 1.0 / total,
        Reduction::Mean => 0.0,
        Reduction::Sum | Reduction::None => 1.0,
    };
    let mut gradient =
        Gradient { values: vec![0.0; by_p.len()], magnitudes: vec![0.0; by_p.len()] };
    for (sample, index, voxel) in counted {
        let at = |class: usize| (sample * classes + class) * voxels + index;
        let slopes: Vec<_> =
            (0..classes).map(|class| by_p[at(class)].map(|slope| scale * slope)).collect();
        let p = probabilities(cldice.activation, &voxel.logits);
        let jacobian = jacobian(cldice.activation, &p);
        for class in 0..classes {
            let factor = |of: usize| jacobian[of * classes + class];
            gradient.values[at(class)] = (0..classes).map(|of| slopes[of][0] * factor(of)).sum();
            gradient.magnitudes[at(class)] =
                (0..classes).map(|of| slopes[of][1] * factor(of).abs()).sum();
        }
    }
    Ok(Centerline { loss: scale * sum, gradient })
}

fn probability(activation: Activation, voxel: &Voxel, class: usize) -> f64 {
    match activation {
        Activation::Probabilities => voxel.logits[class],
        _ => probabilities(activation, &voxel.logits)[class].p,
    }
}

/// The loss of what has one value, and the derivatives by the probabilities of its members, each with its
/// magnitude.
fn of_unit(cldice: &ClDice, members: &[Class], spatial: &[usize]) -> (f64, Vec<Vec<[f64; 2]>>) {
    let iterations = cldice.formula.iterations as usize;
    let Smoothing { numerator, denominator } = cldice.formula.smoothing;
    let (epsilon, alpha) = (cldice.formula.epsilon, cldice.formula.alpha);
    let skeletons: Vec<_> = members
        .iter()
        .map(|member| {
            [&member.p, &member.g].map(|map| Skeleton::new(map.clone(), spatial, iterations))
        })
        .collect();
    let dot = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let mut sums = Sums::default();
    for (Class { p, g, share, .. }, [of_p, of_g]) in members.iter().zip(&skeletons) {
        sums.skeleton_g += share * dot(of_p.last(), g);
        sums.skeleton += share * of_p.last().iter().sum::<f64>();
        sums.p_skeleton += share * dot(p, of_g.last());
        sums.reference += share * of_g.last().iter().sum::<f64>();
        sums.pg += share * dot(p, g);
        sums.p += share * p.iter().sum::<f64>();
        sums.g += share * g.iter().sum::<f64>();
    }
    let precision = (sums.skeleton_g + numerator) / (sums.skeleton + denominator);
    let sensitivity = (sums.p_skeleton + numerator) / (sums.reference + denominator);
    let total = precision + sensitivity + epsilon;
    let score = 2.0 * precision * sensitivity / total;
    let sizes = sums.p + sums.g + denominator;
    let dice = (2.0 * sums.pg + numerator) / sizes;
    // The quotient rule, on each.
    let by_precision = -(2.0 * sensitivity - score) / total;
    let by_sensitivity = -(2.0 * precision - score) / total;
    let slopes = members.iter().zip(&skeletons).map(|(Class { g, share, .. }, [of_p, of_g])| {
        let by_skeleton: Vec<_> = g
            .iter()
            .map(|g| alpha * share * by_precision * (g - precision) / (sums.skeleton + denominator))
            .collect();
        let magnitudes = by_skeleton.iter().map(|slope| slope.abs()).collect();
        let slopes = of_p.pulled_back(by_skeleton, -1.0);
        let magnitudes = of_p.pulled_back(magnitudes, 1.0);
        let beside = g.iter().zip(of_g.last()).map(|(g, skeleton)| {
            let of_reference = by_sensitivity * skeleton / (sums.reference + denominator);
            [alpha * share * of_reference, (1.0 - alpha) * share * (dice - 2.0 * g) / sizes]
        });
        let all = slopes.into_iter().zip(magnitudes).zip(beside);
        let added = |((slope, magnitude), [one, other]): ((f64, f64), [f64; 2])| {
            [slope + one + other, magnitude + one.abs() + other.abs()]
        };
        all.map(added).collect()
    });
    (alpha * (1.0 - score) + (1.0 - alpha) * (1.0 - dice), slopes.collect())
}

/// A soft skeleton with all that it was made of.
struct Skeleton<'a> {
    spatial: &'a [usize],
    /// e_0, e_1, …
    maps: Vec<Vec<f64>>,
    /// The dilations of e_1, e_2, …
    openings: Vec<Vec<f64>>,
    /// S_0, S_1, …
    skeletons: Vec<Vec<f64>>,
}

impl<'a> Skeleton<'a> {
    fn new(map: Vec<f64>, spatial: &'a [usize], iterations: usize) -> Self {
        let mut all =
            Self { spatial, maps: vec![map], openings: Vec::new(), skeletons: Vec::new() };
        for k in 0..=iterations {
            let map = &all.maps[k];
            let eroded: Vec<_> = (0..map.len()).map(|at| all.minima(map, at).1).collect();
            let opening: Vec<_> = (0..map.len())
                .map(|at| eroded[first(&eroded, &all.around(at), |one, other| one > other)])
                .collect();
            let delta = map.iter().zip(&opening).map(|(e, open)| (e - open).max(0.0));
            let skeleton = match all.skeletons.last() {
                None => delta.collect(),
                Some(before) => {
                    let joined = |(s, d): (&f64, f64)| s + (d - s * d).max(0.0);
                    before.iter().zip(delta).map(joined).collect()
                }
            };
            all.maps.push(eroded);
            all.openings.push(opening);
            all.skeletons.push(skeleton);
        }
        all
    }

    fn last(&self) -> &[f64] {
        self.skeletons.last().map_or(&[], |skeleton| skeleton)
    }

    /// The voxels of the window around one, up to one away along the axes of `along`, in order.
    fn window(&self, at: usize, along: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut window = vec![0];
        let mut stride: usize = self.spatial.iter().product();
        for (axis, &size) in self.spatial.iter().enumerate() {
            stride /= size;
            let place = at / stride % size;
            let near = match along(axis) {
                true => place.saturating_sub(1)..(place + 2).min(size),
                false => place..place + 1,
            };
            let steps = |start: usize| near.clone().map(move |place| start + place * stride);
            window = window.into_iter().flat_map(steps).collect();
        }
        window
    }

    fn around(&self, at: usize) -> Vec<usize> {
        self.window(at, |_| true)
    }

    /// Who has how much of the derivative by an erosion, and the erosion.
    fn minima(&self, map: &[f64], at: usize) -> (Vec<(usize, f64)>, f64) {
        let (mut shares, mut least) = (Vec::new(), f64::NAN);
        for axis in 0..self.spatial.len() {
            let window = self.window(at, |along| along == axis);
            let found = first(map, &window, |one, other| one < other);
            let (of_it, of_others) = match map[found] {
                _ if axis == 0 => (1.0, 0.0),
                value if value < least => (1.0, 0.0),
                value if value == least => (0.5, 0.5),
                _ => (0.0, 1.0),
            };
            shares.iter_mut().for_each(|(_, share): &mut (usize, f64)| *share *= of_others);
            shares.push((found, of_it));
            least = if axis == 0 { map[found] } else { least.min(map[found]) };
        }
        (shares, least)
    }

    /// From the derivative by the skeleton to that by what it is of. An opening counts −1; or 1, for the
    /// magnitude of the derivative from that by the skeleton.
    fn pulled_back(&self, mut by_skeleton: Vec<f64>, sign: f64) -> Vec<f64> {
        let count = by_skeleton.len();
        let mut by_next = vec![0.0; count];
        for k in (0..self.skeletons.len()).rev() {
            let [map, eroded] = [&self.maps[k], &self.maps[k + 1]];
            let mut by_map = vec![0.0; count];
            for at in 0..count {
                let difference = map[at] - self.openings[k][at];
                let delta = difference.max(0.0);
                let by_delta = match k.checked_sub(1) {
                    None => by_skeleton[at],
                    Some(before) => {
                        let before = self.skeletons[before][at];
                        let joins = delta - before * delta > 0.0;
                        let by_delta = if joins { (1.0 - before) * by_skeleton[at] } else { 0.0 };
                        by_skeleton[at] *= if joins { 1.0 - delta } else { 1.0 };
                        by_delta
                    }
                };
                if difference > 0.0 {
                    by_map[at] += by_delta;
                    let largest = first(eroded, &self.around(at), |one, other| one > other);
                    by_next[largest] += sign * by_delta;
                }
            }
            for (at, slope) in by_next.iter().enumerate() {
                for (of, share) in self.minima(map, at).0 {
                    by_map[of] += share * slope;
                }
            }
            by_next = by_map;
        }
        by_next
    }
}

/// The first voxel of a window that none other beats.
fn first(map: &[f64], window: &[usize], beats: impl Fn(f64, f64) -> bool) -> usize {
    let mut best = window[0];
    for &at in window {
        if beats(map[at], map[best]) {
            best = at;
        }
    }
    best
}
