//! Every kernel beside the tiles, which are its specification.

use half::{bf16, f16};

use super::{
    super::{
        Input, Job, Jobs, PullBack as ByTiles, Recipe, Store, VoxelLosses, add_rows, by_tile, each,
        measure_job,
    },
    Measuring, Written,
};
use crate::{
    BinaryCrossEntropy, BorderCrossEntropy, Boundary, CrossEntropy, Decision, Dice, Division,
    Float, FloatMut, Focal, HausdorffDT, InstanceCrossEntropy, Instances, Isa, Layout, Logits,
    Objective, Output, Pool, SkeletonRecall, Target, Term,
    evaluate::{self, VoxelSlopes},
    maps::Named,
};

/// The objectives that there are kernels for.
fn objectives(classes: usize) -> Vec<Vec<Term>> {
    let focal = Focal::default;
    let squared = || Dice { squared: true, ..Dice::default() };
    let cells = |term: Term| term.pool(Pool::Cell);
    let of_cells = InstanceCrossEntropy::default;
    if classes == 1 {
        return vec![
            vec![cells(Dice::default().sigmoid())],
            vec![
                Dice::default().sigmoid().pool(Pool::Blob),
                InstanceCrossEntropy { division: Division::Blobs, ..of_cells() }.sigmoid(),
                Dice::default().sigmoid(),
                BinaryCrossEntropy::default().sigmoid(),
            ],
            vec![BorderCrossEntropy::default().sigmoid()],
            vec![cells(Boundary::default().sigmoid())],
            vec![Dice::default().sigmoid()],
            vec![squared().sigmoid()],
            vec![Dice::default().sigmoid(), BinaryCrossEntropy::default().sigmoid()],
            vec![Dice::default().sigmoid(), focal().sigmoid()],
            vec![BinaryCrossEntropy::default().sigmoid()],
            vec![focal().sigmoid()],
            vec![Dice::default().probabilities()],
            vec![squared().probabilities()],
            vec![Dice::default().sigmoid(), Boundary::default().sigmoid()],
            vec![Dice::default().sigmoid(), HausdorffDT::default().sigmoid()],
            vec![
                Dice::default().sigmoid(),
                BinaryCrossEntropy::default().sigmoid(),
                SkeletonRecall::default().sigmoid(),
            ],
            vec![
                Dice::default().sigmoid(),
                BinaryCrossEntropy::default().sigmoid(),
                HausdorffDT::default().sigmoid(),
            ],
        ];
    }
    vec![
        vec![cells(Dice::default().softmax())],
        vec![cells(Dice::default().softmax()).background(false), CrossEntropy::default().softmax()],
        vec![cells(Dice::default().softmax()), of_cells().softmax(), Dice::default().softmax()],
        vec![Dice::default().softmax().pool(Pool::Blob), Boundary::default().softmax()],
        vec![cells(Dice::default().sigmoid()), of_cells().sigmoid()],
        vec![cells(Dice::default().softmax()), cells(Boundary::default().softmax())],
        vec![
            SkeletonRecall::default().softmax().pool(Pool::Blob),
            CrossEntropy::default().softmax(),
        ],
        vec![Dice::default().softmax(), BorderCrossEntropy::default().softmax()],
        vec![BorderCrossEntropy::default().sigmoid(), BinaryCrossEntropy::default().sigmoid()],
        vec![Dice::default().softmax(), Boundary::default().softmax()],
        vec![Dice::default().softmax(), HausdorffDT::default().softmax()],
        vec![
            Dice::default().softmax(),
            CrossEntropy::default().softmax(),
            SkeletonRecall::default().softmax(),
        ],
        vec![
            Dice::default().softmax(),
            CrossEntropy::default().softmax(),
            HausdorffDT::default().softmax(),
        ],
        vec![Dice::default().sigmoid(), Boundary::default().sigmoid()],
        vec![Dice::default().softmax()],
        vec![squared().softmax()],
        vec![Dice::default().softmax(), CrossEntropy::default().softmax()],
        vec![Dice::default().softmax(), focal().softmax()],
        vec![CrossEntropy::default().softmax()],
        vec![focal().softmax()],
        vec![Dice::default().sigmoid(), BinaryCrossEntropy::default().sigmoid()],
    ]
}

