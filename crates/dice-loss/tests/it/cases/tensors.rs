//! Tensors that own their elements, in any type and any arrangement in memory.

use dice_loss::{Dense, Float, Label, Layout, Logits, Output, Target};
use half::{bf16, f16};

/// Declares an enum of vectors, one for each element type.
macro_rules! owned {
    ($Name:ident, $Kind:ident: $($Variant:ident($T:ty) = $convert:expr),+) => {
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum $Kind { $($Variant),+ }

        impl $Kind {
            pub const ALL: &[Self] = &[$(Self::$Variant),+];
        }

        #[derive(Debug, Clone)]
        pub enum $Name { $($Variant(Vec<$T>)),+ }

        impl $Name {
            pub fn of(kind: $Kind, values: &[f64]) -> Self {
                match kind {
                    $($Kind::$Variant => {
                        Self::$Variant(values.iter().copied().map($convert).collect())
                    }),+
                }
            }
        }
    };
}
owned!(Floats, FloatKind:
    F32(f32) = |x| x as f32, F64(f64) = |x| x,
    F16(f16) = f16::from_f64, Bf16(bf16) = bf16::from_f64);
owned!(Labels, LabelKind:
    U8(u8) = |x| x as u8, U32(u32) = |x| x as u32, I16(i16) = |x| x as i16,
    I32(i32) = |x| x as i32, I64(i64) = |x| x as i64, F32(f32) = |x| x as f32);
owned!(Denses, DenseKind:
    Bool(bool) = |x| x != 0.0, U8(u8) = |x| x as u8, F32(f32) = |x| x as f32,
    F64(f64) = |x| x, F16(f16) = f16::from_f64, Bf16(bf16) = bf16::from_f64);

/// Does the same with the vector of whichever type.
macro_rules! each {
    ($Name:ident, $owned:expr, |$data:ident| $body:expr) => {
        match $owned {
            $Name::F32($data) => $body,
            $Name::F64($data) => $body,
            $Name::F16($data) => $body,
            $Name::Bf16($data) => $body,
        }
    };
}

impl Floats {
    pub fn kind(&self) -> FloatKind {
        match self {
            Self::F32(_) => FloatKind::F32,
            Self::F64(_) => FloatKind::F64,
            Self::F16(_) => FloatKind::F16,
            Self::Bf16(_) => FloatKind::Bf16,
        }
    }

    pub fn logits(&self, layout: Layout) -> Logits<'_> {
        fn of<T: Float>(data: &[T], layout: Layout) -> Logits<'_> {
            Logits::new(data, layout).expect("the buffer is made for its layout")
        }
        each!(Floats, self, |data| of(data, layout))
    }

    pub fn output(&mut self, layout: Layout) -> Output<'_> {
        each!(Floats, self, |data| Output::new(data, layout)).expect("the buffer is made for it")
    }

    pub fn weigh<'a>(&'a self, target: Target<'a>, layout: Layout) -> Target<'a> {
        each!(Floats, self, |data| target.voxel_weights(data, layout)).expect("weights fit")
    }

    pub fn map<'a>(&'a self, target: Target<'a>, name: &str, layout: Layout) -> Target<'a> {
        each!(Floats, self, |data| target.map(name, data, layout)).expect("a map that fits")
    }

    pub fn get(&self, at: usize) -> f64 {
        match self {
            Self::F32(data) => data[at].into(),
            Self::F64(data) => data[at],
            Self::F16(data) => data[at].to_f64(),
            Self::Bf16(data) => data[at].to_f64(),
        }
    }

    pub fn set(&mut self, at: usize, value: f64) {
        match self {
            Self::F32(data) => data[at] = value as f32,
            Self::F64(data) => data[at] = value,
            Self::F16(data) => data[at] = f16::from_f64(value),
            Self::Bf16(data) => data[at] = bf16::from_f64(value),
        }
    }

    pub fn len(&self) -> usize {
        each!(Floats, self, |data| data.len())
    }

    pub fn to_f64(&self) -> Vec<f64> {
        (0..self.len()).map(|at| self.get(at)).collect()
    }

    /// The bits of every element.
    pub fn bits(&self) -> Vec<u64> {
        match self {
            Self::F32(data) => data.iter().map(|x| x.to_bits().into()).collect(),
            Self::F64(data) => data.iter().map(|x| x.to_bits()).collect(),
            Self::F16(data) => data.iter().map(|x| x.to_bits().into()).collect(),
            Self::Bf16(data) => data.iter().map(|x| x.to_bits().into()).collect(),
        }
    }
}

