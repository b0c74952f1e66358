//! What is seen while it trains: a bar per loss, or a line per loss where nobody watches.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
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
    iterations: usize,
    repeat: usize,
    stop: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

/// What stands beside a bar.
#[derive(Clone, Copy, Default)]
struct Shown {
    loss: Option<f64>,
    dice: Option<f64>,
}

impl Progress {
    /// Bars for these losses with so many trainings of so many iterations each; the training ends once `stop` is set
    /// or the deadline has come.
    pub fn new(
        titles: &[String],
        [seeds, iterations]: [usize; 2],
        stop: Arc<AtomicBool>,
        deadline: Option<Instant>,
    ) -> Self {
        let all = MultiProgress::new();
        let bar = |title: &String| {
            let bar = all.add(
                ProgressBar::new((seeds * iterations) as u64)
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
            iterations,
            repeat: 0,
            stop,
            deadline,
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
    fn begin(&mut self, loss: usize, repeat: usize) {
        self.repeat = repeat;
        if repeat == 0 {
            self.bars[loss].reset();
        }
        self.bars[loss].set_style(style(RUNNING));
        self.show(loss);
    }

    fn iteration(&mut self, loss: usize, done: usize, value: f64) {
        self.values[loss].loss = Some(value);
        self.bars[loss].set_position((self.repeat * self.iterations + done) as u64);
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
            say(&format!(
                "{}: {} after {} iterations, seed {}",
                run.loss.title, self.values[loss], run.iterations, run.seed
            ));
        }
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Says something on standard error; that nobody listens is no reason to stop.
pub fn say(text: &str) {
    let harmless = |c: char| c == '\n' || !c.is_control();
    let text: String = text.chars().filter(|&c| harmless(c)).collect();
    let harmless = |c: char| c == '\n' || !c.is_control();
    let text: String = text.chars().filter(|&c| harmless(c)).collect();
    let _ = writeln!(io::stderr(), "{text}");
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