fn objective(terms: &[Term], isa: Isa) -> Objective {
    terms.iter().fold(Objective::new().isa(isa), |all, term| all.term(1.0, term.clone()))
}

/// Numbers in 0..1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 40) as f64 / 16_777_216.0
    }
}

struct Example {
    shape: [usize; 3],
    logits: Vec<f32>,
    labels: Vec<u8>,
    soft: Vec<f32>,
    mask: Vec<bool>,
    weights: Vec<f32>,
    valid: Vec<bool>,
    map: Vec<f32>,
    /// Of instances: in every other class none or one.
    numbers: Vec<f32>,
}

/// Of half the voxels the label is drawn anew; the others follow their neighbour.
fn example(shape: [usize; 3], size: f64) -> Example {
    let [samples, classes, voxels] = shape;
    let mut random = Random(7 + voxels as u64);
    let mut label = 0;
    let all = samples * voxels;
    let mut draw = |count: usize, of: &dyn Fn(f64) -> f64| -> Vec<f32> {
        (0..count).map(|_| of(random.next()) as f32).collect()
    };
    let logits = draw(all * classes, &|x| size * (2.0 * x - 1.0));
    let soft = draw(all * classes, &|x| x);
    let weights = draw(all, &|x| if x < 0.2 { 0.0 } else { 2.0 * x });
    let map = draw(all * classes, &|x| if x < 0.2 { 0.0 } else { 4.0 * x });
    let mask = draw(all, &|x| x).into_iter().map(|x| x > 0.3).collect();
    let mut number = 0.0;
    let numbers = (0..all * classes).map(|i| {
        if random.next() < 0.2 {
            number = (random.next() * 5.0).floor() as f32;
        }
        if i / voxels % classes % 2 == 1 || classes == 1 { number } else { 1.0 }
    });
    let numbers = numbers.collect();
    let labels = (0..all).map(|_| {
        if random.next() < 0.5 {
            label = (random.next() * classes.max(2) as f64) as u8;
        }
        if random.next() < 0.1 { 255 } else { label }
    });
    let valid = (0..samples * classes).map(|i| i % classes % 2 == 0);
    let (labels, valid) = (labels.collect(), valid.collect());
    Example { shape, labels, logits, soft, mask, weights, valid, map, numbers }
}

/// The kinds of target, of which some have nothing that does not count.
fn targets<'a>(example: &'a Example, table: &'a [Vec<usize>]) -> Vec<(&'static str, Target<'a>)> {
    let [samples, classes, voxels] = example.shape;
    let per_voxel = Layout::voxels(&[samples, voxels]).unwrap();
    let layout = Layout::channels_first(&[samples, classes, voxels]).unwrap();
    let labels = || Target::labels(&example.labels, per_voxel).unwrap().ignore_index(255);
    let soft = || Target::dense(&example.soft, layout).unwrap();
    vec![
        ("labels", labels()),
        ("masked labels", labels().mask(&example.mask, per_voxel).unwrap()),
        ("weighted labels", labels().voxel_weights(&example.weights, per_voxel).unwrap()),
        ("partial labels", labels().class_valid(&example.valid)),
        ("partial soft", soft().class_valid(&example.valid)),
        ("soft", soft()),
        ("masked soft", soft().mask(&example.mask, per_voxel).unwrap()),
        ("regions", Target::regions(&example.labels, per_voxel, table).unwrap().ignore_index(255)),
    ]
}

/// With the maps that are named: of one channel for an odd number of voxels, otherwise of all.
fn with_maps<'a>(objective: &Objective, target: Target<'a>, example: &'a Example) -> Target<'a> {
    let [samples, classes, voxels] = example.shape;
    let channels = if voxels % 2 == 1 { 1 } else { classes };
    let layout = Layout::channels_first(&[samples, channels, voxels]).unwrap();
    let of_all = Layout::channels_first(&example.shape).unwrap();
    let add = |target: Target<'a>, map: &Named| match &*map.name {
        Instances::MAP => target.map(&map.name, &example.numbers, of_all),
        name => target.map(name, &example.map, layout),
    };
    objective.maps().unwrap().iter().fold(target, |target, map| add(target, map).unwrap())
}

