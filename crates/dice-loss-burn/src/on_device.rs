//! The same losses on devices that the engine cannot reach into.
//!
//! [`dice_loss_tensor`] has the losses; here are Burn's tensors for it. The sums over the voxels come
//! from the [kernels](crate::kernels) where there are some that take the batch, otherwise from Burn's
//! [operations](crate::operations); Burn's autodiff does the rest.

use std::sync::Arc;

use burn::{
    backend::{
        Dispatch, DispatchTensor, TensorMetadata,
        ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    },
    tensor::{Bool, Device, Float, FloatDType, Int, Shape, Tensor, kind::Autodiff},
};
#[cfg(feature = "cube")]
use dice_loss::Prepared;
use dice_loss::{DirectLoss, Error, Objective, Reduction, Result};
use dice_loss_tensor::{About, Form, Rules, Source, Tensors, beyond_the_engine};

use crate::{
    operations::Burn,
    sweeps::{DirectBackend, DirectOutcome, Outcome, SegmentationBackend, with_an_axis},
    targets::{Maps, Mask, Reference, TargetTensors, VoxelWeights},
    types,
};

pub(crate) fn segmentation_loss(
    logits: DispatchTensor,
    targets: TargetTensors<Dispatch>,
    objective: Arc<Objective>,
    form: Form,
) -> Outcome<Dispatch> {
    let evaluate = || {
        let targets = targets.fitted(&logits.shape())?;
        types::check_logits(&logits)?;
        types::check_targets(&targets, types::kernels_convert)?;
        let batch = OnDevice { logits, targets, objective: objective.clone(), form };
        if batch.logits.shape().num_elements() == 0 {
            return Ok(batch.nothing());
        }
        let evaluated = dice_loss_tensor::evaluate::<Burn>(&batch, &objective, form)?;
        let output = evaluated.output.into_dispatch();
        let output = Dispatch::float_reshape(output, with_an_axis(evaluated.shape));
        Ok(Outcome::Evaluated(output, Arc::new(evaluated.verdict), evaluated.moments))
    };
    evaluate().unwrap_or_else(Outcome::Failed)
}

/// A batch on any device, and what is asked of it.
struct OnDevice {
    logits: DispatchTensor,
    targets: TargetTensors<Dispatch>,
    objective: Arc<Objective>,
    form: Form,
}

impl OnDevice {
    /// The maps, taken apart.
    fn maps(&self, [samples, _, voxels]: [usize; 3]) -> Vec<(String, Tensor<3>)> {
        let Maps::Stacked(stack) = self.targets.maps.clone() else { return Vec::new() };
        let named = &self.targets.rules.maps;
        let channels = named.iter().map(|(_, channels)| channels).sum();
        let stack = floats(stack, [samples, channels, voxels]);
        let mut next = 0;
        let part = |(name, channels): &(String, usize)| {
            let first = next;
            next += channels;
            (name.clone(), stack.clone().narrow(1, first, *channels))
        };
        named.iter().map(part).collect()
    }

    /// A batch without voxels, whose shapes Burn does not expand to. Its gradient is empty.
    fn nothing(&self) -> Outcome<Dispatch> {
        match self.on_host() {
            Outcome::Evaluated(output, verdict, moments) => {
                let (shape, logits) = (output.shape(), flat(self.logits.clone()));
                let output = flat(output).to_device(&logits.device()) + logits.sum();
                let output = Dispatch::float_reshape(output.into_dispatch(), shape);
                Outcome::Evaluated(output, verdict, moments)
            }
            failed => failed,
        }
    }

    /// What the engine makes of it.
    fn on_host(&self) -> Outcome<Dispatch> {
        let targets = targets_to_host(self.targets.clone());
        let logits = to_host::<Float>(self.logits.clone());
        Dispatch::segmentation_loss(logits, targets, self.objective.clone(), self.form)
    }
}

impl Source<Burn> for OnDevice {
    fn shape(&self) -> Vec<usize> {
        self.logits.shape().to_vec()
    }

    fn about(&self) -> About {
        About {
            labels: matches!(self.targets.reference, Reference::Labels(_)),
            masked: matches!(self.targets.mask, Mask::Only(_)),
            weighted: matches!(self.targets.weights, VoxelWeights::Each(_)),
        }
    }

    fn rules(&self) -> &Rules {
        &self.targets.rules
    }

    #[cfg(feature = "cube")]
    fn sums_by_kernel(&self, prepared: &Prepared) -> Result<Option<Tensor<3>>> {
        let sums = crate::kernels::sums(&self.logits, &self.targets, prepared);
        Ok(sums.map(|sums| Tensor::<3>::from_dispatch(sums).swap_dims(1, 2)))
    }

