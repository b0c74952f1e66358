//! Losses of instances, beside one masked loss for each of them; and what is said where they do not fit.

use dice_loss::{
    Absent, Connectivity, CrossEntropy, Decision, Dice, Division, GeneralizedDice, Grid, Instances,
    Integrand, IoU, Layout, Logits, MatthewsCorrelation, Moments, Objective, Output, Pool,
    Reduction, Sum, Target, Term, Tversky, reference,
};

use crate::cases::Rng;

const SPACING: [f64; 3] = [2.0, 1.0, 0.5];

/// A batch: blocks of labels, of which some touch, single voxels, ignored and masked ones.
struct Scene {
    samples: usize,
    classes: usize,
    spatial: Vec<usize>,
    labels: Vec<u8>,
    mask: Vec<bool>,
    weights: Vec<f32>,
    x: Vec<f64>,
}

impl Scene {
    fn new(seed: u64, samples: usize, classes: usize, spatial: &[usize]) -> Self {
        let mut rng = Rng(seed);
        let voxels: usize = spatial.iter().product();
        let least = classes.max(2);
        let mut label = 0;
        let labels = (0..samples * voxels).map(|_| {
            if rng.chance(0.3) {
                label = match rng.chance(0.08) {
                    true => 255,
                    false if rng.chance(0.6) => 0,
                    false => rng.below(least) as u8,
                };
            }
            label
        });
        let labels = labels.collect();
        let mask = (0..samples * voxels).map(|_| rng.chance(0.95)).collect();
        let weights = (0..samples * voxels).map(|_| rng.between(0.5, 2.0) as f32).collect();
        let x = (0..samples * classes * voxels).map(|_| rng.between(-3.0, 3.0)).collect();
        Self { samples, classes, spatial: spatial.to_vec(), labels, mask, weights, x }
    }

    fn voxels(&self) -> usize {
        self.spatial.iter().product()
    }

    fn grid(&self) -> Grid {
        Grid::new(&self.spatial, &SPACING[..self.spatial.len()]).expect("a grid")
    }

    fn layout(&self, channels: usize) -> Layout {
        let shape = [&[self.samples, channels][..], &self.spatial].concat();
        Layout::channels_first(&shape).expect("axes")
    }

    fn target(&self) -> Target<'_> {
        let per_voxel = self.layout(1);
        let target = Target::labels(&self.labels, per_voxel).expect("labels");
        let target = target.ignore_index(255).mask(&self.mask, per_voxel).expect("a mask");
        target.voxel_weights(&self.weights, per_voxel).expect("weights")
    }

    fn logits(&self) -> Logits<'_> {
        Logits::new(&self.x, self.layout(self.classes)).expect("logits")
    }

    fn instances(&self, term: &Term, connectivity: Connectivity) -> Instances {
        let objective = Objective::new().term(1.0, term.clone());
        let prepared = objective.prepare(self.classes).expect("a loss");
        let (logits, target) = (self.logits(), self.target());
        prepared.make_instances(&logits, &target, &self.grid(), connectivity).expect("instances")
    }

    /// One sample alone.
    fn sample(&self, sample: usize) -> Self {
        let of = |numbers: usize| {
            sample * numbers * self.voxels()..(sample + 1) * numbers * self.voxels()
        };
        Self {
            samples: 1,
            classes: self.classes,
            spatial: self.spatial.clone(),
            labels: self.labels[of(1)].to_vec(),
            mask: self.mask[of(1)].to_vec(),
            weights: self.weights[of(1)].to_vec(),
            x: self.x[of(self.classes)].to_vec(),
        }
    }
}