/// What both ways make of a sweep: the sums of each job, and the gradient.
fn both<T: Float + FloatMut + Into<f64> + Default>(
    objective: &Objective,
    logits: &Logits,
    target: &Target,
) -> Option<[(Vec<f64>, Vec<f64>); 2]> {
    let [_, classes, _] = logits.layout.shape();
    let prepared = objective.prepare(classes).unwrap();
    let plan = prepared.plan();
    let instances = prepared.instances(logits, target).unwrap();
    let instances = instances.as_deref();
    let of_sweep_2 = Input { instances, ..Input::new(plan, logits, target) };
    let batch = Input { check: true, scale: None, ..of_sweep_2 };
    Recipe::of(&batch, 0)?;
    let mut by_kernel = Vec::new();
    let mut by_tiles = Vec::new();
    // Of instances: what the sums of classes and rows come to.
    let joined = |job: Job, part: Vec<f64>| match instances {
        None => part,
        Some(instances) => {
            let mut rows = vec![0.0; batch.rows_of(job.sample).len() * plan.swept()];
            add_rows(plan, instances.rows_of(job.sample), &part, &mut rows);
            rows
        }
    };
    let run = |job| {
        let recipe = Recipe::of(&batch, 0).unwrap();
        let kernel = super::measure(&batch, &recipe, job)?;
        Ok((kernel, measure_job::<f32>(&batch, job)?))
    };
    let jobs = Jobs::new(logits.layout.shape());
    jobs.each(0, run, |job: Job, (kernel, tiles)| {
        by_kernel.extend(joined(job, kernel));
        by_tiles.extend(joined(job, tiles));
    })
    .unwrap();
    let moments = prepared.measure(logits, target).unwrap();
    let verdict = evaluate::evaluate(plan, &moments).unwrap();
    let slopes = || {
        let slopes = verdict.slopes(&1.0.into(), plan, logits.layout).unwrap();
        match instances.and_then(|instances| verdict.known_of(instances)) {
            Some(known) => slopes.in_rows(plan, known),
            None => slopes,
        }
    };
    let batch = of_sweep_2;
    let write = |by_kernel: bool| -> Vec<f64> {
        let mut gradient = vec![T::default(); logits.layout.extent().unwrap()];
        let store = Store::new(Output::new(&mut gradient, logits.layout).unwrap());
        let slopes = slopes();
        each(&batch, &store, |job| {
            let recipe = Recipe::of(&batch, 0).unwrap();
            match by_kernel {
                // SAFETY: jobs are disjoint and within the shape.
                true => unsafe {
                    super::write(&batch, &recipe, Written::Gradient(&slopes), job, &store)
                },
                false => by_tile(&batch, job, ByTiles { slopes: &slopes, store: &store }).map(drop),
            }
        })
        .unwrap();
        gradient.into_iter().map(Into::into).collect()
    };
    Some([(by_kernel, write(true)), (by_tiles, write(false))])
}

/// A map of voxel losses, both ways; `None` where no kernel writes one.
fn maps(objective: &Objective, logits: &Logits, target: &Target) -> Option<[Vec<f64>; 2]> {
    let [samples, classes, voxels] = logits.layout.shape();
    let prepared = objective.prepare(classes).unwrap();
    let batch = Input::new(prepared.plan(), logits, target);
    Recipe::of(&batch, 0).filter(Recipe::has_losses)?;
    let slopes = [VoxelSlopes::unreduced(prepared.plan(), 0)];
    let [_, channels, _] = prepared.map_shape(logits.layout).unwrap();
    let layout = Layout::channels_first(&[samples, channels, voxels]).unwrap();
    Some([true, false].map(|by_kernel| {
        let mut map = vec![0.0f32; samples * channels * voxels];
        let store = Store::new(Output::new(&mut map, layout).unwrap());
        each(&batch, &store, |job| {
            let recipe = Recipe::of(&batch, 0).unwrap();
            let written = Written::Losses(&slopes[0], channels);
            match by_kernel {
                // SAFETY: jobs are disjoint and within the shape.
                true => unsafe { super::write(&batch, &recipe, written, job, &store) },
                false => {
                    let by_tiles = VoxelLosses { slopes: &slopes, channels, store: &store };
                    by_tile(&batch, job, by_tiles).map(drop)
                }
            }
        })
        .unwrap();
        map.into_iter().map(f64::from).collect()
    }))
}

