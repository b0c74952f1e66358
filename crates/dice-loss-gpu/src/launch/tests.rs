//! The sweeps with a map, and the loss between the sweeps, on wgpu beside the reference: on a machine
//! without a GPU, under a software implementation of Vulkan. Sweeps over every kind of target are tested
//! so by `dice-loss-burn`.

use std::{
    env,
    fs::OpenOptions,
    io::{Write, stderr},
    panic::catch_unwind,
};

use cubecl::wgpu::{AutoCompiler, WgpuDevice, WgpuRuntime};
use cubecl_runtime::runtime::Runtime;
use dice_loss::{
    Absent, BinaryCrossEntropy, Boundary, CrossEntropy, Dice, Focal, HausdorffDT, Layout, Logits,
    Objective, Pool, Prepared, Reduction, Target, catalogue, reference,
};

use super::*;
use crate::{Form, Kind, Needs, Program, View, kernels::evaluate::evaluate};

const SAMPLES: usize = 2;
const CLASSES: usize = 3;
const VOXELS: usize = 8;
/// The last class is nowhere in the first sample.
const LABELS: [u8; SAMPLES * VOXELS] = [0, 1, 1, 0, 0, 1, 0, 0, 2, 2, 0, 1, 2, 1, 1, 0];
/// What f32 may lose, relative to the largest: a formula has fewer than 48 operations.
const LOST: f64 = 48.0 * f32::EPSILON as f64;
/// What f32 may lose of a sum over voxels or of a gradient, relative to its magnitude: 64 halves of a
/// rounding, as `dice-loss-tensor` counts them for its tests.
const LOST_IN_SWEEPS: f64 = 32.0 * f32::EPSILON as f64;
/// A label that does not count.
const IGNORED: u8 = 255;

/// A client; or says why there is none, unless that is a failure.
fn client() -> Option<Client> {
    let client = || WgpuRuntime::<AutoCompiler>::client(&WgpuDevice::default());
    if let Ok(client) = catch_unwind(client) {
        return Some(client);
    }
    let reason = "wgpu found no adapter, wanted a GPU or a software Vulkan";
    for variable in ["DICE_LOSS_REQUIRE_GPU", "DICE_LOSS_REQUIRE_ALL"] {
        assert!(env::var_os(variable).is_none(), "{variable} is set, but {reason}");
    }
    let line = format!("SKIPPED the loss between the sweeps: {reason}\n");
    // Best effort: a test does not fail for want of a place to write.
    let _ = stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os("DICE_LOSS_SKIPPED") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
    None
}

/// The moments of a batch in f32, row-major (sample, class, column).
fn sums(prepared: &Prepared) -> Vec<f32> {
    // Probabilities as well as logits.
    let x: Vec<_> =
        (0..SAMPLES * CLASSES * VOXELS).map(|at| ((37 * at % 61) as f32 + 1.0) / 64.0).collect();
    let layout = Layout::channels_first(&[SAMPLES, CLASSES, VOXELS]).expect("small");
    let logits = Logits::new(&x, layout).expect("as long");
    let labels = Layout::voxels(&[SAMPLES, VOXELS]).expect("small");
    let mut target = Target::labels(&LABELS, labels).expect("as long");
    let maps = prepared.maps().map(|(name, is_signed)| {
        let least = if is_signed { 0.5 } else { 0.0 };
        (name, x.iter().map(|x| 4.0 * (x - least)).collect::<Vec<_>>())
    });
    let maps: Vec<_> = maps.collect();
    for (name, values) in &maps {
        target = target.map(name, values, layout).expect("as long");
    }
    let moments = prepared.measure(&logits, &target).expect("in range");
    moments.as_slice().iter().map(|sum| *sum as f32).collect()
}

/// (sample, class, column) as (sample, column, class).
fn by_column<T: Copy>(rows: &[T], columns: usize) -> Vec<T> {
    let index = |at: usize| {
        let (sample, column, class) =
            (at / CLASSES / columns, at / CLASSES % columns, at % CLASSES);
        (sample * CLASSES + class) * columns + column
    };
    (0..rows.len()).map(|at| rows[index(at)]).collect()
}

