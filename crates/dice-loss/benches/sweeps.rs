//! The two sweeps beside what no sweep can beat: reading the same bytes, and copying them.
//!
//! `cargo bench -p dice-loss --bench sweeps` measures on two threads and ends with the table of
//! ratios that docs/performance.md quotes; `-- NAME` measures only the cases whose name contains
//! NAME. Absolute times of a shared machine mean little; the ratios of one run mean more.

use std::{
    collections::BTreeMap,
    hint::black_box,
    path::{Path, PathBuf},
    time::Duration,
};

use criterion::Criterion;
use dice_loss::{
    BinaryCrossEntropy, CrossEntropy, Dice, FloatMut, Isa, Label, Layout, Logits, Objective,
    Output, Target,
};
use half::bf16;
use rayon::prelude::*;

/// Threads of every measurement.
const THREADS: usize = 2;

/// Elements that a thread reads or copies in one piece.
const PIECE: usize = 1 << 16;

/// Voxels of one class in a row, on average: segmentations are made of regions.
const RUN: u64 = 60;

struct Case {
    shape: &'static str,
    samples: usize,
    classes: usize,
    voxels: usize,
}

const CASES: [Case; 4] = [
    Case { shape: "8×21×512²", samples: 8, classes: 21, voxels: 512 * 512 },
    Case { shape: "2×14×96³", samples: 2, classes: 14, voxels: 96 * 96 * 96 },
    Case { shape: "1×105×96³", samples: 1, classes: 105, voxels: 96 * 96 * 96 },
    Case { shape: "8×1×1024²", samples: 8, classes: 1, voxels: 1024 * 1024 },
];

/// An element of logits that the baselines can read.
trait Element: FloatMut {
    const NAME: &'static str;
    fn of(value: f32) -> Self;
    /// Something that depends on every bit of the piece.
    fn read(piece: &[Self]) -> u64;
}

impl Element for f32 {
    const NAME: &'static str = "f32";

    fn of(value: f32) -> Self {
        value
    }

    fn read(piece: &[Self]) -> u64 {
        piece.iter().fold(0u32, |all, value| all.wrapping_add(value.to_bits())).into()
    }
}

impl Element for bf16 {
    const NAME: &'static str = "bf16";

    fn of(value: f32) -> Self {
        Self::from_f32(value)
    }

    fn read(piece: &[Self]) -> u64 {
        piece.iter().fold(0u16, |all, value| all.wrapping_add(value.to_bits())).into()
    }
}

/// A label map's element, likewise.
trait Class: Label {
    const NAME: &'static str;
    fn of(class: u8) -> Self;
    fn read(piece: &[Self]) -> u64;
}

impl Class for u8 {
    const NAME: &'static str = "u8";

    fn of(class: u8) -> Self {
        class
    }

    fn read(piece: &[Self]) -> u64 {
        piece.iter().fold(0u8, |all, &label| all.wrapping_add(label)).into()
    }
}

impl Class for i64 {
    const NAME: &'static str = "i64";

    fn of(class: u8) -> Self {
        class.into()
    }

    fn read(piece: &[Self]) -> u64 {
        piece.iter().fold(0i64, |all, &label| all.wrapping_add(label)) as u64
    }
}

/// A small generator of random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 24
    }
}

fn data<T: Element, L: Class>(case: &Case) -> (Vec<T>, Vec<L>) {
    let mut random = Random(88_172_645_463_325_252);
    let elements = case.samples * case.classes * case.voxels;
    let uniform = |bits: u64| (bits & 0xffff) as f32 / 65_536.0;
    let logits = (0..elements).map(|_| T::of(6.0 * uniform(random.next()) - 3.0)).collect();
    let (mut class, names) = (0, case.classes.max(2) as u64);
    let labels = (0..case.samples * case.voxels)
        .map(|_| {
            if random.next().is_multiple_of(RUN) {
                class = (random.next() % names) as u8;
            }
            L::of(class)
        })
        .collect();
    (logits, labels)
}