/// By how many half ulps two results may differ, relative to the largest of their kind: the
/// exponential, the logarithm and the sums of 1024 voxels in 16 lanes, twice. Where all classes are
/// merged a gradient is nothing but the rounding of its terms, each a voxel's part of a mean.
const UNITS: f64 = 2.0 * (24.0 + 68.0);

fn assert_alike(found: &[f64], wanted: &[f64], [unit, terms]: [f64; 2], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let largest = wanted.iter().fold(terms, |all, value| all.max(value.abs()));
    for (index, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let bound = UNITS * unit * largest;
        assert!((found - wanted).abs() <= bound, "{what}, {index}: {found} for {wanted}");
    }
}

fn agrees<T: Float + FloatMut + Into<f64> + Default>(of: impl Fn(f32) -> T, unit: f64) -> usize {
    let mut seen = 0;
    let table = |classes: usize| vec![vec![], (0..classes).collect(), vec![classes - 1]];
    for isa in Isa::available() {
        for (classes, voxels) in [(1, 1300), (2, 1), (2, 257), (3, 255), (4, 1024), (5, 300)]
            .into_iter()
            .chain([(6, 17), (7, 260), (8, 1040)])
        {
            let example = example([2, classes, voxels], 4.0);
            let table: Vec<_> = table(classes).into_iter().cycle().take(classes.max(2)).collect();
            for terms in objectives(classes) {
                let is_given = terms[0].activation == crate::Activation::Probabilities;
                let scaled = |&x: &f32| of(if is_given { (x + 4.0) / 8.0 } else { x });
                for layout in [
                    Layout::channels_first(&[2, classes, voxels]).unwrap(),
                    Layout::channels_last(&[2, voxels, classes]).unwrap(),
                ] {
                    let numbers: Vec<T> = example.logits.iter().map(scaled).collect();
                    let logits = Logits::new(&numbers, layout).unwrap();
                    for (kind, target) in targets(&example, &table) {
                        let decision = match classes {
                            1 => Decision::Threshold(0.4),
                            _ => Decision::Argmax,
                        };
                        let objective = objective(&terms, isa).decision(decision);
                        let target = with_maps(&objective, target, &example);
                        let Some([kernel, tiles]) = both::<T>(&objective, &logits, &target) else {
                            continue;
                        };
                        let names: Vec<_> = terms.iter().map(Term::name).collect();
                        let what = format!("{names:?} {isa:?} {classes}x{voxels} {kind}");
                        for (index, (found, wanted)) in kernel.0.iter().zip(&tiles.0).enumerate() {
                            // A log loss is a difference of numbers as large as logits, so that a
                            // voxel's is good to the rounding of 1, however small it is.
                            let bound = UNITS * 2f64.powi(-24) * wanted.abs().max(1.0);
                            let close = (found - wanted).abs() <= bound;
                            assert!(close, "{what}: sum {index}: {found} for {wanted}");
                        }
                        let terms = 1.0 / (2 * voxels) as f64;
                        assert_alike(&kernel.1, &tiles.1, [unit, terms], &what);
                        if let Some([kernel, tiles]) = maps(&objective, &logits, &target) {
                            assert_alike(&kernel, &tiles, [2f64.powi(-24), 0.0], &what);
                        }
                        seen += 1;
                    }
                }
            }
        }
    }
    seen
}

#[test]
fn kernels_agree_with_tiles() {
    let seen = agrees(|x| x, 2f64.powi(-24)) + agrees(bf16::from_f32, 2f64.powi(-9));
    let seen = seen + agrees(f16::from_f32, 2f64.powi(-11));
    assert!(seen >= 3 * 500 * Isa::available().len(), "{seen} served by a kernel");
}