/// The loss and the gradient, and the value of each sample and class, by one masked loss for each
/// instance.
fn one_by_one(scene: &Scene, instances: &Instances, term: &Term, absent: Absent) -> [Vec<f64>; 2] {
    let [samples, classes, voxels] = instances.shape();
    let mut values = vec![0.0; samples * classes];
    let mut gradient = vec![0.0; scene.x.len()];
    let mut cells = 0.0;
    for sample in 0..samples {
        let alone = scene.sample(sample);
        for class in 0..classes {
            if class == 0 && classes > 1 {
                continue;
            }
            let term =
                term.clone().background(true).pool(Pool::Sample).absent(absent).classes([class]);
            let objective = Objective::new().term(1.0, term);
            let count = instances.count(sample, class).max(1);
            let mut is_there = false;
            for instance in 1..=count {
                let number = |voxel| instances.number(sample, class, voxel);
                let is_its = |voxel| match (count, instances.division()) {
                    (1, _) => true,
                    (_, Division::Cells) => number(voxel) == instance,
                    (_, Division::Blobs) => [0, instance].contains(&number(voxel)),
                };
                let mask: Vec<_> =
                    (0..voxels).map(|voxel| alone.mask[voxel] && is_its(voxel)).collect();
                let one = Scene { mask, ..alone.sample(0) };
                let (logits, target) = (one.logits(), one.target());
                let measured = reference::measure(&objective, &logits, &target).expect("sums");
                let verdict = objective.evaluate(&measured.moments).expect("a loss");
                let slopes = reference::pull_back(&objective, &verdict, 1.0, &logits, &target)
                    .expect("slopes");
                let has_it = measured.moments.row(0, class)[0] > 0.0;
                is_there |= has_it || absent != Absent::Skip;
                values[sample * classes + class] += verdict.loss() / count as f64;
                for (voxel, slope) in slopes.values.iter().enumerate() {
                    gradient[sample * classes * voxels + voxel] += slope / count as f64;
                }
            }
            cells += f64::from(u8::from(is_there));
        }
    }
    let loss = values.iter().sum::<f64>() / cells;
    gradient.iter_mut().for_each(|slope| *slope /= cells);
    values.push(loss);
    [values, gradient]
}

fn terms() -> Vec<Term> {
    let dice = Dice::default();
    vec![
        dice.softmax().background(false),
        dice.sigmoid().background(false),
        Dice { squared: true, ..dice }.softmax().background(false),
        IoU::default().softmax().background(false),
        Tversky { alpha: 0.3, beta: 0.7, ..Tversky::default() }.sigmoid().background(false),
        // Reads the number of voxels.
        MatthewsCorrelation::default().sigmoid().background(false),
    ]
}

fn expect_close(what: &str, found: &[f64], wanted: &[f64], tolerance: f64) {
    let size = wanted.iter().fold(1e-6, |most: f64, value| most.max(value.abs()));
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert!((found - wanted).abs() <= tolerance * size, "{what}, {i}: {found} for {wanted}");
    }
    assert_eq!(found.len(), wanted.len());
}

/// In f64 and f32, by the engine and its reference.
fn agrees(scene: &Scene, term: &Term, instances: &Instances, absent: Absent) {
    let [mut values, wanted] = one_by_one(scene, instances, term, absent);
    let loss = values.pop().expect("the loss");
    let term = term.clone().absent(absent);
    let objective = Objective::new().term(1.0, term.clone());
    let target = scene.target().instances(instances);
    let layout = scene.layout(scene.classes);
    let narrow: Vec<_> = scene.x.iter().map(|&x| x as f32).collect();
    let wide = scene.logits();
    let by_name = format!("{} {absent:?} {:?}", term.name(), instances.division());

    let moments = objective.measure(&wide, &target).expect("sums");
    let verdict = objective.evaluate(&moments).expect("a loss");
    expect_close(&by_name, &[verdict.loss()], &[loss], 1e-11);
    let mut gradient = vec![0.0; wanted.len()];
    let output = Output::new(&mut gradient, layout).expect("room");
    objective.pull_back(&verdict, 1.0, &wide, &target, output).expect("a gradient");
    expect_close(&by_name, &gradient, &wanted, 1e-10);

    let slow = reference::measure(&objective, &wide, &target).expect("sums").moments;
    expect_close(&by_name, moments.as_slice(), slow.as_slice(), 1e-11);
    let slow = reference::pull_back(&objective, &verdict, 1.0, &wide, &target).expect("slopes");
    expect_close(&by_name, &slow.values, &wanted, 1e-10);

    // From derivatives by the sums.
    let prepared = objective.prepare(scene.classes).expect("a loss");
    let slopes = prepared.gradient(&verdict).expect("derivatives");
    let mut again = vec![0.0; wanted.len()];
    let output = Output::new(&mut again, layout).expect("room");
    prepared.pull_back_sums(&slopes, &wide, &target, output).expect("a gradient");
    expect_close(&by_name, &again, &gradient, 1e-13);

    let logits = Logits::new(&narrow, layout).expect("logits");
    let verdict = objective.evaluate(&objective.measure(&logits, &target).expect("sums"));
    let verdict = verdict.expect("a loss");
    expect_close(&by_name, &[verdict.loss()], &[loss], 3e-6);
    let mut gradient = vec![0.0f32; wanted.len()];
    let output = Output::new(&mut gradient, layout).expect("room");
    objective.pull_back(&verdict, 1.0, &logits, &target, output).expect("a gradient");
    let gradient: Vec<_> = gradient.into_iter().map(f64::from).collect();
    expect_close(&by_name, &gradient, &wanted, 2e-5);

    // Each value by itself.
    let apart = objective.reduction(Reduction::None);
    let verdict = apart.evaluate(&apart.measure(&wide, &target).expect("sums")).expect("values");
    assert_eq!(verdict.shape(), [scene.samples, scene.classes]);
    expect_close(&by_name, verdict.values().expect("values"), &values, 1e-11);
}

