//! Soft clDice: against the reference, arithmetic by hand, differences, and on any number of threads.

use dice_loss::{
    Absent, ClDice, DirectLoss, Error, Float, FloatMut, Isa, Layout, Logits, LossValues, Output,
    Pool, Reduction, Result, Smoothing, Stop, Target, interruptible, reference,
};
use rayon::ThreadPoolBuilder;

use crate::cases::Rng;

/// A batch with axes.
struct Batch {
    samples: usize,
    classes: usize,
    spatial: Vec<usize>,
    is_last: bool,
    /// (N, C, S), as the layout has it.
    x: Vec<f64>,
    labels: Vec<u8>,
    /// (N, C, S), if the target is dense.
    dense: Option<Vec<f32>>,
    counts: Vec<bool>,
    valid: Vec<bool>,
}

impl Batch {
    /// Values that come again, so that there are ties, or none that do.
    fn new(rng: &mut Rng, spatial: &[usize], classes: usize, has_ties: bool) -> Self {
        let samples = 1 + rng.below(2);
        let voxels: usize = spatial.iter().product();
        let (all, places) = (samples * classes * voxels, samples * voxels);
        let value = |rng: &mut Rng| match has_ties {
            true => rng.below(9) as f64 / 8.0,
            false => rng.between(0.01, 0.99),
        };
        let is_dense = rng.chance(0.4);
        let dense = (0..all).map(|_| if is_dense { rng.below(5) as f32 / 4.0 } else { 0.0 });
        Self {
            dense: Some(dense.collect()).filter(|_| is_dense),
            samples,
            classes,
            spatial: spatial.to_vec(),
            is_last: rng.chance(0.3),
            x: (0..all).map(|_| value(rng)).collect(),
            labels: (0..places).map(|_| rng.below(classes.max(2)) as u8).collect(),
            counts: (0..places).map(|_| rng.chance(0.9)).collect(),
            valid: (0..samples * classes).map(|_| rng.chance(0.8)).collect(),
        }
    }

    fn layout(&self) -> Layout {
        let (n, c) = (self.samples, self.classes);
        match self.is_last {
            true => Layout::channels_last(&[&[n][..], &self.spatial, &[c]].concat()),
            false => Layout::channels_first(&[&[n, c][..], &self.spatial].concat()),
        }
        .unwrap()
    }

    fn target(&self) -> Target<'_> {
        let of_voxels = Layout::voxels(&[&[self.samples][..], &self.spatial].concat()).unwrap();
        let target = match &self.dense {
            None => Target::labels(&self.labels, of_voxels),
            Some(dense) => Target::dense(dense, self.layout()),
        };
        let target = target.unwrap().mask(&self.counts, of_voxels).unwrap();
        target.class_valid(&self.valid)
    }

    /// Where an element of the order (N, C, S) lies.
    fn place(&self, index: usize) -> usize {
        let voxels: usize = self.spatial.iter().product();
        let [sample, class, voxel] =
            [index / (self.classes * voxels), index / voxels % self.classes, index % voxels];
        let [of_sample, of_class, of_voxel] = self.layout().strides();
        sample * of_sample + class * of_class + voxel * of_voxel
    }

    /// The loss, and the gradient in the order (N, C, S).
    fn run<T: Float + FloatMut + From<f32> + Into<f64> + Copy>(
        &self,
        cldice: &ClDice,
        x: &[T],
    ) -> Result<(LossValues, Vec<f64>)> {
        let mut gradient = vec![T::from(7.0f32); x.len()];
        let output = Output::new(&mut gradient, self.layout())?;
        let logits = Logits::new(x, self.layout())?;
        let found = cldice.loss_and_gradient(1.0, &logits, &self.target(), output)?;
        let alone = cldice.loss(&logits, &self.target())?;
        assert_eq!(alone.loss().to_bits(), found.loss().to_bits());
        assert_eq!(alone.values(), found.values());
        let ordered = (0..x.len()).map(|index| gradient[self.place(index)].into());
        Ok((found, ordered.collect()))
    }

    fn wanted(&self, cldice: &ClDice, x: &[f64]) -> reference::Centerline {
        let logits = Logits::new(x, self.layout()).unwrap();
        reference::cldice(cldice, &logits, &self.target(), &self.spatial).unwrap()
    }
}

