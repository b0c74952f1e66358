//! `cargo fuzz run engine --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    dice_loss_fuzz::engine(bytes);
});