#[test]
fn one_masked_loss_for_each_instance() {
    for (seed, spatial) in [(1, &[9, 23][..]), (2, &[5, 6, 17]), (3, &[1100])] {
        for pool in [Pool::Cell, Pool::Blob] {
            for term in terms() {
                let scene = Scene::new(seed, 2, 3, spatial);
                let term = term.pool(pool);
                let instances = scene.instances(&term, Connectivity::Corners);
                assert!((0..2).any(|sample| instances.count(sample, 1) > 1));
                agrees(&scene, &term, &instances, Absent::Skip);
            }
        }
    }
}

#[test]
fn one_channel_and_faces() {
    for pool in [Pool::Cell, Pool::Blob] {
        let scene = Scene::new(7, 3, 1, &[6, 31]);
        let term = Dice::default().sigmoid().pool(pool);
        let instances = scene.instances(&term, Connectivity::Faces);
        let corners = scene.instances(&term, Connectivity::Corners);
        assert!((0..3).any(|sample| instances.count(sample, 0) > corners.count(sample, 0)));
        agrees(&scene, &term, &instances, Absent::Skip);
    }
}

/// A sample without any is one region, the whole of it.
#[test]
fn samples_without_instances() {
    let mut scene = Scene::new(11, 3, 2, &[8, 16]);
    let voxels = scene.voxels();
    scene.labels[voxels..2 * voxels].fill(0);
    scene.labels[2 * voxels..].fill(0);
    scene.labels[2 * voxels + 5] = 1;
    scene.mask[2 * voxels + 5] = true;
    for pool in [Pool::Cell, Pool::Blob] {
        for absent in [Absent::Skip, Absent::Formula, Absent::Zero] {
            let term = Dice::default().softmax().background(false).pool(pool);
            let instances = scene.instances(&term, Connectivity::Corners);
            assert_eq!((instances.count(1, 1), instances.count(2, 1)), (0, 1));
            agrees(&scene, &term, &instances, absent);
        }
    }
}

/// Each sum of a whole class is that over its rows, so other terms do not notice.
#[test]
fn beside_terms_that_do_not_look_at_instances() {
    let scene = Scene::new(5, 2, 3, &[7, 40]);
    let cells = Dice::default().softmax().background(false).pool(Pool::Cell);
    let instances = scene.instances(&cells, Connectivity::Corners);
    let others = || {
        let objective = Objective::new().decision(Decision::Argmax);
        let objective = objective.term(1.0, CrossEntropy::default().softmax());
        let objective = objective.term(0.5, Dice::default().softmax().pool(Pool::Batch));
        objective.term(0.25, GeneralizedDice::default().softmax())
    };
    let (logits, target) = (scene.logits(), scene.target());
    let alone = others().measure(&logits, &target).expect("sums");
    let alone = (others().evaluate(&alone).expect("a loss"), alone);
    let both = others().term(2.0, cells.clone());
    let with = target.clone().instances(&instances);
    let moments = both.measure(&logits, &with).expect("sums");
    let verdict = both.evaluate(&moments).expect("a loss");
    for (found, wanted) in verdict.terms().iter().zip(alone.0.terms()) {
        assert!((found.loss - wanted.loss).abs() < 1e-12, "{}", found.name);
    }
    for class in 0..3 {
        assert_eq!(moments.counts(1, class), alone.1.counts(1, class));
    }
    let only = Objective::new().term(1.0, cells);
    let wanted = only.evaluate(&only.measure(&logits, &with).expect("sums")).expect("a loss");
    assert!((verdict.terms()[3].loss - wanted.loss()).abs() < 1e-12);
    let total = alone.0.loss() + 2.0 * wanted.loss();
    assert!((verdict.loss() - total).abs() < 1e-12);

    // And the gradient is the sum of theirs.
    let gradient = |objective: &Objective, target: &Target| {
        let verdict = objective.evaluate(&objective.measure(&logits, target).expect("sums"));
        let mut gradient = vec![0.0; scene.x.len()];
        let output = Output::new(&mut gradient, scene.layout(3)).expect("room");
        let verdict = verdict.expect("a loss");
        objective.pull_back(&verdict, 1.0, &logits, target, output).expect("a gradient");
        gradient
    };
    let (of_others, of_cells) = (gradient(&others(), &target), gradient(&only, &with));
    let wanted: Vec<_> = of_others.iter().zip(of_cells).map(|(a, b)| a + 2.0 * b).collect();
    expect_close("all terms", &gradient(&both, &with), &wanted, 1e-11);
}

