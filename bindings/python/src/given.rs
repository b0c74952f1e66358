//! Logits, the target, and what of it counts.

use dice_loss::{Instances, Logits, Prepared, Target};
use pyo3::prelude::*;

use crate::{
    pool,
    refused::{Refused, Result, filled},
    view::{View, tuple},
};

/// (kind of target, regions, ignore_index, mask, voxel_weight, class_valid, maps by name).
#[derive(Debug, FromPyObject)]
pub(crate) struct Options(
    pub String,
    pub Option<Vec<Vec<usize>>>,
    pub Option<i64>,
    pub Option<View>,
    pub Option<View>,
    pub Option<View>,
    pub Vec<(String, View)>,
);

/// All that a sweep reads, of shapes that fit.
#[derive(Debug)]
pub(crate) struct Given {
    logits: View,
    target: View,
    kind: Kind,
    ignore_index: Option<i64>,
    mask: Option<View>,
    weights: Option<View>,
    class_valid: Option<Vec<bool>>,
    maps: Vec<(String, View)>,
    instances: Option<Instances>,
}

#[derive(Debug)]
enum Kind {
    Labels,
    Dense,
    Regions(Vec<Vec<usize>>),
}

impl Given {
    /// Fails unless every spatial axis of everything is the logits' own.
    pub fn new(logits: View, target: View, options: Options) -> Result<Self> {
        let Options(kind, regions, ignore_index, mask, weights, valid, maps) = options;
        let [samples, classes, ..] = *logits.shape() else {
            return Err(logits.misshapen("logits", "(N, C, spatial…)"));
        };
        let kind = match (kind.as_str(), regions) {
            ("labels", None) => Kind::Labels,
            ("dense", None) => Kind::Dense,
            ("regions", Some(table)) => Kind::Regions(table),
            (kind, table) => {
                let found = format!("{kind:?} and regions {table:?}");
                return Err(Refused::new(
                    "target",
                    found,
                    "labels, dense, or regions with a table",
                ));
            }
        };
        let class_valid = match valid {
            Some(valid) => Some(truths(&valid, samples, classes)?),
            None => None,
        };
        let batch = Self {
            logits,
            target,
            kind,
            ignore_index,
            mask,
            weights,
            class_valid,
            maps,
            instances: None,
        };
        match batch.kind {
            Kind::Dense => batch.expect_fit("dense target", &batch.target, classes)?,
            _ => batch.expect_voxels("labels", &batch.target)?,
        }
        let voxels = [("mask", &batch.mask), ("voxel weights", &batch.weights)];
        for (what, view) in voxels {
            if let Some(view) = view {
                batch.expect_voxels(what, view)?;
            }
        }
        for (name, view) in &batch.maps {
            batch.expect_map(name, view)?;
        }
        Ok(batch)
    }

    /// With its instances, if the objective looks at any, read once for both sweeps.
    pub fn with_instances(mut self, prepared: &Prepared, threads: usize) -> Result<Self> {
        if prepared.looks_at_instances() {
            self.instances = pool::run(threads, self.elements(), || {
                Ok(prepared.read_instances(&self.logits()?, &self.target()?)?)
            })?;
        }
        Ok(self)
    }

    pub fn samples(&self) -> usize {
        self.logits.shape()[0]
    }

    pub fn classes(&self) -> usize {
        self.logits.shape()[1]
    }

    /// Of the logits, at most as many as can be told.
    pub fn elements(&self) -> usize {
        self.logits.shape().iter().fold(1, |all: usize, &size| all.saturating_mul(size))
    }

    pub fn logits(&self) -> Result<Logits<'_>> {
        self.logits.logits()
    }

    pub fn target(&self) -> Result<Target<'_>> {
        let mut target = match &self.kind {
            Kind::Labels => self.target.labels()?,
            Kind::Dense => self.target.dense_target()?,
            Kind::Regions(table) => self.target.regions(table)?,
        };
        if let Some(label) = self.ignore_index {
            target = target.ignore_index(label);
        }
        if let Some(mask) = &self.mask {
            target = mask.mask(target)?;
        }
        if let Some(weights) = &self.weights {
            target = weights.weigh(target)?;
        }
        for (name, map) in &self.maps {
            target = map.map(name, target)?;
        }
        if let Some(instances) = &self.instances {
            target = target.instances(instances);
        }
        Ok(match &self.class_valid {
            Some(valid) => target.class_valid(valid),
            None => target,
        })
    }

    /// Fails unless it has the logits' shape, with so many channels.
    pub fn expect_fit(&self, what: &str, view: &View, channels: usize) -> Result<()> {
        let mut wanted = self.logits.shape().to_vec();
        wanted[1] = channels;
        if view.shape() != wanted {
            return Err(view.misshapen(what, format!("{}, to fit the logits", tuple(&wanted))));
        }
        Ok(())
    }

    /// Fails unless it has a value for each of the logits' voxels.
    fn expect_voxels(&self, what: &str, view: &View) -> Result<()> {
        let logits = self.logits.shape();
        let (samples, spatial) = (logits[0], &logits[2..]);
        let fits = match view.shape() {
            [n, 1, rest @ ..] if *n == samples && rest == spatial => true,
            [n, rest @ ..] => *n == samples && rest == spatial,
            [] => false,
        };
        if !fits {
            let wanted = [&[samples], spatial].concat();
            let with_channel = [&[samples, 1], spatial].concat();
            let wanted = format!(
                "{} or {}, to fit logits of {}",
                tuple(&wanted),
                tuple(&with_channel),
                tuple(logits)
            );
            return Err(view.misshapen(what, wanted));
        }
        Ok(())
    }

    /// Fails unless it has a value for each of the logits' voxels, or for each of their classes.
    fn expect_map(&self, name: &str, view: &View) -> Result<()> {
        let mut of_all = self.logits.shape().to_vec();
        of_all[1] = 1;
        let of_each = self.logits.shape();
        if view.shape() != of_all && view.shape() != of_each {
            let wanted = format!("{} or {}, to fit the logits", tuple(&of_all), tuple(of_each));
            return Err(view.misshapen(&format!("map '{name}'"), wanted));
        }
        Ok(())
    }

    /// Fails if a write to `output` could change what is read.
    pub fn keep_apart(&self, what: &str, output: &View) -> Result<()> {
        let views =
            [Some(&self.logits), Some(&self.target), self.mask.as_ref(), self.weights.as_ref()];
        let maps = self.maps.iter().map(|(_, view)| view);
        views.into_iter().flatten().chain(maps).try_for_each(|view| view.keep_apart(what, output))
    }
}

/// Which classes of which samples were annotated.
pub(crate) fn truths(valid: &View, rows: usize, classes: usize) -> Result<Vec<bool>> {
    let bytes = valid.truths("class_valid", &[rows, classes])?;
    let mut truths = filled(false, bytes.len(), "which classes are annotated")?;
    truths.iter_mut().zip(bytes).for_each(|(truth, &byte)| *truth = byte != 0);
    Ok(truths)
}
