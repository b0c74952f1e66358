//! What the moments sum up, voxel by voxel.

use burn::tensor::{
    Bool, Tensor, TensorData,
    activation::{log_sigmoid, log_softmax},
};
use dice_loss::{Activation, Decision, Integrand, Sum};

use super::voxels::Voxels;

/// Each class of a voxel as an event, the unannotated ones added to the background.
struct Merged {
    target: Tensor<3>,
    /// 0 for classes that were merged.
    ln_p: Tensor<3>,
}

impl Voxels {
    /// `[N, C, S]`, or `[N, 1, S]` where all classes share it.
    pub fn integrand(&self, integrand: &Integrand) -> Tensor<3> {
        let g = || self.target.clone();
        // The sums of the reference alone ask for none.
        let activation = integrand.activation.unwrap_or(Activation::Probabilities);
        let p = || self.probabilities(activation);
        let decide = || self.decide(integrand.decision.unwrap_or(Decision::Argmax), activation);
        let gamma = integrand.gamma.as_deref();
        match integrand.sum {
            Sum::Reference => self.annotated(g()),
            Sum::ReferenceSquared => self.annotated(g() * g()),
            Sum::Voxels => self.annotated(self.weights.ones_like()),
            Sum::TruePositives => {
                let (predicted, there) = decide();
                self.count(predicted.bool_and(there))
            }
            Sum::FalsePositives => {
                let (predicted, there) = decide();
                self.count(predicted.bool_and(there.bool_not()))
            }
            Sum::FalseNegatives => {
                let (predicted, there) = decide();
                self.count(predicted.bool_not().bool_and(there))
            }
            Sum::Intersection => self.annotated(p() * g()),
            Sum::Prediction => self.annotated(p()),
            Sum::PredictionSquared => self.annotated(p() * p()),
            Sum::Difference => self.annotated((p() - g()).abs()),
            Sum::Magnitude => self.annotated(p().abs()),
            Sum::Transport => {
                let distances = integrand.distances.as_deref().unwrap_or_default().concat();
                self.annotated(self.cost(p(), &distances) * g())
            }
            Sum::LogLoss => {
                let Merged { target, ln_p } = self.merged(activation);
                self.weigh(target, -ln_p)
            }
            Sum::LogLossOfAll => {
                let ln_p = self.merged(activation).ln_p;
                self.weigh(self.share_of_classes(), -ln_p)
            }
            Sum::Merged => self.merge(g()) * self.weights.clone(),
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
    fn annotated(&self, values: Tensor<3>) -> Tensor<3> {
        self.only_annotated(values * self.weights.clone())
    }

    fn only_annotated(&self, values: Tensor<3>) -> Tensor<3> {
        match &self.annotated {
            Some(annotated) => {
                values.expand(annotated.dims()).mask_fill(annotated.clone().bool_not(), 0)
            }
            None => values,
        }
    }

    /// w · coefficient · loss, where nothing of something infinite is nothing.
    fn weigh(&self, coefficient: Tensor<3>, loss: Tensor<3>) -> Tensor<3> {
        let coefficient = (coefficient * self.weights.clone()).expand(loss.dims());
        loss.mask_fill(coefficient.clone().equal_scalar(0), 0) * coefficient
    }

    /// Hard counts: each voxel once, whatever its weight.
    fn count(&self, counts: Tensor<3, Bool>) -> Tensor<3> {
        let uncounted = self.weights.clone().equal_scalar(0).expand(counts.dims());
        let counts = counts.bool_and(uncounted.bool_not()).float().cast(self.logits.dtype());
        self.only_annotated(counts)
    }

    fn decide(
        &self,
        decision: Decision,
        activation: Activation,
    ) -> (Tensor<3, Bool>, Tensor<3, Bool>) {
        let target = self.target.clone();
        match decision {
            Decision::Argmax => {
                // A voxel whose target is all 0 has no class.
                let there = largest(target.clone()).bool_and(target.greater_scalar(0));
                (largest(self.logits.clone()), there)
            }
            Decision::Threshold(least) => {
                let predicted = self.probabilities(activation).greater_equal_scalar(least);
                (predicted, target.greater_equal_scalar(least))
            }
        }
    }

    /// Σ_l M_kl p_l.
    fn cost(&self, p: Tensor<3>, distances: &[f64]) -> Tensor<3> {
        let [samples, classes, _] = p.dims();
        self.constant(distances.to_vec(), [1, classes, classes])
            .expand([samples, classes, classes])
            .matmul(p)
    }

    /// Unannotated classes added to the background, and then 0.
    fn merge(&self, values: Tensor<3>) -> Tensor<3> {
        let classes = values.dims()[1];
        let annotated = match &self.annotated {
            Some(annotated) if classes > 1 => annotated,
            _ => return values,
        };
        let kept = values.clone().mask_fill(annotated.clone().bool_not(), 0);
        let moved = values.mask_fill(annotated.clone(), 0).sum_dim(1);
        let background = kept.clone().narrow(1, 0, 1) + moved;
        Tensor::cat(vec![background, kept.narrow(1, 1, classes - 1)], 1)
    }

    fn merged(&self, activation: Activation) -> Merged {
        let target = self.merge(self.target.clone());
        let ln_p = match (activation, &self.annotated) {
            (Activation::Softmax, None) => log_softmax(self.logits.clone(), 1),
            (Activation::Softmax, Some(annotated)) => {
                self.ln_merged_softmax(annotated.clone().bool_not())
            }
            (activation, _) => {
                let p = self.merge(self.probabilities(activation));
                // A logarithm that nothing asks for has no slope either.
                let unused = target.clone().equal_scalar(0).bool_and(p.clone().equal_scalar(0));
                p.mask_fill(unused, 1).log()
            }
        };
        Merged { target, ln_p }
    }

    /// ln p′ from a log-sum-exp of the logits that are added up.
    fn ln_merged_softmax(&self, merged: Tensor<3, Bool>) -> Tensor<3> {
        let ln_p = log_softmax(self.logits.clone(), 1);
        let others = ln_p.dims()[1] - 1;
        let (background, others) = (ln_p.clone().narrow(1, 0, 1), ln_p.narrow(1, 1, others));
        let merged = merged.narrow(1, 1, others.dims()[1]);
        let absorbed = others.clone().mask_fill(merged.clone().bool_not(), f32::NEG_INFINITY);
        let members = Tensor::cat(vec![background, absorbed], 1);
        let largest = members.clone().detach().max_dim(1);
        let background = (members - largest.clone()).exp().sum_dim(1).log() + largest;
        Tensor::cat(vec![background, others.mask_fill(merged, 0)], 1)
    }

    /// 1 / C′ for each of the C′ classes that label smoothing spreads over.
    fn share_of_classes(&self) -> Tensor<3> {
        let one = self.target.ones_like();
        match &self.annotated {
            Some(_) => {
                let kept = self.merge(one.clone()).clamp_max(1);
                kept.clone() / kept.sum_dim(1)
            }
            None => one / self.target.dims()[1] as f64,
        }
    }

    /// g′ (1 − p′)^γ (−ln p′).
    fn focal_over_classes(&self, gamma: &[f64]) -> Tensor<3> {
        let Merged { target, ln_p } = self.merged(Activation::Softmax);
        // The slope of a power below 1 is infinite at 0, where the loss is flat.
        let complement = (-ln_p.clone().exp() + 1).clamp_min(f32::MIN_POSITIVE);
        self.weigh(target, -ln_p * self.power(complement.log(), gamma))
    }

    /// g (1 − p)^γ (−ln p).
    fn positive(&self, activation: Activation, gamma: Option<&[f64]>) -> Tensor<3> {
        let g = self.only_annotated(self.target.clone());
        self.binary(activation, gamma, g, false)
    }

    /// (1 − g) p^γ (−ln(1 − p)).
    fn negative(&self, activation: Activation, gamma: Option<&[f64]>) -> Tensor<3> {
        let against = self.only_annotated(-self.target.clone() + 1);
        self.binary(activation, gamma, against, true)
    }

    fn binary(
        &self,
        activation: Activation,
        gamma: Option<&[f64]>,
        coefficient: Tensor<3>,
        opposite: bool,
    ) -> Tensor<3> {
        let turned = |x: Tensor<3>| if opposite { -x } else { x };
        if activation != Activation::Sigmoid {
            let p = self.probabilities(activation);
            let p = if opposite { -p + 1 } else { p };
            let p = p.mask_fill(coefficient.clone().equal_scalar(0), 1);
            return self.weigh(coefficient, -p.log());
        }
        let loss = -log_sigmoid(turned(self.logits.clone()));
        let loss = match gamma {
            Some(gamma) => loss * self.power(log_sigmoid(turned(-self.logits.clone())), gamma),
            None => loss,
        };
        self.weigh(coefficient, loss)
    }

    /// exp(γ ln x), with each class's γ.
    fn power(&self, ln_x: Tensor<3>, gamma: &[f64]) -> Tensor<3> {
        (ln_x * self.constant(gamma.to_vec(), [1, gamma.len(), 1])).exp()
    }

    fn constant(&self, values: Vec<f64>, shape: [usize; 3]) -> Tensor<3> {
        let options = (&self.logits.device(), self.logits.dtype());
        Tensor::from_data(TensorData::new(values, shape), options)
    }
}

/// Where each voxel's largest class is: of equal ones the first, which argmax does not promise.
fn largest(values: Tensor<3>) -> Tensor<3, Bool> {
    let largest = values.clone().max_dim(1).expand(values.dims()).equal(values);
    let rank = largest.clone().int().cumsum(1);
    largest.bool_and(rank.equal_scalar(1))
}
