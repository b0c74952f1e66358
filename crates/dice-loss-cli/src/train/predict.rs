//! Labels of whole slices, whatever their size.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Head, TrainError, UNet, UNetConfig};
use crate::data::Slice;

/// Voxels that go through the network at once, unless a single slice is larger.
const VOXELS_AT_ONCE: usize = 1 << 17;

/// Slices above so many voxels are predicted in tiles, so that memory does not grow with them.
const UNTILED: usize = 1 << 20;

/// Side of a tile, a multiple of [`UNetConfig::multiple`].
const TILE: usize = 512;

/// Predicts every slice: padded to the network's multiple by repeating its edge, and cut back.
///
/// # Errors
/// [`TrainError::Predictions`] where the backend gives back something else than was asked for.
pub fn predict(
    network: &UNet,
    config: &UNetConfig,
    head: Head,
    slices: &[&Slice],
    device: &Device,
) -> Result<Vec<Vec<u8>>, TrainError> {
    let predictor = Predictor { network, config, head, device };
    let mut labels = Vec::with_capacity(slices.len());
    for alike in slices.chunk_by(|a, b| (a.width, a.height) == (b.width, b.height)) {
        let voxels = alike[0].labels.len().max(1);
        for batch in alike.chunks((VOXELS_AT_ONCE / voxels).max(1)) {
            if voxels > UNTILED {
                labels.push(predictor.tiles(batch[0], TILE)?);
            } else {
                labels.extend(predictor.batch(batch)?);
            }
        }
    }
    Ok(labels)
}

/// A network and what it takes to read it.
struct Predictor<'a> {
    network: &'a UNet,
    config: &'a UNetConfig,
    head: Head,
    device: &'a Device,
}

impl Predictor<'_> {
    /// All slices of a batch have the same size.
    fn batch(&self, slices: &[&Slice]) -> Result<Vec<Vec<u8>>, TrainError> {
        let (width, height) = (slices[0].width, slices[0].height);
        let [padded_width, padded_height] =
            [width, height].map(|side| side.next_multiple_of(self.config.multiple()));
        let images: Vec<f32> =
            slices.iter().flat_map(|slice| pad(slice, padded_width, padded_height)).collect();
        let shape = [slices.len(), self.config.inputs, padded_height, padded_width];
        let images = Tensor::from_data(TensorData::new(images, shape), self.device);
        let labels = self.head.labels(self.network.forward(images));
        let labels = labels.slice([0..slices.len(), 0..height, 0..width]);
        let labels: Vec<u8> = labels.into_data().iter::<u8>().collect();
        let (found, wanted) = (labels.len(), slices.len() * width * height);
        if found != wanted {
            return Err(TrainError::Predictions { found, wanted });
        }
        Ok(labels.chunks_exact(width * height).map(<[u8]>::to_vec).collect())
    }

    /// A slice in tiles, each with as much around it as the network looks at: what it says of a voxel is the same.
    fn tiles(&self, slice: &Slice, side: usize) -> Result<Vec<u8>, TrainError> {
        let margin = self.config.margin();
        let mut labels = vec![0; slice.width * slice.height];
        for top in (0..slice.height).step_by(side) {
            for left in (0..slice.width).step_by(side) {
                let around = |from: usize, length: usize| {
                    let until = (from + side + margin).min(length);
                    (from.saturating_sub(margin), until)
                };
                let (x, x_end) = around(left, slice.width);
                let (y, y_end) = around(top, slice.height);
                let tile = slice.window(x, y, x_end - x, y_end - y);
                let predicted = self.batch(&[&tile])?.swap_remove(0);
                let columns = left..(left + side).min(slice.width);
                for row in top..(top + side).min(slice.height) {
                    let from = (row - y) * tile.width + left - x;
                    labels[row * slice.width..][columns.clone()]
                        .copy_from_slice(&predicted[from..from + columns.len()]);
                }
            }
        }
        Ok(labels)
    }
}

fn pad(slice: &Slice, width: usize, height: usize) -> Vec<f32> {
    let mut padded = Vec::with_capacity(slice.image.len());
    for channel in slice.image.chunks_exact(slice.width * slice.height) {
        for y in 0..height {
            let row = &channel[y.min(slice.height - 1) * slice.width..][..slice.width];
            padded.extend_from_slice(row);
            padded.extend(std::iter::repeat_n(row[slice.width - 1], width - slice.width));
        }
    }
    padded
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

    use super::*;

    #[test]
    fn tiles_say_what_the_whole_slice_says() {
        let (width, height) = (203, 170);
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let image: Vec<f32> = (0..width * height).map(|_| rng.random_range(-2.0..2.0)).collect();
        let labels = vec![0; width * height];
        let slice = Slice { name: "s".into(), width, height, image, labels };
        let config = UNetConfig { inputs: 1, outputs: 3, width: 4, depth: 3 };
        let (head, device) = (Head::Softmax { classes: 3 }, Device::flex());
        // Most untrained networks see one class everywhere.
        let sees_two = |seed| {
            device.seed(seed);
            let network = config.init(&device);
            let predictor = Predictor { network: &network, config: &config, head, device: &device };
            let whole = predictor.batch(&[&slice]).unwrap().swap_remove(0);
            let count = |label| whole.iter().filter(|&&l| l == label).count();
            let two = (0..3).filter(|&label| count(label) > 500).count() > 1;
            two.then_some((network, whole))
        };
        let (network, whole) = (0..100).find_map(sees_two).unwrap();
        let predictor = Predictor { network: &network, config: &config, head, device: &device };
        let tiled = predictor.tiles(&slice, 64).unwrap();
        let differ = whole.iter().zip(&tiled).filter(|(a, b)| a != b).count();
        // Two classes whose logits are equal up to rounding may change places.
        assert!(differ * 1000 < whole.len(), "{differ} of {} voxels", whole.len());
    }
}
