//! Shape and strides, reduced to what the sweeps walk over: samples, classes, voxels.

use crate::{Error, Result};

/// Where element `(sample, class, voxel)` of a tensor lies in its buffer.
///
/// All spatial axes count as one axis of voxels. Strides are in elements.
///
/// ```
/// use dice_loss::Layout;
/// let first = Layout::channels_first(&[2, 4, 32, 32])?;
/// let last = Layout::channels_last(&[2, 32, 32, 4])?;
/// assert_eq!(first.shape(), last.shape());
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub(crate) samples: usize,
    pub(crate) classes: usize,
    pub(crate) voxels: usize,
    pub(crate) strides: [usize; 3],
    /// The sizes of the last spatial axes, without the first of all; 0 where there are fewer.
    inner: [usize; 3],
}

impl Layout {
    /// `[N, C, spatial…]`, contiguous. `[N, C]` has one voxel.
    pub fn channels_first(shape: &[usize]) -> Result<Self> {
        Self::strided(shape, &contiguous(shape))
    }

    /// `[N, spatial…, C]`, contiguous.
    pub fn channels_last(shape: &[usize]) -> Result<Self> {
        let [n, spatial @ .., c] = shape else {
            return too_few_axes(shape, "[N, spatial…, C]");
        };
        let voxels = product(spatial, shape)?;
        let (row, sample) = (*c, product(&[voxels, *c], shape)?);
        product(&[*n, sample], shape)?;
        let strides = [sample, 1, row];
        Ok(Self { samples: *n, classes: *c, voxels, strides, inner: inner(spatial) })
    }

    /// `[N, C, spatial…]` with strides in elements, one per axis.
    ///
    /// Fails if the spatial axes do not collapse into one, that is, if stepping from voxel to
    /// voxel in row-major order is not one constant stride.
    pub fn strided(shape: &[usize], strides: &[usize]) -> Result<Self> {
        if shape.len() != strides.len() {
            return Err(Error::Strides {
                shape: shape.to_vec(),
                strides: strides.to_vec(),
                wanted: "one stride for each axis",
            });
        }
        let ([n, c, spatial @ ..], [sn, sc, ss @ ..]) = (shape, strides) else {
            return too_few_axes(shape, "[N, C, spatial…]");
        };
        product(shape, shape)?;
        let voxels = product(spatial, shape)?;
        let stride = collapse(spatial, ss).ok_or_else(|| Error::Strides {
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            wanted: "spatial axes that collapse into one (row-major among themselves)",
        })?;
        let strides = [*sn, *sc, stride];
        Ok(Self { samples: *n, classes: *c, voxels, strides, inner: inner(spatial) })
    }

    /// `[N, spatial…]`, contiguous: label maps, masks, voxel weights.
    ///
    /// `[N, 1, spatial…]` is the same thing.
    pub fn voxels(shape: &[usize]) -> Result<Self> {
        Self::voxels_strided(shape, &contiguous(shape))
    }

    /// `[N, spatial…]` with strides in elements, one per axis.
    pub fn voxels_strided(shape: &[usize], strides: &[usize]) -> Result<Self> {
        if shape.is_empty() || strides.is_empty() {
            return too_few_axes(shape, "[N, spatial…]");
        }
        let with_class = |axes: &[usize], class: usize| {
            let mut axes = axes.to_vec();
            axes.insert(1, class);
            axes
        };
        Self::strided(&with_class(shape, 1), &with_class(strides, 0))
    }

    /// `[N, C, S]`: samples, classes, voxels.
    pub fn shape(&self) -> [usize; 3] {
        [self.samples, self.classes, self.voxels]
    }

    /// Where a voxel is, counted over all spatial axes in row-major order, along each of them.
    ///
    /// Of more than four spatial axes the first ones count as one.
    ///
    /// ```
    /// use dice_loss::Layout;
    /// let layout = Layout::channels_first(&[2, 3, 4, 5])?;
    /// assert_eq!(layout.coordinates(7), [1, 2]); // row 1, column 2
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn coordinates(&self, voxel: usize) -> Vec<usize> {
        let sizes = self.inner.iter().copied().filter(|&size| size > 0);
        let mut rest = voxel;
        let mut from_last: Vec<_> = sizes
            .rev()
            .map(|size| {
                let along = rest % size;
                rest /= size;
                along
            })
            .collect();
        from_last.push(rest);
        from_last.reverse();
        from_last
    }

    /// The sizes of the spatial axes, at least one. Of more than four the first ones count as one.
    pub(crate) fn spatial(&self) -> Vec<usize> {
        let inner = self.inner.iter().copied().filter(|&size| size > 0);
        let of_inner: usize = inner.clone().product();
        std::iter::once(self.voxels / of_inner).chain(inner).collect()
    }

    /// Elements from one sample, class and voxel to the next.
    pub fn strides(&self) -> [usize; 3] {
        self.strides
    }

    /// Elements that a buffer of this layout must have.
    pub(crate) fn extent(&self) -> Option<usize> {
        let mut last = 0usize;
        for (size, stride) in self.shape().into_iter().zip(self.strides) {
            let Some(steps) = size.checked_sub(1) else { return Some(0) };
            last = last.checked_add(steps.checked_mul(stride)?)?;
        }
        last.checked_add(1)
    }