/// The loss and its derivatives by the moments, both (sample, column, class) in f32.
fn evaluated(
    client: &Client,
    program: &Program,
    moments: &[f32],
    valid: &[bool],
    values: usize,
) -> [Vec<f32>; 2] {
    let columns = moments.len() / SAMPLES / CLASSES;
    let floats = |floats: &[f32]| whole(&client.create_from_slice(f32::as_bytes(floats)), 4);
    let empty = |length: usize| client.empty(4 * length);
    let valid: Vec<f32> = valid.iter().map(|valid| f32::from(u8::from(*valid))).collect();
    let constants: Vec<f32> = program.constants.iter().map(|constant| *constant as f32).collect();
    let numbers = client.create_from_slice(u32::as_bytes(&program.numbers));
    let [loss, slopes] = [empty(values), empty(moments.len())];
    // SAFETY: the program is of so many classes and columns, and each buffer is whole.
    unsafe {
        evaluate::launch_unchecked::<f32>(
            client,
            CubeCount::Static(1, 1, 1),
            CubeDim::new_1d(UNITS),
            floats(moments),
            floats(&valid),
            floats(&[1.0, 2.0, 0.5]),
            words(&numbers),
            floats(&constants),
            whole(&empty(program.room() * SAMPLES * CLASSES), 4),
            whole(&loss, 4),
            whole(&slopes, 4),
            SAMPLES as u32,
            columns as u32,
            CLASSES as u32,
            1,
            0,
            program.reduction,
            values as u32,
        );
    }
    [read(client, loss), read(client, slopes)]
}

fn check(client: &Client, objective: &Objective, name: &str) {
    let prepared = objective.prepare(CLASSES).expect(name);
    // Nothing else is one value for each voxel.
    let Some(program) = Program::new(&prepared) else { return };
    let columns = prepared.integrands().len();
    let sums = sums(&prepared);
    for valid in [vec![true; SAMPLES * CLASSES], vec![true, true, false, true, false, true]] {
        let moments = sums.iter().map(|sum| f64::from(*sum)).collect();
        let moments = prepared.moments(moments, valid.clone()).expect(name);
        let verdict = prepared.evaluate(&moments).expect(name);
        let wanted_slopes = by_column(&prepared.gradient(&verdict).expect(name), columns);
        let wanted = verdict.values().map_or_else(|| vec![verdict.loss()], <[f64]>::to_vec);
        let moments = by_column(&sums, columns);
        let [loss, slopes] = evaluated(client, &program, &moments, &valid, wanted.len());
        compare(name, &loss, &wanted, |_| true);
        // The engine has no slopes by sums of the data alone.
        let is_own = |at: usize| wanted_slopes[at] != 0.0;
        compare(name, &slopes, &wanted_slopes, is_own);
    }
}

fn compare(name: &str, found: &[f32], wanted: &[f64], is_compared: impl Fn(usize) -> bool) {
    assert_eq!(found.len(), wanted.len(), "{name}");
    let largest = wanted.iter().fold(0.0f64, |largest, wanted| largest.max(wanted.abs()));
    for (at, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let off = (f64::from(*found) - wanted).abs();
        let bound = LOST * largest;
        assert!(!is_compared(at) || off <= bound, "{name} {at}: {found}, {wanted}, {largest}");
    }
}

#[test]
fn every_loss_is_evaluated_as_the_engine_does() {
    let Some(client) = client() else { return };
    for entry in catalogue() {
        for &activation in entry.activations {
            for (pool, absent, reduction) in [
                (Pool::Sample, Absent::Skip, Reduction::Mean),
                (Pool::Batch, Absent::Zero, Reduction::None),
                (Pool::All, Absent::Formula, Reduction::Sum),
                (Pool::Sample, Absent::Zero, Reduction::None),
            ] {
                let objective = entry.objective(activation).pool(pool).absent(absent);
                let objective = objective.reduction(reduction).class_weights([1.0, 2.0, 0.5]);
                let name =
                    format!("{} {activation:?} {pool:?} {absent:?} {reduction:?}", entry.name);
                if objective.check(CLASSES).is_ok() {
                    check(&client, &objective, &name);
                }
            }
        }
    }
}

/// Labels, a mask, weights of voxels, and a map called "m".
#[derive(Clone)]
struct Batch {
    shape: [usize; 3],
    logits: Vec<f32>,
    labels: Vec<u8>,
    mask: Vec<u8>,
    weights: Vec<f32>,
    map: Vec<f32>,
}

impl Batch {
    /// With a map of so many channels, below 0 if it may be, and not a number where nothing counts.
    fn new(shape: [usize; 3], channels: usize, is_signed: bool) -> Self {
        let [samples, classes, size] = shape;
        let voxels = samples * size;
        let spread = |length: usize, step: usize| {
            (0..length).map(move |at| ((step * at + at / 7) % 61) as f32 / 60.0)
        };
        let least = if is_signed { 0.5 } else { 0.0 };
        let mut labels: Vec<_> = (0..voxels).map(|at| (at / 3 % classes.max(2)) as u8).collect();
        labels[0] = IGNORED;
        let mut batch = Self {
            shape,
            logits: spread(voxels * classes, 37).map(|x| 8.0 * x - 4.0).collect(),
            labels,
            mask: (0..voxels).map(|at| u8::from(at % 5 != 3)).collect(),
            weights: spread(voxels, 17).map(|w| if w < 0.2 { 0.0 } else { w }).collect(),
            map: spread(voxels * channels, 23).map(|m| 4.0 * (m - least)).collect(),
        };
        for at in 0..batch.map.len() {
            let voxel = at / (channels * size) * size + at % size;
            if !batch.counts(voxel) {
                batch.map[at] = f32::NAN;
            }
        }
        batch
    }

