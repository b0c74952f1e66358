//! What the moments sum up, voxel by voxel.

use dice_loss::{Activation, Decision, Integrand, Sum};

use crate::{Computed, Mask, Numbers, Operations, voxels::Voxels};

/// Each class of a voxel as an event, the unannotated ones added to the background.
struct Merged<O: Operations> {
    target: O::Numbers,
    /// 0 for classes that were merged.
    ln_p: O::Numbers,
}

impl<O: Operations> Voxels<O> {
    /// `[N, C, S]`, or `[N, 1, S]` where all classes share it.
    pub fn integrand(&self, integrand: &Integrand) -> Computed<O::Numbers, O> {
        let w = || self.weights(integrand.map.as_deref());
        let g = || self.target.clone();
        // The sums of the reference alone ask for none.
        let activation = integrand.activation.unwrap_or(Activation::Probabilities);
        let p = || self.probabilities(activation);
        let decide = || self.decide(integrand.decision.unwrap_or(Decision::Argmax), activation);
        let gamma = integrand.gamma.as_deref();
        match integrand.sum {
            Sum::Reference => self.annotated(w(), g()),
            Sum::ReferenceSquared => self.annotated(w(), g().mul(g())?),
            Sum::Voxels => {
                let weights = self.weights(None);
                self.annotated(weights.clone(), weights.ones(weights.shape())?)
            }
            Sum::TruePositives => {
                let (predicted, there) = decide()?;
                self.count(predicted.and(there)?)
            }
            Sum::FalsePositives => {
                let (predicted, there) = decide()?;
                self.count(predicted.and(there.not()?)?)
            }
            Sum::FalseNegatives => {
                let (predicted, there) = decide()?;
                self.count(predicted.not()?.and(there)?)
            }
            Sum::Intersection => self.annotated(w(), p()?.mul(g())?),
            Sum::Prediction => self.annotated(w(), p()?),
            Sum::PredictionSquared => self.annotated(w(), p()?.mul(p()?)?),
            Sum::Difference => self.annotated(w(), p()?.sub(g())?.abs()?),
            Sum::Magnitude => self.annotated(w(), p()?.abs()?),
            Sum::SensitivityError => self.annotated(w(), self.error(activation)?.mul(g())?),
            Sum::SpecificityError => {
                self.annotated(w(), self.error(activation)?.mul(g().complement()?)?)
            }
            Sum::SquaredError => self.annotated(w(), self.error(activation)?),
            Sum::Mapped => self.annotated(w(), self.weights.ones(self.weights.shape())?),
            Sum::Transport => {
                let distances = integrand.distances.as_deref().unwrap_or_default().concat();
                self.annotated(w(), self.cost(p()?, distances)?.mul(g())?)
            }
            Sum::LogLoss => {
                let Merged { target, ln_p } = self.merged(activation)?;
                self.weigh(w(), target, ln_p.neg()?)
            }
            Sum::LogLossOfAll => {
                let ln_p = self.merged(activation)?.ln_p;
                self.weigh(w(), self.share_of_classes()?, ln_p.neg()?)
            }
            Sum::Merged => self.merge(g())?.mul(w()),
            Sum::Positive => self.positive(w(), activation, None),
            Sum::Negative => self.negative(w(), activation, None),
            Sum::Focal if activation == Activation::Softmax => {
                self.focal_over_classes(w(), gamma.unwrap_or_default())
            }
            Sum::Focal => self.positive(w(), activation, gamma),
            Sum::FocalNegative => self.negative(w(), activation, gamma),
            // `Rules::expect_maps` has refused the terms whose they are.
            Sum::InstanceLoss | Sum::InstanceCount => self.weights.ones(self.weights.shape()),
        }
    }

    /// Times the weight, of annotated classes only.
    fn annotated(&self, w: O::Numbers, values: O::Numbers) -> Computed<O::Numbers, O> {
        self.only_annotated(values.mul(w)?)
    }

    fn only_annotated(&self, values: O::Numbers) -> Computed<O::Numbers, O> {
        match &self.annotated {
            Some(annotated) => values.fill(annotated.clone().not()?, 0.0),
            None => Ok(values),
        }
    }

    /// w · coefficient · loss, where nothing of something infinite is nothing.
    fn weigh(
        &self,
        w: O::Numbers,
        coefficient: O::Numbers,
        loss: O::Numbers,
    ) -> Computed<O::Numbers, O> {
        let coefficient = coefficient.mul(w)?;
        loss.fill(coefficient.clone().equals(0.0)?, 0.0)?.mul(coefficient)
    }

    /// Hard counts: each voxel once, whatever its weight.
    fn count(&self, counts: O::Mask) -> Computed<O::Numbers, O> {
        let counts = counts.and(self.weights.clone().equals(0.0)?.not()?)?;
        self.only_annotated(counts.numbers(self.logits.element())?)
    }

    /// (p − g)².
    fn error(&self, activation: Activation) -> Computed<O::Numbers, O> {
        let difference = || self.probabilities(activation)?.sub(self.target.clone());
        difference()?.mul(difference()?)
    }

    /// Where the prediction has a class, and where the reference does.
    fn decide(
        &self,
        decision: Decision,
        activation: Activation,
    ) -> Computed<(O::Mask, O::Mask), O> {
        let target = self.target.clone();
        match decision {
            Decision::Argmax => {
                // A voxel whose target is all 0 has no class.
                let there = target.clone().largest()?.and(target.equals(0.0)?.not()?)?;
                Ok((self.logits.clone().largest()?, there))
            }
            Decision::Threshold(least) => {
                Ok((self.probabilities(activation)?.ge(least)?, target.ge(least)?))
            }
        }
    }