/// Hard counts of each instance: which were missed.
#[test]
fn counts_of_each_instance() {
    let layout = Layout::channels_first(&[1, 1, 8]).expect("axes");
    let x = [9.0f32, -9.0, -9.0, 9.0, -9.0, -9.0, -9.0, -9.0];
    let labels = [1u8, 1, 0, 0, 0, 0, 1, 0];
    let objective = Objective::new().decision(Decision::Threshold(0.5));
    let objective = objective.term(1.0, Dice::default().sigmoid().pool(Pool::Cell));
    let (logits, target) = (Logits::new(&x, layout).expect("x"), Target::labels(&labels, layout));
    let (target, prepared) = (target.expect("labels"), objective.prepare(1).expect("a loss"));
    let grid = Grid::unit(&[8]).expect("a grid");
    let cells = prepared.make_instances(&logits, &target, &grid, Connectivity::Faces);
    let cells = cells.expect("cells");
    let moments = objective.measure(&logits, &target.instances(&cells)).expect("sums");
    let column = |sum| {
        let is_it = |integrand: &Integrand| integrand.sum == sum;
        moments.integrands().iter().position(is_it).expect("a column")
    };
    let [found, missed] = [Sum::TruePositives, Sum::FalseNegatives].map(column);
    let of = |number: usize, column: usize| {
        moments.row_of_instance(0, 0, number).expect("an instance")[column]
    };
    assert_eq!([of(1, found), of(1, missed)], [1.0, 1.0]);
    assert_eq!([of(2, found), of(2, missed)], [0.0, 1.0]);
    assert_eq!([of(0, found), of(0, missed)], [0.0, 0.0]);
    assert_eq!(moments.row_of_instance(0, 0, 3), None);
    assert_eq!(moments.clone().pooled().row_of_instance(0, 0, 1), None);
    assert_eq!(moments.counts(0, 0).map(|counts| counts.false_positives), Some(1));
}

/// A patch may hold some of the instances of an image, and cells of which it has no instance.
#[test]
fn instances_of_a_loader() {
    let scene = Scene::new(21, 2, 1, &[6, 50]);
    let layout = scene.layout(1);
    let numbers: Vec<i64> =
        (0..600).map(|voxel| [0, 7, 7_000_000_000, 8][voxel / 40 % 4]).collect();
    let term = Dice::default().sigmoid();
    for division in [Division::Cells, Division::Blobs] {
        let instances = Instances::new(division, &numbers, layout).expect("instances");
        assert_eq!([instances.count(0, 0), instances.count(1, 0)], [3, 3]);
        assert_eq!([0, 40, 80, 120].map(|voxel| instances.number(0, 0, voxel)), [0, 1, 3, 2]);
        let pool = if division == Division::Cells { Pool::Cell } else { Pool::Blob };
        agrees(&scene, &term.clone().pool(pool), &instances, Absent::Skip);
    }
    let found =
        Instances::new(Division::Cells, &[0i32, -1], Layout::voxels(&[1, 2]).expect("axes"));
    let said = found.expect_err("below 0").to_string();
    assert!(said.contains("voxel [1]: found -1, wanted 0 for voxels of none"), "{said}");
    let found =
        Instances::new(Division::Cells, &[0.0f32, 1.5], Layout::voxels(&[1, 2]).expect("axes"));
    assert!(found.expect_err("no integer").to_string().contains("found 1.5"));
}

