//! The engine's sweeps as an operation of Candle, on the CPU.

mod direct;
mod view;

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor};
use dice_loss::{Objective, Prepared, Reduction, Target, Upstream, Verdict};
use dice_loss_tensor::Rules;

use crate::{Evaluation, Targets, refused, targets::Reference};
pub(crate) use direct::direct;
pub(crate) use view::View;
use view::{Lent, constant, filled};

/// Sweep 1, and an operation whose backward step is sweep 2.
pub(crate) fn evaluate(
    logits: &Tensor,
    targets: Targets,
    objective: Arc<Objective>,
) -> Result<Evaluation> {
    let (logits, mut targets) = (View::of_channels(logits)?, TargetViews::new(targets)?);
    let prepared = objective.prepare(logits.tensor().dim(1)?).map_err(refused)?;
    targets.make_maps(&objective, &prepared, &logits)?;
    let moments = {
        let (logits, targets) = (logits.lend(), targets.lend());
        prepared.measure(&logits.logits()?, &targets.target()?).map_err(refused)?
    };
    let verdict = Arc::new(prepared.evaluate(&moments).map_err(refused)?);
    let step = SecondSweep { targets, prepared, verdict: verdict.clone() };
    let loss = logits.tensor().apply_op1(step)?;
    Ok(Evaluation { loss, verdict, moments })
}

/// All that the second sweep needs beside the logits: tensors that exist anyway, and what evaluate
/// returned.
#[derive(Debug)]
struct SecondSweep {
    targets: TargetViews,
    prepared: Prepared,
    verdict: Arc<Verdict>,
}

impl CustomOp1 for SecondSweep {
    fn name(&self) -> &'static str {
        "segmentation-loss"
    }

    /// What the first sweep found, or a map of what each voxel contributes to it.
    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        match self.output() {
            Form::Number => Ok((numbers(logits, &[self.verdict.loss()]), ().into())),
            Form::Values(values) => Ok((numbers(logits, values), self.verdict.shape().into())),
            Form::Map => self.map(logits, layout),
        }
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, upstream: &Tensor) -> Result<Option<Tensor>> {
        let gradient = match self.output() {
            Form::Map => {
                let upstream = View::of_channels(upstream)?;
                let upstream = upstream.lend();
                self.pull_back(logits, Upstream::Map(upstream.logits()?))?
            }
            Form::Number => {
                let upstream = upstream.to_dtype(DType::F64)?.to_scalar::<f64>()?;
                self.pull_back(logits, Upstream::Scalar(upstream))?
            }
            Form::Values(_) => {
                let upstream = upstream.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
                self.pull_back(logits, Upstream::Values(&upstream))?
            }
        };
        Ok(Some(gradient))
    }
}

/// Losses are wider than half-precision logits: a sum over voxels would not fit.
fn dtype_of_loss(logits: &CpuStorage) -> DType {
    match logits {
        CpuStorage::F64(_) => DType::F64,
        _ => DType::F32,
    }
}

/// Values of a loss of these logits.
fn numbers(logits: &CpuStorage, values: &[f64]) -> CpuStorage {
    match dtype_of_loss(logits) {
        DType::F64 => CpuStorage::F64(values.to_vec()),
        _ => CpuStorage::F32(values.iter().map(|&value| value as f32).collect()),
    }
}

/// What the output is.
enum Form<'a> {
    Number,
    Values(&'a [f64]),
    Map,
}