    /// Whether no two elements share a place. Sufficient, and exact for every dense permutation.
    pub(crate) fn is_injective(&self) -> bool {
        if self.shape().contains(&0) {
            return true;
        }
        let mut axes: Vec<_> =
            self.shape().into_iter().zip(self.strides).filter(|(size, _)| *size > 1).collect();
        axes.sort_by_key(|(_, stride)| *stride);
        let mut reach = 0usize;
        for (size, stride) in axes {
            if stride <= reach {
                return false;
            }
            reach = reach.saturating_add((size - 1).saturating_mul(stride));
        }
        true
    }

    pub(crate) fn check(&self, what: &'static str, found: usize) -> Result<()> {
        let wanted = self.extent().unwrap_or(usize::MAX);
        if found < wanted {
            return Err(Error::Length { what, found, wanted });
        }
        Ok(())
    }
}

/// The sizes of up to three spatial axes, the last ones but never the first.
fn inner(spatial: &[usize]) -> [usize; 3] {
    let mut sizes = [0; 3];
    let of_last = sizes.iter_mut().rev().zip(spatial.iter().skip(1).rev());
    of_last.for_each(|(size, &axis)| *size = axis);
    sizes
}

fn contiguous(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
    }
    strides
}

fn product(axes: &[usize], shape: &[usize]) -> Result<usize> {
    axes.iter().try_fold(1usize, |all, &size| all.checked_mul(size)).ok_or_else(|| Error::Shape {
        what: "tensor",
        found: shape.to_vec(),
        wanted: format!("at most {} elements", usize::MAX),
    })
}

/// The one stride of row-major steps over all axes, if there is one.
fn collapse(shape: &[usize], strides: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(1);
    }
    let mut inner: Option<(usize, usize)> = None; // (stride, voxels so far)
    for (&size, &stride) in shape.iter().zip(strides).rev() {
        inner = match inner {
            _ if size == 1 => inner,
            None => Some((stride, size)),
            Some((step, count)) if stride == step.checked_mul(count)? => Some((step, count * size)),
            Some(_) => return None,
        };
    }
    Some(inner.map_or(1, |(step, _)| step))
}

fn too_few_axes<T>(shape: &[usize], wanted: &str) -> Result<T> {
    Err(Error::Shape { what: "tensor", found: shape.to_vec(), wanted: wanted.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spatial_axes_collapse_or_are_refused() {
        let dense = Layout::strided(&[2, 3, 4, 5], &[60, 20, 5, 1]).unwrap();
        assert_eq!(dense, Layout::channels_first(&[2, 3, 4, 5]).unwrap());
        let last = Layout::strided(&[2, 3, 4, 5], &[60, 1, 15, 3]).unwrap();
        assert_eq!(last, Layout::channels_last(&[2, 4, 5, 3]).unwrap());
        let padded_rows = Layout::strided(&[2, 3, 4, 5], &[96, 32, 8, 1]);
        assert!(matches!(padded_rows, Err(Error::Strides { .. })));
        assert_eq!(Layout::strided(&[1, 2, 1, 7], &[0, 7, 99, 1]).unwrap().strides[2], 1);
    }

    #[test]
    fn a_voxel_has_a_place_along_each_axis() {
        let at = |spatial: &[usize], voxel| {
            let shape = [&[2, 3], spatial].concat();
            let first = Layout::channels_first(&shape).unwrap();
            let last = Layout::channels_last(&[&[2], spatial, &[3]].concat()).unwrap();
            let voxels = Layout::voxels(&[&[2], spatial].concat()).unwrap();
            let found = first.coordinates(voxel);
            assert_eq!(found, last.coordinates(voxel));
            assert_eq!(found, voxels.coordinates(voxel));
            found
        };
        assert_eq!(at(&[], 0), [0]);
        assert_eq!(at(&[9], 7), [7]);
        assert_eq!(at(&[4, 5], 13), [2, 3]);
        assert_eq!(at(&[1, 5], 3), [0, 3]);
        // 1 · 20 + 2 · 5 + 3, and the same in 2 · 60 and 1 · 120 more.
        assert_eq!(at(&[3, 4, 5], 33), [1, 2, 3]);
        assert_eq!(at(&[3, 3, 4, 5], 153), [2, 1, 2, 3]);
        assert_eq!(at(&[2, 2, 3, 4, 5], 153), [2, 1, 2, 3]);
    }

    #[test]
    fn extent_and_injectivity() {
        let dense = Layout::channels_first(&[2, 3, 20]).unwrap();
        assert_eq!(dense.extent(), Some(120));
        assert!(dense.is_injective());
        let broadcast = Layout::strided(&[2, 3, 20], &[0, 20, 1]).unwrap();
        assert_eq!(broadcast.extent(), Some(60));
        assert!(!broadcast.is_injective());
        assert_eq!(Layout::channels_first(&[0, 3, 20]).unwrap().extent(), Some(0));
        let empty = Layout::strided(&[2, 3, 0], &[0, 0, 1]).unwrap();
        assert!(empty.is_injective());
    }

    #[test]
    fn a_shape_beyond_the_address_space_is_an_error() {
        let found = Layout::channels_first(&[usize::MAX, 2, 2]);
        assert!(matches!(found, Err(Error::Shape { .. })));
        let found = Layout::channels_last(&[2, usize::MAX, 2]);
        assert!(matches!(found, Err(Error::Shape { .. })));
    }
}