    fn counts(&self, voxel: usize) -> bool {
        self.labels[voxel] != IGNORED && self.mask[voxel] != 0 && self.weights[voxel] != 0.0
    }

    fn channels(&self) -> usize {
        self.map.len() / (self.shape[0] * self.shape[2])
    }

    fn engine<T>(&self, work: impl FnOnce(&Logits, &Target) -> dice_loss::Result<T>) -> T {
        let [samples, _, size] = self.shape;
        let layout = Layout::channels_first(&self.shape).expect("small");
        let voxels = Layout::voxels(&[samples, size]).expect("small");
        let map = Layout::channels_first(&[samples, self.channels(), size]).expect("small");
        let logits = Logits::new(&self.logits, layout).expect("as long");
        let target = Target::labels(&self.labels, voxels).expect("as long");
        let target = target.ignore_index(IGNORED.into()).mask(&self.mask, voxels);
        let target = target.and_then(|it| it.voxel_weights(&self.weights, voxels));
        let target = target.and_then(|it| it.map("m", &self.map, map)).expect("as long");
        work(&logits, &target).expect("valid")
    }

    /// Its memory on the device, the map in the middle of a buffer.
    fn uploaded(&self, client: &Client) -> (Geometry, Buffers) {
        let [_, classes, size] = self.shape.map(|size| size as u32);
        let bytes = |bytes: &[u8]| {
            let padded = [bytes, &[0; 3]].concat();
            client.create_from_slice(&padded[..padded.len() / 4 * 4])
        };
        let floats = |floats: &[f32]| client.create_from_slice(f32::as_bytes(floats));
        let each = |kind| View { kind, start: 0, strides: [size, 0, 1] };
        let channels = self.channels() as u32;
        let of_class = if channels == 1 { 0 } else { size };
        let geometry = Geometry {
            shape: self.shape.map(|size| size as u32),
            logits: [classes * size, size, 1],
            gradient: [classes * size, size, 1],
            target: each(Kind::U8),
            mask: each(Kind::U8),
            weights: each(Kind::F32),
            map: View { kind: Kind::F32, start: 2, strides: [channels * size, of_class, 1] },
            ignore_index: Some(IGNORED.into()),
            regions: None,
        };
        let buffers = Buffers {
            float: ElemType::Float(FloatKind::F32),
            logits: floats(&self.logits),
            target: bytes(&self.labels),
            mask: bytes(&self.mask),
            weights: floats(&self.weights),
            map: floats(&[&[f32::NAN; 2], &*self.map].concat()),
            regions: Vec::new(),
            annotated: Vec::new(),
        };
        (geometry, buffers)
    }
}

fn passes(prepared: &Prepared) -> Passes {
    let needs =
        Needs { form: Form::Labels, weighted: true, partial: false, shared_memory: 16 << 10 };
    Passes::new(prepared, needs).expect("small")
}

/// (sample, column, class) as (sample, class, column).
fn by_class(columns: &[f32], count: usize, classes: usize) -> Vec<f32> {
    let index = |at: usize| {
        let (sample, class, column) = (at / count / classes, at / count % classes, at % count);
        (sample * count + column) * classes + class
    };
    (0..columns.len()).map(|at| columns[index(at)]).collect()
}

fn read(client: &Client, handle: Handle) -> Vec<f32> {
    f32::from_bytes(&client.read_one(handle).expect("read")).to_vec()
}

