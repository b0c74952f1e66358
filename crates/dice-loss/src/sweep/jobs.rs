//! How a sweep is cut up for the threads.

use rayon::prelude::*;

use super::{geometry::SPAN, ieee::Ieee};
use crate::{Error, Result, Stop};

/// Elements of logits that are worth a job of their own.
const JOB: usize = 1 << 18;

/// Elements of logits below which a sweep stays on the thread that asks for it.
const WORTH_THREADS: usize = 1 << 15;

/// Jobs that run before their results are added up: enough to keep all threads busy, and of results
/// no more numbers than this, if that leaves enough jobs.
const RESULTS: usize = 1 << 24;
const LEAST: usize = 64;
const MOST: usize = 4096;

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

    /// Runs all jobs in the current rayon pool, and hands their results over in the order of the
    /// jobs, up to the first error. A result has so many numbers.
    pub fn each<T: Send>(
        self,
        numbers: usize,
        run: impl Fn(Job) -> Result<T> + Sync,
        mut take: impl FnMut(Job, T),
    ) -> Result<()> {
        let count = self.samples.saturating_mul(self.per_sample);
        // Of this thread, which adds up; those that help have it from job to job.
        let _ieee = Ieee::enter();
        let run = |job| {
            let _ieee = Ieee::enter();
            run(job)
        };
        if self.elements < WORTH_THREADS {
            for job in (0..count).map(|index| self.job(index)) {
                take(job, run(job)?);
            }
            return Ok(());
        }
        let stop = Stop::current();
        let run = |index| match &stop {
            Some(stop) if stop.is_set() => Err(Error::Interrupted),
            _ => run(self.job(index)),
        };
        // As many at a time as have room for their results, however many there are.
        let block = (RESULTS / numbers.max(1)).clamp(LEAST, MOST);
        for start in (0..count).step_by(block) {
            let indices = start..count.min(start + block);
            let results: Vec<_> = indices.clone().into_par_iter().map(run).collect();
            for (index, result) in indices.zip(results) {
                take(self.job(index), result?);
            }
        }
        Ok(())
    }
}
