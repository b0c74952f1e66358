//! Where the engine writes: the gradient, or a map of losses.

use super::element::{FloatMut, FloatSliceMut};
use super::{Layout, Logits};
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

    /// Whether it can hold the gradient by these logits.
    pub(crate) fn check(&self, logits: &Logits) -> Result<()> {
        let (found, wanted) = (self.layout.shape(), logits.layout.shape());
        if found != wanted {
            return Err(Error::Shape {
                what: "gradient",
                found: found.to_vec(),
                wanted: format!("{wanted:?}, as the logits"),
            });
        }
        let (found, wanted) = (self.data.type_name(), logits.data.type_name());
        if found != wanted {
            return Err(Error::ElementType { found, wanted });
        }
        Ok(())
    }
}
