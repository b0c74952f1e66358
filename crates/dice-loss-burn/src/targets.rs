//! What the reference segmentation says, and which of it counts.

use std::sync::Arc;

use burn::{
    backend::{
        Backend, Dispatch, DispatchTensor, ExtensionType, TensorMetadata,
        autodiff::{Autodiff, checkpoint::strategy::CheckpointStrategy},
        ops::FloatTensorOps,
        tensor::{BoolTensor, FloatTensor, IntTensor},
    },
    tensor::{Bool, DType, FloatDType, Int, Shape, Tensor},
};
use dice_loss::Result;
use dice_loss_tensor::{Rules, channels_of_map, check_reference, spread};

/// The targets of a segmentation loss: a label map, a dense target or nested regions, and what is
/// left out of it. All restrictions compose; a voxel that is left out contributes exactly nothing.
///
/// Label maps, dense targets of floats and masks convert from tensors, so that
/// `loss.forward(logits, labels)` is enough where nothing is left out. Targets are constants: no
/// gradient flows into them.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use dice_loss_burn::Targets;
///
/// let labels = Tensor::<3, Int>::from_data([[[0, 1], [2, 255]]], &Device::flex());
/// let valid = labels.clone().equal_scalar(1).bool_not();
/// let targets = Targets::labels(labels).ignore_index(255).mask(valid);
/// ```
#[derive(Debug, Clone)]
pub struct Targets {
    tensors: TargetTensors<Dispatch>,
    maps: Vec<(String, DispatchTensor)>,
}

/// The tensors of [`Targets`] on a backend.
#[derive(Debug, Clone, ExtensionType)]
#[cfg_attr(feature = "cube", extension_type(fusion))]
pub(crate) struct TargetTensors<B: Backend> {
    #[extension_type]
    pub reference: Reference<B>,
    #[extension_type]
    pub mask: Mask<B>,
    #[extension_type]
    pub weights: VoxelWeights<B>,
    #[extension_type]
    pub maps: Maps<B>,
    pub rules: Arc<Rules>,
}

/// The three ways to say what is where.
#[derive(Debug, Clone, ExtensionType)]
#[cfg_attr(feature = "cube", extension_type(fusion))]
pub(crate) enum Reference<B: Backend> {
    /// Also regions, where the rules have a table.
    Labels(IntTensor<B>),
    Dense(FloatTensor<B>),
    Multilabel(BoolTensor<B>),
}

#[derive(Debug, Clone, ExtensionType)]
#[cfg_attr(feature = "cube", extension_type(fusion))]
pub(crate) enum Mask<B: Backend> {
    Everything,
    Only(BoolTensor<B>),
}

#[derive(Debug, Clone, ExtensionType)]
#[cfg_attr(feature = "cube", extension_type(fusion))]
pub(crate) enum VoxelWeights<B: Backend> {
    Equal,
    Each(FloatTensor<B>),
}

/// The maps that the rules name, channel after channel.
#[derive(Debug, Clone, ExtensionType)]
#[cfg_attr(feature = "cube", extension_type(fusion))]
pub(crate) enum Maps<B: Backend> {
    None,
    Stacked(FloatTensor<B>),
}

impl Targets {
    /// A label map: each voxel names its class. With one channel, labels are 0 and 1.
    ///
    /// # Shapes
    ///
    /// - labels: `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`
    pub fn labels<const D: usize>(labels: Tensor<D, Int>) -> Self {
        Self::new(Reference::Labels(labels.without_autodiff().into_dispatch()))
    }

    /// A soft or one-hot target, each value in [0, 1].
    ///
    /// Logits and target `[N, H, W]` are read as H channels: images of one channel are `[N, 1, H, W]`.
    ///
    /// # Shapes
    ///
    /// - target: `[batch_size, classes, spatial…]`, as the logits
    pub fn dense<const D: usize>(target: Tensor<D>) -> Self {
        Self::new(Reference::Dense(target.without_autodiff().into_dispatch()))
    }

    /// A multilabel or one-hot target.
    ///
    /// # Shapes
    ///
    /// - target: `[batch_size, classes, spatial…]`, as the logits
    pub fn multilabel<const D: usize>(target: Tensor<D, Bool>) -> Self {
        Self::new(Reference::Multilabel(target.without_autodiff().into_dispatch()))
    }

