//! Maps to ask about: random ones of every kind of shape, and those at the edges.

use dice_loss_morphology::Grid;
use rayon::ThreadPoolBuilder;

/// Numbers that look random, and are the same each time.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}

pub const SHAPES: [&[usize]; 15] = [
    &[1],
    &[2],
    &[37],
    &[1, 1],
    &[1, 9],
    &[9, 1],
    &[2, 2],
    &[13, 21],
    &[40, 33],
    &[1, 1, 1],
    &[1, 6, 5],
    &[6, 1, 5],
    &[6, 5, 1],
    &[3, 4, 5],
    &[9, 17, 18],
];

/// Spacings for so many axes: none, whole multiples of the smallest, and others.
pub fn spacings(axes: usize) -> [Vec<f64>; 4] {
    [vec![1.0; 3], vec![0.4; 3], vec![3.0, 0.5, 1.5], vec![2.7, 0.8, 1.1]]
        .map(|steps| steps[..axes].to_vec())
}

/// Label maps of 0 to 3: noise, sparse noise, blocks, one voxel, nothing, everything.
pub fn maps(grid: &Grid, random: &mut Random) -> Vec<Vec<u8>> {
    let voxels = grid.voxels();
    let noise = (0..voxels).map(|_| random.below(4) as u8).collect();
    let sparse = (0..voxels)
        .map(|_| if random.below(voxels / 4 + 2) == 0 { 1 + random.below(3) as u8 } else { 0 })
        .collect();
    let dense = (0..voxels).map(|_| u8::from(random.below(9) > 0)).collect();
    let mut one = vec![0; voxels];
    if voxels > 0 {
        one[random.below(voxels)] = 2;
    }
    vec![noise, sparse, dense, blocks(grid, random), one, vec![0; voxels], vec![1; voxels]]
}

/// Boxes of labels, later ones over earlier ones.
pub fn blocks(grid: &Grid, random: &mut Random) -> Vec<u8> {
    let shape = grid.shape();
    let mut map = vec![0; grid.voxels()];
    for _ in 0..6 {
        let label = random.below(4) as u8;
        let bounds: Vec<_> = shape
            .iter()
            .map(|&size| {
                let (a, b) = (random.below(size + 1), random.below(size + 1));
                a.min(b)..a.max(b)
            })
            .collect();
        for (index, to) in map.iter_mut().enumerate() {
            let inside = coordinates(index, shape).iter().zip(&bounds).all(|(x, b)| b.contains(x));
            *to = if inside { label } else { *to };
        }
    }
    map
}

pub fn coordinates(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut found = vec![0; shape.len()];
    for (to, &size) in found.iter_mut().zip(shape).rev() {
        *to = index % size;
        index /= size;
    }
    found
}

/// What `work` finds in pools of several sizes, which must not depend on it.
pub fn with_threads<T: PartialEq + std::fmt::Debug + Send>(work: impl Fn() -> T + Sync) -> T {
    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let found = pool(1).install(&work);
    for threads in [2, 5] {
        assert_eq!(pool(threads).install(&work), found, "{threads} threads");
    }
    found
}
