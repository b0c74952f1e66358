//! What is seen while it trains: a bar per loss, or a line per loss where nobody watches.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{record::Run, train::Watch};

const RUNNING: &str = "{prefix:>24} {wide_bar} {pos:>4}/{len} {msg} {eta:>5} left";
const WAITING: &str = "{prefix:>24.dim} {wide_bar:.dim}";
const DONE: &str = "{prefix:>24} {wide_bar:.green} {pos:>4}/{len} {msg} {elapsed:>5}     ";

/// Shows a comparison on standard error.
pub struct Progress {
    bars: Vec<ProgressBar>,
    values: Vec<Shown>,
    watched: bool,
    stop: Arc<AtomicBool>,
}

/// What stands beside a bar.
#[derive(Clone, Copy, Default)]
struct Shown {
    loss: Option<f64>,
    dice: Option<f64>,
}

impl Progress {
    /// Bars for these losses; `stop` ends the training once it is set.
    pub fn new(titles: &[String], iterations: usize, stop: Arc<AtomicBool>) -> Self {
        let all = MultiProgress::new();
        let bar = |title: &String| {
            let bar = all.add(
                ProgressBar::new(iterations as u64)
                    .with_style(style(WAITING))
                    .with_prefix(title.clone()),
            );
            bar.tick();
            bar
        };
        let watched = io::stderr().is_terminal();
        Self {
            bars: titles.iter().map(bar).collect(),
            values: vec![Shown::default(); titles.len()],
            watched,
            stop,
        }
    }

    fn show(&self, loss: usize) {
        self.bars[loss].set_message(self.values[loss].to_string());
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number =
            |value: Option<f64>| value.map_or("     –".into(), |value| format!("{value:6.4}"));
        write!(f, "loss {}  Dice {}", number(self.loss), number(self.dice))
    }
}

impl Watch for Progress {
    fn begin(&mut self, loss: usize) {
        self.bars[loss].reset();
        self.bars[loss].set_style(style(RUNNING));
        self.show(loss);
    }

    fn iteration(&mut self, loss: usize, done: usize, value: f64) {
        self.values[loss].loss = Some(value);
        self.bars[loss].set_position(done as u64);
        self.show(loss);
    }

    fn validated(&mut self, loss: usize, dice: Option<f64>) {
        self.values[loss].dice = dice;
        self.show(loss);
    }

    fn end(&mut self, loss: usize, run: &Run) {
        self.bars[loss].set_style(style(DONE));
        self.bars[loss].abandon();
        if !self.watched {
            eprintln!(
                "{}: {} after {} iterations",
                run.loss.title, self.values[loss], run.iterations
            );
        }
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a wrong one would show plain bars.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_well_formed() {
        for template in [RUNNING, WAITING, DONE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