/// Settings and options that random batches are tried with.
fn told(rng: &mut Rng, classes: usize) -> ClDice {
    let cldice = match rng.below(3) {
        0 if classes > 1 => ClDice::softmax(),
        1 => ClDice::sigmoid(),
        _ => ClDice::probabilities(),
    };
    let cldice = cldice
        .iterations(rng.below(8))
        .pool([Pool::Sample, Pool::Batch, Pool::All][rng.below(3)])
        .absent([Absent::Skip, Absent::Formula, Absent::Zero][rng.below(3)])
        .reduction([Reduction::Mean, Reduction::Sum][rng.below(2)])
        .background(rng.chance(0.5))
        .alpha([1.0, 1.0, 0.5, 0.25, 0.0][rng.below(5)])
        .epsilon([0.0, 0.0, 1e-4][rng.below(3)])
        .smoothing(Smoothing { numerator: rng.between(0.1, 1.0), denominator: 1.0 });
    match rng.below(4) {
        0 => cldice.class_weights((0..classes).map(|class| class as f64).collect::<Vec<_>>()),
        1 => cldice.classes([classes - 1]),
        _ => cldice,
    }
}

fn is_softmax(cldice: &ClDice) -> bool {
    cldice.check(1).is_err_and(|error| error.to_string().contains("softmax"))
}

const SHAPES: [&[usize]; 12] = [
    &[1],
    &[9],
    &[300],
    &[1, 1],
    &[5, 7],
    &[1, 8],
    &[6, 1],
    &[3, 270],
    &[4, 5, 6],
    &[1, 4, 5],
    &[3, 1, 2],
    &[2, 3, 17],
];

#[test]
fn agrees_with_the_reference() {
    let mut rng = Rng(11);
    for round in 0..25 {
        for spatial in SHAPES {
            let classes = 1 + rng.below(3);
            let cldice = told(&mut rng, classes);
            // Under softmax the same number may be rounded in several ways.
            let has_ties = round % 3 > 0 && !is_softmax(&cldice);
            let batch = Batch::new(&mut rng, spatial, classes, has_ties);
            let wanted = batch.wanted(&cldice, &batch.x);
            let (found, gradient) = batch.run(&cldice, &batch.x).unwrap();
            assert!((found.loss() - wanted.loss).abs() < 1e-12, "{cldice:?}, {spatial:?}");
            for (index, found) in gradient.into_iter().enumerate() {
                let (value, magnitude) =
                    (wanted.gradient.values[index], wanted.gradient.magnitudes[index]);
                assert!(
                    (found - value).abs() <= 1e-12 * magnitude,
                    "{cldice:?}, {spatial:?}, derivative {index}: found {found:e}, wanted {value:e}"
                );
            }
        }
    }
}

#[test]
fn single_precision_agrees_where_ties_stay_ties() {
    // Under softmax f32 may have another order than f64; numbers that are selected and never added up
    // have the same.
    let mut rng = Rng(12);
    for _ in 0..10 {
        for spatial in SHAPES {
            let classes = 1 + rng.below(3);
            let mut cldice = told(&mut rng, classes);
            if is_softmax(&cldice) {
                cldice = ClDice::sigmoid().iterations(4);
            }
            let batch = Batch::new(&mut rng, spatial, classes, true);
            let wanted = batch.wanted(&cldice, &batch.x);
            let narrow: Vec<f32> = batch.x.iter().map(|&x| x as f32).collect();
            let (found, gradient) = batch.run(&cldice, &narrow).unwrap();
            assert!((found.loss() - wanted.loss).abs() < 3e-6, "{cldice:?}, {spatial:?}");
            for (index, found) in gradient.into_iter().enumerate() {
                let (value, magnitude) =
                    (wanted.gradient.values[index], wanted.gradient.magnitudes[index]);
                // Differences of numbers that are a few hundredths apart.
                assert!(
                    (found - value).abs() <= 2e-5 * magnitude,
                    "{cldice:?}, {spatial:?}, derivative {index}: found {found:e}, wanted {value:e}"
                );
            }
        }
    }
}

