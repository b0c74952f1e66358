//! The caller's tensors as plain numbers, voxel by voxel.

use half::{bf16, f16};

use crate::{
    Error, Layout, Logits, Result, Target,
    tensor::{DenseSlice, FloatSlice, Kind, LabelSlice},
};

/// All voxels of a batch.
#[derive(Debug)]
pub struct Batch {
    pub samples: usize,
    pub voxels: usize,
    /// (sample, class): annotated.
    pub annotated: Vec<bool>,
    /// (sample, voxel): `None` where the voxel does not count.
    data: Vec<Option<Voxel>>,
}

/// A voxel that counts.
#[derive(Debug)]
pub struct Voxel {
    pub weight: f64,
    /// Of each class.
    pub logits: Vec<f64>,
    /// How much of the voxel belongs to each class.
    pub target: Vec<f64>,
    /// Which classes were annotated in its sample.
    pub annotated: Vec<bool>,
}

impl Batch {
    /// Reads everything. Fails at the first voxel, in order, that counts and holds no valid weight
    /// or target.
    pub fn read(logits: &Logits, target: &Target) -> Result<Self> {
        let [samples, classes, voxels] = logits.layout.shape();
        let annotated = match target.masks.class_valid {
            Some(valid) => valid.to_vec(),
            None => vec![true; samples * classes],
        };
        let mut data = Vec::with_capacity(samples * voxels);
        for sample in 0..samples {
            for voxel in 0..voxels {
                let weight = weight(target, sample, voxel)?;
                if weight == 0.0 {
                    data.push(None);
                    continue;
                }
                data.push(Some(Voxel {
                    weight,
                    logits: (0..classes).map(|k| float(logits, [sample, k, voxel])).collect(),
                    target: belongs(target, classes, sample, voxel)?,
                    annotated: annotated[sample * classes..][..classes].to_vec(),
                }));
            }
        }
        Ok(Self { samples, voxels, annotated, data })
    }

    /// The voxels that count, each with its sample and its place in it.
    pub fn counted(&self) -> impl Iterator<Item = (usize, usize, &Voxel)> {
        let indexed = self.data.iter().enumerate();
        indexed.filter_map(|(index, voxel)| {
            Some((index / self.voxels, index % self.voxels, voxel.as_ref()?))
        })
    }
}

/// How much a voxel counts: 0 if it is masked or ignored.
fn weight(target: &Target, sample: usize, voxel: usize) -> Result<f64> {
    let masks = &target.masks;
    if let Some((mask, layout)) = &masks.mask
        && dense_at(mask, place(*layout, [sample, 0, voxel])) == 0.0
    {
        return Ok(0.0);
    }
    if let Some(ignored) = masks.ignore_index
        && is(target, ignored, place(target.layout, [sample, 0, voxel]))
    {
        return Ok(0.0);
    }
    let Some((weights, layout)) = &masks.weights else { return Ok(1.0) };
    let found = float_at(weights, place(*layout, [sample, 0, voxel]));
    if found.is_finite() && found >= 0.0 {
        return Ok(found);
    }
    let wanted = "a finite number of at least 0";
    Err(Error::Value { what: "voxel weight", sample, voxel, found, wanted })
}

/// Whether the target holds this label there.
fn is(target: &Target, label: i64, at: usize) -> bool {
    match &target.kind {
        Kind::Labels(labels) | Kind::Regions { labels, .. } => label_at(labels, at) == Ok(label),
        Kind::Dense(dense) => dense_at(dense, at) == label as f64,
    }
}

/// g of each class.
fn belongs(target: &Target, classes: usize, sample: usize, voxel: usize) -> Result<Vec<f64>> {
    let of = |inside: &dyn Fn(usize) -> bool| {
        (0..classes).map(|class| f64::from(u8::from(inside(class)))).collect()
    };
    let at = |class| place(target.layout, [sample, class, voxel]);
    match &target.kind {
        Kind::Labels(labels) if classes == 1 => {
            let label = label(labels, at(0), 2, sample, voxel)?;
            Ok(of(&|_| label == 1))
        }
        Kind::Labels(labels) => {
            let label = label(labels, at(0), classes, sample, voxel)?;
            Ok(of(&|class| class == label))
        }
        Kind::Regions { labels, table } => {
            let label = label(labels, at(0), table.len(), sample, voxel)?;
            Ok(of(&|class| table[label].contains(&class)))
        }
        Kind::Dense(dense) => {
            (0..classes).map(|class| share(dense, at(class), sample, voxel)).collect()
        }
    }
}

/// A label below `end`.
fn label(labels: &LabelSlice, at: usize, end: usize, sample: usize, voxel: usize) -> Result<usize> {
    let label = label_at(labels, at);
    if let Ok(label) = label
        && let Ok(label) = usize::try_from(label)
        && label < end
    {
        return Ok(label);
    }
    Err(Error::Label {
        sample,
        voxel,
        found: label.map_or_else(|fraction| fraction.to_string(), |label| label.to_string()),
        wanted: format!("0 to {}", end - 1),
    })
}

/// A value of a dense target.
fn share(dense: &DenseSlice, at: usize, sample: usize, voxel: usize) -> Result<f64> {
    let found = dense_at(dense, at);
    let (fits, wanted) = match dense {
        DenseSlice::U8(_) => (found == 0.0 || found == 1.0, "0 or 1"),
        _ => ((0.0..=1.0).contains(&found), "0 to 1"),
    };
    if fits {
        return Ok(found);
    }
    Err(Error::Value { what: "target", sample, voxel, found, wanted })
}

/// The element (sample, class, voxel).
pub fn float(tensor: &Logits, at: [usize; 3]) -> f64 {
    float_at(&tensor.data, place(tensor.layout, at))
}

fn place(layout: Layout, at: [usize; 3]) -> usize {
    at.into_iter().zip(layout.strides).map(|(index, stride)| index * stride).sum()
}

fn float_at(data: &FloatSlice, at: usize) -> f64 {
    match data {
        FloatSlice::F32(data) => data[at].into(),
        FloatSlice::F64(data) => data[at],
        FloatSlice::F16(data) => f16::to_f64(data[at]),
        FloatSlice::Bf16(data) => bf16::to_f64(data[at]),
    }
}

fn dense_at(data: &DenseSlice, at: usize) -> f64 {
    match data {
        DenseSlice::Bool(data) => f64::from(u8::from(data[at])),
        DenseSlice::U8(data) => data[at].into(),
        DenseSlice::F32(data) => data[at].into(),
        DenseSlice::F64(data) => data[at],
        DenseSlice::F16(data) => f16::to_f64(data[at]),
        DenseSlice::Bf16(data) => bf16::to_f64(data[at]),
    }
}

/// A label, or the number that is none.
fn label_at(data: &LabelSlice, at: usize) -> Result<i64, f32> {
    match data {
        LabelSlice::U8(data) => Ok(data[at].into()),
        LabelSlice::I16(data) => Ok(data[at].into()),
        LabelSlice::I32(data) => Ok(data[at].into()),
        LabelSlice::I64(data) => Ok(data[at]),
        LabelSlice::F32(data) if data[at] == data[at].trunc() => Ok(data[at] as i64),
        LabelSlice::F32(data) => Err(data[at]),
    }
}