    /// Regions, possibly nested: a label map and, for each label, the channels it belongs to.
    ///
    /// `[[], [0], [0, 1], [0, 1, 2]]` makes whole tumour, tumour core and enhancing tumour from
    /// labels 0 to 3. Such channels overlap, so train them under sigmoid.
    ///
    /// # Shapes
    ///
    /// - labels: `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`
    pub fn regions<const D: usize>(labels: Tensor<D, Int>, table: Vec<Vec<usize>>) -> Self {
        Self::labels(labels).with_rules(|rules| rules.regions = Some(table))
    }

    /// Voxels with this label do not count.
    ///
    /// For label maps, regions, and dense targets of one channel.
    pub fn ignore_index(self, label: i64) -> Self {
        self.with_rules(|rules| rules.ignore_index = Some(label))
    }

    /// Voxels where the mask is `false` do not count.
    ///
    /// # Shapes
    ///
    /// - mask: `[batch_size, spatial…]` or `[batch_size, 1, spatial…]`; an axis of 1 holds all along
    ///   it, `[spatial…]` for every sample, `[batch_size]` for every voxel of a sample
    pub fn mask<const D: usize>(mut self, mask: Tensor<D, Bool>) -> Self {
        self.tensors.mask = Mask::Only(mask.without_autodiff().into_dispatch());
        self
    }

    /// How much each voxel counts: 0, which does not, to 3.4e38.
    ///
    /// # Shapes
    ///
    /// - weights: as a [`mask`](Self::mask)
    pub fn voxel_weights<const D: usize>(mut self, weights: Tensor<D>) -> Self {
        self.tensors.weights = VoxelWeights::Each(weights.without_autodiff().into_dispatch());
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
    /// - map: `[batch_size, spatial…]`, `[batch_size, 1, spatial…]` or `[batch_size, classes, spatial…]`
    ///
    /// ```
    /// use burn::tensor::{Device, Int, Tensor};
    /// use dice_loss_burn::{CrossEntropyLossConfig, Targets, dice_loss::Activation};
    ///
    /// let config = CrossEntropyLossConfig::new(Activation::Softmax);
    /// let loss = config.with_map(Some("border".into())).init();
    /// let device = Device::flex();
    /// let logits = Tensor::<4>::zeros([1, 2, 1, 2], &device);
    /// let labels = Tensor::<3, Int>::from_data([[[1, 0]]], &device);
    /// let border = Tensor::<3>::from_data([[[1.0, 3.0]]], &device);
    /// let value = loss.forward(logits, Targets::labels(labels).map("border", border));
    /// assert!((value.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
    /// ```
    pub fn map<const D: usize>(mut self, name: &str, map: Tensor<D>) -> Self {
        self.maps.push((name.to_owned(), map.without_autodiff().into_dispatch()));
        self
    }

    /// Which classes were annotated in which sample (partial labels), row-major (sample, class); or
    /// an entry for each class, which then holds for every sample.
    ///
    /// Overlap terms and sigmoid terms skip what was not annotated; softmax cross-entropy and
    /// softmax focal loss add its probability to the background.
    pub fn class_valid(self, valid: Vec<bool>) -> Self {
        self.with_rules(|rules| rules.class_valid = Some(valid))
    }

    fn new(reference: Reference<Dispatch>) -> Self {
        let tensors = TargetTensors {
            reference,
            mask: Mask::Everything,
            weights: VoxelWeights::Equal,
            maps: Maps::None,
            rules: Arc::default(),
        };
        Self { tensors, maps: Vec::new() }
    }

    fn with_rules(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.tensors.rules));
        self
    }

    /// The tensors, with the maps as one: what crosses to a backend has as many tensors as its type.
    pub(crate) fn stacked(mut self, logits: &[usize]) -> Result<TargetTensors<Dispatch>> {
        let mut stack = Vec::with_capacity(self.maps.len());
        let mut named = Vec::with_capacity(self.maps.len());
        for (name, map) in self.maps {
            let channels = channels_of_map(&name, &map.shape(), logits)?;
            let shape = [&logits[..1], &[channels], &logits[2..]].concat();
            stack.push(Dispatch::float_reshape(map, Shape::from(shape)));
            named.push((name, channels));
        }
        if stack.iter().any(|map| map.dtype() != stack[0].dtype()) {
            // Each type has the numbers of the smaller ones, but for one half type and the other.
            let is_double = stack.iter().any(|map| map.dtype() == DType::F64);
            let wide = if is_double { FloatDType::F64 } else { FloatDType::F32 };
            stack = stack.into_iter().map(|map| Dispatch::float_cast(map, wide)).collect();
        }
        self.tensors.maps = match stack.len() {
            0 => Maps::None,
            1 => stack.pop().map_or(Maps::None, Maps::Stacked),
            _ => Maps::Stacked(Dispatch::float_cat(stack, 1)),
        };
        if !named.is_empty() {
            Arc::make_mut(&mut self.tensors.rules).maps = named;
        }
        Ok(self.tensors)
    }

    /// Ignores the label unless the targets name one themselves.
    pub(crate) fn or_ignore(self, label: Option<i64>) -> Self {
        match label {
            Some(label) if self.tensors.rules.ignore_index.is_none() => self.ignore_index(label),
            _ => self,
        }
    }
}