#[test]
fn single_precision_under_softmax_has_the_loss() {
    let mut rng = Rng(13);
    for spatial in SHAPES {
        let batch = Batch::new(&mut rng, spatial, 3, false);
        let cldice = ClDice::softmax().iterations(5);
        let wanted = batch.wanted(&cldice, &batch.x);
        let narrow: Vec<f32> = batch.x.iter().map(|&x| x as f32).collect();
        let (found, _) = batch.run(&cldice, &narrow).unwrap();
        assert!((found.loss() - wanted.loss).abs() < 3e-6, "{spatial:?}");
    }
}

#[test]
fn the_gradient_is_that_of_differences() {
    const STEP: f64 = 1e-7;
    let mut rng = Rng(14);
    for spatial in [&[9][..], &[5, 6], &[3, 4, 4]] {
        for _ in 0..6 {
            let cldice = told(&mut rng, 2);
            let batch = Batch::new(&mut rng, spatial, 2, false);
            let (_, gradient) = batch.run(&cldice, &batch.x).unwrap();
            for (index, found) in gradient.into_iter().enumerate() {
                let at = |step: f64| {
                    let mut x = batch.x.clone();
                    x[batch.place(index)] += step;
                    let logits = Logits::new(&x, batch.layout()).unwrap();
                    cldice.loss(&logits, &batch.target()).unwrap().loss()
                };
                // No two of the numbers are closer than a step.
                let wanted = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                assert!(
                    (found - wanted).abs() < 1e-7,
                    "{cldice:?}, {index}: found {found:e}, wanted {wanted:e}"
                );
            }
        }
    }
}

/// One sample of one class of probabilities.
fn of(cldice: &ClDice, spatial: &[usize], p: &[f64], labels: &[u8]) -> (f64, Vec<f64>) {
    let layout = Layout::channels_first(&[&[1, 1][..], spatial].concat()).unwrap();
    let target = Target::labels(labels, layout).unwrap();
    let mut gradient = vec![0.0; p.len()];
    let output = Output::new(&mut gradient, layout).unwrap();
    let logits = Logits::new(p, layout).unwrap();
    let found = cldice.loss_and_gradient(1.0, &logits, &target, output).unwrap();
    (found.loss(), gradient)
}

#[test]
fn a_tube_of_single_voxels_is_its_own_skeleton() {
    // A line of seven voxels, and a prediction of it with a gap, and one voxel beside it.
    let mut labels = vec![0u8; 5 * 9];
    labels[2 * 9 + 1..2 * 9 + 8].fill(1);
    let mut p: Vec<f64> = labels.iter().map(|&label| label.into()).collect();
    let plain = ClDice::probabilities();
    assert_eq!(of(&plain, &[5, 9], &p, &labels).0, 0.0);
    p[2 * 9 + 4] = 0.0;
    p[0] = 1.0;
    // Precision 6 of 7, sensitivity 6 of 7, each with one voxel more.
    let (loss, _) = of(&plain, &[5, 9], &p, &labels);
    assert!((loss - 0.125).abs() < 1e-15);
    // The same line in a volume, along each axis.
    for spatial in [[7, 1, 1], [1, 7, 1], [1, 1, 7]] {
        let (loss, _) = of(&plain, &spatial, &[1.0; 7], &[1; 7]);
        // It fills the map, so that nothing wears it off.
        assert_eq!(loss, 0.0);
        let mut p = [0.0; 7];
        p[3] = 1.0;
        let mut labels = [0; 7];
        labels[3] = 1;
        assert_eq!(of(&plain, &spatial, &p, &labels).0, 0.0);
    }
}

#[test]
fn values_by_hand() {
    // A bar, three voxels thick, of a map five voxels high: its skeleton is its middle, but for what the
    // opening takes off at the ends, where there is nothing.
    let bar = |row: usize| (1..4).contains(&row);
    let labels: Vec<u8> = (0..5 * 6).map(|at| u8::from(bar(at / 6))).collect();
    let p: Vec<f64> = labels.iter().map(|&label| 0.5 * f64::from(label)).collect();
    // With no iteration: erosion leaves the middle row, dilation gives the bar again, and nothing is left.
    let none = ClDice::probabilities().iterations(0);
    // 1 / 1 of nothing with smoothing 1.
    assert_eq!(of(&none, &[5, 6], &p, &labels).0, 0.0);
    // With one: the middle row, whose erosion is nothing. Σ S(p) = 3, Σ S(g) = 6, Σ p S(g) = 3.
    let one = ClDice::probabilities().iterations(1);
    let (loss, gradient) = of(&one, &[5, 6], &p, &labels);
    let (precision, sensitivity) = (1.0, 4.0 / 7.0);
    let wanted = 1.0 - 2.0 * precision * sensitivity / (precision + sensitivity);
    assert!((loss - wanted).abs() < 1e-15);
    // By p of the reference's skeleton: sensitivity moves by 1/7 each. All of the skeleton is inside, so
    // precision stays 1.
    let total = precision + sensitivity;
    let by_sensitivity = -2.0 * precision * precision / (total * total);
    for column in 0..6 {
        assert!((gradient[2 * 6 + column] - by_sensitivity / 7.0).abs() < 1e-15);
    }
}

