//! The same losses from tensor operations, on devices that the engine cannot reach into.
//!
//! [`dice_loss_tensor`] has the losses; here are Candle's tensors for it, which Candle differentiates.

use std::sync::Arc;

use candle_core::{Device, Error, Result, Tensor};
use dice_loss::{Objective, Reduction};
use dice_loss_tensor::{About, Form, Rules, Source, Tensors, beyond_the_engine};

use crate::{Evaluation, Targets, operations::Candle, refused, sweeps, targets::Reference};

/// Of targets that have been checked.
pub(crate) fn evaluate(
    logits: &Tensor,
    targets: Targets,
    objective: &Arc<Objective>,
) -> Result<Evaluation> {
    let batch = OnDevice { logits, targets, objective };
    if logits.elem_count() == 0 {
        return batch.nothing();
    }
    let form = match objective.reduced_by() {
        Reduction::None => Form::Unreduced,
        _ => Form::Number,
    };
    let evaluated = dice_loss_tensor::evaluate::<Candle>(&batch, objective, form)?;
    Ok(Evaluation {
        loss: evaluated.output.reshape(evaluated.shape)?,
        verdict: Arc::new(evaluated.verdict),
        moments: evaluated.moments,
    })
}

/// A batch on any device, and what is asked of it.
struct OnDevice<'a> {
    logits: &'a Tensor,
    targets: Targets,
    objective: &'a Arc<Objective>,
}

impl OnDevice<'_> {
    /// A batch without voxels, of which Candle takes neither sum nor maximum. Its gradient is empty.
    fn nothing(&self) -> Result<Evaluation> {
        let found = self.on_host()?;
        Ok(Evaluation { loss: found.loss.to_device(self.logits.device())?, ..found })
    }

    /// What the engine makes of it.
    fn on_host(&self) -> Result<Evaluation> {
        let to_host = |tensor: &Tensor| tensor.detach().to_device(&Device::Cpu);
        let targets = self.targets.clone().each(to_host)?;
        sweeps::evaluate(&to_host(self.logits)?, targets, self.objective.clone())
    }
}

impl Source<Candle> for OnDevice<'_> {
    fn shape(&self) -> Vec<usize> {
        self.logits.dims().to_vec()
    }

    fn about(&self) -> About {
        About {
            labels: matches!(self.targets.reference, Reference::Labels(_)),
            masked: self.targets.mask.is_some(),
            weighted: self.targets.weights.is_some(),
        }
    }

    fn rules(&self) -> &Rules {
        &self.targets.rules
    }

    fn batch(&self, shape: [usize; 3]) -> Result<Tensors<Candle>> {
        let [samples, _, voxels] = shape;
        let mask = self.targets.mask.as_ref();
        Ok(Tensors {
            logits: self.logits.reshape(&shape)?,
            reference: match &self.targets.reference {
                Reference::Labels(labels) => {
                    dice_loss_tensor::Reference::Labels(labels.reshape((samples, 1, voxels))?)
                }
                Reference::Dense(target) => {
                    dice_loss_tensor::Reference::Dense(target.reshape(&shape)?)
                }
            },
            mask: mask.map(|mask| mask.reshape((samples, 1, voxels))).transpose()?,
            weights: self.weights(shape)?,
            maps: (self.targets.maps.iter().zip(&self.targets.rules.maps))
                .map(|((name, map), &(_, channels))| {
                    Ok((name.clone(), map.reshape((samples, channels, voxels))?))
                })
                .collect::<Result<_>>()?,
        })
    }

    fn weights(&self, [samples, _, voxels]: [usize; 3]) -> Result<Option<Tensor>> {
        let weights = self.targets.weights.as_ref();
        weights.map(|weights| weights.reshape((samples, 1, voxels))).transpose()
    }

    fn reweighted(&self, weights: Tensor) -> Result<Self> {
        let mut shape = self.logits.dims().to_vec();
        shape[1] = 1;
        let targets = Targets { weights: Some(weights.reshape(shape)?), ..self.targets.clone() };
        Ok(Self { targets, ..*self })
    }

    fn located(&self) -> Error {
        self.on_host().err().unwrap_or_else(|| refused(beyond_the_engine()))
    }
}
