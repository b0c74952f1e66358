//! What the reference segmentation says, and which of it counts.

use candle_core::{DType, Result, Tensor};
use dice_loss::Error;
use dice_loss_tensor::{Rules, channels_of_map, check_reference};

use crate::refused;

/// The targets of a segmentation loss: a label map, a dense target or nested regions, and what is
/// left out of it. All restrictions compose; a voxel that is left out contributes exactly nothing.
///
/// Tensors convert by their type, so that `loss.forward(&logits, &labels)` is enough where nothing
/// is left out: integers are a label map, floats a dense target. A dense target of `u8` wants
/// [`Targets::dense`]. Targets are constants: no gradient flows into them.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use dice_loss_candle::Targets;
///
/// let labels = Tensor::new(&[[[0u8, 1], [2, 255]]], &Device::Cpu)?;
/// let valid = labels.ne(1u8)?;
/// let targets = Targets::labels(&labels).ignore_index(255).mask(&valid);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Targets {
    pub(crate) reference: Reference,
    pub(crate) mask: Option<Tensor>,
    pub(crate) weights: Option<Tensor>,
    pub(crate) maps: Vec<(String, Tensor)>,
    pub(crate) rules: Rules,
}

/// The two kinds of tensors that say what is where.
#[derive(Debug, Clone)]
pub(crate) enum Reference {
    /// Also regions, where the rules have a table.
    Labels(Tensor),
    Dense(Tensor),
}

impl Targets {
    /// A label map: each voxel names its class. With one channel, labels are 0 and 1.
    ///
    /// # Shapes
    ///
    /// - labels: `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, of any integer type
    pub fn labels(labels: &Tensor) -> Self {
        Self::new(Reference::Labels(labels.detach()))
    }

    /// A soft, one-hot or multilabel target: floats in [0, 1], or `u8` of 0 and 1.
    ///
    /// Logits and target `[N, H, W]` are read as H channels: images of one channel are `[N, 1, H, W]`.
    ///
    /// # Shapes
    ///
    /// - target: `[batch_size, classes, spatial…]`, as the logits
    pub fn dense(target: &Tensor) -> Self {
        Self::new(Reference::Dense(target.detach()))
    }

    /// Regions, possibly nested: a label map and, for each label, the channels it belongs to.
    ///
    /// `[[], [0], [0, 1], [0, 1, 2]]` makes whole tumour, tumour core and enhancing tumour from
    /// labels 0 to 3. Such channels overlap, so train them under sigmoid.
    ///
    /// # Shapes
    ///
    /// - labels: `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, of any integer type
    pub fn regions(labels: &Tensor, table: Vec<Vec<usize>>) -> Self {
        let mut targets = Self::labels(labels);
        targets.rules.regions = Some(table);
        targets
    }

    /// Voxels with this label do not count.
    ///
    /// For label maps, regions, and dense targets of one channel.
    pub fn ignore_index(mut self, label: i64) -> Self {
        self.rules.ignore_index = Some(label);
        self
    }

    /// Voxels where the mask is 0 do not count: what a comparison of tensors gives.
    ///
    /// # Shapes
    ///
    /// - mask: `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`, of any type; an axis of 1
    ///   holds all along it, `[spatial…]` for every sample, `[batch_size]` for every voxel of a sample
    pub fn mask(mut self, mask: &Tensor) -> Self {
        self.mask = Some(mask.detach());
        self
    }

    /// How much each voxel counts: 0, which does not, to 3.4e38.
    ///
    /// # Shapes
    ///
    /// - weights: of the shapes of a [`mask`](Self::mask), of floats
    pub fn voxel_weights(mut self, weights: &Tensor) -> Self {
        self.weights = Some(weights.detach());
        self
    }

    /// What each voxel weighs in the terms that name this map ([`Term::map`](dice_loss::Term::map)), in
    /// all classes or in each: its values multiply the weights of the voxels.
    ///
    /// They lie between 0 and 1e12, or between −1e12 and 1e12 where every term that names the map
    /// allows negative values, as [`Boundary`](dice_loss::Boundary) does. Where a voxel does not count
    /// they may be anything. No gradient flows into a map.
    ///
    /// # Shapes
    ///
    /// - map: `[batch_size, spatial…]`, `[batch_size, 1, spatial…]` or `[batch_size, classes, spatial…]`,
    ///   of floats
    ///
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use dice_loss_candle::{CrossEntropyLoss, CrossEntropyLossConfig, Targets};
    /// use dice_loss_candle::dice_loss::Activation;
    ///
    /// let config = CrossEntropyLossConfig::new(Activation::Softmax);
    /// let loss = CrossEntropyLoss::new(CrossEntropyLossConfig { map: Some("border".into()), ..config });
    /// let logits = Tensor::new(&[[[0f32, 0.0]], [[0.0, 0.0]]], &Device::Cpu)?.unsqueeze(0)?;
    /// let labels = Tensor::new(&[[[1u8, 0]]], &Device::Cpu)?;
    /// let border = Tensor::new(&[[[1f32, 3.0]]], &Device::Cpu)?;
    /// let targets = Targets::labels(&labels).map("border", &border);
    /// let value = loss.forward(&logits, targets)?.to_scalar::<f32>()?;
    /// assert!((value - 2f32.ln()).abs() < 1e-6);
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    pub fn map(mut self, name: &str, map: &Tensor) -> Self {
        self.maps.push((name.to_owned(), map.detach()));
        self
    }

