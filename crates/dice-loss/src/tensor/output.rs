//! Where the engine writes: the gradient, or a map of losses.

use super::Layout;
use super::element::{FloatMut, FloatSliceMut};
use crate::{Error, Result};

/// A borrowed buffer for ∂loss/∂logits, or for a map of voxel losses.
///
/// A gradient has the logits' shape and element type, and strides of its own. The sweep writes
/// every element of the layout and nothing between them.
#[derive(Debug)]
pub struct Output<'a> {
    pub(crate) data: FloatSliceMut<'a>,
    pub(crate) layout: Layout,
}

impl<'a> Output<'a> {
    /// Fails if the buffer is too short, or if two elements would share a place in it.
    pub fn new<T: FloatMut>(data: &'a mut [T], layout: Layout) -> Result<Self> {
        let data = T::erase_mut(data);
        layout.check("output", data.len())?;
        if !layout.is_injective() {
            return Err(Error::Strides {
                shape: layout.shape().to_vec(),
                strides: layout.strides.to_vec(),
                wanted: "an output whose elements do not overlap",
            });
        }
        Ok(Self { data, layout })
    }
}
