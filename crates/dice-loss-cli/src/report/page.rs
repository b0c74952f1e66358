//! `report.html`: one page that needs no other file.

use askama::Template;

use super::{
    colour,
    ladder::Ladder,
    overlay,
    overlay::Painter,
    plot::{self, Frame, Plot, Series},
    table::{Measure, Table},
};
use crate::{
    data::Dataset,
    record::{ClassRecord, Comparison, Run},
    train::{Counts, Prediction},
};

/// Iterations over which a training curve is smoothed, as a share of all.
const SMOOTHED_SHARE: usize = 20;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    comparison: &'a Comparison,
    losses: Vec<Loss<'a>>,
    findings: Vec<Finding>,
    tables: Vec<Table>,
    progress: Vec<Plot>,
    ladder: Ladder,
    legend: Vec<Legend<'a>>,
    slices: Vec<Shown>,
    invented: String,
}

/// A loss with its training curve.
struct Loss<'a> {
    run: &'a Run,
    training: Plot,
}

/// What a table says at a glance.
struct Finding {
    what: &'static str,
    loss: String,
    value: String,
    beside: String,
}

struct Legend<'a> {
    class: &'a ClassRecord,
    colour: String,
}

/// A validation slice with what every loss made of it.
struct Shown {
    name: String,
    image: String,
    reference: String,
    predictions: Vec<Predicted>,
}

struct Predicted {
    loss: usize,
    title: String,
    dice: String,
    labels: String,
    errors: String,
}

/// The page as HTML.
pub fn render(
    comparison: &Comparison,
    data: &Dataset,
    predictions: &[Prediction],
) -> Result<String, String> {
    let page = Page {
        comparison,
        losses: comparison
            .runs
            .iter()
            .enumerate()
            .map(|(i, run)| Loss { run, training: training(i, run) })
            .collect(),
        findings: findings(comparison),
        tables: [Measure::Dice, Measure::Iou].map(|measure| Table::new(comparison, measure)).into(),
        progress: progress(comparison),
        ladder: Ladder::new(comparison),
        legend: legend(comparison),
        slices: shown(comparison, data, predictions).map_err(|error| error.to_string())?,
        invented: colour::css(overlay::INVENTED),
    };
    page.render().map_err(|error| error.to_string())
}

/// The class in the page's style that colours a loss.
fn slot(loss: &usize) -> String {
    let dash = if *loss < colour::LOSSES { "" } else { " dashed" };
    format!("k{}{dash}", loss % colour::LOSSES)
}

fn findings(comparison: &Comparison) -> Vec<Finding> {
    let dice = |run: &Run| run.mean.dice;
    let rare = |run: &Run| run.rare.and_then(|score| score.dice);
    let mut findings: Vec<Finding> = [
        ("Highest mean Dice", extremes(comparison, dice)),
        ("Highest mean Dice of rare classes", extremes(comparison, rare)),
    ]
    .into_iter()
    .filter_map(|(what, ends)| {
        let [best, worst] = ends?;
        let beside = format!("lowest: {}, {:.3}", worst.0.loss.title, worst.1);
        Some(Finding {
            what,
            loss: best.0.loss.title.clone(),
            value: format!("{:.3}", best.1),
            beside,
        })
    })
    .collect();
    if let Some([slowest, fastest]) =
        extremes(comparison, |run| Some(run.milliseconds_per_iteration))
    {
        findings.push(Finding {
            what: "Fastest",
            loss: fastest.0.loss.title.clone(),
            value: format!("{:.0} ms", fastest.1),
            beside: format!(
                "per iteration; slowest: {}, {:.0} ms",
                slowest.0.loss.title, slowest.1
            ),
        });
    }
    findings
}

/// The runs with the largest and the smallest value.
fn extremes(
    comparison: &Comparison,
    value: impl Fn(&Run) -> Option<f64>,
) -> Option<[(&Run, f64); 2]> {
    let values = || comparison.runs.iter().filter_map(|run| value(run).map(|v| (run, v)));
    let largest = values().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let smallest = values().min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some([largest, smallest])
}