#[test]
fn ties_are_shared_as_in_torch() {
    // Erosion of equal numbers: each axis has its first voxel, and half of the derivative. With no class
    // inside the loss is that of Σ S(p) alone, and S = p − opening.
    let cldice = ClDice::probabilities().iterations(0).absent(Absent::Formula);
    let mut p = [0.5f64; 9];
    p[4] = 0.75;
    let (loss, gradient) = of(&cldice, &[3, 3], &p, &[0; 9]);
    // The opening is 0.5 everywhere, so Σ S(p) = 0.25 and precision 1 / 1.25, sensitivity 1.
    assert!((loss - (1.0 - 2.0 * 0.8 / 1.8)).abs() < 1e-15);
    let by_sum = 2.0 / (1.8 * 1.8) * 0.8 / 1.25;
    assert!((gradient[4] - by_sum).abs() < 1e-15);
    // The middle's dilation is the first voxel of nine, whose erosion is its own number, first in both
    // directions: voxel 0 has all of it.
    assert!((gradient[0] + by_sum).abs() < 1e-15);
    assert!(gradient.iter().enumerate().all(|(at, slope)| [0, 4].contains(&at) || *slope == 0.0));
    // Where the middle is the only one below, voxel 1's erosion is the middle, down its column.
    let mut p = [0.5f64; 9];
    p[4] = 0.25;
    let (_, gradient) = of(&cldice, &[3, 3], &p, &[0; 9]);
    let wanted = reference::cldice(
        &cldice,
        &Logits::new(&p, Layout::channels_first(&[1, 1, 3, 3]).unwrap()).unwrap(),
        &Target::labels(&[0u8; 9], Layout::voxels(&[1, 3, 3]).unwrap()).unwrap(),
        &[3, 3],
    );
    assert_eq!(gradient, wanted.unwrap().gradient.values);
}

#[test]
fn the_weight_of_the_only_class_weighs_its_sums_where_everything_has_one_value() {
    let (p, labels) = ([0.75, 0.5, 1.0, 0.25], [1, 0, 1, 0]);
    let layout = Layout::channels_first(&[1, 1, 2, 2]).unwrap();
    let (logits, target) =
        (Logits::new(&p, layout).unwrap(), Target::labels(&labels, layout).unwrap());
    let cldice = ClDice::probabilities().pool(Pool::All).class_weights([2.0]);
    let wanted = reference::cldice(&cldice, &logits, &target, &[2, 2]).unwrap();
    let (loss, gradient) = of(&cldice, &[2, 2], &p, &labels);
    assert!((loss - wanted.loss).abs() < 1e-15);
    assert_ne!(loss, of(&ClDice::probabilities(), &[2, 2], &p, &labels).0);
    for (found, wanted) in gradient.iter().zip(&wanted.gradient.values) {
        assert!((found - wanted).abs() < 1e-15);
    }
}