/// A cell without any of the class leaves the mean, or stays in it.
#[test]
fn cells_without_an_instance() {
    let layout = Layout::channels_first(&[1, 1, 6]).expect("axes");
    let (x, labels) = ([2.0, -2.0, 1.0, -1.0, 0.5, 0.0], [1u8, 0, 0, 1, 0, 0]);
    let cells = Instances::new(Division::Cells, &[1u8, 1, 2, 2, 3, 3], layout).expect("cells");
    let (logits, target) = (Logits::new(&x, layout).expect("x"), Target::labels(&labels, layout));
    let target = target.expect("labels").instances(&cells);
    let loss = |absent| {
        let dice = Dice::default().sigmoid().pool(Pool::Cell).absent(absent);
        let objective = Objective::new().term(1.0, dice);
        objective
            .evaluate(&objective.measure(&logits, &target).expect("sums"))
            .expect("loss")
            .loss()
    };
    let p = x.map(|x: f64| 1.0 / (1.0 + (-x).exp()));
    let dice = |i: f64, size: f64| 1.0 - (2.0 * i + 1e-5) / (size + 1e-5);
    let [first, second] = [dice(p[0], p[0] + p[1] + 1.0), dice(p[3], p[2] + p[3] + 1.0)];
    let third = dice(0.0, p[4] + p[5]);
    let close =
        |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
    close(loss(Absent::Skip), (first + second) / 2.0);
    close(loss(Absent::Zero), (first + second) / 3.0);
    close(loss(Absent::Formula), (first + second + third) / 3.0);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let scene = Scene::new(31, 2, 2, &[90, 200]);
    let term = Dice::default().softmax().background(false).pool(Pool::Cell);
    let instances = scene.instances(&term, Connectivity::Corners);
    assert!(instances.count(0, 1) > 100);
    let objective = Objective::new().term(1.0, term).term(1.0, CrossEntropy::default().softmax());
    let target = scene.target().instances(&instances);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let moments = objective.measure(&scene.logits(), &target).expect("sums");
            let verdict = objective.evaluate(&moments).expect("a loss");
            let mut gradient = vec![0.0; scene.x.len()];
            let output = Output::new(&mut gradient, scene.layout(2)).expect("room");
            objective.pull_back(&verdict, 1.0, &scene.logits(), &target, output).expect("slopes");
            (moments, gradient)
        })
    };
    let wanted = run(1);
    (2..5).for_each(|threads| assert!(run(threads) == wanted));
}

/// Of several batches, of pooled ones, and written down.
#[test]
fn moments_of_instances() {
    let scene = Scene::new(41, 2, 2, &[6, 30]);
    let term = Dice::default().softmax().background(false).pool(Pool::Cell);
    let objective = Objective::new().term(1.0, term.clone());
    let measured = |scene: &Scene| {
        let instances = scene.instances(&term, Connectivity::Corners);
        objective.measure(&scene.logits(), &scene.target().instances(&instances)).expect("sums")
    };
    let whole = measured(&scene);
    let mut parts = measured(&scene.sample(0));
    parts.append(&measured(&scene.sample(1))).expect("of the same objective");
    assert_eq!(parts, whole);
    let loss = |moments: &Moments| objective.evaluate(moments).expect("a loss").loss();
    assert!((loss(&parts) - loss(&whole)).abs() < 1e-12);

    let written = serde_json::to_string(&whole).expect("text");
    let read: Moments = serde_json::from_str(&written).expect("moments");
    assert_eq!((&read, loss(&read)), (&whole, loss(&whole)));
    // Added up over samples, as ranks do: the mean over the classes of all of them stays.
    assert!((loss(&whole.clone().pooled()) - loss(&whole)).abs() < 1e-12);
    let plain = Objective::new().term(1.0, term.clone().pool(Pool::Sample));
    let without = plain.measure(&scene.logits(), &scene.target()).expect("sums");
    let said = objective.evaluate(&without).expect_err("other sums").to_string();
    assert!(said.contains("wanted instance_loss (softmax, dice in each cell)"), "{said}");

    // Sweep 2 of a verdict whose instances are not known any more.
    let instances = scene.instances(&term, Connectivity::Corners);
    let target = scene.target().instances(&instances);
    let mut slopes = [vec![0.0; scene.x.len()], vec![0.0; scene.x.len()]];
    for (slopes, moments) in slopes.iter_mut().zip([&whole, &read]) {
        let verdict = objective.evaluate(moments).expect("a loss");
        let output = Output::new(slopes, scene.layout(2)).expect("room");
        objective.pull_back(&verdict, 1.0, &scene.logits(), &target, output).expect("slopes");
    }
    assert_eq!(slopes[0], slopes[1]);
}

