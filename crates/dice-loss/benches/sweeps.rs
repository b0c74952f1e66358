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
use half::{bf16, f16};
use rayon::prelude::*;

/// Threads of every measurement.
const THREADS: usize = 2;

/// Elements that a thread reads or copies in one piece.
const PIECE: usize = 1 << 16;

struct Case {
    shape: &'static str,
    samples: usize,
    classes: usize,
    voxels: usize,
}

const CASES: [Case; 8] = [
    Case { shape: "8×1×1024²", samples: 8, classes: 1, voxels: 1024 * 1024 },
    Case { shape: "8×2×512²", samples: 8, classes: 2, voxels: 512 * 512 },
    Case { shape: "8×3×512²", samples: 8, classes: 3, voxels: 512 * 512 },
    Case { shape: "8×4×512²", samples: 8, classes: 4, voxels: 512 * 512 },
    Case { shape: "8×8×512²", samples: 8, classes: 8, voxels: 512 * 512 },
    Case { shape: "8×21×512²", samples: 8, classes: 21, voxels: 512 * 512 },
    Case { shape: "2×14×96³", samples: 2, classes: 14, voxels: 96 * 96 * 96 },
    Case { shape: "1×105×96³", samples: 1, classes: 105, voxels: 96 * 96 * 96 },
];

/// How the classes lie.
#[derive(Clone, Copy)]
enum Map {
    /// As segmentations are: 60 voxels of a class in a row, on average.
    Regions,
    /// The same, where each twentieth voxel is of any class.
    Noise,
    /// Each voxel of any class: what people try first.
    Random,
}

impl Map {
    const ALL: [Self; 3] = [Self::Regions, Self::Noise, Self::Random];

    fn name(self) -> &'static str {
        match self {
            Self::Regions => "regions",
            Self::Noise => "noise",
            Self::Random => "random",
        }
    }

    fn labels<L: Class>(self, case: &Case) -> Vec<L> {
        let mut random = Random::new();
        let names = case.classes.max(2) as u64;
        let mut class = 0;
        let label = |_| {
            let (draw, any) = (random.next(), (random.next() % names) as u8);
            if draw.is_multiple_of(60) {
                class = any;
            }
            L::of(match self {
                Self::Regions => class,
                Self::Noise if draw % 20 == 1 => any,
                Self::Noise => class,
                Self::Random => any,
            })
        };
        (0..case.samples * case.voxels).map(label).collect()
    }
}

/// How the logits lie.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    ChannelsFirst,
    ChannelsLast,
}

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

impl Element for f16 {
    const NAME: &'static str = "f16";

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

impl Class for f32 {
    const NAME: &'static str = "f32";

    fn of(class: u8) -> Self {
        class.into()
    }

    fn read(piece: &[Self]) -> u64 {
        piece.iter().fold(0u32, |all, label| all.wrapping_add(label.to_bits())).into()
    }
}

/// A small generator of random numbers.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(88_172_645_463_325_252)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 24
    }
}

fn logits<T: Element>(case: &Case) -> Vec<T> {
    let mut random = Random::new();
    let elements = case.samples * case.classes * case.voxels;
    let uniform = |bits: u64| (bits & 0xffff) as f32 / 65_536.0;
    (0..elements).map(|_| T::of(6.0 * uniform(random.next()) - 3.0)).collect()
}

fn measure<T: Element, L: Class>(criterion: &mut Criterion, case: &Case, map: Map, order: Order) {
    let (objective, losses) = if case.classes == 1 {
        let bce = BinaryCrossEntropy::default().sigmoid();
        (Objective::new().term(1.0, Dice::default().sigmoid()).term(1.0, bce), "sigmoid Dice + BCE")
    } else {
        let ce = CrossEntropy::default().softmax();
        (Objective::new().term(1.0, Dice::default().softmax()).term(1.0, ce), "softmax Dice + CE")
    };
    let (x, labels) = (logits::<T>(case), map.labels::<L>(case));
    let (layout, last) = match order {
        Order::ChannelsFirst => {
            (Layout::channels_first(&[case.samples, case.classes, case.voxels]).unwrap(), "")
        }
        Order::ChannelsLast => (
            Layout::channels_last(&[case.samples, case.voxels, case.classes]).unwrap(),
            ", channels last",
        ),
    };
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

    let name = format!("{losses} {}, {}{last}, {} {}", case.shape, T::NAME, map.name(), L::NAME);
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
            .sample_size(15)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_secs(1))
            .configure_from_args();
        for case in &CASES {
            for map in Map::ALL {
                measure::<f32, u8>(&mut criterion, case, map, Order::ChannelsFirst);
            }
            let (map, first) = (Map::Random, Order::ChannelsFirst);
            measure::<f32, i64>(&mut criterion, case, map, first);
            measure::<f32, f32>(&mut criterion, case, map, first);
            measure::<bf16, u8>(&mut criterion, case, map, first);
            measure::<f16, u8>(&mut criterion, case, map, first);
            if case.classes > 1 {
                measure::<f32, u8>(&mut criterion, case, map, Order::ChannelsLast);
            }
        }
        criterion.final_summary();
    });
    println!("\n{THREADS} threads, {:?}", Isa::default());
    print_ratios(&folder);
}