    /// Which classes were annotated in which sample (partial labels), row-major (sample, class); or
    /// an entry for each class, which then holds for every sample.
    ///
    /// Overlap terms and sigmoid terms skip what was not annotated; softmax cross-entropy and
    /// softmax focal loss add its probability to the background.
    pub fn class_valid(mut self, valid: Vec<bool>) -> Self {
        self.rules.class_valid = Some(valid);
        self
    }

    fn new(reference: Reference) -> Self {
        let (mask, weights, maps) = (None, None, Vec::new());
        Self { reference, mask, weights, maps, rules: Rules::default() }
    }

    /// Ignores the label unless the targets name one themselves.
    pub(crate) fn or_ignore(mut self, label: Option<i64>) -> Self {
        self.rules.ignore_index = self.rules.ignore_index.or(label);
        self
    }

    /// Whether every tensor lies where the logits do, and has a type and a shape that fit them,
    /// spatial axes one by one; a mask becomes one of `u8`, and what holds for several voxels or samples
    /// is repeated.
    pub(crate) fn checked(mut self, logits: &Tensor) -> Result<Self> {
        let [_, _, ..] = logits.dims() else {
            return Err(refused(Error::Shape {
                what: "logits",
                found: logits.dims().to_vec(),
                wanted: "[batch_size, classes, spatial…]".into(),
            }));
        };
        is_float("logits", logits)?;
        let (labels, reference) = match &self.reference {
            Reference::Labels(labels) => {
                typed("labels", labels, "integers", labels.dtype().is_int())?;
                beside("labels", labels, logits)?;
                (true, labels)
            }
            Reference::Dense(target) => {
                if target.dtype() != DType::U8 {
                    is_float("dense target", target)?;
                }
                beside("dense target", target, logits)?;
                (false, target)
            }
        };
        check_reference(labels, reference.dims(), logits.dims()).map_err(refused)?;
        if let Some(weights) = self.weights {
            is_float("voxel weights", &weights)?;
            self.weights = Some(spread("voxel weights", weights, logits)?);
        }
        if let Some(mask) = self.mask {
            let mask = spread("mask", mask, logits)?;
            self.mask = Some(if mask.dtype() == DType::U8 { mask } else { mask.ne(0u8)? });
        }
        self.rules.maps.clear();
        for (name, map) in &mut self.maps {
            let what = format!("map '{name}'");
            is_float(&what, map)?;
            beside(&what, map, logits)?;
            let channels = channels_of_map(name, map.dims(), logits.dims()).map_err(refused)?;
            let shape = [&logits.dims()[..1], &[channels], &logits.dims()[2..]].concat();
            *map = map.reshape(shape)?;
            self.rules.maps.push((name.clone(), channels));
        }
        self.rules = self.rules.fitted(logits.dims()).map_err(refused)?;
        Ok(self)
    }

    /// Every tensor of the targets made into another.
    pub(crate) fn each(self, to: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self {
            reference: match self.reference {
                Reference::Labels(labels) => Reference::Labels(to(&labels)?),
                Reference::Dense(target) => Reference::Dense(to(&target)?),
            },
            mask: self.mask.as_ref().map(&to).transpose()?,
            weights: self.weights.as_ref().map(&to).transpose()?,
            maps: (self.maps.into_iter())
                .map(|(name, map)| Ok((name, to(&map)?)))
                .collect::<Result<_>>()?,
            rules: self.rules,
        })
    }
}

/// A type that the engine reads as numbers.
fn is_float(what: &str, tensor: &Tensor) -> Result<()> {
    let read = matches!(tensor.dtype(), DType::F32 | DType::F64 | DType::F16 | DType::BF16);
    typed(what, tensor, "f32, f64, f16 or bf16", read)
}

fn typed(what: &str, tensor: &Tensor, wanted: &str, fits: bool) -> Result<()> {
    if fits {
        return Ok(());
    }
    Err(refused(Error::Parameter {
        what: format!("{what}: element type"),
        found: tensor.dtype().as_str().into(),
        wanted: wanted.into(),
    }))
}

/// Whether a tensor lies where the logits do.
fn beside(what: &str, tensor: &Tensor, logits: &Tensor) -> Result<()> {
    if tensor.device().same_device(logits.device()) {
        return Ok(());
    }
    Err(refused(Error::Parameter {
        what: format!("{what}: device"),
        found: format!("{:?}", tensor.device().location()),
        wanted: format!("{:?}, as the logits", logits.device().location()),
    }))
}

/// A value for each voxel, of what may hold for several.
fn spread(what: &'static str, tensor: Tensor, logits: &Tensor) -> Result<Tensor> {
    beside(what, &tensor, logits)?;
    match dice_loss_tensor::spread(what, tensor.dims(), logits.dims()).map_err(refused)? {
        Some([repeated, whole]) => tensor.reshape(repeated)?.broadcast_as(whole),
        None => Ok(tensor),
    }
}

impl From<&Tensor> for Targets {
    /// A [label map](Self::labels) of integers, a [dense](Self::dense) target of floats.
    fn from(tensor: &Tensor) -> Self {
        if tensor.dtype().is_int() { Self::labels(tensor) } else { Self::dense(tensor) }
    }
}

impl From<Tensor> for Targets {
    /// As a borrowed tensor.
    fn from(tensor: Tensor) -> Self {
        Self::from(&tensor)
    }
}
