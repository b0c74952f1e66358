//! `cargo fuzz run masks --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dice_loss_fuzz::masks(bytes));
