//! The engine's body on a bounded number of inputs, the same in every run.

use std::panic::catch_unwind;

use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};

#[test]
fn the_engine_takes_anything() {
    let mut losses = 0;
    for seed in 0..2000 {
        let mut noise = ChaCha8Rng::seed_from_u64(seed);
        let mut bytes = vec![0; noise.random_range(0..6000)];
        noise.fill_bytes(&mut bytes);
        let done = catch_unwind(|| dice_loss_fuzz::engine(&bytes));
        let Ok(has_loss) = done else {
            panic!("seed {seed}: the panic above comes of its {} bytes", bytes.len());
        };
        losses += u32::from(has_loss);
    }
    assert!(losses > 500, "only {losses} of 2000 inputs got as far as a loss")
}
