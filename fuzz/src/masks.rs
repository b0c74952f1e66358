//! The program's readers of masks and images.

use dice_loss_cli::data::{Mask, Scan, nifti, raster, stack};
use image::ImageFormat;

/// Voxels of a file at most: a few bytes may announce very many.
const MOST: u64 = 1 << 22;

/// Any bytes as a file of any format: a fault at most, never a panic; what is read has the size
/// that it says.
pub fn masks(bytes: &[u8]) {
    let mut colours = raster::Colours::default();
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let mask = raster::decode_mask(bytes, format, MOST, &mut colours);
        mask.into_iter().for_each(|mask| complete(&mask));
        raster::decode_image(bytes, format, MOST).into_iter().for_each(|scan| whole(&scan));
    }
    stack::decode_mask(bytes, MOST, &mut colours).into_iter().for_each(|mask| complete(&mask));
    stack::decode_image(bytes, MOST).into_iter().for_each(|scan| whole(&scan));
    nifti::decode_mask(bytes, MOST).into_iter().for_each(|(mask, _)| complete(&mask));
    nifti::decode_image(bytes, MOST).into_iter().for_each(|(scan, _)| whole(&scan));
}

fn complete(mask: &Mask) {
    assert_eq!(mask.values.len(), mask.extent.slice_len() * mask.extent.depth, "{}", mask.extent);
}

fn whole(scan: &Scan) {
    let voxels = scan.extent.slice_len() * scan.extent.depth;
    assert_eq!(scan.values.len(), voxels * scan.channels, "{}", scan.extent);
}
