//! `report.html`: one page that needs no other file.

use askama::Template;

use super::{
    colour,
    ladder::Ladder,
    overlay,
    overlay::Painter,
    plot::{self, Frame, Plot, Series},
    said::{self, counted, grouped, percent},
    table::{Measure, Table},
};
use crate::{
    data::Dataset,
    record::{ClassRecord, Comparison, Group, LossRecord, Run, Spread},
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
    progress: Vec<Curves>,
    ladders: [Ladder; 2],
    ranking: String,
    of_slices: String,
    along: String,
    validated: String,
    legend: Vec<Legend<'a>>,
    slices: Vec<Shown>,
    invented: String,
    not_found: String,
}

/// A loss with the training curve of its first seed.
struct Loss<'a> {
    loss: &'a LossRecord,
    diverged: Vec<String>,
    training: Plot,
}

/// Curves of all losses, and on which screens they are shown.
struct Curves {
    screens: &'static str,
    plot: Plot,
}

/// What the tables say at a glance.
struct Finding {
    what: &'static str,
    /// The loss it is about, if it is about one.
    loss: Option<usize>,
    name: String,
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
    let losses = comparison.losses();
    let page = Page {
        comparison,
        findings: findings(comparison),
        tables: [Measure::Dice, Measure::Iou].map(|measure| Table::new(comparison, measure)).into(),
        progress: progress(comparison),
        ladders: [false, true].map(|narrow| Ladder::new(comparison, narrow)),
        ranking: said::ranking(comparison).unwrap_or_default().replace("* the", "In colour, the"),
        of_slices: said::of_slices(comparison),
        along: along(comparison),
        validated: counted(comparison.settings.validated_along, "slice"),
        legend: legend(comparison),
        slices: shown(comparison, data, predictions).map_err(|error| error.to_string())?,
        invented: colour::css(overlay::INVENTED),
        not_found: comparison.not_found().join(", "),
        losses: losses.iter().enumerate().map(|(i, group)| loss(i, group)).collect(),
    };
    page.render().map_err(|error| error.to_string())
}

/// The class in the page's style that colours a loss.
fn slot(loss: &usize) -> String {
    let dash = if *loss < colour::LOSSES { "" } else { " dashed" };
    format!("k{}{dash}", loss % colour::LOSSES)
}

fn loss<'a>(number: usize, group: &Group<'a>) -> Loss<'a> {
    let diverged = |run: &&Run| {
        let at = run.diverged?;
        Some(if group.runs.len() > 1 {
            format!("Seed {} ended at iteration {at}", run.seed)
        } else {
            format!("Ended at iteration {at}")
        })
    };
    Loss {
        loss: group.loss,
        diverged: group.runs.iter().filter_map(diverged).collect(),
        training: training(number, group.runs[0]),
    }
}

/// The slices that the curves are of.
fn along(comparison: &Comparison) -> String {
    let (all, some) = (comparison.data.split.validation.len(), comparison.settings.validated_along);
    if some < all {
        format!("{some} of the {}", counted(all, "validation slice"))
    } else {
        "the validation slices".into()
    }
}

/// What differs between the losses, as far as it can be said.
fn findings(comparison: &Comparison) -> Vec<Finding> {
    let losses = comparison.losses();
    if let (2.., Some(why)) = (losses.len(), comparison.not_converged()) {
        return vec![not_converged(&why)];
    }
    let mean = best(comparison, "Highest mean Dice", &|run| run.mean.dice);
    let rare = best(comparison, "Highest mean Dice of rare classes", &|run| run.rare?.dice);
    mean.into_iter().chain(rare).chain(most_dependent(comparison)).collect()
}

fn not_converged(why: &str) -> Finding {
    Finding {
        what: "No ranking",
        loss: None,
        name: "Not converged".into(),
        value: String::new(),
        beside: format!(
            "{}. Which loss leads now says little of which would lead in the end: train longer.",
            capitalised(why)
        ),
    }
}

