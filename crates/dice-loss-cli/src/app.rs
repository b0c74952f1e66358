//! From the command line to the report.

use std::{
    io::{self, Write},
    path::Path,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    args::{Arguments, Command, Compare, Inspect},
    data::{DataError, Dataset, Fault, Faults, Folders, Problem, embedded, folder, printable},
    inspect::{self, Inspected, Inspection},
    losses::{self, LossError},
    progress::{Progress, say},
    record::{Comparison, DataRecord, Settings},
    report::{self, Contents, ReportErrors},
    train::{Candidate, Compared, Head, Pace, Plan, TrainError, UNetConfig, compare},
};

/// Side of a crop in voxels.
const CROP: usize = 64;

/// How much is trained.
struct Effort {
    iterations: usize,
    validations: usize,
    learning_rate: f64,
    width: usize,
}

/// Voxels that are predicted in a validation along the way: all of the CT's, some slices of larger data.
const ALONG: usize = 1 << 19;

/// Share of the time that may be over when a training is stopped, so that the last can be scored and the report written.
const LAST_STOP: f64 = 0.92;

/// Near five minutes on two cores for eight losses.
const USUAL: Effort = Effort { iterations: 240, validations: 8, learning_rate: 1e-2, width: 12 };

/// Within [`QUICK_MINUTES`]; the higher rate would not pay in so few iterations.
const QUICK: Effort = Effort { iterations: 40, validations: 4, learning_rate: 5e-3, width: 8 };

const QUICK_MINUTES: f64 = 1.0;

/// Status of a program that a second Ctrl-C ended, as shells count it.
const INTERRUPTED: i32 = 130;

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A loss does not fit the data.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Not all of the report could be written.
    #[error(transparent)]
    Report(#[from] ReportErrors),
    /// More masks than one picture shows.
    #[error("found {found} masks beside --picture, wanted one, which it shows")]
    Picture {
        /// How many.
        found: usize,
    },
    /// What was measured cannot be written as JSON.
    #[error("the JSON cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// Nobody reads the output.
    #[error("the output cannot be written: {0}")]
    Print(io::Error),
    /// Ctrl-C cannot be caught.
    #[error("Ctrl-C cannot be caught: {0}")]
    Interrupt(#[from] ctrlc::Error),
    /// The threads cannot be started.
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Does what the command line says.
///
/// # Errors
/// [`AppError`], with everything that its reader needs to know.
pub fn run(arguments: Arguments) -> Result<(), AppError> {
    match arguments.command {
        Command::List => print(&report::list(&losses::records()))?,
        Command::Compare(arguments) => run_compare(&arguments)?,
        Command::Inspect(arguments) => run_inspect(&arguments)?,
    }
    Ok(())
}

fn run_compare(arguments: &Compare) -> Result<(), AppError> {
    let start = Instant::now();
    let mut data = load(arguments)?;
    let head = Head::new(data.classes.len());
    let wishes = arguments.losses.as_ref().map_or(&[][..], |wishes| &wishes.0);
    let candidates = losses::candidates(wishes, head, data.ignores)?;
    let mut plan = plan(arguments, &data, head);
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.unwrap_or(0)).build_global()?;
    report::prepare(&arguments.out, &candidates, &plan.seeds)?;

    let stop = stop_on_interrupt()?;
    let minutes = minutes(arguments);
    let deadline =
        minutes.map(|minutes| start + Duration::from_secs_f64(60.0 * minutes * LAST_STOP));
    if let Some(minutes) = minutes {
        let pace = Pace::measure(&candidates[0], &data, &plan)?;
        let left = Duration::from_secs_f64(60.0 * minutes).saturating_sub(start.elapsed());
        let wanted = plan.iterations;
        plan.fit(pace, left, candidates.len(), &mut data);
        if plan.iterations < wanted {
            let cut = plan.iterations;
            data.notes.push(format!("{cut} iterations instead of {wanted} fit into {minutes} min"));
        }
    }
    announce(&data, &candidates, &plan);
    let titles: Vec<String> = candidates.iter().map(|c| c.record.title.clone()).collect();
    let trainings = [plan.seeds.len(), plan.iterations];
    let mut progress = Progress::new(&titles, trainings, stop, deadline);
    let compared = compare(&candidates, &data, &plan, &mut progress)?;

    let Compared { runs, predictions, networks, parameters, interrupted } = compared;
    let comparison = Comparison {
        program: concat!("dice-loss ", env!("CARGO_PKG_VERSION")).into(),
        data: DataRecord::new(&data),
        settings: settings(arguments.seed, &plan, &data, parameters, minutes),
        interrupted,
        runs,
    };
    // Scores first: a full disk does not take them.
    let shown = print(&report::summary(&comparison));
    let contents = Contents { comparison: &comparison, data: &data, predictions: &predictions };
    let page = report::write(&arguments.out, &contents, networks)?;
    shown.and_then(|()| print(&format!("Report: {}", printable(page))))
}

/// Shows each mask, and says at the end which could not be read.
fn run_inspect(arguments: &Inspect) -> Result<(), AppError> {
    let found = arguments.masks.len();
    if arguments.picture.is_some() && found > 1 {
        return Err(AppError::Picture { found });
    }
    let (mut inspections, mut faults) = (vec![], vec![]);
    for path in &arguments.masks {
        match inspect_one(path, arguments) {
            Ok((inspection, picture)) => {
                if !arguments.json {
                    print(&inspect::table(&inspection))?;
                }
                inspections.push(inspection);
                if let (Some(file), Some(picture)) = (&arguments.picture, picture) {
                    report::save(file, picture).map_err(|error| ReportErrors(vec![error]))?;
                }
            }
            Err(problem) => faults.push(Fault { path: path.clone(), problem }),
        }
    }
    if arguments.json {
        print(&serde_json::to_string_pretty(&inspections)?)?;
    }
    let notes = vec![];
    if faults.is_empty() { Ok(()) } else { Err(DataError::Faults(Faults { faults, notes }).into()) }
}

/// What a mask holds, and its picture where one is asked for.
fn inspect_one(path: &Path, arguments: &Inspect) -> Result<(Inspection, Option<Vec<u8>>), Problem> {
    let mask = Inspected::read(path, &arguments.wishes())?;
    let inspection = mask.measure(arguments.components)?;
    let picture = arguments.picture.is_some().then(|| inspect::draw(&mask)).transpose()?;
    Ok((inspection, picture))
}

/// Writes to the output; a reader who has seen enough is content.
fn print(text: &str) -> Result<(), AppError> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(AppError::Print(error)),
        _ => Ok(()),
    }
}

