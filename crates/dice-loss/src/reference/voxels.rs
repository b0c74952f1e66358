//! The caller's tensors as plain numbers, voxel by voxel.

use std::borrow::Cow;

use half::{bf16, f16};

use crate::{
    Instances, Layout, Logits, Result, Target,
    plan::{MapPlan, Plan},
    tensor::{DenseSlice, FloatSlice, Kind, LabelSlice, Map, in_words},
};

/// All voxels of a batch.
#[derive(Debug)]
pub struct Voxels<'a> {
    pub samples: usize,
    classes: usize,
    pub voxels: usize,
    /// (sample, class): annotated.
    pub annotated: Vec<bool>,
    pub instances: Option<Cow<'a, Instances>>,
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
    /// What each map of the plan weighs in each class.
    maps: Vec<Vec<f64>>,
    /// The number of its instance in each class; 0 of none.
    pub instances: Vec<usize>,
}

impl Voxel {
    /// The weight in a class of what names this map, or none.
    pub fn weight(&self, map: Option<usize>, class: usize) -> f64 {
        self.weight * self.in_map(map, class)
    }

    /// The value of a map in a class; 1 of none.
    pub fn in_map(&self, map: Option<usize>, class: usize) -> f64 {
        map.map_or(1.0, |map| self.maps[map][class])
    }
}

impl<'a> Voxels<'a> {
    /// Reads everything. Fails at the first voxel, in order, that counts and holds no valid weight,
    /// target or value of a map.
    pub fn read(
        plan: &Plan,
        logits: &Logits,
        target: &Target,
        instances: Option<Cow<'a, Instances>>,
    ) -> Result<Self> {
        let [samples, classes, voxels] = logits.layout.shape();
        let annotated = match target.masks.class_valid {
            Some(valid) => valid.to_vec(),
            None => vec![true; samples * classes],
        };
        let mut data = Vec::with_capacity(samples * voxels);
        // Without classes there is nothing to read.
        let voxels = if classes == 0 { 0 } else { voxels };
        for sample in 0..samples {
            for voxel in 0..voxels {
                let place = Place { target, logits: logits.layout, sample, voxel };
                let weight = place.weight()?;
                if weight == 0.0 {
                    data.push(None);
                    continue;
                }
                data.push(Some(Voxel {
                    weight,
                    logits: (0..classes).map(|k| float(logits, [sample, k, voxel])).collect(),
                    target: place.shares(classes)?,
                    annotated: annotated[sample * classes..][..classes].to_vec(),
                    maps: place.maps(plan, classes)?,
                    instances: (0..classes)
                        .map(|class| {
                            let number = |all: &Instances| all.number(sample, class, voxel);
                            instances.as_deref().map_or(0, number)
                        })
                        .collect(),
                }));
            }
        }
        Ok(Self { samples, classes, voxels, annotated, instances, data })
    }

    /// Where the sums of a (sample, class) begin, row by row.
    pub fn first_row(&self, sample: usize, class: usize) -> usize {
        let index = sample * self.classes + class;
        self.instances.as_deref().map_or(index, |instances| instances.offsets()[index])
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.first_row(self.samples, 0)
    }

    /// The voxels that count, each with its sample and its place in it.
    pub fn counted(&self) -> impl Iterator<Item = (usize, usize, &Voxel)> {
        let indexed = self.data.iter().enumerate();
        indexed.filter_map(|(index, voxel)| {
            Some((index / self.voxels, index % self.voxels, voxel.as_ref()?))
        })
    }
}

/// One voxel of the target.
struct Place<'a> {
    target: &'a Target<'a>,
    logits: Layout,
    sample: usize,
    voxel: usize,
}