impl Labels {
    pub fn target(&self, layout: Layout) -> Target<'_> {
        fn of<T: Label>(data: &[T], layout: Layout) -> Target<'_> {
            Target::labels(data, layout).expect("the buffer is made for its layout")
        }
        match self {
            Self::U8(data) => of(data, layout),
            Self::U32(data) => of(data, layout),
            Self::I16(data) => of(data, layout),
            Self::I32(data) => of(data, layout),
            Self::I64(data) => of(data, layout),
            Self::F32(data) => of(data, layout),
        }
    }

    pub fn regions<'a>(&'a self, layout: Layout, table: &'a [Vec<usize>]) -> Target<'a> {
        match self {
            Self::U8(data) => Target::regions(data, layout, table),
            Self::U32(data) => Target::regions(data, layout, table),
            Self::I16(data) => Target::regions(data, layout, table),
            Self::I32(data) => Target::regions(data, layout, table),
            Self::I64(data) => Target::regions(data, layout, table),
            Self::F32(data) => Target::regions(data, layout, table),
        }
        .expect("the buffer is made for its layout")
    }
}

impl Denses {
    pub fn target(&self, layout: Layout) -> Target<'_> {
        fn of<T: Dense>(data: &[T], layout: Layout) -> Target<'_> {
            Target::dense(data, layout).expect("the buffer is made for its layout")
        }
        match self {
            Self::Bool(data) => of(data, layout),
            Self::U8(data) => of(data, layout),
            Self::F32(data) => of(data, layout),
            Self::F64(data) => of(data, layout),
            Self::F16(data) => of(data, layout),
            Self::Bf16(data) => of(data, layout),
        }
    }

    pub fn mask<'a>(&'a self, target: Target<'a>, layout: Layout) -> Target<'a> {
        match self {
            Self::Bool(data) => target.mask(data, layout),
            Self::U8(data) => target.mask(data, layout),
            Self::F32(data) => target.mask(data, layout),
            Self::F64(data) => target.mask(data, layout),
            Self::F16(data) => target.mask(data, layout),
            Self::Bf16(data) => target.mask(data, layout),
        }
        .expect("the mask fits")
    }
}

/// How a tensor lies in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrangement {
    ChannelsFirst,
    ChannelsLast,
    /// With unused elements between voxels, classes and samples.
    Gaps,
    /// Classes outermost, then samples.
    ClassesFirst,
}

impl Arrangement {
    pub const ALL: &[Self] =
        &[Self::ChannelsFirst, Self::ChannelsLast, Self::Gaps, Self::ClassesFirst];

    fn strides(self, [n, c, s]: [usize; 3]) -> [usize; 3] {
        match self {
            Self::ChannelsFirst => [c * s, s, 1],
            Self::ChannelsLast => [c * s, 1, c],
            Self::Gaps => [(2 * s + 3) * c + 5, 2 * s + 3, 2],
            Self::ClassesFirst => [s, n * s, 1],
        }
    }

    pub fn layout(self, shape: [usize; 3]) -> Layout {
        let [n, c, s] = shape;
        match self {
            Self::ChannelsFirst => Layout::channels_first(&shape),
            Self::ChannelsLast => Layout::channels_last(&[n, s, c]),
            _ => Layout::strided(&shape, &self.strides(shape)),
        }
        .expect("three axes")
    }

    /// For each element in the order (N, C, S), its place in the buffer.
    pub fn places(self, shape: [usize; 3]) -> Vec<usize> {
        let [n, c, s] = shape;
        let [sn, sc, ss] = self.strides(shape);
        let mut places = Vec::with_capacity(n * c * s);
        for sample in 0..n {
            for class in 0..c {
                places.extend((0..s).map(|voxel| sample * sn + class * sc + voxel * ss));
            }
        }
        places
    }

    /// A buffer with these values in the order (N, C, S), and `between` in the gaps.
    pub fn arrange(self, shape: [usize; 3], values: &[f64], between: f64) -> Vec<f64> {
        let places = self.places(shape);
        let mut buffer = vec![between; places.iter().max().map_or(0, |last| last + 1)];
        for (place, value) in places.into_iter().zip(values) {
            buffer[place] = *value;
        }
        buffer
    }
}