impl SecondSweep {
    fn output(&self) -> Form<'_> {
        match (self.prepared.reduced_by(), self.verdict.values()) {
            (Reduction::None, Some(values)) => Form::Values(values),
            (Reduction::None, None) => Form::Map,
            _ => Form::Number,
        }
    }

    fn map(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dtype = dtype_of_loss(logits);
        let axes = dice_loss::Layout::strided(layout.dims(), layout.stride()).map_err(refused)?;
        let mut shape = layout.dims().to_vec();
        shape[1] = self.prepared.map_shape(axes).map_err(refused)?[1];
        let (shape, targets) = (Shape::from(shape), self.targets.lend());
        let (logits, target) =
            (view::logits(logits, layout.start_offset(), axes)?, targets.target()?);
        let (map, ()) =
            filled(dtype, &shape, |map| self.prepared.voxel_losses(&logits, &target, map))?;
        Ok((map, shape))
    }

    fn pull_back(&self, logits: &Tensor, upstream: Upstream) -> Result<Tensor> {
        let view = View::of_channels(logits)?;
        let (lent, targets) = (view.lend(), self.targets.lend());
        let (x, target) = (lent.logits()?, targets.target()?);
        let (gradient, ()) = filled(logits.dtype(), logits.shape(), |gradient| {
            self.prepared.pull_back(&self.verdict, upstream, &x, &target, gradient)
        })?;
        Ok(constant(gradient, logits.shape()))
    }
}

/// The tensors of [`Targets`], as the engine can follow them.
#[derive(Debug)]
struct TargetViews {
    reference: ReferenceView,
    mask: Option<View>,
    weights: Option<View>,
    maps: Vec<(String, View)>,
    rules: Rules,
}

#[derive(Debug)]
enum ReferenceView {
    Labels(View),
    Dense(View),
}

/// Their elements.
struct LentTargets<'a> {
    reference: LentReference<'a>,
    mask: Option<Lent<'a>>,
    weights: Option<Lent<'a>>,
    maps: Vec<(&'a str, Lent<'a>)>,
    rules: &'a Rules,
}

enum LentReference<'a> {
    Labels(Lent<'a>),
    Dense(Lent<'a>),
}

impl TargetViews {
    fn new(targets: Targets) -> Result<Self> {
        Ok(Self {
            reference: match &targets.reference {
                Reference::Labels(labels) => ReferenceView::Labels(View::of_voxels(labels)?),
                Reference::Dense(target) => ReferenceView::Dense(View::of_channels(target)?),
            },
            mask: targets.mask.as_ref().map(View::of_voxels).transpose()?,
            weights: targets.weights.as_ref().map(View::of_voxels).transpose()?,
            maps: (targets.maps.iter())
                .map(|(name, map)| Ok((name.clone(), View::of_channels(map)?)))
                .collect::<Result<_>>()?,
            rules: targets.rules,
        })
    }

    /// Adds the maps that losses make of the target.
    fn make_maps(
        &mut self,
        objective: &Objective,
        prepared: &Prepared,
        logits: &View,
    ) -> Result<()> {
        let shape = logits.tensor().dims();
        let made = {
            let (x, targets) = (logits.lend(), self.lend());
            let (x, target) = (x.logits()?, targets.target()?);
            self.rules.made(objective, prepared, &x, &target, &shape[2..]).map_err(refused)?
        };
        for (name, channels, values) in made {
            let mut shape = shape.to_vec();
            shape[1] = channels;
            let map = Tensor::from_vec(values, shape, &Device::Cpu)?;
            self.maps.push((name, View::of_channels(&map)?));
        }
        Ok(())
    }

    fn lend(&self) -> LentTargets<'_> {
        LentTargets {
            reference: match &self.reference {
                ReferenceView::Labels(labels) => LentReference::Labels(labels.lend()),
                ReferenceView::Dense(target) => LentReference::Dense(target.lend()),
            },
            mask: self.mask.as_ref().map(View::lend),
            weights: self.weights.as_ref().map(View::lend),
            maps: self.maps.iter().map(|(name, map)| (&**name, map.lend())).collect(),
            rules: &self.rules,
        }
    }
}

impl LentTargets<'_> {
    fn target(&self) -> Result<Target<'_>> {
        let mut target = match (&self.reference, &self.rules.regions) {
            (LentReference::Labels(labels), Some(table)) => labels.regions(table)?,
            (LentReference::Labels(labels), None) => labels.labels()?,
            (LentReference::Dense(target), _) => target.dense()?,
        };
        if let Some(mask) = &self.mask {
            target = mask.mask(target)?;
        }
        if let Some(weights) = &self.weights {
            target = weights.weigh(target)?;
        }
        for (name, map) in &self.maps {
            target = map.map(name, target)?;
        }
        Ok(self.rules.apply(target))
    }
}
