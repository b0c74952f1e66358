//! The readers' body on a bounded number of inputs, the same in every run.
#![cfg(feature = "masks")]

use std::{io::Cursor, panic::catch_unwind};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, RgbImage};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// A small file of each kind.
fn files() -> Vec<Vec<u8>> {
    let grey = GrayImage::from_fn(7, 5, |x, y| Luma([(x * y) as u8]));
    let pictures = [DynamicImage::from(grey), RgbImage::new(3, 4).into()];
    let mut files = vec![nifti([3, 4, 3, 2], 2, 8, 24), nifti([2, 3, 2, 1], 64, 64, 48)];
    for picture in &pictures {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Tiff] {
            let mut file = Cursor::new(vec![]);
            picture.write_to(&mut file, format).expect("a picture in memory");
            files.push(file.into_inner());
        }
    }
    files
}

/// A volume with the number and lengths of its axes, type, bits a voxel and bytes of voxels.
fn nifti(axes: [i16; 4], datatype: i16, bits: i16, bytes: usize) -> Vec<u8> {
    let mut file = vec![0; 352 + bytes];
    file[..4].copy_from_slice(&348i32.to_le_bytes());
    for axis in 0..8 {
        let length = axes.get(axis).copied().unwrap_or(1);
        file[40 + 2 * axis..][..2].copy_from_slice(&length.to_le_bytes());
    }
    file[70..72].copy_from_slice(&datatype.to_le_bytes());
    file[72..74].copy_from_slice(&bits.to_le_bytes());
    file[108..112].copy_from_slice(&352f32.to_le_bytes());
    file[344..348].copy_from_slice(b"n+1\0");
    file
}

#[test]
fn readers_take_any_bytes() {
    let files = files();
    for seed in 0..50_000 {
        let mut noise = ChaCha8Rng::seed_from_u64(seed);
        // A file with some bytes changed gets further than noise.
        let mut bytes = files[seed as usize % files.len()].clone();
        for _ in 0..noise.random_range(0..6) {
            let at = noise.random_range(0..bytes.len());
            bytes[at] = noise.random();
        }
        if noise.random_ratio(1, 8) {
            bytes.truncate(noise.random_range(0..bytes.len()));
        }
        let done = catch_unwind(|| dice_loss_fuzz::masks(&bytes));
        assert!(done.is_ok(), "seed {seed}: the panic above comes of the bytes {bytes:?}");
    }
}