#[test]
fn partial_labels_have_no_instances() {
    let scene = Scene::new(51, 2, 3, &[8, 20]);
    let term = Dice::default().softmax().background(false).pool(Pool::Cell);
    let objective = Objective::new().term(1.0, term.clone());
    let valid = [true, true, true, true, false, true];
    let (logits, target) = (scene.logits(), scene.target().class_valid(&valid));
    let prepared = objective.prepare(3).expect("a loss");
    let of = |target: &Target| {
        prepared.make_instances(&logits, target, &scene.grid(), Connectivity::Corners)
    };
    let instances = of(&target).expect("instances");
    assert_eq!(instances.count(1, 1), 0);
    let value = |instances: &Instances| {
        let objective = objective.clone().reduction(Reduction::None);
        let target = target.clone().instances(instances);
        let verdict = objective.evaluate(&objective.measure(&logits, &target).expect("sums"));
        verdict.expect("values").values().expect("values").to_vec()
    };
    assert_eq!(value(&instances)[4], 0.0);
    // A loader that numbers them all the same changes nothing.
    let all = of(&scene.target()).expect("instances");
    assert!(all.count(1, 1) > 1);
    let (found, wanted) = (value(&all), value(&instances));
    expect_close("partial labels", &found, &wanted, 1e-13);
}

#[test]
fn what_does_not_fit_is_said() {
    let scene = Scene::new(61, 1, 2, &[4, 5]);
    let cells = Dice::default().softmax().background(false).pool(Pool::Cell);
    let instances = scene.instances(&cells, Connectivity::Corners);
    let said = |objective: &Objective, target: &Target| {
        objective.measure(&scene.logits(), target).expect_err("an error").to_string()
    };
    let of = |term: Term| Objective::new().term(1.0, term);
    let target = scene.target();
    assert!(said(&of(cells.clone()), &target).contains(
        "dice: instances of the target: found none, wanted cells: Prepared::make_instances"
    ));
    let with = target.clone().instances(&instances);
    assert!(said(&of(cells.clone().pool(Pool::Blob)), &with).contains("found cells, wanted blobs"));
    assert!(
        said(&of(cells.clone().pool(Pool::Sample)), &with).contains("found cells, wanted none")
    );
    let both = of(cells.clone()).term(1.0, cells.clone().pool(Pool::Blob));
    assert!(said(&both, &with).contains("found cells of dice and blobs of dice, wanted one kind"));
    let coupled = GeneralizedDice::default().softmax().pool(Pool::Cell);
    let found = said(&of(coupled), &with);
    assert!(found.contains("found cell, wanted sample, batch or all"), "{found}");
    let other = Scene::new(61, 1, 2, &[5, 5]).instances(&cells, Connectivity::Corners);
    assert!(
        said(&of(cells.clone()), &target.clone().instances(&other))
            .contains("instances: found shape [1, 2, 25], wanted [1, 2, 20]")
    );
    let prepared = of(cells.clone().pool(Pool::Sample)).prepare(2).expect("a loss");
    let grid = scene.grid();
    let found = prepared.make_instances(&scene.logits(), &target, &grid, Connectivity::Corners);
    assert!(
        found.expect_err("none wanted").to_string().contains("no term that looks at instances")
    );
}

