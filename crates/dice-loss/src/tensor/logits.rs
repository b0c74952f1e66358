//! What the network says.

use super::{Float, FloatSlice, Layout};
use crate::Result;

/// A borrowed `[N, C, S]` tensor of logits (or of probabilities, if the term says so).
///
/// ```
/// use dice_loss::{Layout, Logits};
/// let x = vec![0.0f32; 2 * 3 * 8 * 8];
/// let logits = Logits::new(&x, Layout::channels_last(&[2, 8, 8, 3])?)?;
/// assert_eq!(logits.layout().shape(), [2, 3, 64]);
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Logits<'a> {
    pub(crate) data: FloatSlice<'a>,
    pub(crate) layout: Layout,
}

impl<'a> Logits<'a> {
    /// Fails if the buffer is shorter than the layout reaches.
    pub fn new<T: Float>(data: &'a [T], layout: Layout) -> Result<Self> {
        layout.check("logits", data.len())?;
        Ok(Self { data: T::erase(data), layout })
    }

    /// Shape and strides.
    pub fn layout(&self) -> Layout {
        self.layout
    }
}
