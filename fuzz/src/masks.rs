//! The program's readers of masks and images.

use dice_loss_cli::data::{Mask, Scan, nifti, raster};
use image::ImageFormat;

/// Any bytes as a file of any format: a fault at most, never a panic; what is read has the size
/// that it says.
pub fn masks(bytes: &[u8]) {
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        raster::decode_mask(bytes, format).into_iter().for_each(|mask| complete(&mask));
        raster::decode_image(bytes, format).into_iter().for_each(|scan| whole(&scan));
    }
    nifti::decode_mask(bytes).into_iter().for_each(|mask| complete(&mask));
    nifti::decode_image(bytes).into_iter().for_each(|scan| whole(&scan));
}

fn complete(mask: &Mask) {
    assert_eq!(mask.values.len(), mask.extent.slice_len() * mask.extent.depth, "{}", mask.extent);
}

fn whole(scan: &Scan) {
    let voxels = scan.extent.slice_len() * scan.extent.depth;
    assert_eq!(scan.values.len(), voxels * scan.channels, "{}", scan.extent);
}
