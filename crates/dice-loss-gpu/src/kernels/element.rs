//! Elements of any type from buffers of 32-bit words.

use cubecl::prelude::*;

use crate::addressing::{Addressing, Kind};

/// What a label is that fits no class and no ignore index.
pub(super) const NO_LABEL: i32 = i32::MIN;

#[cube]
fn byte(words: &[u32], index: u32) -> u32 {
    (words[(index >> 2) as usize] >> ((index & 3) * 8)) & 0xff
}

#[cube]
fn half_word(words: &[u32], index: u32) -> u32 {
    (words[(index >> 1) as usize] >> ((index & 1) * 16)) & 0xffff
}

/// An f16, in arithmetic that every device has.
#[cube]
fn half(bits: u32) -> f32 {
    let exponent = bits & 0x7c00;
    let magnitude = (bits & 0x7fff) << 13;
    let normal = f32::reinterpret(magnitude + 0x3800_0000u32);
    let subnormal = f32::cast_from(bits & 0x3ff) * 5.960_464_5e-8f32;
    let special = f32::reinterpret(magnitude | 0x7f80_0000u32);
    let value = select(exponent == 0, subnormal, select(exponent == 0x7c00, special, normal));
    select(bits >= 0x8000, -value, value)
}

/// An element as a number.
#[cube]
pub(super) fn number(words: &[u32], index: u32, kind: u32) -> f32 {
    let mut value = 0.0f32;
    if kind >= comptime!(Kind::F16 as u32) {
        value = real(words, index, kind);
    } else {
        value = f32::cast_from(label(words, index, kind));
    }
    value
}

/// An element as a label.
#[cube]
pub(super) fn label(words: &[u32], index: u32, kind: u32) -> i32 {
    let mut value = comptime!(NO_LABEL).runtime();
    if kind == comptime!(Kind::U8 as u32) {
        value = i32::cast_from(byte(words, index));
    } else if kind == comptime!(Kind::I64 as u32) {
        let low = words[(2 * index) as usize];
        let high = words[(2 * index + 1) as usize];
        let sign = select(low >= 0x8000_0000u32, 0xffff_ffffu32, 0u32);
        if high == sign {
            value = i32::reinterpret(low);
        }
    } else if kind == comptime!(Kind::U64 as u32) {
        let low = words[(2 * index) as usize];
        if words[(2 * index + 1) as usize] == 0 && low < 0x8000_0000u32 {
            value = i32::reinterpret(low);
        }
    } else if kind == comptime!(Kind::I32 as u32) {
        value = i32::reinterpret(words[index as usize]);
    } else if kind == comptime!(Kind::U32 as u32) {
        let word = words[index as usize];
        if word < 0x8000_0000u32 {
            value = i32::reinterpret(word);
        }
    } else if kind == comptime!(Kind::I16 as u32) {
        value = i32::reinterpret(half_word(words, index) << 16) >> 16;
    } else if kind == comptime!(Kind::U16 as u32) {
        value = i32::cast_from(half_word(words, index));
    } else if kind == comptime!(Kind::I8 as u32) {
        value = i32::reinterpret(byte(words, index) << 24) >> 24;
    } else {
        let found = real(words, index, kind);
        // Within what i32 holds, so that the conversion below is one.
        if found.abs() < 2_147_483_648.0f32 {
            let whole = i32::cast_from(found);
            if f32::cast_from(whole) == found {
                value = whole;
            }
        }
    }
    value
}

/// Whether an element is the label to ignore, whatever number that may be.
#[cube]
pub(super) fn is_ignored(words: &[u32], index: u32, batch: &Addressing) -> bool {
    let kind = batch.target_kind;
    let mut same = false;
    if batch.ignores != 0 {
        if kind >= comptime!(Kind::F16 as u32) {
            same = real(words, index, kind) == f32::reinterpret(batch.ignored);
        } else if kind >= comptime!(Kind::U64 as u32) {
            same = words[(2 * index) as usize] == batch.ignored
                && words[(2 * index + 1) as usize] == batch.ignored_high;
        } else if kind == comptime!(Kind::U32 as u32) {
            same = words[index as usize] == batch.ignored;
        } else {
            same = label(words, index, kind) == i32::reinterpret(batch.ignored);
        }
    }
    same
}

#[cube]
fn real(words: &[u32], index: u32, kind: u32) -> f32 {
    let mut value = 0.0f32;
    if kind == comptime!(Kind::F32 as u32) {
        value = f32::reinterpret(words[index as usize]);
    } else if kind == comptime!(Kind::F16 as u32) {
        value = half(half_word(words, index));
    } else {
        value = f32::reinterpret(half_word(words, index) << 16);
    }
    value
}