/// The bits of everything.
fn bits(cldice: &ClDice, logits: &Logits, target: &Target, len: usize) -> (u64, Vec<u32>) {
    let mut gradient = vec![0.0f32; len];
    let output = Output::new(&mut gradient, logits.layout()).unwrap();
    let found = cldice.loss_and_gradient(1.0, logits, target, output).unwrap();
    (found.loss().to_bits(), gradient.iter().map(|slope| slope.to_bits()).collect())
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Classes that have a thread each, and classes that all threads share.
    for shape in [&[3, 3, 40, 50][..], &[2, 2, 9, 20, 21], &[1, 2, 512, 513]] {
        let len: usize = shape.iter().product();
        let mut rng = Rng(len as u64);
        let x: Vec<f32> = (0..len).map(|_| rng.below(40) as f32 / 16.0 - 1.25).collect();
        let labels: Vec<u8> = (0..len / shape[1]).map(|_| rng.below(shape[1]) as u8).collect();
        let layout = Layout::channels_first(shape).unwrap();
        let logits = Logits::new(&x, layout).unwrap();
        let of_voxels = Layout::voxels(&[&shape[..1], &shape[2..]].concat()).unwrap();
        let target = Target::labels(&labels, of_voxels).unwrap();
        for pool in [Pool::Sample, Pool::All] {
            let cldice = ClDice::softmax().pool(pool).iterations(2);
            let found = [1, 2, 3].map(|threads| {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| bits(&cldice, &logits, &target, x.len()))
            });
            assert!(found.windows(2).all(|two| two[0] == two[1]), "{shape:?}, {pool:?}");
        }
    }
}

#[test]
fn every_instruction_set_agrees() {
    let mut rng = Rng(15);
    let batch = Batch::new(&mut rng, &[4, 9, 40], 2, true);
    for isa in Isa::available() {
        let cldice = ClDice::probabilities().isa(isa);
        let wanted = batch.wanted(&cldice, &batch.x);
        let (found, gradient) = batch.run(&cldice, &batch.x).unwrap();
        assert!((found.loss() - wanted.loss).abs() < 1e-12);
        for (found, (value, magnitude)) in
            gradient.iter().zip(wanted.gradient.values.iter().zip(&wanted.gradient.magnitudes))
        {
            assert!((found - value).abs() <= 1e-12 * magnitude);
        }
    }
}

#[test]
fn upstream_weighs_the_values() {
    let mut rng = Rng(16);
    let x: Vec<f64> = (0..2 * 2 * 12).map(|_| rng.unit()).collect();
    let labels: Vec<u8> = (0..2 * 12).map(|_| rng.below(2) as u8).collect();
    let layout = Layout::channels_first(&[2, 2, 3, 4]).unwrap();
    let target = Target::labels(&labels, Layout::voxels(&[2, 3, 4]).unwrap()).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    for (pool, shape) in [(Pool::Sample, vec![2, 2]), (Pool::Batch, vec![2]), (Pool::All, vec![])] {
        let none = ClDice::probabilities().pool(pool).reduction(Reduction::None);
        let pulled = |upstream: &[f64]| {
            let mut gradient = vec![0.0; x.len()];
            let output = Output::new(&mut gradient, layout).unwrap();
            let found = none.loss_and_gradient(upstream, &logits, &target, output)?;
            assert_eq!(found.shape(), shape);
            Ok::<_, Error>(gradient)
        };
        let count = shape.iter().product();
        let weights: Vec<_> = (0..count).map(|at| at as f64 - 0.5).collect();
        let mut wanted = vec![0.0f64; x.len()];
        for at in 0..count {
            let mut one = vec![0.0; count];
            one[at] = weights[at];
            for (sum, slope) in wanted.iter_mut().zip(pulled(&one).unwrap()) {
                *sum += slope;
            }
        }
        for (found, wanted) in pulled(&weights).unwrap().into_iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-15);
        }
        assert!(matches!(pulled(&[1.0; 7]), Err(Error::Shape { what: "upstream gradient", .. })));
    }
}

fn refused(cldice: &ClDice, shape: &[usize], weights: Option<&[f32]>) -> String {
    let len: usize = shape.iter().product();
    let (x, labels) = (vec![0.5f32; len], vec![0u8; len / shape[1]]);
    let of_voxels = Layout::voxels(&[&shape[..1], &shape[2..]].concat()).unwrap();
    let mut target = Target::labels(&labels, of_voxels).unwrap();
    if let Some(weights) = weights {
        target = target.voxel_weights(weights, of_voxels).unwrap();
    }
    let layout = Layout::channels_first(shape).unwrap();
    cldice.loss(&Logits::new(&x, layout).unwrap(), &target).unwrap_err().to_string()
}