/// Sums and gradient, which is that of the loss of the reference's sums.
fn sweep(client: &Client, name: &str, objective: &Objective, batch: &Batch) {
    let classes = batch.shape[1];
    let prepared = objective.prepare(classes).expect(name);
    let columns = prepared.integrands().len();
    let passes = passes(&prepared);
    let (geometry, buffers) = batch.uploaded(client);
    let (measured, verdict, wanted) = batch.engine(|logits, target| {
        let measured = reference::measure(objective, logits, target)?;
        let verdict = objective.evaluate(&measured.moments)?;
        let gradient = reference::pull_back(objective, &verdict, 1.0, logits, target)?;
        Ok((measured, verdict, gradient))
    });
    let sums = read(client, measure(client, &passes, &geometry, &buffers));
    let sums = by_class(&sums, columns, classes);
    let exact = measured.moments.as_slice().iter().zip(&measured.magnitudes);
    for (at, (found, (wanted, magnitude))) in sums.iter().zip(exact).enumerate() {
        let off = (f64::from(*found) - wanted).abs();
        assert!(off <= LOST_IN_SWEEPS * magnitude, "{name}: sum {at} {found}, wanted {wanted}");
    }
    let slopes = prepared.gradient(&verdict).expect(name);
    let slopes: Vec<f32> = slopes.iter().map(|slope| *slope as f32).collect();
    let by_column: Vec<f32> = by_class(&slopes, classes, columns);
    let slopes = client.create_from_slice(f32::as_bytes(&by_column));
    let gradient = client.empty(4 * batch.logits.len());
    pull_back(client, &passes, &geometry, &buffers, &slopes, &gradient);
    let largest = wanted.magnitudes.iter().fold(0.0f64, |largest, it| largest.max(*it));
    let wanted = wanted.values.iter().zip(&wanted.magnitudes);
    for (at, (found, (wanted, magnitude))) in read(client, gradient).iter().zip(wanted).enumerate()
    {
        let off = (f64::from(*found) - wanted).abs();
        let bound = LOST_IN_SWEEPS * (magnitude + largest);
        assert!(off <= bound, "{name}: gradient {at} {found}, wanted {wanted}");
    }
}

#[test]
fn sweeps_with_a_map_agree_with_the_reference() {
    let Some(client) = client() else { return };
    let focal = || Focal { gamma: 1.5.into(), ..Default::default() };
    let softmax = Objective::new()
        .term(1.0, Dice::default().softmax())
        .term(0.7, CrossEntropy { label_smoothing: 0.2, ..Default::default() }.softmax().map("m"))
        .term(0.5, Dice { squared: true, ..Dice::default() }.softmax().map("m"))
        .term(0.3, focal().softmax().map("m"));
    let signed = Objective::new()
        .term(1.0, Boundary::default().softmax().map("m"))
        .term(1.0, CrossEntropy::default().softmax())
        .term(0.5, focal().sigmoid());
    let sigmoid = Objective::new()
        .term(1.0, HausdorffDT::default().sigmoid().map("m"))
        .term(0.6, BinaryCrossEntropy::default().sigmoid().map("m"))
        .term(0.4, BinaryCrossEntropy::default().sigmoid())
        .term(0.3, focal().sigmoid().map("m"));
    for (name, objective, is_signed, fewest) in [
        ("softmax", &softmax, false, 2),
        ("signed", &signed, true, 2),
        ("sigmoid", &sigmoid, false, 1),
    ] {
        for shape in [[1, 1, 301], [2, 2, 7], [3, 3, 1031], [2, 19, 257]] {
            for channels in [1, shape[1]] {
                if shape[1] >= fewest {
                    let batch = Batch::new(shape, channels, is_signed);
                    sweep(&client, &format!("{name} {shape:?} {channels}"), objective, &batch);
                }
            }
        }
    }
}

#[test]
fn values_of_a_map_out_of_range_leave_no_number_of_voxels() {
    let Some(client) = client() else { return };
    let dice = Objective::new().term(1.0, Dice::default().softmax().map("m"));
    let boundary = Objective::new().term(1.0, Boundary::default().softmax().map("m"));
    let shape = [2, 3, 301];
    for (objective, is_signed) in [(&dice, false), (&boundary, true)] {
        let prepared = objective.prepare(shape[1]).expect("valid");
        let passes = passes(&prepared);
        let are_numbers = |value: f32| {
            let mut batch = Batch::new(shape, 1, is_signed);
            let at = (0..batch.map.len()).rfind(|&at| batch.counts(at)).expect("one counts");
            batch.map[at] = value;
            let (geometry, buffers) = batch.uploaded(&client);
            let sums = read(&client, measure(&client, &passes, &geometry, &buffers));
            // Of the second sample, which has that value.
            let (first, second) = sums.split_at(sums.len() / 2);
            assert!(first.iter().all(|sum| sum.is_finite()));
            assert!(second.iter().all(|sum| sum.is_finite() == second[0].is_finite()));
            second[0].is_finite()
        };
        assert!(are_numbers(1e12) && are_numbers(0.0));
        for wrong in [1.1e12, f32::NAN, f32::INFINITY] {
            assert!(!are_numbers(wrong), "{wrong}");
        }
        assert_eq!(are_numbers(-1e-30), is_signed);
        assert_eq!(are_numbers(-1e12), is_signed);
        assert!(!are_numbers(-1.1e12));
    }
}