impl Place<'_> {
    /// Where the voxel's value of a class lies in a tensor.
    fn of(&self, layout: Layout, class: usize) -> usize {
        index(layout, [self.sample, class, self.voxel])
    }

    /// How much the voxel counts: 0 if it is masked or ignored.
    fn weight(&self) -> Result<f64> {
        let masks = &self.target.masks;
        if let Some((mask, layout)) = &masks.mask
            && dense_at(mask, self.of(*layout, 0)) == 0.0
        {
            return Ok(0.0);
        }
        if masks.ignore_index.is_some_and(|label| self.holds(label)) {
            return Ok(0.0);
        }
        let Some((weights, layout)) = &masks.weights else { return Ok(1.0) };
        let found = float_at(weights, self.of(*layout, 0));
        if (0.0..=f64::from(f32::MAX)).contains(&found) {
            return Ok(found);
        }
        Err(Target::misweighed(self.logits, self.place(), found))
    }

    /// Whether the target has this label here.
    fn holds(&self, label: i64) -> bool {
        let at = self.of(self.target.layout, 0);
        match &self.target.kind {
            Kind::Labels(labels) | Kind::Regions { labels, .. } => {
                label_at(labels, at).0 == Some(label.into())
            }
            Kind::Dense(dense) => integer(dense_at(dense, at)) == Some(label.into()),
        }
    }

    /// How much of the voxel belongs to each class.
    fn shares(&self, classes: usize) -> Result<Vec<f64>> {
        let where_so = |inside: &dyn Fn(usize) -> bool| {
            (0..classes).map(|class| f64::from(u8::from(inside(class)))).collect()
        };
        match &self.target.kind {
            Kind::Labels(labels) if classes == 1 => {
                let label = self.label(labels, 2)?;
                Ok(where_so(&|_| label == 1))
            }
            Kind::Labels(labels) => {
                let label = self.label(labels, classes)?;
                Ok(where_so(&|class| class == label))
            }
            Kind::Regions { labels, table } => {
                let label = self.label(labels, table.len())?;
                Ok(where_so(&|class| table[label].contains(&class)))
            }
            Kind::Dense(dense) => (0..classes).map(|class| self.share(dense, class)).collect(),
        }
    }

    /// The label, of so many.
    fn label(&self, labels: &LabelSlice, count: usize) -> Result<usize> {
        let (label, found) = label_at(labels, self.of(self.target.layout, 0));
        let existing = label.and_then(|label| usize::try_from(label).ok());
        existing
            .filter(|&label| label < count)
            .ok_or_else(|| self.target.mislabelled(self.logits, self.place(), found, count))
    }

    /// The value of a class in a dense target.
    fn share(&self, dense: &DenseSlice, class: usize) -> Result<f64> {
        let found = dense_at(dense, self.of(self.target.layout, class));
        let slack = dense.slack();
        if (-slack..=1.0 + slack).contains(&found) {
            return Ok(found.clamp(0.0, 1.0));
        }
        Err(self.target.misfilled(self.logits, self.place(), found))
    }

    /// The values of all maps in each class.
    fn maps(&self, plan: &Plan, classes: usize) -> Result<Vec<Vec<f64>>> {
        let of_map = |(map, MapPlan { is_signed, .. }): (&Map, &MapPlan)| {
            let of_class = |class| {
                let channel = if map.layout.classes == 1 { 0 } else { class };
                let found = float_at(&map.data, self.of(map.layout, channel));
                let least = if *is_signed { -Map::LARGEST } else { 0.0 };
                match (least..=Map::LARGEST).contains(&found) {
                    true => Ok(found),
                    false => {
                        let place = [self.sample, channel, self.voxel];
                        Err(map.misvalued(self.logits, *is_signed, place, found))
                    }
                }
            };
            (0..classes).map(of_class).collect()
        };
        self.target.maps.iter().zip(&plan.maps).map(of_map).collect()
    }

    fn place(&self) -> [usize; 2] {
        [self.sample, self.voxel]
    }
}

/// The element (sample, class, voxel).
pub fn float(tensor: &Logits, at: [usize; 3]) -> f64 {
    float_at(&tensor.data, index(tensor.layout, at))
}

fn index(layout: Layout, at: [usize; 3]) -> usize {
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

/// A float that is an integer.
fn integer(float: f64) -> Option<i128> {
    (float.is_finite() && float.fract() == 0.0).then_some(float as i128)
}

/// A label, unless it is no integer; and as it is written.
fn label_at(data: &LabelSlice, at: usize) -> (Option<i128>, String) {
    macro_rules! whole {
        ($data:expr) => {
            (Some($data[at].into()), $data[at].to_string())
        };
    }
    match data {
        LabelSlice::U8(data) => whole!(data),
        LabelSlice::U32(data) => whole!(data),
        LabelSlice::U64(data) => whole!(data),
        LabelSlice::I16(data) => whole!(data),
        LabelSlice::I32(data) => whole!(data),
        LabelSlice::I64(data) => whole!(data),
        LabelSlice::F32(data) => (integer(data[at].into()), in_words(data[at])),
        LabelSlice::F64(data) => (integer(data[at]), in_words(data[at])),
    }
}