fn measure<T: Element, L: Class>(criterion: &mut Criterion, case: &Case) {
    let (objective, losses) = if case.classes == 1 {
        let bce = BinaryCrossEntropy::default().sigmoid();
        (Objective::new().term(1.0, Dice::default().sigmoid()).term(1.0, bce), "sigmoid Dice + BCE")
    } else {
        let ce = CrossEntropy::default().softmax();
        (Objective::new().term(1.0, Dice::default().softmax()).term(1.0, ce), "softmax Dice + CE")
    };
    let (x, labels) = data::<T, L>(case);
    let layout = Layout::channels_first(&[case.samples, case.classes, case.voxels]).unwrap();
    let logits = Logits::new(&x, layout).unwrap();
    let target =
        Target::labels(&labels, Layout::voxels(&[case.samples, case.voxels]).unwrap()).unwrap();
    let verdict = objective.evaluate(&objective.measure(&logits, &target).unwrap()).unwrap();
    let pull_back = |gradient: &mut [T]| {
        let output = Output::new(gradient, layout).unwrap();
        objective.pull_back(&verdict, 1.0, &logits, &target, output).unwrap();
    };
    let zero = T::of(0.0);
    let mut warm = vec![zero; x.len()];

    let name = format!("{losses} {} {} {}", case.shape, T::NAME, L::NAME);
    let mut group = criterion.benchmark_group(name);
    group.bench_function("read", |bench| {
        bench.iter(|| {
            let logits = x.par_chunks(PIECE).map(T::read).sum::<u64>();
            black_box(logits + labels.par_chunks(PIECE).map(L::read).sum::<u64>())
        });
    });
    group.bench_function("forward", |bench| {
        bench.iter(|| objective.measure(&logits, &target).unwrap());
    });
    group.bench_function("copy", |bench| {
        bench.iter(|| {
            let pieces = x.par_chunks(PIECE).zip(warm.par_chunks_mut(PIECE));
            pieces.for_each(|(from, to)| to.copy_from_slice(from));
        });
    });
    group.bench_function("backward", |bench| bench.iter(|| pull_back(&mut warm)));
    group.bench_function("backward, fresh gradient", |bench| {
        bench.iter_with_large_drop(|| {
            let mut gradient = vec![zero; x.len()];
            pull_back(&mut gradient);
            gradient
        });
    });
    group.finish();
}

/// Where criterion leaves its results: beside the folder of this program's profile.
fn results() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(3).unwrap_or(Path::new("target")).join("criterion")
}

/// The median time of every measurement found there, by case and by what was measured.
fn medians(folder: &Path) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut cases = BTreeMap::<_, BTreeMap<_, _>>::new();
    let entries = |folder: &Path| {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
    };
    for file in entries(folder).flat_map(|case| entries(&case).collect::<Vec<_>>()) {
        let json = |name: &str| -> Option<serde_json::Value> {
            serde_json::from_slice(&std::fs::read(file.join("new").join(name)).ok()?).ok()
        };
        let (Some(about), Some(found)) = (json("benchmark.json"), json("estimates.json")) else {
            continue;
        };
        let text = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
        if let Some(median) = found["median"]["point_estimate"].as_f64() {
            cases.entry(text("group_id")).or_default().insert(text("function_id"), median);
        }
    }
    cases
}

fn print_ratios(folder: &Path) {
    println!("| case | forward / read | backward / copy | backward, fresh / copy |");
    println!("|---|---|---|---|");
    for (case, medians) in medians(folder) {
        let ratio = |part: &str, whole: &str| match (medians.get(part), medians.get(whole)) {
            (Some(part), Some(whole)) => format!("{:.1}", part / whole),
            _ => "–".into(),
        };
        println!(
            "| {case} | {} | {} | {} |",
            ratio("forward", "read"),
            ratio("backward", "copy"),
            ratio("backward, fresh gradient", "copy"),
        );
    }
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().unwrap();
    let folder = results();
    pool.install(|| {
        let mut criterion = Criterion::default()
            .output_directory(&folder)
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(2))
            .configure_from_args();
        for case in &CASES {
            measure::<f32, u8>(&mut criterion, case);
            measure::<f32, i64>(&mut criterion, case);
            measure::<bf16, u8>(&mut criterion, case);
            measure::<bf16, i64>(&mut criterion, case);
        }
        criterion.final_summary();
    });
    println!("\n{THREADS} threads, {:?}", Isa::default());
    print_ratios(&folder);
}
