//! Dice coefficient and IoU of a hard decision.

use burn::{
    tensor::TensorReadError,
    train::metric::{
        Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes,
        NumericEntry, SerializedEntry, format_float,
    },
};
use dice_loss::Counts;

use super::CountsInput;

/// Dice coefficient or intersection over union (IoU) of a hard decision, of one class or as a
/// mean over the classes.
///
/// # Aggregation
///
/// The counts of true and false positives and negatives add up over the epoch, and the score is
/// taken of the sums: the value of an epoch is that of all its voxels together, not a mean over
/// batches or samples. The mean is over the classes, each with its own score, that are in the
/// reference or in the prediction. Before that there is no value.
///
/// ```
/// use dice_loss_burn::train::OverlapMetric;
/// use burn::train::metric::Metric;
///
/// let metrics = [
///     OverlapMetric::mean_dice().without_background(),
///     OverlapMetric::iou_of_class(1, "lung"),
/// ];
/// assert_eq!(*metrics[0].name(), "Dice, mean of the foreground");
/// assert_eq!(*metrics[1].name(), "IoU, lung");
/// ```
#[derive(Debug, Clone)]
pub struct OverlapMetric {
    name: MetricName,
    score: Score,
    of: Classes,
    batch: CountsInput,
    epoch: CountsInput,
}

#[derive(Debug, Clone, Copy)]
enum Score {
    Dice,
    IoU,
}

#[derive(Debug, Clone, Copy)]
enum Classes {
    One(usize),
    MeanFrom(usize),
}

impl OverlapMetric {
    /// The Dice coefficient, 2 TP / (2 TP + FP + FN), as a mean over the classes.
    pub fn mean_dice() -> Self {
        Self::new("Dice, mean".into(), Score::Dice, Classes::MeanFrom(0))
    }

    /// The IoU, TP / (TP + FP + FN), as a mean over the classes.
    pub fn mean_iou() -> Self {
        Self::new("IoU, mean".into(), Score::IoU, Classes::MeanFrom(0))
    }

    /// The Dice coefficient of one class. The name distinguishes it from the others.
    pub fn dice_of_class(class: usize, name: &str) -> Self {
        Self::new(format!("Dice, {name}"), Score::Dice, Classes::One(class))
    }

    /// The IoU of one class. The name distinguishes it from the others.
    pub fn iou_of_class(class: usize, name: &str) -> Self {
        Self::new(format!("IoU, {name}"), Score::IoU, Classes::One(class))
    }

    /// Leaves class 0 out of a mean.
    pub fn without_background(mut self) -> Self {
        if let Classes::MeanFrom(0) = self.of {
            self.of = Classes::MeanFrom(1);
            self.name = format!("{} of the foreground", self.name).into();
        }
        self
    }

    fn new(name: String, score: Score, of: Classes) -> Self {
        let nothing = CountsInput { counts: Vec::new(), samples: 0 };
        Self { name: name.into(), score, of, batch: nothing.clone(), epoch: nothing }
    }

    /// The score of some counts; `None` where nothing is there and nothing was predicted.
    fn value_of(&self, counts: &[Counts]) -> Option<f64> {
        let score = |counts: &Counts| match self.score {
            Score::Dice => counts.dice(),
            Score::IoU => counts.iou(),
        };
        match self.of {
            Classes::One(class) => counts.get(class).and_then(score),
            Classes::MeanFrom(first) => {
                let scores: Vec<_> = counts.iter().skip(first).filter_map(score).collect();
                let mean = scores.iter().sum::<f64>() / scores.len() as f64;
                (!scores.is_empty()).then_some(mean)
            }
        }
    }

    fn entry_of(&self, input: &CountsInput) -> Option<NumericEntry> {
        let aggregated_value = self.value_of(&input.counts)?;
        Some(NumericEntry::Aggregated { aggregated_value, count: input.samples })
    }

    fn serialized(&self, entry: Option<NumericEntry>) -> SerializedEntry {
        let Some(entry) = entry else { return SerializedEntry::not_available(None) };
        let shown = |input: &CountsInput| match self.value_of(&input.counts) {
            Some(value) => format_float(value, 4),
            None => SerializedEntry::NOT_AVAILABLE.into(),
        };
        let formatted = format!("epoch {} - batch {}", shown(&self.epoch), shown(&self.batch));
        SerializedEntry::new(formatted, entry.serialize())
    }
}

impl Metric for OverlapMetric {
    type Input = CountsInput;

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn description(&self) -> Option<String> {
        Some("Of the counts of all voxels of the epoch".into())
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes { unit: None, higher_is_better: true }.into()
    }