    fn batch(&self, shape: [usize; 3]) -> Result<Tensors<Burn>> {
        use dice_loss_tensor::Reference::{Dense, Labels, Multilabel};
        types::check_targets(&self.targets, |_| true)?;
        let [samples, _, voxels] = shape;
        let per_voxel = [samples, 1, voxels];
        Ok(Tensors {
            logits: floats(self.logits.clone(), shape),
            reference: match self.targets.reference.clone() {
                Reference::Labels(labels) => {
                    let labels = Dispatch::int_reshape(labels, Shape::from(per_voxel));
                    Labels(Tensor::from_dispatch(labels))
                }
                Reference::Dense(target) => Dense(floats(target, shape)),
                Reference::Multilabel(target) => Multilabel(booleans(target, shape)),
            },
            mask: match self.targets.mask.clone() {
                Mask::Everything => None,
                Mask::Only(mask) => Some(booleans(mask, per_voxel)),
            },
            weights: self.weights(shape)?,
            maps: self.maps(shape),
        })
    }

    fn weights(&self, [samples, _, voxels]: [usize; 3]) -> Result<Option<Tensor<3>>> {
        Ok(match self.targets.weights.clone() {
            VoxelWeights::Equal => None,
            VoxelWeights::Each(weights) => Some(floats(weights, [samples, 1, voxels])),
        })
    }

    fn reweighted(&self, weights: Tensor<3>) -> Result<Self> {
        let mut shape = self.logits.shape();
        shape[1] = 1;
        let weights = Dispatch::float_reshape(weights.into_dispatch(), shape);
        let targets =
            TargetTensors { weights: VoxelWeights::Each(weights), ..self.targets.clone() };
        let (logits, objective) = (self.logits.clone(), self.objective.clone());
        Ok(Self { logits, targets, objective, form: self.form })
    }

    fn located(&self) -> Error {
        match self.on_host() {
            Outcome::Failed(error) => error,
            Outcome::Evaluated(..) => beyond_the_engine(),
        }
    }
}

/// A loss beside the objective, which the engine finds of what is read back.
///
/// Its gradient comes with it, and what is added to the loss is 0 with that gradient.
pub(crate) fn direct_loss(
    logits: DispatchTensor,
    targets: TargetTensors<Dispatch>,
    loss: Arc<DirectLoss>,
) -> DirectOutcome<Dispatch> {
    if loss.reduced_by() == Reduction::None {
        return DirectOutcome::Failed(Error::Parameter {
            what: format!("{}: reduction none", loss.name()),
            found: "logits on a device of their own".into(),
            wanted: "logits in main memory: elsewhere a number alone has its gradient".into(),
        });
    }
    if let Err(error) = types::check_logits(&logits) {
        return DirectOutcome::Failed(error);
    }
    let host = Tensor::<1>::from_dispatch(to_host::<Float>(logits.clone()));
    let host = host.autodiff().require_grad();
    let targets = targets_to_host(targets);
    let output = match Dispatch::direct_loss(host.clone().into_dispatch(), targets, loss) {
        DirectOutcome::Found(output) => Tensor::<1>::from_dispatch(output),
        failed => return failed,
    };
    let x = flat(logits);
    let value = output.clone().without_autodiff().to_device(&x.device());
    let Some(slopes) = host.grad(&output.backward()) else {
        return DirectOutcome::Found(value.into_dispatch());
    };
    let slopes = flat(slopes.into_dispatch()).to_device(&x.device());
    // What does not count may be no number.
    let zero = (x.clone() - x.detach()).mask_fill(slopes.clone().equal_scalar(0.0), 0.0);
    let zero = (zero * slopes).sum().cast(FloatDType::from(value.dtype()));
    DirectOutcome::Found((value + zero).into_dispatch())
}

/// In one row.
fn flat(tensor: DispatchTensor) -> Tensor<1> {
    let length = tensor.shape().num_elements();
    Tensor::from_dispatch(Dispatch::float_reshape(tensor, Shape::from([length])))
}

fn targets_to_host(targets: TargetTensors<Dispatch>) -> TargetTensors<Dispatch> {
    TargetTensors {
        reference: match targets.reference {
            Reference::Labels(labels) => Reference::Labels(to_host::<Int>(labels)),
            Reference::Dense(target) => Reference::Dense(to_host::<Float>(target)),
            Reference::Multilabel(target) => Reference::Multilabel(to_host::<Bool>(target)),
        },
        mask: match targets.mask {
            Mask::Everything => Mask::Everything,
            Mask::Only(mask) => Mask::Only(to_host::<Bool>(mask)),
        },
        weights: match targets.weights {
            VoxelWeights::Equal => VoxelWeights::Equal,
            VoxelWeights::Each(weights) => VoxelWeights::Each(to_host::<Float>(weights)),
        },
        maps: match targets.maps {
            Maps::None => Maps::None,
            Maps::Stacked(maps) => Maps::Stacked(to_host::<Float>(maps)),
        },
        rules: targets.rules,
    }
}

fn floats(tensor: DispatchTensor, shape: [usize; 3]) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::float_reshape(tensor, Shape::from(shape)))
}

fn booleans(tensor: DispatchTensor, shape: [usize; 3]) -> Tensor<3, Bool> {
    Tensor::from_dispatch(Dispatch::bool_reshape(tensor, Shape::from(shape)))
}

fn to_host<K: Autodiff>(tensor: DispatchTensor) -> DispatchTensor {
    // The number of axes plays no part in moving a tensor.
    let tensor = Tensor::<1, K>::from_dispatch(tensor).without_autodiff();
    tensor.to_device(&Device::flex()).into_dispatch()
}
