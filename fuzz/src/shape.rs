//! Tensor shapes and strides, most of which make sense.

use arbitrary::{Result, Unstructured};
use dice_loss::Layout;

/// Axes `[N, C, spatial…]` or `[N, spatial…]`, with their strides in elements.
#[derive(Debug, Clone)]
pub struct Shape {
    pub axes: Vec<usize>,
    pub strides: Vec<usize>,
}

impl Shape {
    /// Of a batch; now and then longer than a tile of the engine.
    pub fn of_logits(u: &mut Unstructured) -> Result<Self> {
        let mut axes = vec![u.int_in_range(0..=3)?, u.int_in_range(0..=5)?];
        for _ in 0..u.int_in_range(0..=3)? {
            axes.push(u.int_in_range(0..=9)?);
        }
        if u.ratio(1, 8)? {
            axes =
                vec![u.int_in_range(1..=2)?, u.int_in_range(1..=3)?, u.int_in_range(1000..=2100)?];
        }
        Self::strided(u, axes)
    }

    /// Of something with one value a voxel; now and then it does not fit the logits.
    pub fn per_voxel(&self, u: &mut Unstructured) -> Result<Self> {
        let mut axes = self.axes.clone();
        axes.remove(1);
        unfit(u, &mut axes)?;
        Self::strided(u, axes)
    }

    /// Of something with one value a voxel and class; now and then it does not fit the logits.
    pub fn per_class(&self, u: &mut Unstructured) -> Result<Self> {
        let mut axes = self.axes.clone();
        unfit(u, &mut axes)?;
        Self::strided(u, axes)
    }

    /// Strides of a random order of the axes, with gaps; now and then any numbers.
    fn strided(u: &mut Unstructured, axes: Vec<usize>) -> Result<Self> {
        let mut strides = vec![0; axes.len()];
        if u.ratio(1, 16)? {
            for stride in &mut strides {
                *stride = u.int_in_range(0..=40)?;
            }
            return Ok(Self { axes, strides });
        }
        let mut order: Vec<_> = (0..axes.len()).rev().collect();
        if u.arbitrary()? {
            // Channels last: the second axis is the innermost.
            order.retain(|&axis| axis != 1);
            order.insert(0, 1.min(axes.len().saturating_sub(1)));
            order.dedup();
            order.truncate(axes.len());
        }
        let mut step = u.int_in_range(1..=2)?;
        for axis in order {
            strides[axis] = step;
            step *= axes[axis].max(1);
            if axis < 2 && u.ratio(1, 4)? {
                step += u.int_in_range(0..=5)?;
            }
        }
        Ok(Self { axes, strides })
    }

    /// As a tensor with a class axis.
    pub fn layout(&self) -> dice_loss::Result<Layout> {
        Layout::strided(&self.axes, &self.strides)
    }

    /// As a tensor without.
    pub fn voxels(&self) -> dice_loss::Result<Layout> {
        Layout::voxels_strided(&self.axes, &self.strides)
    }

    /// Elements that a buffer must have.
    pub fn extent(&self) -> usize {
        if self.axes.contains(&0) {
            return 0;
        }
        1 + self
            .axes
            .iter()
            .zip(&self.strides)
            .map(|(size, stride)| (size - 1) * stride)
            .sum::<usize>()
    }

    /// Which elements of a buffer belong to the tensor.
    pub fn touched(&self, length: usize) -> Vec<bool> {
        let mut places = vec![0usize];
        for (&size, &stride) in self.axes.iter().zip(&self.strides) {
            places = places
                .iter()
                .flat_map(|place| (0..size).map(move |index| place + index * stride))
                .collect();
        }
        let mut touched = vec![false; length];
        places.into_iter().for_each(|place| touched[place] = true);
        touched
    }
}

fn unfit(u: &mut Unstructured, axes: &mut Vec<usize>) -> Result<()> {
    if u.ratio(1, 32)? {
        let axis = u.choose_index(axes.len())?;
        axes[axis] += 1;
    }
    if u.ratio(1, 64)? {
        axes.pop();
    }
    Ok(())
}