    /// Σ_l M_kl p_l.
    fn cost(&self, p: O::Numbers, distances: Vec<f64>) -> Computed<O::Numbers, O> {
        let classes = p.shape()[1];
        self.logits.constant(distances, [1, classes, classes])?.matmul(p)
    }

    /// Unannotated classes added to the background, and then 0.
    fn merge(&self, values: O::Numbers) -> Computed<O::Numbers, O> {
        let classes = values.shape()[1];
        let annotated = match &self.annotated {
            Some(annotated) if classes > 1 => annotated.clone(),
            _ => return Ok(values),
        };
        let kept = values.clone().fill(annotated.clone().not()?, 0.0)?;
        let moved = values.fill(annotated, 0.0)?.sum(1)?;
        let background = kept.clone().narrow(1, 0, 1)?.add(moved)?;
        O::Numbers::cat(vec![background, kept.narrow(1, 1, classes - 1)?], 1)
    }

    fn merged(&self, activation: Activation) -> Computed<Merged<O>, O> {
        let target = self.merge(self.target.clone())?;
        let ln_p = match (activation, &self.annotated) {
            (Activation::Softmax, None) => self.logits.clone().log_softmax()?,
            (Activation::Softmax, Some(annotated)) => self.ln_merged_softmax(annotated)?,
            (activation, _) => {
                let p = self.merge(self.probabilities(activation)?)?;
                // A logarithm that nothing asks for has no slope either.
                let unused = target.clone().equals(0.0)?.and(p.clone().equals(0.0)?)?;
                p.fill(unused, 1.0)?.ln()?
            }
        };
        Ok(Merged { target, ln_p })
    }

    /// ln p′ from a log-sum-exp of the logits that are added up.
    fn ln_merged_softmax(&self, annotated: &O::Mask) -> Computed<O::Numbers, O> {
        let ln_p = self.logits.clone().log_softmax()?;
        let others = ln_p.shape()[1] - 1;
        let (background, rest) = (ln_p.clone().narrow(1, 0, 1)?, ln_p.narrow(1, 1, others)?);
        let annotated = annotated.clone().narrow(1, 1, others)?;
        let absorbed = rest.clone().fill(annotated.clone(), f64::NEG_INFINITY)?;
        let members = O::Numbers::cat(vec![background, absorbed], 1)?;
        let largest = members.clone().detach().max(1)?;
        let sum = members.sub(largest.clone())?.exp()?.sum(1)?;
        let background = sum.ln()?.add(largest)?;
        O::Numbers::cat(vec![background, rest.fill(annotated.not()?, 0.0)?], 1)
    }

    /// 1 / C′ for each of the C′ classes that label smoothing spreads over.
    fn share_of_classes(&self) -> Computed<O::Numbers, O> {
        let shape = self.target.shape();
        match &self.annotated {
            Some(_) => {
                let kept = self.merge(self.target.ones(shape)?)?.clamp()?;
                kept.clone().div(kept.sum(1)?)
            }
            None => self.target.constant(vec![1.0 / shape[1] as f64], [1, 1, 1]),
        }
    }

    /// g′ (1 − p′)^γ (−ln p′).
    fn focal_over_classes(&self, w: O::Numbers, gamma: &[f64]) -> Computed<O::Numbers, O> {
        let Merged { target, ln_p } = self.merged(Activation::Softmax)?;
        let complement = ln_p.clone().exp()?.complement()?;
        // The slope of a power below 1 is infinite at 0, where the loss is flat.
        let complement = complement.at_least(f64::from(f32::MIN_POSITIVE))?;
        self.weigh(w, target, ln_p.neg()?.mul(self.power(complement.ln()?, gamma)?)?)
    }

    /// g (1 − p)^γ (−ln p).
    fn positive(
        &self,
        w: O::Numbers,
        activation: Activation,
        gamma: Option<&[f64]>,
    ) -> Computed<O::Numbers, O> {
        let g = self.only_annotated(self.target.clone())?;
        self.binary(w, activation, gamma, g, false)
    }

    /// (1 − g) p^γ (−ln(1 − p)).
    fn negative(
        &self,
        w: O::Numbers,
        activation: Activation,
        gamma: Option<&[f64]>,
    ) -> Computed<O::Numbers, O> {
        let against = self.only_annotated(self.target.clone().complement()?)?;
        self.binary(w, activation, gamma, against, true)
    }

    fn binary(
        &self,
        w: O::Numbers,
        activation: Activation,
        gamma: Option<&[f64]>,
        coefficient: O::Numbers,
        opposite: bool,
    ) -> Computed<O::Numbers, O> {
        if activation != Activation::Sigmoid {
            let p = self.probabilities(activation)?;
            let p = if opposite { p.complement()? } else { p };
            let p = p.fill(coefficient.clone().equals(0.0)?, 1.0)?;
            return self.weigh(w, coefficient, p.ln()?.neg()?);
        }
        let (x, minus_x) = (self.logits.clone(), self.logits.clone().neg()?);
        let (towards, away) = if opposite { (minus_x, x) } else { (x, minus_x) };
        let loss = towards.log_sigmoid()?.neg()?;
        let loss = match gamma {
            Some(gamma) => loss.mul(self.power(away.log_sigmoid()?, gamma)?)?,
            None => loss,
        };
        self.weigh(w, coefficient, loss)
    }

    /// exp(γ ln x), with each class's γ.
    fn power(&self, ln_x: O::Numbers, gamma: &[f64]) -> Computed<O::Numbers, O> {
        ln_x.mul(self.logits.constant(gamma.to_vec(), [1, gamma.len(), 1])?)?.exp()
    }
}
