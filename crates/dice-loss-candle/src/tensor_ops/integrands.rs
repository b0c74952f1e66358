//! What the moments sum up, voxel by voxel.

use candle_core::{Result, Tensor};
use dice_loss::{Activation, Decision, Integrand, Sum};

use super::voxels::{Voxels, fill, log_sigmoid, log_softmax, not};

/// Each class of a voxel as an event, the unannotated ones added to the background.
struct Merged {
    target: Tensor,
    /// 0 for classes that were merged.
    ln_p: Tensor,
}

impl Voxels {
    /// `[N, C, S]`, or `[N, 1, S]` where all classes share it.
    pub fn integrand(&self, integrand: &Integrand) -> Result<Tensor> {
        let g = &self.target;
        // The sums of the reference alone ask for none.
        let activation = integrand.activation.unwrap_or(Activation::Probabilities);
        let p = || self.probabilities(activation);
        let decide = || self.decide(integrand.decision.unwrap_or(Decision::Argmax), activation);
        let gamma = integrand.gamma.as_deref();
        match integrand.sum {
            Sum::Reference => self.annotated(g),
            Sum::ReferenceSquared => self.annotated(&g.sqr()?),
            Sum::Voxels => self.annotated(&self.weights.ones_like()?),
            Sum::TruePositives => {
                let (predicted, there) = decide()?;
                self.count(&predicted.mul(&there)?)
            }
            Sum::FalsePositives => {
                let (predicted, there) = decide()?;
                self.count(&predicted.mul(&not(&there)?)?)
            }
            Sum::FalseNegatives => {
                let (predicted, there) = decide()?;
                self.count(&not(&predicted)?.mul(&there)?)
            }
            Sum::Intersection => self.annotated(&p()?.mul(g)?),
            Sum::Prediction => self.annotated(&p()?),
            Sum::PredictionSquared => self.annotated(&p()?.sqr()?),
            Sum::Difference => self.annotated(&magnitude(&p()?.sub(g)?)?),
            Sum::Magnitude => self.annotated(&magnitude(&p()?)?),
            Sum::Transport => {
                let distances = integrand.distances.as_deref().unwrap_or_default().concat();
                self.annotated(&self.cost(&p()?, &distances)?.mul(g)?)
            }
            Sum::LogLoss => {
                let Merged { target, ln_p } = self.merged(activation)?;
                self.weigh(&target, &ln_p.neg()?)
            }
            Sum::LogLossOfAll => {
                let ln_p = self.merged(activation)?.ln_p;
                self.weigh(&self.share_of_classes()?, &ln_p.neg()?)
            }
            Sum::Merged => self.merge(g)?.broadcast_mul(&self.weights),
            Sum::Positive => self.positive(activation, None),
            Sum::Negative => self.negative(activation, None),
            Sum::Focal if activation == Activation::Softmax => {
                self.focal_over_classes(gamma.unwrap_or_default())
            }
            Sum::Focal => self.positive(activation, gamma),
            Sum::FocalNegative => self.negative(activation, gamma),
        }
    }

    /// Times the weight, of annotated classes only.
    fn annotated(&self, values: &Tensor) -> Result<Tensor> {
        self.only_annotated(values.broadcast_mul(&self.weights)?)
    }

    fn only_annotated(&self, values: Tensor) -> Result<Tensor> {
        match &self.annotated {
            Some(annotated) => fill(&values, &not(annotated)?, 0.0),
            None => Ok(values),
        }
    }

    /// w · coefficient · loss, where nothing of something infinite is nothing.
    fn weigh(&self, coefficient: &Tensor, loss: &Tensor) -> Result<Tensor> {
        let coefficient = coefficient.broadcast_mul(&self.weights)?;
        fill(loss, &coefficient.eq(0.0)?, 0.0)?.mul(&coefficient)
    }

    /// Hard counts: each voxel once, whatever its weight.
    fn count(&self, counts: &Tensor) -> Result<Tensor> {
        let counts = counts.broadcast_mul(&self.weights.ne(0.0)?)?;
        self.only_annotated(counts.to_dtype(self.logits.dtype())?)
    }

    /// Where the prediction has a class, and where the reference does.
    fn decide(&self, decision: Decision, activation: Activation) -> Result<(Tensor, Tensor)> {
        match decision {
            Decision::Argmax => {
                // A voxel whose target is all 0 has no class.
                let there = largest(&self.target)?.mul(&self.target.gt(0.0)?)?;
                Ok((largest(&self.logits)?, there))
            }
            Decision::Threshold(least) => {
                Ok((self.probabilities(activation)?.ge(least)?, self.target.ge(least)?))
            }
        }
    }

    /// Σ_l M_kl p_l.
    fn cost(&self, p: &Tensor, distances: &[f64]) -> Result<Tensor> {
        let classes = p.dim(1)?;
        let distances = self.constant(distances.to_vec(), &[1, classes, classes])?;
        distances.broadcast_matmul(p)
    }

    /// Unannotated classes added to the background, and then 0.
    fn merge(&self, values: &Tensor) -> Result<Tensor> {
        let classes = values.dim(1)?;
        let annotated = match &self.annotated {
            Some(annotated) if classes > 1 => annotated,
            _ => return Ok(values.clone()),
        };
        let kept = fill(values, &not(annotated)?, 0.0)?;
        let moved = fill(values, annotated, 0.0)?.sum_keepdim(1)?;
        let background = (kept.narrow(1, 0, 1)? + moved)?;
        Tensor::cat(&[background, kept.narrow(1, 1, classes - 1)?], 1)
    }