    fn update(
        &mut self,
        item: &CountsInput,
        _: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        self.epoch.samples += item.samples;
        self.epoch.counts.resize(item.counts.len().max(self.epoch.counts.len()), Counts::default());
        for (sum, counts) in self.epoch.counts.iter_mut().zip(&item.counts) {
            *sum += *counts;
        }
        self.batch = item.clone();
        Ok(self.serialized(self.value()))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        let value = self.value_of(&self.epoch.counts).map(NumericEntry::Final);
        Ok(self.serialized(value))
    }

    fn clear(&mut self) {
        *self = Self { name: self.name.clone(), ..Self::new(String::new(), self.score, self.of) };
    }
}

impl Numeric for OverlapMetric {
    fn value(&self) -> Option<NumericEntry> {
        self.entry_of(&self.batch)
    }

    fn running_value(&self) -> Option<NumericEntry> {
        self.entry_of(&self.epoch)
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.value_of(&self.epoch.counts).unwrap_or(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        data::dataloader::Progress,
        tensor::{Device, Int, Tensor},
        train::metric::Adaptor,
    };
    use dice_loss::{Activation, Decision};

    use super::*;
    use crate::{DiceLossConfig, train::SegmentationOutput};

    /// Counts of predictions and labels, a voxel each.
    fn input(predicted: [i32; 4], labels: [i32; 4]) -> CountsInput {
        let device = &Device::flex();
        let one_hot = Tensor::<2, Int>::from_data([predicted], device).one_hot::<3>(3).float();
        let logits = one_hot.swap_dims(1, 2) * 5;
        let loss =
            DiceLossConfig::new(Activation::Softmax).with_decision(Some(Decision::Argmax)).init();
        let labels = Tensor::<2, Int>::from_data([labels], device);
        let output: SegmentationOutput = loss.evaluate(logits, labels).unwrap().into();
        output.adapt()
    }

    fn update(metric: &mut OverlapMetric, item: &CountsInput) -> SerializedEntry {
        let progress = Progress::new(1, 1, None);
        let metadata = MetricMetadata { progress, iteration: None, lr: None };
        metric.update(item, &metadata).unwrap()
    }

    fn value(entry: Option<NumericEntry>) -> Option<f64> {
        entry.map(|entry| entry.current())
    }

    #[test]
    fn an_epoch_is_scored_by_its_counts() {
        let mut metric = OverlapMetric::dice_of_class(1, "one");
        update(&mut metric, &input([1, 1, 0, 0], [1, 1, 1, 1])); // TP 2, FN 2
        assert_eq!(value(metric.value()), Some(4.0 / 6.0));
        let entry = update(&mut metric, &input([1, 0, 0, 0], [0, 0, 0, 0])); // FP 1
        assert_eq!(value(metric.value()), Some(0.0));
        assert_eq!(value(metric.running_value()), Some(4.0 / 7.0));
        assert_eq!(metric.final_value().current(), 4.0 / 7.0);
        assert_eq!(entry.formatted, "epoch 0.5714 - batch 0.0000e0");
        assert_eq!(metric.compute().unwrap().serialized, format!("{},final", 4.0 / 7.0));
        metric.clear();
        assert_eq!(value(metric.running_value()), None);
        assert_eq!(*metric.name(), "Dice, one");
    }

    #[test]
    fn a_mean_is_over_the_classes_that_are_there() {
        let batch = input([0, 1, 1, 0], [0, 1, 0, 0]); // class 0: 4/5, 2/3; class 1: 2/3, 1/2
        let score = |mut metric: OverlapMetric| {
            update(&mut metric, &batch);
            value(metric.running_value())
        };
        assert_eq!(score(OverlapMetric::mean_dice()), Some((4.0 / 5.0 + 2.0 / 3.0) / 2.0));
        assert_eq!(score(OverlapMetric::mean_iou().without_background()), Some(0.5));
        assert_eq!(score(OverlapMetric::iou_of_class(0, "zero")), Some(2.0 / 3.0));
        assert_eq!(score(OverlapMetric::iou_of_class(2, "two")), None, "neither there nor found");
    }

    #[test]
    fn without_a_decision_there_is_no_value() {
        let device = &Device::flex();
        let loss = DiceLossConfig::new(Activation::Sigmoid).init();
        let labels = Tensor::<2, Int>::zeros([1, 4], device);
        let evaluation = loss.evaluate(Tensor::<3>::zeros([1, 1, 4], device), labels).unwrap();
        let mut metric = OverlapMetric::mean_dice();
        let entry = update(&mut metric, &SegmentationOutput::from(evaluation).adapt());
        assert!(entry.is_not_available());
        assert!(metric.value().is_none());
    }
}
