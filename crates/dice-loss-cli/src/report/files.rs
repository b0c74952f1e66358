//! The files of a report.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use burn::module::Module;
use serde::Serialize;

use super::{ReportError, page};
use crate::{
    data::Dataset,
    record::{Comparison, Score},
    train::{Prediction, UNet},
};

/// A line of `results.csv`: one class, or one mean, of one loss.
#[derive(Serialize)]
struct Line<'a> {
    loss: &'a str,
    class: &'a str,
    label: Option<usize>,
    rare: Option<bool>,
    dice: Option<f64>,
    iou: Option<f64>,
    iterations: usize,
    milliseconds_per_iteration: f64,
    seed: u64,
}

/// Makes the folder, so that a training does not end without a place for its results.
///
/// # Errors
/// [`ReportError::Write`].
pub fn prepare(out: &Path) -> Result<(), ReportError> {
    let weights = out.join("weights");
    fs::create_dir_all(&weights).map_err(|source| ReportError::Write { path: weights, source })
}

/// Writes `results.json`, `results.csv`, `weights/LOSS.bpk` and `report.html`; gives the page's path.
///
/// # Errors
/// [`ReportError`] with the file that could not be written.
pub fn write(
    out: &Path,
    comparison: &Comparison,
    data: &Dataset,
    predictions: &[Prediction],
    networks: Vec<UNet>,
) -> Result<PathBuf, ReportError> {
    prepare(out)?;
    let path = out.join("results.json");
    let json = serde_json::to_string_pretty(comparison).map_err(|error| encode(&path, &error))?;
    save(&path, json + "\n")?;
    let path = out.join("results.csv");
    save(&path, csv(comparison).map_err(|error| encode(&path, &error))?)?;
    for (run, network) in comparison.runs.iter().zip(networks) {
        let path = out.join("weights").join(format!("{}.bpk", run.loss.name));
        network.save_file(&path).map_err(|error| encode(&path, &error))?;
    }
    let path = out.join("report.html");
    let html = page::render(comparison, data, predictions)
        .map_err(|reason| ReportError::Encode { path: path.clone(), reason })?;
    save(&path, html)?;
    Ok(path)
}

fn csv(comparison: &Comparison) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(vec![]);
    for run in &comparison.runs {
        let mut line = |class: &str, label, rare, score: Score| {
            writer.serialize(Line {
                loss: &run.loss.name,
                class,
                label,
                rare,
                dice: score.dice,
                iou: score.iou,
                iterations: run.iterations,
                milliseconds_per_iteration: run.milliseconds_per_iteration,
                seed: comparison.settings.seed,
            })
        };
        for (label, (class, &score)) in comparison.data.classes.iter().zip(&run.classes).enumerate()
        {
            line(&class.name, Some(label), Some(class.rare), score)?;
        }
        line("(mean)", None, None, run.mean)?;
        if let Some(score) = run.rare {
            line("(mean of rare)", None, None, score)?;
        }
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()).into())
}

fn save(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), ReportError> {
    fs::write(path, bytes).map_err(|source| ReportError::Write { path: path.into(), source })
}

fn encode(path: &Path, error: &dyn std::error::Error) -> ReportError {
    ReportError::Encode { path: path.into(), reason: error.to_string() }
}