impl<B: Backend, C: CheckpointStrategy> TargetTensors<Autodiff<B, C>> {
    /// The tensors without autodiff: no gradient flows into targets.
    pub fn constants(self) -> TargetTensors<B> {
        TargetTensors {
            reference: match self.reference {
                Reference::Labels(labels) => Reference::Labels(labels),
                Reference::Dense(target) => Reference::Dense(target.into_primitive()),
                Reference::Multilabel(target) => Reference::Multilabel(target),
            },
            mask: match self.mask {
                Mask::Everything => Mask::Everything,
                Mask::Only(mask) => Mask::Only(mask),
            },
            weights: match self.weights {
                VoxelWeights::Equal => VoxelWeights::Equal,
                VoxelWeights::Each(weights) => VoxelWeights::Each(weights.into_primitive()),
            },
            maps: match self.maps {
                Maps::None => Maps::None,
                Maps::Stacked(maps) => Maps::Stacked(maps.into_primitive()),
            },
            rules: self.rules,
        }
    }
}

impl<B: Backend> TargetTensors<B> {
    /// With a mask and weights of the shape that fits the logits', spatial axes one by one, if what
    /// there is can be repeated to that.
    pub fn fitted(mut self, logits: &[usize]) -> Result<Self> {
        let labels = matches!(self.reference, Reference::Labels(_));
        check_reference(labels, &self.reference.shape(), logits)?;
        if let Mask::Only(mask) = self.mask {
            let shapes = spread("mask", &mask.shape(), logits)?;
            self.mask = Mask::Only(match shapes.map(|shapes| shapes.map(Shape::from)) {
                Some([repeated, whole]) => B::bool_expand(B::bool_reshape(mask, repeated), whole),
                None => mask,
            });
        }
        if let VoxelWeights::Each(weights) = self.weights {
            let shapes = spread("voxel weights", &weights.shape(), logits)?;
            self.weights = VoxelWeights::Each(match shapes.map(|shapes| shapes.map(Shape::from)) {
                Some([repeated, whole]) => {
                    B::float_expand(B::float_reshape(weights, repeated), whole)
                }
                None => weights,
            });
        }
        if self.rules.class_valid.is_some() {
            self.rules = Arc::new(Arc::unwrap_or_clone(self.rules).fitted(logits)?);
        }
        Ok(self)
    }
}

impl<B: Backend> Reference<B> {
    fn shape(&self) -> Vec<usize> {
        match self {
            Self::Labels(labels) => labels.shape().to_vec(),
            Self::Dense(target) => target.shape().to_vec(),
            Self::Multilabel(target) => target.shape().to_vec(),
        }
    }
}

impl<const D: usize> From<Tensor<D, Int>> for Targets {
    /// A [label map](Self::labels).
    fn from(labels: Tensor<D, Int>) -> Self {
        Self::labels(labels)
    }
}

impl<const D: usize> From<Tensor<D>> for Targets {
    /// A [dense](Self::dense) target.
    fn from(target: Tensor<D>) -> Self {
        Self::dense(target)
    }
}

impl<const D: usize> From<Tensor<D, Bool>> for Targets {
    /// A [multilabel](Self::multilabel) target.
    fn from(target: Tensor<D, Bool>) -> Self {
        Self::multilabel(target)
    }
}