#[test]
fn what_has_no_skeleton_is_refused() {
    let plain = [1, 1, 2, 2];
    assert_eq!(
        refused(&ClDice::sigmoid(), &plain, Some(&[0.5; 4])),
        "cldice: voxel weights: found weights, wanted none: a skeleton has no weights; a mask says what \
         does not count"
    );
    assert_eq!(
        refused(&ClDice::sigmoid(), &[1, 1, 2, 2, 2, 2], None),
        "cldice: spatial axes: found 4 or more, wanted one to three"
    );
    assert_eq!(
        refused(&ClDice::softmax(), &plain, None),
        "cldice: softmax: found 1 channels, wanted 2 channels or more; for one channel use sigmoid"
    );
    assert_eq!(
        refused(&ClDice::sigmoid().pool(Pool::Cell), &plain, None),
        "cldice: pool: found cell, wanted sample, batch or all"
    );
    assert_eq!(
        refused(&ClDice::sigmoid().alpha(1.5), &plain, None),
        "cldice: alpha: found 1.5, wanted 0 to 1"
    );
    let spec = r#"{"loss": "cldice", "iterations": 2.5}"#;
    assert_eq!(
        DirectLoss::from_spec(spec).unwrap().check(2).unwrap_err().to_string(),
        "cldice: iterations: found 2.5, wanted a whole number"
    );
    let spec = r#"{"loss": "cldice", "smooth": 1}"#;
    let found = DirectLoss::from_spec(spec).unwrap_err().to_string();
    assert!(
        found.starts_with("cldice: option: found smooth, wanted one of iterations, "),
        "{found}"
    );
}

#[test]
fn a_text_stands_for_a_loss() {
    let text = r#"{"loss": "cldice", "activation": "sigmoid", "iterations": 2, "smoothing": [0.5, 1],
                   "epsilon": 0.25, "alpha": 0.75, "pool": "all", "reduction": "sum"}"#;
    let read = DirectLoss::from_spec(text).unwrap();
    let made = ClDice::sigmoid()
        .iterations(2)
        .smoothing(Smoothing { numerator: 0.5, denominator: 1.0 })
        .epsilon(0.25)
        .alpha(0.75)
        .pool(Pool::All)
        .reduction(Reduction::Sum);
    assert_eq!(format!("{read:?}"), format!("{:?}", DirectLoss::from(made)));
    assert_eq!((read.name(), read.reduced_by()), ("cldice", Reduction::Sum));
}

#[test]
fn nothing_to_see_is_no_loss() {
    let layout = Layout::channels_first(&[1, 2, 1, 3]).unwrap();
    let x = [f32::NAN; 6];
    let labels = [9u8; 3];
    let target =
        Target::labels(&labels, Layout::voxels(&[1, 1, 3]).unwrap()).unwrap().ignore_index(9);
    for pool in [Pool::Sample, Pool::Batch, Pool::All] {
        let logits = Logits::new(&x, layout).unwrap();
        let mut gradient = [7.0f32; 6];
        let output = Output::new(&mut gradient, layout).unwrap();
        let cldice = ClDice::softmax().pool(pool);
        let found = cldice.loss_and_gradient(1.0, &logits, &target, output).unwrap();
        assert_eq!((found.loss(), gradient), (0.0, [0.0; 6]));
    }
    for shape in [[0, 2, 3, 2], [1, 2, 0, 4], [1, 2, 4, 0]] {
        let layout = Layout::channels_first(&shape).unwrap();
        let of_voxels = Layout::voxels(&[shape[0], shape[2], shape[3]]).unwrap();
        let target = Target::labels(&[0u8; 0], of_voxels).unwrap();
        let logits = Logits::new(&[0f32; 0], layout).unwrap();
        assert_eq!(ClDice::softmax().loss(&logits, &target).unwrap().loss(), 0.0);
    }
}

#[test]
fn nan_makes_the_loss_nan() {
    let p = [f64::NAN, 0.5, 0.25, 0.5];
    assert!(of(&ClDice::probabilities(), &[2, 2], &p, &[0, 1, 0, 0]).0.is_nan());
}

#[test]
fn it_stops_when_it_is_told() {
    let shape = [1, 1, 64, 64];
    let (x, labels) = (vec![0.5f32; 64 * 64], vec![1u8; 64 * 64]);
    let layout = Layout::channels_first(&shape).unwrap();
    let target = Target::labels(&labels, layout).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    let stop = Stop::default();
    stop.set();
    let found = interruptible(&stop, || ClDice::sigmoid().loss(&logits, &target));
    assert_eq!(found.unwrap_err(), Error::Interrupted);
}
