//! How a sweep is cut up for the threads.

use rayon::prelude::*;

use super::scratch::SPAN;

/// Elements of logits that are worth a job of their own.
const JOB: usize = 1 << 18;

/// Elements of logits below which a sweep stays on the thread that asks for it.
const WORTH_THREADS: usize = 1 << 15;

/// A run of spans of one sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub sample: usize,
    pub start: usize,
    pub end: usize,
}

impl Job {
    /// The parts that are loaded at once, each but the last of the same length.
    #[inline(always)]
    pub fn spans(self) -> impl Iterator<Item = Self> {
        let part = move |start| Self { start, end: self.end.min(start + SPAN), ..self };
        (self.start..self.end).step_by(SPAN).map(part)
    }
}

/// All jobs of a sweep. They depend on the shape alone, not on the number of threads, and so does
/// the order in which their results are added up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jobs {
    samples: usize,
    voxels: usize,
    elements: usize,
    per_sample: usize,
    /// Voxels of a job.
    length: usize,
}

impl Jobs {
    pub fn new([samples, classes, voxels]: [usize; 3]) -> Self {
        let length = (JOB / classes.max(1)).max(1).next_multiple_of(SPAN);
        let per_sample = if classes == 0 { 0 } else { voxels.div_ceil(length) };
        Self { samples, voxels, elements: samples * classes * voxels, per_sample, length }
    }

    fn job(self, index: usize) -> Job {
        let start = index % self.per_sample * self.length;
        let end = self.voxels.min(start + self.length);
        Job { sample: index / self.per_sample, start, end }
    }

    pub fn iter(self) -> impl Iterator<Item = Job> {
        (0..self.samples * self.per_sample).map(move |index| self.job(index))
    }

    /// Runs all jobs in the current rayon pool; the results are in the order of the jobs.
    pub fn map<T: Send>(self, run: impl Fn(Job) -> T + Sync) -> Vec<T> {
        if self.elements < WORTH_THREADS {
            return self.iter().map(run).collect();
        }
        let count = self.samples * self.per_sample;
        (0..count).into_par_iter().map(|index| run(self.job(index))).collect()
    }
}
