//! What a framework's tensors must be able to do.

use half::{bf16, f16};

/// A result of an operation of the framework `O`.
pub type Computed<T, O> = Result<T, <O as Operations>::Error>;

/// The tensors of a framework, each with the three axes samples, classes, voxels.
///
/// In operations on two tensors an axis of 1 stands for as many as the other has.
pub trait Operations: Sized {
    /// Floating point numbers.
    type Numbers: Numbers<Self>;
    /// What is there and what is not.
    type Mask: Mask<Self>;
    /// Integers that name classes.
    type Labels: Labels<Self>;
    /// What an operation may fail with.
    type Error;

    /// The engine's error, as the framework's.
    fn refused(error: dice_loss::Error) -> Self::Error;
}

/// Tensors of numbers, differentiable.
pub trait Numbers<O: Operations>: Clone {
    /// The type of the elements.
    fn element(&self) -> Element;
    /// The three axes.
    fn shape(&self) -> [usize; 3];
    /// In another type.
    fn cast(self, element: Element) -> Computed<Self, O>;
    /// These values, in the type and on the device of this tensor.
    fn constant(&self, values: Vec<f64>, shape: [usize; 3]) -> Computed<Self, O>;
    /// Ones, in the type and on the device of this tensor.
    fn ones(&self, shape: [usize; 3]) -> Computed<Self, O>;
    /// A mask of these values, on the device of this tensor.
    fn mask(&self, values: Vec<bool>, shape: [usize; 3]) -> Computed<O::Mask, O>;
    /// Every number in row-major order. Waits for the device.
    fn to_host(self) -> Computed<Vec<f64>, O>;
    /// The same numbers, with no slope.
    fn detach(self) -> Self;

    /// In another shape, of as many numbers.
    fn reshape(self, shape: [usize; 3]) -> Computed<Self, O>;
    /// With axes of 1 repeated.
    fn expand(self, shape: [usize; 3]) -> Computed<Self, O>;
    /// Part of an axis.
    fn narrow(self, axis: usize, start: usize, length: usize) -> Computed<Self, O>;
    /// One behind the other along an axis.
    fn cat(parts: Vec<Self>, axis: usize) -> Computed<Self, O>;

    /// x + y.
    fn add(self, other: Self) -> Computed<Self, O>;
    /// x − y.
    fn sub(self, other: Self) -> Computed<Self, O>;
    /// x y.
    fn mul(self, other: Self) -> Computed<Self, O>;
    /// x / y.
    fn div(self, other: Self) -> Computed<Self, O>;
    /// −x.
    fn neg(self) -> Computed<Self, O>;
    /// 1 − x.
    fn complement(self) -> Computed<Self, O>;
    /// |x|, with a slope of 0 at 0.
    fn abs(self) -> Computed<Self, O>;
    /// e^x.
    fn exp(self) -> Computed<Self, O>;
    /// ln x.
    fn ln(self) -> Computed<Self, O>;
    /// max(x, bound).
    fn at_least(self, bound: f64) -> Computed<Self, O>;
    /// min(max(x, 0), 1), of constants.
    fn clamp(self) -> Computed<Self, O>;
    /// Another value where the mask is.
    fn fill(self, mask: O::Mask, value: f64) -> Computed<Self, O>;

    /// The sum over an axis, which becomes 1.
    fn sum(self, axis: usize) -> Computed<Self, O>;
    /// The sum of all, `[1, 1, 1]`.
    fn sum_all(self) -> Computed<Self, O>;
    /// The maximum over an axis, which becomes 1.
    fn max(self, axis: usize) -> Computed<Self, O>;
    /// Products of the matrices of each sample.
    fn matmul(self, other: Self) -> Computed<Self, O>;

    /// Probabilities that exclude each other.
    fn softmax(self) -> Computed<Self, O>;
    /// ln of that.
    fn log_softmax(self) -> Computed<Self, O>;
    /// Probabilities by themselves.
    fn sigmoid(self) -> Computed<Self, O>;
    /// ln of that.
    fn log_sigmoid(self) -> Computed<Self, O>;