/// Maps weigh instances too.
#[test]
fn with_a_map() {
    let scene = Scene::new(71, 1, 2, &[6, 30]);
    let layout = scene.layout(1);
    let map: Vec<f32> = (0..scene.voxels()).map(|voxel| 0.5 + (voxel % 7) as f32).collect();
    let cells = Dice::default().softmax().background(false).pool(Pool::Cell);
    let instances = scene.instances(&cells, Connectivity::Corners);
    let weights: Vec<_> = scene.weights.iter().zip(&map).map(|(weight, m)| weight * m).collect();
    let weighed = Scene { weights, ..scene.sample(0) };
    let [mut values, wanted] = one_by_one(&weighed, &instances, &cells, Absent::Skip);
    let objective = Objective::new().term(1.0, cells.map("m"));
    let target = scene.target().map("m", &map, layout).expect("a map").instances(&instances);
    let verdict = objective.evaluate(&objective.measure(&scene.logits(), &target).expect("sums"));
    let verdict = verdict.expect("a loss");
    expect_close("with a map", &[verdict.loss()], &[values.pop().expect("the loss")], 1e-6);
    let mut gradient = vec![0.0; wanted.len()];
    let output = Output::new(&mut gradient, scene.layout(2)).expect("room");
    objective.pull_back(&verdict, 1.0, &scene.logits(), &target, output).expect("slopes");
    expect_close("with a map", &gradient, &wanted, 1e-6);
}

/// As front ends hand them over: numbers in a map, made by the CPU or by a loader.
#[test]
fn as_a_map() {
    let scene = Scene::new(81, 2, 3, &[5, 6, 9]);
    let layout = scene.layout(3);
    for pool in [Pool::Cell, Pool::Blob] {
        let term = Dice::default().softmax().background(false).pool(pool);
        let objective = Objective::new().term(1.0, term.clone());
        let named = objective.maps().expect("maps");
        let said: Vec<_> = named.iter().map(|map| (&*map.name, map.is_signed)).collect();
        assert_eq!(said, [(Instances::MAP, false)]);
        let prepared = objective.prepare(3).expect("a loss");
        let (logits, target) = (scene.logits(), scene.target());
        let spatial = &scene.spatial;
        let numbers =
            prepared.make_map(Instances::MAP, &logits, &target, spatial).expect("numbers");
        let unit = Grid::unit(spatial).expect("a grid");
        let instances =
            prepared.make_instances(&logits, &target, &unit, Connectivity::Corners).expect("some");
        let as_values = target.clone().instances(&instances);
        let wanted = prepared.measure(&logits, &as_values).expect("sums");
        let as_map = target.clone().map(Instances::MAP, &numbers, layout).expect("a map");
        let found = prepared.measure(&logits, &as_map).expect("sums");
        assert_eq!(found, wanted);
        assert_eq!(found.row_of_instance(0, 1, 2), wanted.row_of_instance(0, 1, 2));
        let verdict = prepared.evaluate(&found).expect("a loss");
        let gradient = |target: &Target| {
            let mut gradient = vec![0.0; scene.x.len()];
            let output = Output::new(&mut gradient, layout).expect("room");
            prepared.pull_back(&verdict, 1.0, &logits, target, output).expect("slopes");
            gradient
        };
        assert_eq!(gradient(&as_map), gradient(&as_values));
        let slow = reference::measure(&objective, &logits, &as_map).expect("sums").moments;
        expect_close("the reference", found.as_slice(), slow.as_slice(), 1e-11);

        let said =
            |target: &Target| prepared.measure(&logits, target).expect_err("refused").to_string();
        let mut wrong = numbers.clone();
        wrong[scene.voxels() + 7] = 0.5;
        let target = target.clone().map(Instances::MAP, &wrong, layout).expect("a map");
        assert!(
            said(&target).contains("sample 0, class 1, voxel [0, 0, 7]: found 0.5, wanted 0 for")
        );
        let plain = Objective::new().term(1.0, term.pool(Pool::Sample));
        let said = plain.measure(&logits, &as_map).expect_err("refused").to_string();
        assert!(said.contains("found a map of instances, wanted none"), "{said}");
    }
    // One plane for all classes.
    let scene = Scene::new(82, 1, 2, &[6, 20]);
    let term = Dice::default().softmax().background(false).pool(Pool::Blob);
    let instances = scene.instances(&term, Connectivity::Corners);
    let plane: Vec<_> = (0..120).map(|voxel| instances.number(0, 1, voxel) as f32).collect();
    let objective = Objective::new().term(1.0, term);
    let target = scene.target().map(Instances::MAP, &plane, scene.layout(1)).expect("a map");
    let found = objective.measure(&scene.logits(), &target).expect("sums");
    let wanted = objective.measure(&scene.logits(), &scene.target().instances(&instances));
    assert_eq!(found, wanted.expect("sums"));
}
