//! A small U-Net.

use burn::{
    module::Module,
    nn::{
        BatchNorm, BatchNormConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, activation::relu},
};

/// How large a U-Net is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UNetConfig {
    /// Channels of an image.
    pub inputs: usize,
    /// Channels of the logits.
    pub outputs: usize,
    /// Features at full resolution; they double with every halving of it.
    pub width: usize,
    /// How often the resolution is halved.
    pub depth: usize,
}

/// Contracting and expanding path with skip connections (Ronneberger et al. 2015, <https://arxiv.org/abs/1505.04597>),
/// with batch normalisation and padded convolutions, so that logits have the size of the image.
#[derive(Module, Debug)]
pub struct UNet {
    contract: Vec<Block>,
    bottom: Block,
    enlarge: Vec<ConvTranspose2d>,
    expand: Vec<Block>,
    head: Conv2d,
    halve: MaxPool2d,
}

/// Two 3 × 3 convolutions, each with normalisation and ReLU.
#[derive(Module, Debug)]
struct Block {
    convolutions: [Conv2d; 2],
    norms: [BatchNorm; 2],
}

impl UNetConfig {
    /// Sides of an image have to be a multiple of this.
    pub fn multiple(&self) -> usize {
        1 << self.depth
    }

    /// Voxels around one that its logits may depend on, rounded up to [`multiple`](Self::multiple): two convolutions
    /// that look at their neighbours, on every level down and up again.
    pub fn margin(&self) -> usize {
        let down: usize = (0..self.depth).map(|level| 2 << level).sum();
        let seen = 2 * down + (2 << self.depth) + self.multiple();
        seen.next_multiple_of(self.multiple())
    }

    /// A network with random weights, drawn as the device's seed says.
    pub fn init(&self, device: &Device) -> UNet {
        let features: Vec<usize> = (0..=self.depth).map(|level| self.width << level).collect();
        let inputs = |level: usize| {
            if level == 0 { self.inputs } else { features[level - 1] }
        };
        let enlarge = |level: usize| {
            ConvTranspose2dConfig::new([features[level + 1], features[level]], [2, 2])
                .with_stride([2, 2])
                .init(device)
        };
        UNet {
            contract: (0..self.depth)
                .map(|level| Block::new(inputs(level), features[level], device))
                .collect(),
            bottom: Block::new(inputs(self.depth), features[self.depth], device),
            enlarge: (0..self.depth).rev().map(enlarge).collect(),
            expand: (0..self.depth)
                .rev()
                .map(|l| Block::new(2 * features[l], features[l], device))
                .collect(),
            head: Conv2dConfig::new([self.width, self.outputs], [1, 1]).init(device),
            halve: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        }
    }
}

impl UNet {
    /// Logits of a batch of images.
    ///
    /// # Shapes
    /// - images: `[batch, inputs, height, width]`, sides a multiple of [`UNetConfig::multiple`]
    /// - logits: `[batch, outputs, height, width]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let mut x = images;
        let mut skips = Vec::with_capacity(self.contract.len());
        for block in &self.contract {
            let skip = block.forward(x);
            x = self.halve.forward(skip.clone());
            skips.push(skip);
        }
        x = self.bottom.forward(x);
        for ((enlarge, expand), skip) in
            self.enlarge.iter().zip(&self.expand).zip(skips.into_iter().rev())
        {
            x = expand.forward(Tensor::cat(vec![skip, enlarge.forward(x)], 1));
        }
        self.head.forward(x)
    }
}

impl Block {
    fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        let convolution = |inputs| {
            Conv2dConfig::new([inputs, outputs], [3, 3])
                .with_padding(PaddingConfig2d::Same)
                .with_bias(false)
                .init(device)
        };
        let norm = || BatchNormConfig::new(outputs).init(device);
        Self { convolutions: [convolution(inputs), convolution(outputs)], norms: [norm(), norm()] }
    }

    fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        for (convolution, norm) in self.convolutions.iter().zip(&self.norms) {
            x = relu(norm.forward(convolution.forward(x)));
        }
        x
    }
}
