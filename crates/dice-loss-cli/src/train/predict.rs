//! Labels of whole slices, whatever their size.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Head, TrainError, UNet, UNetConfig};
use crate::data::Slice;

/// Voxels that go through the network at once, unless a single slice is larger.
const VOXELS_AT_ONCE: usize = 1 << 17;

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
    let mut labels = Vec::with_capacity(slices.len());
    for alike in slices.chunk_by(|a, b| (a.width, a.height) == (b.width, b.height)) {
        let at_once = (VOXELS_AT_ONCE / alike[0].labels.len().max(1)).max(1);
        for batch in alike.chunks(at_once) {
            labels.extend(predict_batch(network, config, head, batch, device)?);
        }
    }
    Ok(labels)
}

/// All slices of a batch have the same size.
fn predict_batch(
    network: &UNet,
    config: &UNetConfig,
    head: Head,
    slices: &[&Slice],
    device: &Device,
) -> Result<Vec<Vec<u8>>, TrainError> {
    let (width, height) = (slices[0].width, slices[0].height);
    let [padded_width, padded_height] =
        [width, height].map(|side| side.next_multiple_of(config.multiple()));
    let images: Vec<f32> =
        slices.iter().flat_map(|slice| pad(slice, padded_width, padded_height)).collect();
    let shape = [slices.len(), config.inputs, padded_height, padded_width];
    let logits = network.forward(Tensor::from_data(TensorData::new(images, shape), device));
    let labels = head.labels(logits).slice([0..slices.len(), 0..height, 0..width]);
    let labels: Vec<u8> = labels.into_data().iter::<u8>().collect();
    let (found, wanted) = (labels.len(), slices.len() * width * height);
    if found != wanted {
        return Err(TrainError::Predictions { found, wanted });
    }
    Ok(labels.chunks_exact(width * height).map(<[u8]>::to_vec).collect())
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
