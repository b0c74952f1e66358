//! From the command line to the report.

use std::{
    io::{self, Write},
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    args::{Arguments, Command, Compare},
    data::{DataError, Dataset, embedded, folder},
    losses::{self, LossError},
    progress::Progress,
    record::{Comparison, DataRecord, Settings},
    report::{self, ReportError},
    train::{Compared, Head, Plan, TrainError, UNetConfig, compare},
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

/// Near five minutes on two cores for eight losses.
const USUAL: Effort = Effort { iterations: 240, validations: 8, learning_rate: 1e-2, width: 12 };

/// Under a minute; the higher rate would not pay in so few iterations.
const QUICK: Effort = Effort { iterations: 40, validations: 4, learning_rate: 5e-3, width: 8 };

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
    /// The report could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
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
    }
    Ok(())
}

fn run_compare(arguments: &Compare) -> Result<(), AppError> {
    let data = load(arguments)?;
    let head = Head::new(data.classes.len());
    let candidates = losses::candidates(&arguments.losses, head)?;
    let plan = plan(arguments, &data, head);
    let threads = arguments.threads.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    report::prepare(&arguments.out)?;

    let stop = stop_on_interrupt()?;
    let titles: Vec<String> = candidates.iter().map(|c| c.record.title.clone()).collect();
    eprintln!("{}: {} losses, {} iterations each", data.title, candidates.len(), plan.iterations);
    let compared =
        compare(&candidates, &data, &plan, &mut Progress::new(&titles, plan.iterations, stop))?;

    let Compared { runs, predictions, networks, parameters, interrupted } = compared;
    let comparison = Comparison {
        program: concat!("dice-loss ", env!("CARGO_PKG_VERSION")).into(),
        data: DataRecord::new(&data),
        settings: settings(&plan, &data, parameters),
        interrupted,
        runs,
    };
    let page = report::write(&arguments.out, &comparison, &data, &predictions, networks)?;
    print(&format!("{}\nReport: {}", report::summary(&comparison), page.display()))
}

fn print(text: &str) -> Result<(), AppError> {
    writeln!(io::stdout(), "{text}").map_err(AppError::Print)
}

fn load(arguments: &Compare) -> Result<Dataset, DataError> {
    let fraction = arguments.validation_fraction;
    match (&arguments.images, &arguments.masks) {
        (Some(images), Some(masks)) => {
            folder(images, masks, fraction, arguments.seed, arguments.allow_empty)
        }
        _ => embedded(fraction),
    }
}

fn plan(arguments: &Compare, data: &Dataset, head: Head) -> Plan {
    let Effort { iterations, validations, learning_rate, width } =
        if arguments.quick { QUICK } else { USUAL };
    Plan {
        seed: arguments.seed,
        iterations: arguments.iterations.map_or(iterations, |n| n as usize),
        batch_size: arguments.batch_size.into(),
        crop: CROP,
        learning_rate,
        validations,
        network: UNetConfig { inputs: data.channels, outputs: head.channels(), width, depth: 3 },
        head,
    }
}

fn settings(plan: &Plan, data: &Dataset, parameters: usize) -> Settings {
    let UNetConfig { width, depth, .. } = plan.network;
    Settings {
        seed: plan.seed,
        iterations: plan.iterations,
        batch_size: plan.batch_size,
        crop: plan.crop,
        learning_rate: plan.learning_rate,
        validation_fraction: data.validation_fraction,
        validation_interval: plan.validation_interval(),
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