/// A note as a sentence begins.
fn capitalised(note: &str) -> String {
    let mut rest = note.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// The losses with the highest number: one, or several that seeds do not tell apart.
fn best(
    comparison: &Comparison,
    what: &'static str,
    number: &dyn Fn(&Run) -> Option<f64>,
) -> Option<Finding> {
    let losses = comparison.losses();
    let numbers: Vec<Option<Spread>> = losses.iter().map(|group| group.over(number)).collect();
    let [lowest, highest] = extremes(&numbers)?;
    let title = |(loss, _): (usize, f64)| &losses[loss].loss.title;
    let best = comparison.best(&numbers);
    let among: Vec<&str> =
        (0..losses.len()).filter(|&i| best[i]).map(|i| losses[i].loss.title.as_str()).collect();
    let ends = format!("means from {:.3} to {:.3}; nothing is ranked", lowest.1, highest.1);
    let lowest = format!("lowest: {}, {:.3}", title(lowest), lowest.1);
    Some(match among.len() {
        0 => Finding {
            what,
            loss: None,
            name: "Seeds differ more than losses".into(),
            value: String::new(),
            beside: ends,
        },
        1 => Finding {
            what,
            loss: Some(highest.0),
            name: format!("{} loss", title(highest)),
            value: format!("{:.3}", highest.1),
            beside: lowest,
        },
        _ => Finding {
            what,
            loss: None,
            name: format!("{} losses alike", among.len()),
            value: format!("up to {:.3}", highest.1),
            beside: format!("{}; {lowest}", among.join(", ")),
        },
    })
}

/// The class whose Dice differs most from loss to loss.
fn most_dependent(comparison: &Comparison) -> Option<Finding> {
    let losses = comparison.losses();
    let spread = |label: usize| {
        let numbers: Vec<Option<Spread>> =
            losses.iter().map(|group| group.over(|run| run.classes[label].dice)).collect();
        let [lowest, highest] = extremes(&numbers)?;
        Some((label, lowest, highest))
    };
    let (label, lowest, highest) = (1..comparison.data.classes.len())
        .filter_map(spread)
        .max_by(|(_, a, b), (_, c, d)| (b.1 - a.1).total_cmp(&(d.1 - c.1)))?;
    let title = |loss: usize| &losses[loss].loss.title;
    Some(Finding {
        what: "Dice that depends most on the loss",
        loss: None,
        name: comparison.data.classes[label].name.clone(),
        value: format!("{:.3} to {:.3}", lowest.1, highest.1),
        beside: format!("lowest: {}, highest: {}", title(lowest.0), title(highest.0)),
    })
}

/// The losses with the smallest and the largest mean, each with that mean; of equals, the first.
/// Nothing where all read alike.
fn extremes(numbers: &[Option<Spread>]) -> Option<[(usize, f64); 2]> {
    let values =
        || numbers.iter().enumerate().filter_map(|(loss, spread)| Some((loss, (*spread)?.mean)));
    let smallest = values().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let largest = values().rev().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (format!("{:.3}", smallest.1) != format!("{:.3}", largest.1)).then_some([smallest, largest])
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

fn progress(comparison: &Comparison) -> Vec<Curves> {
    let curves = |title: &str, rare: bool, screens: &'static str, width: f64| {
        let plot = curves(comparison, title, rare, Frame::new(width, 300.0));
        Curves { screens, plot }
    };
    let has_rare = comparison.data.has_rare();
    // Alone, a plot takes the place of two.
    let broad = if has_rare { 540.0 } else { 1100.0 };
    let titles = [("Mean Dice", false), ("Mean Dice of the rare classes", true)];
    let shown = titles.into_iter().filter(|&(_, rare)| has_rare || !rare);
    shown
        .flat_map(|(title, rare)| {
            [("broad", broad), ("narrow", 400.0)]
                .map(|(screens, width)| curves(title, rare, screens, width))
        })
        .collect()
}

/// A curve for every training, faint behind that of the first seed.
fn curves(comparison: &Comparison, title: &str, rare: bool, frame: Frame) -> Plot {
    let losses = comparison.losses();
    let series = losses.iter().enumerate().flat_map(|(loss, group)| {
        group.runs.iter().enumerate().map(move |(repeat, run)| {
            let points = run
                .validation
                .iter()
                .filter_map(|v| Some([v.iteration as f64, if rare { v.rare } else { v.mean }?]));
            let title = group.loss.title.clone();
            Series { loss, title, faint: repeat > 0, points: points.collect() }
        })
    });
    let iterations = comparison.settings.iterations as f64;
    Plot::new(title.into(), frame, iterations, [0.0, 1.0], series.collect())
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
    let of = &comparison.settings.validated_at_end;
    let losses = comparison.losses();
    let show = |position: usize| {
        let slice = &data.slices[of[position]];
        let painter = Painter::new(slice, &data.classes);
        let predicted =
            losses.iter().zip(predictions).enumerate().map(|(loss, (group, labels))| {
                let labels = &labels[position];
                Ok(Predicted {
                    loss,
                    title: group.loss.title.clone(),
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
    overlay::chosen(data, of).into_iter().map(show).collect()
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

/// A title that may break after what stands before a value, so that options fit a narrow column.
fn breakable(title: &str) -> String {
    title.replace('=', "=\u{200b}")
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
    use crate::record::Validation;

    #[test]
    fn findings_name_the_ends() {
        let comparison = Comparison::example(&[[0.9, 0.2, 0.0], [0.8, 0.7, 0.0], [0.8, 0.2, 0.0]]);
        let said: Vec<_> = findings(&comparison)
            .into_iter()
            .map(|f| (f.what, f.loss, f.name, f.value, f.beside))
            .collect();
        let of = |what, loss, name: &str, value: &str, beside: &str| {
            (what, loss, name.into(), value.into(), beside.into())
        };
        assert_eq!(
            said,
            [
                of("Highest mean Dice", Some(1), "Loss 1 loss", "0.500", "lowest: Loss 2, 0.333"),
                of(
                    "Dice that depends most on the loss",
                    None,
                    "class 2",
                    "0.200 to 0.700",
                    "lowest: Loss 0, highest: Loss 1"
                ),
            ]
        );
        let mut gaining = comparison.clone();
        let point = |iteration, mean| Validation {
            iteration,
            classes: vec![],
            mean: Some(mean),
            rare: None,
        };
        gaining.runs[0].validation = vec![point(1, 0.1), point(2, 0.4)];
        let said = findings(&gaining);
        assert_eq!((said.len(), said[0].name.as_str()), (1, "Not converged"));
        assert!(said[0].beside.starts_with("1 of 3 losses still gained"), "{}", said[0].beside);
        let mut seeds = comparison.clone();
        for (run, mean) in seeds.runs.iter_mut().zip([0.5, 0.2, 0.6]) {
            run.mean.dice = Some(mean);
        }
        seeds.runs.extend(comparison.runs.clone());
        assert_eq!(findings(&seeds)[0].name, "Seeds differ more than losses");
        assert!(findings(&Comparison::example(&[[0.9, 0.2, 0.0]])).is_empty(), "a single loss");
        assert!(findings(&Comparison::example(&[[0.9, 0.2, 0.0]; 2])).is_empty(), "equals");
    }

    #[test]
    fn numbers_in_short() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0–2, 5, 7–8");
        assert_eq!(ranges(&[]), "");
        assert_eq!(breakable("Dice (pool=batch)"), "Dice (pool=\u{200b}batch)");
    }
}
