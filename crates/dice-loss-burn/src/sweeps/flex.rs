//! The engine on Flex tensors.

use std::sync::Arc;

use burn::{
    backend::{
        Flex,
        flex::{FlexTensor, Layout as FlexLayout},
        ops::FloatTensorOps,
    },
    tensor::{Bytes, DType, FloatDType, Shape},
};
use dice_loss::{Moments, Objective, Prepared, Result, Target, Upstream, Verdict};
use dice_loss_tensor::{Form, Rules};

use super::{Outcome, SegmentationBackend, view::View, with_an_axis};
use crate::targets::{Maps, Mask, Reference, TargetTensors, VoxelWeights};

impl SegmentationBackend for Flex {
    fn segmentation_loss(
        logits: FlexTensor,
        targets: TargetTensors<Self>,
        objective: Arc<Objective>,
        form: Form,
    ) -> Outcome<Self> {
        match evaluate(logits, targets, objective, form) {
            Ok(Evaluated { output, moments, step }) => {
                Outcome::Evaluated(output, step.verdict, moments)
            }
            Err(error) => Outcome::Failed(error),
        }
    }
}

pub(super) struct Evaluated {
    pub output: FlexTensor,
    pub moments: Moments,
    pub step: SecondSweep,
}

/// All that the second sweep needs: tensors that exist anyway, and what evaluate returned.
#[derive(Debug, Clone)]
pub(super) struct SecondSweep {
    logits: View,
    targets: TargetViews,
    prepared: Prepared,
    pub verdict: Arc<Verdict>,
    form: Form,
}

#[derive(Debug, Clone)]
pub(super) struct TargetViews {
    reference: ReferenceView,
    mask: Option<View>,
    weights: Option<View>,
    maps: Vec<(String, View)>,
    rules: Arc<Rules>,
}

#[derive(Debug, Clone)]
enum ReferenceView {
    Labels(View),
    Dense(View),
    Multilabel(View),
}

pub(super) fn evaluate(
    logits: FlexTensor,
    targets: TargetTensors<Flex>,
    objective: Arc<Objective>,
    form: Form,
) -> Result<Evaluated> {
    let targets = targets.fitted(logits.layout().shape())?;
    let shape = logits.layout().shape().clone();
    let (logits, mut targets) = (View::of_channels(logits)?, TargetViews::new(targets)?);
    let prepared = objective.prepare(shape[1])?;
    targets.make_maps(&objective, &prepared, &logits, &shape)?;
    let moments = prepared.measure(&logits.logits()?, &targets.target()?)?;
    let verdict = Arc::new(prepared.evaluate(&moments)?);
    let dtype = logits.dtype();
    let step = SecondSweep { logits, targets, prepared, verdict, form };
    let output = match form {
        Form::Number => numbers(dtype, &[step.verdict.loss()], [1].into()),
        Form::Unreduced => match step.verdict.values() {
            Some(values) => numbers(dtype, values, with_an_axis(step.verdict.shape())),
            None => step.map(shape)?,
        },
    };
    Ok(Evaluated { output, moments, step })
}

impl SecondSweep {
    /// The map of voxel losses, with a channel axis of one where classes share a loss.
    fn map(&self, mut shape: Shape) -> Result<FlexTensor> {
        let [_, channels, _] = self.prepared.map_shape(self.logits.layout())?;
        shape[1] = channels;
        let mut map =
            View::of_channels(FlexTensor::zeros(shape, dtype_of_loss(self.logits.dtype())))?;
        let (logits, target) = (self.logits.logits()?, self.targets.target()?);
        map.fill(|map| self.prepared.voxel_losses(&logits, &target, map))?;
        Ok(map.into_tensor())
    }

    /// ∂loss/∂logits for the gradient by the output.
    pub fn pull_back(&self, upstream: FlexTensor) -> Result<FlexTensor> {
        if self.form == Form::Unreduced && self.verdict.values().is_none() {
            let map = View::of_channels(upstream)?;
            return self.gradient(Upstream::Map(map.logits()?));
        }
        with_upstream(upstream, |values| match (self.form, values) {
            (Form::Number, [value]) => self.gradient(Upstream::Scalar(*value)),
            _ => self.gradient(Upstream::Values(values)),
        })
    }