    /// Where x is the value.
    fn equals(self, value: f64) -> Computed<O::Mask, O>;
    /// Where x ≥ bound.
    fn ge(self, bound: f64) -> Computed<O::Mask, O>;
    /// Where x ≤ bound.
    fn le(self, bound: f64) -> Computed<O::Mask, O>;
    /// Where each voxel's largest class is: of equal ones the first.
    fn largest(self) -> Computed<O::Mask, O>;
}

/// Tensors of what is there and what is not.
pub trait Mask<O: Operations>: Clone {
    /// Where both are.
    fn and(self, other: Self) -> Computed<Self, O>;
    /// Where either is.
    fn or(self, other: Self) -> Computed<Self, O>;
    /// Where it is not.
    fn not(self) -> Computed<Self, O>;
    /// Part of an axis.
    fn narrow(self, axis: usize, start: usize, length: usize) -> Computed<Self, O>;
    /// 1 where it is, 0 elsewhere.
    fn numbers(self, element: Element) -> Computed<O::Numbers, O>;
    /// Whether it is anywhere. Waits for the device.
    fn any(self) -> Computed<bool, O>;
}

/// Tensors of labels, `[N, 1, S]`.
pub trait Labels<O: Operations>: Clone {
    /// Whether the type has this label: it must not wrap to one that is there.
    fn holds(&self, label: i64) -> bool;
    /// In a type that has −1 and the number of any class.
    fn signed(self) -> Computed<Self, O>;
    /// Where a label is, in a type that holds it.
    fn equals(self, label: i64) -> Computed<O::Mask, O>;
    /// Where labels are below 0 or not below a limit.
    fn outside(self, limit: usize) -> Computed<O::Mask, O>;
    /// 0 where the mask is.
    fn without(self, mask: O::Mask) -> Computed<Self, O>;
    /// Where each class is, `[N, C, S]`.
    fn one_hot(self, classes: usize) -> Computed<O::Mask, O>;
    /// Each label's row of a table of rows of `classes` numbers, `[N, C, S]`.
    fn rows(self, table: Vec<f32>, classes: usize) -> Computed<O::Numbers, O>;
}

/// Writes methods of one expression each: what a framework makes of a tensor.
///
/// `add(x, y: Self) -> Self = Ok(x + y);` is `fn add(self, y: Self) -> Result<Self>`.
#[macro_export]
macro_rules! operations {
    ($($name:ident($x:ident $(, $y:ident: $Y:ty)*) -> $Made:ty = $made:expr;)*) => {
        $(fn $name(self $(, $y: $Y)*) -> Result<$Made> {
            let $x = self;
            $made
        })*
    };
}

/// The types that numbers may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `f64`
    F64,
    /// `f32`
    F32,
    /// `f16`
    F16,
    /// `bf16`
    BF16,
    /// `u8`, of dense targets.
    U8,
}

impl Element {
    /// What losses are computed in: half types are widened, as in the engine.
    pub(crate) fn computed_in(self) -> Self {
        match self {
            Self::F64 => Self::F64,
            _ => Self::F32,
        }
    }

    /// Whether the type has this integer.
    pub(crate) fn holds(self, number: i64) -> bool {
        let wide = number as f64;
        let kept = match self {
            Self::U8 => return u8::try_from(number).is_ok(),
            Self::F64 => wide,
            Self::F16 => f16::from_f64(wide).to_f64(),
            Self::BF16 => bf16::from_f64(wide).to_f64(),
            Self::F32 => f64::from(number as f32),
        };
        kept as i128 == i128::from(number)
    }

    /// How far outside [0, 1] a value counts as 0 or 1: 4 roundings of its type, as in the engine.
    pub(crate) fn slack(self) -> f64 {
        4.0 * match self {
            Self::U8 => 0.0,
            Self::F64 => f64::EPSILON,
            Self::F16 => f16::EPSILON.to_f64(),
            Self::BF16 => bf16::EPSILON.to_f64(),
            Self::F32 => f64::from(f32::EPSILON),
        }
    }
}
