//! Geometry of Dice class by class: a row per class or mean, a dot per loss.

use super::{
    plot::{Frame, Tick},
    said::percent,
};
use crate::record::{ClassRecord, Comparison, Group, Run};

/// Between the lanes of two losses in a row, in pixels.
const LANE: f64 = 4.6;

/// Between the lanes of two rows.
const GAP: f64 = 12.0;

/// Height of a row that few losses do not fill.
const LEAST_STEP: f64 = 28.0;

/// Room for names left of the axis, on wide screens.
const NAMES: f64 = 210.0;

/// Room for names above each row, on narrow ones.
const ABOVE: f64 = 24.0;

/// The rows with their common axis.
pub struct Ladder {
    /// Whether names stand above their rows.
    pub narrow: bool,
    /// Size and borders.
    pub frame: Frame,
    /// Marks along the bottom.
    pub ticks: Vec<Tick>,
    /// One per class, then the means.
    pub rows: Vec<Rung>,
}

/// A row.
pub struct Rung {
    /// Its middle.
    pub y: f64,
    /// The middle of its name.
    pub name_y: f64,
    /// The class or mean.
    pub name: String,
    /// The class's share.
    pub detail: String,
    /// Whether it is a mean.
    pub is_mean: bool,
    /// Dice of every loss.
    pub dots: Vec<Dot>,
    /// From the first dot to the last.
    pub span: Option<[f64; 2]>,
}

/// A loss's Dice.
pub struct Dot {
    /// The loss.
    pub loss: usize,
    /// Where it is.
    pub x: f64,
    /// Where it is: every loss has its lane, so that equal values do not lie on each other.
    pub y: f64,
    /// From the lowest seed to the highest, where there are several.
    pub range: Option<[f64; 2]>,
    /// The loss's name and value.
    pub title: String,
}

/// A run's Dice in a row.
type Value = Box<dyn Fn(&Run) -> Option<f64>>;

/// What a row shows.
struct Source<'a> {
    name: &'a str,
    detail: String,
    is_mean: bool,
    dice: Value,
}

impl Ladder {
    /// The rows of a comparison.
    pub fn new(comparison: &Comparison, narrow: bool) -> Self {
        let sources = sources(comparison);
        let losses = comparison.losses();
        let lanes = (LANE * losses.len() as f64 + GAP).max(LEAST_STEP);
        let above = if narrow { ABOVE } else { 0.0 };
        let step = lanes + above;
        let height = 30.0 + step * sources.len() as f64;
        let mut frame = Frame::new(if narrow { 340.0 } else { 1100.0 }, height);
        frame.left = if narrow { 10.0 } else { NAMES };
        let x = |dice: f64| frame.left + (frame.right - frame.left) * dice;
        let rung = |(row, source): (usize, Source)| {
            let upper = frame.top + step * row as f64;
            let y = upper + above + lanes / 2.0;
            let dots = dots(&losses, &source, x, y);
            let ends = dots.iter().map(|dot| dot.x);
            let span = (!dots.is_empty()).then(|| {
                [ends.clone().fold(f64::MAX, f64::min), ends.clone().fold(f64::MIN, f64::max)]
            });
            let Source { name, detail, is_mean, .. } = source;
            let name_y = if narrow { upper + above / 2.0 } else { y };
            Rung { y, name_y, name: name.into(), detail, is_mean, dots, span }
        };
        let tick = |fifths: u8| {
            let dice = f64::from(fifths) / 5.0;
            Tick { at: x(dice), label: format!("{dice:.1}") }
        };
        let rows = sources.into_iter().enumerate().map(rung).collect();
        Self { narrow, frame, ticks: (0..=5).map(tick).collect(), rows }
    }
}

fn sources<'a>(comparison: &'a Comparison) -> Vec<Source<'a>> {
    let class = |(label, class): (usize, &'a ClassRecord)| {
        let rare = if class.rare { ", rare" } else { "" };
        Source {
            name: &class.name,
            detail: format!("{}{rare}", percent(&class.share)),
            is_mean: false,
            dice: Box::new(move |run: &Run| run.classes[label].dice),
        }
    };
    let mut sources: Vec<Source> =
        comparison.data.classes.iter().enumerate().skip(1).map(class).collect();
    let mean = |name, dice: Value| Source { name, detail: String::new(), is_mean: true, dice };
    sources.push(mean("mean", Box::new(|run: &Run| run.mean.dice)));
    if comparison.data.has_rare() {
        sources.push(mean("mean of rare", Box::new(|run: &Run| run.rare?.dice)));
    }
    sources
}

fn dots(losses: &[Group], source: &Source, x: impl Fn(f64) -> f64, y: f64) -> Vec<Dot> {
    let middle = losses.len().saturating_sub(1) as f64 / 2.0;
    let dot = |(loss, group): (usize, &Group)| {
        let dice = group.over(&source.dice)?;
        let range = (dice.high > dice.low).then_some([x(dice.low), x(dice.high)]);
        let seeds = match range {
            Some(_) => format!(" ({:.3} to {:.3})", dice.low, dice.high),
            None => String::new(),
        };
        let title = format!("{}: {:.3}{seeds}", group.loss.title, dice.mean);
        Some(Dot { loss, x: x(dice.mean), y: y + (loss as f64 - middle) * LANE, range, title })
    };
    losses.iter().enumerate().filter_map(dot).collect()
}
