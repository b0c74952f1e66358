//! The files of a report.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use burn::module::Module;
use serde::Serialize;

use super::{ReportError, ReportErrors, page};
use crate::{
    data::Dataset,
    record::{Comparison, LossRecord, Score},
    train::{Candidate, Prediction, UNet},
};

const FILES: [&str; 3] = ["results.json", "results.csv", "report.html"];
const WEIGHTS: &str = "weights";

/// A line of `results.csv`: one class, or one mean, of one loss.
#[derive(Serialize)]
struct Line<'a> {
    loss: &'a str,
    options: &'a str,
    class: &'a str,
    label: Option<usize>,
    rare: Option<bool>,
    dice: Option<f64>,
    iou: Option<f64>,
    iterations: usize,
    milliseconds_per_iteration: f64,
    seed: u64,
}

/// What is written.
pub struct Contents<'a> {
    /// The results.
    pub comparison: &'a Comparison,
    /// What they were measured on.
    pub data: &'a Dataset,
    /// What the networks of the first seed predict.
    pub predictions: &'a [Prediction],
}

/// Makes the folder and looks at the places of its files, so that a training does not end without one for its results.
///
/// # Errors
/// [`ReportErrors`] with everything that is in the way.
pub fn prepare(out: &Path, losses: &[Candidate], seeds: &[u64]) -> Result<(), ReportErrors> {
    let weights = out.join(WEIGHTS);
    fs::create_dir_all(&weights)
        .map_err(|source| ReportErrors(vec![ReportError::Write { path: weights, source }]))?;
    let of_losses = losses
        .iter()
        .flat_map(|loss| seeds.iter().map(|&seed| weights_file(&loss.record, seed, seeds.len())));
    let files = FILES.into_iter().map(String::from).chain(of_losses);
    let errors: Vec<ReportError> = files.filter_map(|file| free(&out.join(file)).err()).collect();
    if errors.is_empty() { Ok(()) } else { Err(ReportErrors(errors)) }
}

/// Writes `results.json`, `results.csv`, `weights/LOSS.bpk` and `report.html`; gives the page's path.
///
/// Weights that an earlier report left there are removed.
///
/// # Errors
/// [`ReportErrors`] with every file that could not be written; the others are.
pub fn write(
    out: &Path,
    contents: &Contents,
    networks: Vec<UNet>,
) -> Result<PathBuf, ReportErrors> {
    let Contents { comparison, data, predictions } = *contents;
    let [json, table, page] = FILES.map(|file| out.join(file));
    let mut written = vec![
        serde_json::to_string_pretty(comparison)
            .map_err(|error| encode(&json, &error))
            .and_then(|text| save(&json, text + "\n")),
        csv(comparison).map_err(|error| encode(&table, &error)).and_then(|text| save(&table, text)),
    ];
    let seeds = comparison.settings.seeds;
    let files: Vec<PathBuf> = (comparison.runs.iter())
        .map(|run| out.join(weights_file(&run.loss, run.seed, seeds)))
        .collect();
    written.push(remove_others(&out.join(WEIGHTS), &files));
    written.extend(files.iter().zip(networks).map(|(path, network)| {
        free(path)?;
        network.save_file(path).map_err(|error| encode(path, &error))
    }));
    written.push(
        page::render(comparison, data, predictions)
            .map_err(|reason| ReportError::Encode { path: page.clone(), reason })
            .and_then(|html| save(&page, html)),
    );
    let errors: Vec<ReportError> = written.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(page) } else { Err(ReportErrors(errors)) }
}

/// Where the weights of a training go; the seed stands in the name where there are several.
fn weights_file(loss: &LossRecord, seed: u64, seeds: usize) -> String {
    let of_seed = if seeds > 1 { format!("-seed={seed}") } else { String::new() };
    format!("{WEIGHTS}/{}{of_seed}.bpk", loss.file_stem())
}

fn remove_others(folder: &Path, files: &[PathBuf]) -> Result<(), ReportError> {
    let fail = |path: &Path, source| ReportError::Write { path: path.into(), source };
    for entry in fs::read_dir(folder).map_err(|error| fail(folder, error))? {
        let path = entry.map_err(|error| fail(folder, error))?.path();
        let is_weights = path.extension().is_some_and(|extension| extension == "bpk");
        if is_weights && path.is_file() && !files.contains(&path) {
            fs::remove_file(&path).map_err(|error| fail(&path, error))?;
        }
    }
    Ok(())
}

/// Whether a file can be written there: writing into a pipe might never end.
fn free(path: &Path) -> Result<(), ReportError> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => {
            let source = io::Error::other("found a folder, a pipe or a device there, wanted none");
            Err(ReportError::Write { path: path.into(), source })
        }
        _ => Ok(()),
    }
}

fn csv(comparison: &Comparison) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(vec![]);
    for run in &comparison.runs {
        let mut line = |class: &str, label, rare, score: Score| {
            writer.serialize(Line {
                loss: &run.loss.name,
                options: &run.loss.options,
                class,
                label,
                rare,
                dice: score.dice,
                iou: score.iou,
                iterations: run.iterations,
                milliseconds_per_iteration: run.milliseconds_per_iteration,
                seed: run.seed,
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

/// Writes a file whole or leaves none, also none of an earlier report.
pub fn save(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), ReportError> {
    free(path)?;
    fs::write(path, bytes).map_err(|source| {
        // Best effort: what keeps it from being removed has kept it from being written.
        let _ = fs::remove_file(path);
        ReportError::Write { path: path.into(), source }
    })
}

fn encode(path: &Path, error: &dyn std::error::Error) -> ReportError {
    ReportError::Encode { path: path.into(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::data::embedded;

    #[test]
    fn what_is_in_the_way_of_one_file_keeps_no_other_from_being_written() {
        let folder = TempDir::new().unwrap();
        let out = folder.path();
        fs::create_dir_all(out.join("results.csv")).unwrap();
        fs::create_dir_all(out.join("weights/old.bpk")).unwrap();
        fs::write(out.join("weights/older.bpk"), "").unwrap();
        let (comparison, data) = (Comparison::example(&[[0.5; 3]]), embedded(None).unwrap());
        let contents = Contents { comparison: &comparison, data: &data, predictions: &[] };
        let ReportErrors(errors) = write(out, &contents, vec![]).unwrap_err();
        let message = ReportErrors(errors).to_string();
        assert!(message.contains("results.csv cannot be written: found a folder"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        let whole = fs::read_to_string(out.join("results.json")).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&whole).unwrap(), comparison);
        assert!(
            fs::read_to_string(out.join("report.html")).unwrap().trim_end().ends_with("</html>")
        );
        assert!(!out.join("weights/older.bpk").exists(), "weights of an earlier report");
    }

    #[test]
    fn what_is_in_the_way_is_said_before_training() {
        let folder = TempDir::new().unwrap();
        assert!(prepare(folder.path(), &[], &[0]).is_ok());
        fs::create_dir(folder.path().join("report.html")).unwrap();
        let message = prepare(folder.path(), &[], &[0]).unwrap_err().to_string();
        assert!(message.contains("report.html"), "{message}");
    }
}
