//! The loss between the sweeps on wgpu beside the engine: on a machine without a GPU, under a software
//! implementation of Vulkan. The sweeps are tested so by `dice-loss-burn`.

use std::{
    env,
    fs::OpenOptions,
    io::{Write, stderr},
    panic::catch_unwind,
};

use cubecl::wgpu::{AutoCompiler, WgpuDevice, WgpuRuntime};
use cubecl_runtime::runtime::Runtime;
use dice_loss::{Absent, Layout, Logits, Objective, Pool, Prepared, Reduction, Target, catalogue};

use super::*;
use crate::{Program, kernels::evaluate::evaluate};

const SAMPLES: usize = 2;
const CLASSES: usize = 3;
const VOXELS: usize = 8;
/// The last class is nowhere in the first sample.
const LABELS: [u8; SAMPLES * VOXELS] = [0, 1, 1, 0, 0, 1, 0, 0, 2, 2, 0, 1, 2, 1, 1, 0];
/// What f32 may lose, relative to the largest: a formula has fewer than 48 operations.
const LOST: f64 = 48.0 * f32::EPSILON as f64;

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
    let target = Target::labels(&LABELS, labels).expect("as long");
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
    let read = |handle| f32::from_bytes(&client.read_one(handle).expect("read")).to_vec();
    [read(loss), read(slopes)]
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
    for entry in catalogue().into_iter().filter(|entry| entry.wants_map().is_none()) {
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