fn training(loss: usize, run: &Run) -> Plot {
    let width = run.training.len() / SMOOTHED_SHARE;
    let raw: Vec<[f64; 2]> =
        run.training.iter().enumerate().map(|(i, &v)| [i as f64 + 1.0, v]).collect();
    let range = plot::range(run.training.iter().copied());
    let title = run.loss.title.clone();
    let series = vec![
        Series { loss, title: format!("{title}, every iteration"), faint: true, points: raw },
        Series {
            loss,
            title: format!("{title}, smoothed"),
            faint: false,
            points: plot::smooth(&run.training, width),
        },
    ];
    Plot::new(
        format!("Training loss of {title}"),
        Frame::new(300.0, 130.0),
        run.training.len() as f64,
        range,
        series,
    )
}

fn progress(comparison: &Comparison) -> Vec<Plot> {
    let any_rare = comparison.data.has_rare();
    let plot = |title: &str, rare: bool| {
        let series = comparison.runs.iter().enumerate().map(|(loss, run)| {
            let points = run
                .validation
                .iter()
                .filter_map(|v| Some([v.iteration as f64, if rare { v.rare } else { v.mean }?]));
            Series { loss, title: run.loss.title.clone(), faint: false, points: points.collect() }
        });
        let frame = Frame::new(540.0, 300.0);
        Plot::new(
            title.into(),
            frame,
            comparison.settings.iterations as f64,
            [0.0, 1.0],
            series.collect(),
        )
    };
    let rare = any_rare.then(|| plot("Mean Dice of the rare classes", true));
    std::iter::once(plot("Mean Dice of all classes", false)).chain(rare).collect()
}

fn legend(comparison: &Comparison) -> Vec<Legend<'_>> {
    let classes = comparison.data.classes.iter().enumerate().skip(1);
    classes
        .map(|(label, class)| Legend { class, colour: colour::css(colour::class(label)) })
        .collect()
}

fn shown(
    comparison: &Comparison,
    data: &Dataset,
    predictions: &[Prediction],
) -> Result<Vec<Shown>, image::ImageError> {
    let show = |position: usize| {
        let slice = &data.slices[data.split.validation[position]];
        let painter = Painter::new(slice, &data.classes);
        let predicted =
            comparison.runs.iter().zip(predictions).enumerate().map(|(loss, (run, labels))| {
                let labels = &labels[position];
                Ok(Predicted {
                    loss,
                    title: run.loss.title.clone(),
                    dice: slice_dice(data, labels, &slice.labels),
                    labels: painter.labels(labels)?,
                    errors: painter.errors(labels)?,
                })
            });
        Ok(Shown {
            name: slice.name.clone(),
            image: painter.image()?,
            reference: painter.labels(&slice.labels)?,
            predictions: predicted.collect::<Result<_, image::ImageError>>()?,
        })
    };
    overlay::chosen(data).into_iter().map(show).collect()
}

/// Mean Dice over the classes that the slice's reference holds.
fn slice_dice(data: &Dataset, predicted: &[u8], reference: &[u8]) -> String {
    let mut counts = Counts::new(data.classes.len());
    counts.add(predicted, reference);
    let present: Vec<usize> =
        data.foreground(false).filter(|&label| reference.contains(&(label as u8))).collect();
    let mean = crate::record::Score::mean(present.iter().map(|&label| counts.score(label)));
    mean.dice.map_or("–".into(), |dice| format!("{dice:.3}"))
}

/// A share in percent, with as many digits as a small one needs.
pub(super) fn percent(share: &f64) -> String {
    let digits = if *share < 0.01 { 2 } else { 1 };
    format!("{:.digits$} %", share * 100.0)
}

/// Slice numbers in short: `0–3, 8–11`.
fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    let range = |run: &[usize]| match run {
        [one] => one.to_string(),
        run => format!("{}–{}", run[0], run[run.len() - 1]),
    };
    runs.map(range).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_short() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0–2, 5, 7–8");
        assert_eq!(ranges(&[]), "");
        assert_eq!(percent(&0.00221), "0.22 %");
        assert_eq!(percent(&0.2775), "27.8 %");
    }
}