    fn gradient(&self, upstream: Upstream) -> Result<FlexTensor> {
        let (logits, target) = (self.logits.logits()?, self.targets.target()?);
        let (gradient, ()) = self.logits.filled_alike(|gradient| {
            self.prepared.pull_back(&self.verdict, upstream, &logits, &target, gradient)
        })?;
        Ok(gradient)
    }
}

/// Losses are wider than half-precision logits: a sum over voxels would not fit.
fn dtype_of_loss(logits: DType) -> DType {
    match logits {
        DType::F64 => DType::F64,
        _ => DType::F32,
    }
}

/// Values of a loss of logits of this type.
pub(super) fn numbers(logits: DType, values: &[f64], shape: Shape) -> FlexTensor {
    let dtype = dtype_of_loss(logits);
    let bytes = match dtype {
        DType::F64 => Bytes::from_elems(values.to_vec()),
        _ => Bytes::from_elems(values.iter().map(|&value| value as f32).collect()),
    };
    FlexTensor::new(bytes, FlexLayout::contiguous(shape), dtype)
}

/// The elements of an upstream gradient.
pub(super) fn with_upstream<R>(
    upstream: FlexTensor,
    with: impl FnOnce(&[f64]) -> Result<R>,
) -> Result<R> {
    let values = Flex::float_cast(upstream, FloatDType::F64).to_contiguous();
    with(values.as_slice::<f64>().unwrap_or_default())
}

impl TargetViews {
    pub fn new(targets: TargetTensors<Flex>) -> Result<Self> {
        Ok(Self {
            reference: match targets.reference {
                Reference::Labels(labels) => ReferenceView::Labels(View::of_labels(labels)?),
                Reference::Dense(target) => ReferenceView::Dense(View::of_channels(target)?),
                Reference::Multilabel(target) => {
                    ReferenceView::Multilabel(View::of_channels(target)?)
                }
            },
            mask: match targets.mask {
                Mask::Everything => None,
                Mask::Only(mask) => Some(View::of_voxels(mask)?),
            },
            weights: match targets.weights {
                VoxelWeights::Equal => None,
                VoxelWeights::Each(weights) => Some(View::of_voxels(weights)?),
            },
            maps: match targets.maps {
                Maps::None => Vec::new(),
                Maps::Stacked(stack) => views_of_maps(&stack, &targets.rules)?,
            },
            rules: targets.rules,
        })
    }

    /// Adds the maps that losses make of the target.
    fn make_maps(
        &mut self,
        objective: &Objective,
        prepared: &Prepared,
        logits: &View,
        shape: &Shape,
    ) -> Result<()> {
        let (logits, target) = (logits.logits()?, self.target()?);
        let made = self.rules.made(objective, prepared, &logits, &target, &shape[2..])?;
        for (name, channels, values) in made {
            let mut shape = shape.clone();
            shape[1] = channels;
            let layout = FlexLayout::contiguous(shape);
            let map = FlexTensor::new(Bytes::from_elems(values), layout, DType::F32);
            self.maps.push((name, View::of_channels(map)?));
        }
        Ok(())
    }

    pub fn target(&self) -> Result<Target<'_>> {
        let mut target = match (&self.reference, &self.rules.regions) {
            (ReferenceView::Labels(labels), Some(table)) => labels.regions(table)?,
            (ReferenceView::Labels(labels), None) => labels.labels()?,
            (ReferenceView::Dense(target), _) => target.dense()?,
            (ReferenceView::Multilabel(target), _) => target.multilabel()?,
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

/// A view of each map, of one tensor with all their channels.
fn views_of_maps(stack: &FlexTensor, rules: &Rules) -> Result<Vec<(String, View)>> {
    let mut first = 0;
    let view = |(name, channels): &(String, usize)| {
        let map = stack.narrow(1, first, *channels);
        first += channels;
        Ok((name.clone(), View::of_channels(map)?))
    };
    rules.maps.iter().map(view).collect()
}