    fn merged(&self, activation: Activation) -> Result<Merged> {
        let target = self.merge(&self.target)?;
        let ln_p = match (activation, &self.annotated) {
            (Activation::Softmax, None) => log_softmax(&self.logits)?,
            (Activation::Softmax, Some(annotated)) => self.ln_merged_softmax(annotated)?,
            (activation, _) => {
                let p = self.merge(&self.probabilities(activation)?)?;
                // A logarithm that nothing asks for has no slope either.
                let unused = target.eq(0.0)?.mul(&p.eq(0.0)?)?;
                fill(&p, &unused, 1.0)?.log()?
            }
        };
        Ok(Merged { target, ln_p })
    }

    /// ln p′ from a log-sum-exp of the logits that are added up.
    fn ln_merged_softmax(&self, annotated: &Tensor) -> Result<Tensor> {
        let ln_p = log_softmax(&self.logits)?;
        let others = ln_p.dim(1)? - 1;
        let (background, rest) = (ln_p.narrow(1, 0, 1)?, ln_p.narrow(1, 1, others)?);
        let annotated = annotated.narrow(1, 1, others)?;
        let absorbed = fill(&rest, &annotated, f32::NEG_INFINITY)?;
        let members = Tensor::cat(&[background, absorbed], 1)?;
        let largest = members.detach().max_keepdim(1)?;
        let sum = members.broadcast_sub(&largest)?.exp()?.sum_keepdim(1)?;
        let background = (sum.log()? + largest)?;
        Tensor::cat(&[background, fill(&rest, &not(&annotated)?, 0.0)?], 1)
    }

    /// 1 / C′ for each of the C′ classes that label smoothing spreads over.
    fn share_of_classes(&self) -> Result<Tensor> {
        let one = self.target.ones_like()?;
        match &self.annotated {
            Some(_) => {
                let kept = self.merge(&one)?.minimum(1.0)?;
                kept.broadcast_div(&kept.sum_keepdim(1)?)
            }
            None => one / self.target.dim(1)? as f64,
        }
    }

    /// g′ (1 − p′)^γ (−ln p′).
    fn focal_over_classes(&self, gamma: &[f64]) -> Result<Tensor> {
        let Merged { target, ln_p } = self.merged(Activation::Softmax)?;
        // The slope of a power below 1 is infinite at 0, where the loss is flat.
        let complement = ln_p.exp()?.affine(-1.0, 1.0)?.maximum(f32::MIN_POSITIVE)?;
        self.weigh(&target, &ln_p.neg()?.mul(&self.power(&complement.log()?, gamma)?)?)
    }

    /// g (1 − p)^γ (−ln p).
    fn positive(&self, activation: Activation, gamma: Option<&[f64]>) -> Result<Tensor> {
        let g = self.only_annotated(self.target.clone())?;
        self.binary(activation, gamma, &g, false)
    }

    /// (1 − g) p^γ (−ln(1 − p)).
    fn negative(&self, activation: Activation, gamma: Option<&[f64]>) -> Result<Tensor> {
        let against = self.only_annotated(self.target.affine(-1.0, 1.0)?)?;
        self.binary(activation, gamma, &against, true)
    }

    fn binary(
        &self,
        activation: Activation,
        gamma: Option<&[f64]>,
        coefficient: &Tensor,
        opposite: bool,
    ) -> Result<Tensor> {
        if activation != Activation::Sigmoid {
            let p = self.probabilities(activation)?;
            let p = if opposite { p.affine(-1.0, 1.0)? } else { p };
            let p = fill(&p, &coefficient.eq(0.0)?, 1.0)?;
            return self.weigh(coefficient, &p.log()?.neg()?);
        }
        let (towards, away) = match opposite {
            false => (self.logits.clone(), self.logits.neg()?),
            true => (self.logits.neg()?, self.logits.clone()),
        };
        let loss = log_sigmoid(&towards)?.neg()?;
        let loss = match gamma {
            Some(gamma) => loss.mul(&self.power(&log_sigmoid(&away)?, gamma)?)?,
            None => loss,
        };
        self.weigh(coefficient, &loss)
    }

    /// exp(γ ln x), with each class's γ.
    fn power(&self, ln_x: &Tensor, gamma: &[f64]) -> Result<Tensor> {
        let gamma = self.constant(gamma.to_vec(), &[1, gamma.len(), 1])?;
        ln_x.broadcast_mul(&gamma)?.exp()
    }
}

/// |x|, with a slope of 0 at 0, which Candle's own has not.
fn magnitude(values: &Tensor) -> Result<Tensor> {
    values.mul(&values.detach().sign()?)
}

/// Where each voxel's largest class is: of equal ones the first, which argmax does not promise.
fn largest(values: &Tensor) -> Result<Tensor> {
    let values = values.detach();
    let classes = values.dim(1)?;
    let names: Vec<_> = (0..classes).map(|class| class as f32).collect();
    let names = Tensor::from_vec(names, (1, classes, 1), values.device())?;
    let lesser = values.broadcast_lt(&values.max_keepdim(1)?)?;
    let candidates = fill(&names, &lesser, classes as f32)?;
    candidates.broadcast_eq(&candidates.min_keepdim(1)?)
}