/// What will be trained on what.
fn announce(data: &Dataset, candidates: &[Candidate], plan: &Plan) {
    let seeds = match plan.seeds.len() {
        1 => String::new(),
        seeds => format!(", {seeds} seeds"),
    };
    say(&format!(
        "{}: {} losses{seeds}, {} iterations each",
        data.title,
        candidates.len(),
        plan.iterations
    ));
    data.notes.iter().for_each(|note| say(&format!("note: {note}")));
}

fn load(arguments: &Compare) -> Result<Dataset, DataError> {
    let validation_fraction = arguments.validation_fraction;
    match (&arguments.images, &arguments.masks) {
        (Some(images), Some(masks)) => folder(&Folders {
            images: images.clone(),
            masks: masks.clone(),
            validation_fraction,
            seed: arguments.seed,
            ignored: arguments.ignore_index.clone(),
            ignore_geometry: arguments.ignore_geometry,
        }),
        _ => embedded(validation_fraction),
    }
}

/// How long it may take; who asks for iterations waits for them.
fn minutes(arguments: &Compare) -> Option<f64> {
    let quick = arguments.quick && arguments.iterations.is_none();
    arguments.minutes.or(quick.then_some(QUICK_MINUTES))
}

fn plan(arguments: &Compare, data: &Dataset, head: Head) -> Plan {
    let Effort { iterations, validations, learning_rate, width } =
        if arguments.quick { QUICK } else { USUAL };
    let held_out = &data.split.validation;
    Plan {
        seeds: (0..u64::from(arguments.seeds)).map(|n| arguments.seed.wrapping_add(n)).collect(),
        iterations: arguments.iterations.map_or(iterations, |n| n as usize),
        batch_size: arguments.batch_size.into(),
        crop: CROP,
        learning_rate,
        validations,
        along: Plan::within(held_out, data, ALONG),
        at_end: held_out.clone(),
        network: UNetConfig { inputs: data.channels, outputs: head.channels(), width, depth: 3 },
        head,
    }
}

fn settings(
    seed: u64,
    plan: &Plan,
    data: &Dataset,
    parameters: usize,
    minutes: Option<f64>,
) -> Settings {
    let UNetConfig { width, depth, .. } = plan.network;
    Settings {
        seed,
        seeds: plan.seeds.len(),
        iterations: plan.iterations,
        minutes,
        batch_size: plan.batch_size,
        crop: plan.crop,
        learning_rate: plan.learning_rate,
        validation_fraction: data.validation_fraction,
        validation_interval: plan.validation_interval(),
        validated_along: plan.along.len(),
        validated_at_end: plan.at_end.clone(),
        network: format!("2-D U-Net, {depth} levels down, {width} to {} features", width << depth),
        parameters,
        threads: rayon::current_num_threads(),
    }
}

/// A flag that the first Ctrl-C sets; the second ends the program at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED);
        }
    })?;
    Ok(stop)
}