/// Which of the objectives above have a kernel for labels, and which of those go by rows.
#[test]
fn instances_and_weighed_log_losses_go_by_rows() {
    let served = |classes: usize| {
        let example = example([2, classes, 40], 1.0);
        let per_voxel = Layout::voxels(&[2, 40]).unwrap();
        let logits = Layout::channels_first(&example.shape).unwrap();
        let logits = Logits::new(&example.logits, logits).unwrap();
        let labels = Target::labels(&example.labels, per_voxel).unwrap().ignore_index(255);
        let of = |terms: &Vec<Term>| {
            let objective = objective(terms, Isa::available()[0]);
            let target = with_maps(&objective, labels.clone(), &example);
            let prepared = objective.prepare(classes).unwrap();
            let recipe = Recipe::of(&Input::new(prepared.plan(), &logits, &target), 0)?;
            Some(matches!(recipe.kernels.measure, Measuring::Rows(_)))
        };
        objectives(classes).iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(served(1)[..5], [[Some(true); 4].as_slice(), &[Some(false)]].concat());
    for classes in 2..=4 {
        assert!(served(classes)[..9].iter().all(|found| *found == Some(true)), "{classes} classes");
        assert!(
            served(classes)[9..].iter().all(|found| *found == Some(false)),
            "{classes} classes"
        );
    }
    assert_eq!(served(5)[..4], [None; 4]);
}

/// Logits of one voxel each, with the label beside them.
fn of_voxels<const C: usize>(rows: &[([f32; C], u8)]) -> (Vec<f32>, Vec<u8>) {
    let logits = (0..C).flat_map(|class| rows.iter().map(move |(x, _)| x[class]));
    (logits.collect(), rows.iter().map(|(_, label)| *label).collect())
}

/// The gradient of cross-entropy and Dice of some voxels by every instruction set.
fn gradients<const C: usize>(rows: &[([f32; C], u8)]) -> Vec<Vec<f32>> {
    let (x, labels) = of_voxels(rows);
    let layout = Layout::channels_first(&[1, C, rows.len()]).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    let target = Target::labels(&labels, Layout::voxels(&[1, rows.len()]).unwrap()).unwrap();
    let terms = [Dice::default().softmax(), CrossEntropy::default().softmax()];
    let of = |isa| {
        let objective = objective(&terms, isa);
        let verdict = objective.evaluate(&objective.measure(&logits, &target).unwrap()).unwrap();
        let mut gradient = vec![0.0; x.len()];
        let output = Output::new(&mut gradient, layout).unwrap();
        objective.pull_back(&verdict, 1.0, &logits, &target, output).unwrap();
        gradient
    };
    Isa::available().into_iter().map(of).collect()
}

#[test]
fn the_gradient_of_the_likelier_of_two_classes_is_no_rounded_zero() {
    // p₁ = 3.8e-11: 1 − p₀ is 0 in f32, and both gradients are ±p₀ p₁ (…).
    for gradient in gradients(&[([12.0, -12.0], 0), ([1.0, 2.0], 1)]) {
        let [of_0, of_1] = [gradient[0], gradient[2]];
        assert!(of_0 < 0.0 && of_0 == -of_1, "{of_0} and {of_1}");
        // Cross-entropy alone has p₁ / 2; Dice adds less than as much again.
        assert!((-4e-11..-1e-11).contains(&f64::from(of_0)), "{of_0}");
    }
}

#[test]
fn infinite_logits_are_as_in_the_naive_version() {
    let (far, near) = (f32::INFINITY, 1.0);
    for gradient in gradients(&[([near, -far], 0), ([-far, near], 1), ([0.5, 0.0], 0)]) {
        assert!(gradient.iter().all(|slope| slope.is_finite()), "{gradient:?}");
        assert_eq!(gradient[..2], [0.0, 0.0]);
    }
    for gradient in gradients(&[([far, near], 0), ([0.5, 0.0], 1)]) {
        assert!(gradient[0].is_nan() && gradient[2].is_nan(), "{gradient:?}");
    }
    for gradient in gradients(&[([-far, -far, -far], 2), ([0.5, 0.0, 0.0], 1)]) {
        assert!(gradient[0].is_nan(), "{gradient:?}");
    }
    for gradient in gradients(&[([1e4, -1e4], 0), ([-1e4, 1e4], 0), ([0.5, 0.0], 1)]) {
        assert!(gradient.iter().all(|slope| slope.is_finite()), "{gradient:?}");
        assert!(gradient[1] < -0.3, "{gradient:?}");
    }
}
