//! Where PyTorch's tensors lie, as the kernels take it.

use dice_loss::Layout;
use dice_loss_gpu::{Addressing, Geometry, Kind, Pass, View as Words};

use super::LentViews;
use crate::{
    refused::{Refused, Result},
    view::{View, size_of_element, tuple},
};

/// Samples of a launch, at most: what a grid may have.
const SAMPLES: usize = 65_535;
/// Kernels count elements in 32 bits, and words of 64 bits twice.
const ELEMENTS: usize = 1 << 31;

/// A batch in a device's memory.
pub(crate) struct Lent {
    shape: [usize; 3],
    /// Element type of the logits.
    pub dtype: String,
    /// Logits, target, mask, weights, map, gradient.
    tensors: [Option<Tensor>; 6],
    ignore_index: Option<i64>,
    regions: Option<u32>,
}

/// Some samples of it, for one launch.
pub(crate) struct Chunk {
    /// The first.
    pub first: u32,
    /// How many.
    pub samples: u32,
    /// Of logits, target, mask, weights, map, gradient; 0 where there is none.
    pub pointers: [u64; 6],
    geometry: Geometry,
}

#[derive(Clone, Copy)]
struct Tensor {
    address: usize,
    kind: Kind,
    size: usize,
    strides: [usize; 3],
}

impl Lent {
    /// Fails if shapes or types do not fit.
    pub fn new(views: LentViews, classes: u32, gradient: Option<View>) -> Result<Self> {
        let (logits, target, mask, weights, map, ignore_index, regions) = views;
        let layout = logits.channels()?;
        let shape = layout.shape();
        if shape[1] != classes as usize {
            return Err(logits.misshapen("logits", format!("{classes} classes")));
        }
        let dense =
            target.shape().len() == logits.shape().len() && target.shape() == logits.shape();
        let target_layout = if dense { target.channels()? } else { target.voxels()? };
        let of_voxel = |what: &str, view: &View| {
            let layout = view.voxels()?;
            fits(what, view, layout, [shape[0], 1, shape[2]])?;
            Tensor::new(what, view, layout)
        };
        let map = match map {
            Some(view) => {
                let layout = view.channels()?;
                let channels = if layout.shape()[1] == 1 { 1 } else { shape[1] };
                fits("map", &view, layout, [shape[0], channels, shape[2]])?;
                Some(Tensor::new("map", &view, layout)?)
            }
            None => None,
        };
        fits(
            "target",
            &target,
            target_layout,
            [shape[0], if dense { shape[1] } else { 1 }, shape[2]],
        )?;
        let gradient = match gradient {
            Some(view) => {
                let layout = view.channels()?;
                fits("gradient", &view, layout, shape)?;
                if view.dtype() != logits.dtype() {
                    return Err(Refused::new("type of the gradient", view.dtype(), logits.dtype()));
                }
                Some(Tensor::new("gradient", &view, layout)?)
            }
            None => None,
        };
        Ok(Self {
            shape,
            dtype: logits.dtype().to_owned(),
            tensors: [
                Some(Tensor::new("logits", &logits, layout)?),
                Some(Tensor::new("target", &target, target_layout)?),
                mask.as_ref().map(|view| of_voxel("mask", view)).transpose()?,
                weights.as_ref().map(|view| of_voxel("voxel weights", view)).transpose()?,
                map,
                gradient,
            ],
            ignore_index,
            regions,
        })
    }

    /// Cubes for each sample in sweep 1.
    pub fn measuring_cubes(&self) -> u32 {
        measuring_cubes(self.shape[0] as u32, self.shape[2] as u32)
    }

    /// Cubes for each sample in sweep 2.
    pub fn pulling_cubes(&self) -> u32 {
        whole(1, self.shape[2] as u32).pulling_cubes()
    }

    /// The batch in as many launches as it takes. Fails if a single sample is too large.
    pub fn chunks(&self) -> Result<impl Iterator<Item = Chunk>> {
        let [samples, classes, voxels] = self.shape;
        let reach = |tensor: &Tensor, samples: usize| {
            let steps = [samples, classes, voxels].into_iter().zip(tensor.strides);
            steps.fold(4usize, |all, (size, stride)| {
                all.saturating_add(size.saturating_sub(1).saturating_mul(stride))
            })
        };
        let fit = |samples: usize| {
            self.tensors.iter().flatten().all(|tensor| reach(tensor, samples) <= ELEMENTS)
        };
        if !fit(1) || voxels > ELEMENTS {
            let wanted = format!("at most {ELEMENTS} elements in a sample");
            return Err(Refused::new("shape of the logits", tuple(&self.shape), wanted));
        }
        let mut size = samples.min(SAMPLES);
        while !fit(size) {
            size = size.div_ceil(2);
        }
        Ok((0..samples).step_by(size.max(1)).map(move |first| self.chunk(first, size)))
    }

    fn chunk(&self, first: usize, size: usize) -> Chunk {
        let samples = size.min(self.shape[0] - first);
        let at = |index: usize| self.tensors[index].map(|tensor| tensor.from(first));
        let strides = |index: usize| at(index).map_or([0; 3], |words| words.1.strides);
        let view = |index: usize| at(index).map_or(Words::NONE, |words| words.1);
        let shape = [samples as u32, self.shape[1] as u32, self.shape[2] as u32];
        Chunk {
            first: first as u32,
            samples: samples as u32,
            pointers: [0, 1, 2, 3, 4, 5].map(|index| at(index).map_or(0, |words| words.0)),
            geometry: Geometry {
                shape,
                logits: strides(0),
                gradient: strides(5),
                target: view(1),
                mask: view(2),
                weights: view(3),
                map: view(4),
                ignore_index: self.ignore_index,
                regions: self.regions,
            },
        }
    }
}

impl Chunk {
    /// The numbers of a launch.
    pub fn batch(&self, pass: &Pass, labels: bool) -> Addressing {
        let mut geometry = self.geometry;
        if labels {
            // The table has a row for each label.
            geometry.regions = Some(geometry.shape[1].max(2));
        }
        Addressing { first: self.first, ..pass.batch(&geometry) }
    }
}

impl Tensor {
    fn new(what: &str, view: &View, layout: Layout) -> Result<Self> {
        let kind = match view.dtype() {
            "bool" | "uint8" => Kind::U8,
            "int16" => Kind::I16,
            "int32" => Kind::I32,
            "int64" => Kind::I64,
            "uint32" => Kind::U32,
            "uint64" => Kind::U64,
            "float16" => Kind::F16,
            "bfloat16" => Kind::BF16,
            "float32" => Kind::F32,
            found => {
                let what = format!("element type of the {what}");
                return Err(Refused::new(&what, found, "integers, or floats of at most 32 bits"));
            }
        };
        let size = size_of_element(view.dtype());
        if !view.address().is_multiple_of(size) {
            let what = format!("address of the {what}");
            return Err(Refused::new(&what, view.address(), format!("a multiple of {size}")));
        }
        let mut strides = layout.strides();
        for (stride, size) in strides.iter_mut().zip(layout.shape()) {
            if size == 1 {
                *stride = 0;
            }
        }
        Ok(Self { address: view.address(), kind, size, strides })
    }

    /// Its address from a sample on, and what is there. Addresses are those of whole words, unless
    /// elements are larger than a byte and read by their own type, as the logits are.
    fn from(self, sample: usize) -> (u64, Words) {
        let address = self.address + sample * self.strides[0] * self.size;
        let start = (address % 4) / self.size;
        let strides = self.strides.map(|stride| stride as u32);
        let view = Words { kind: self.kind, start: start as u32, strides };
        ((address - start * self.size) as u64, view)
    }
}

/// Cubes for each sample in sweep 1.
pub(crate) fn measuring_cubes(samples: u32, voxels: u32) -> u32 {
    whole(samples, voxels).measuring_cubes()
}

/// The tables of a pass, without the annotated classes.
pub(crate) fn tables(
    pass: &Pass,
    classes: u32,
    labels: bool,
    regions: Option<&[Vec<usize>]>,
) -> Vec<f32> {
    let table = match regions {
        Some(rows) => {
            let row = |channels: &Vec<usize>| {
                let mut row = vec![0.0; classes as usize];
                for &channel in channels {
                    if let Some(entry) = row.get_mut(channel) {
                        *entry = 1.0;
                    }
                }
                row
            };
            rows.iter().flat_map(row).collect()
        }
        None if labels => Pass::labels_as_regions(classes),
        None => Vec::new(),
    };
    let mut none = whole(0, 0);
    none.shape[1] = classes;
    pass.tables(&none, &table, &[])
}

/// A batch as the kernels take it by value.
pub(crate) fn numbers(batch: &Addressing) -> &[u32] {
    let count = size_of::<Addressing>() / size_of::<u32>();
    // SAFETY: the struct is laid out as C does it, and has fields of this type only.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(batch).cast(), count) }
}

fn whole(samples: u32, voxels: u32) -> Geometry {
    Geometry {
        shape: [samples, 1, voxels],
        logits: [0; 3],
        gradient: [0; 3],
        target: Words::NONE,
        mask: Words::NONE,
        weights: Words::NONE,
        map: Words::NONE,
        ignore_index: None,
        regions: None,
    }
}

fn fits(what: &str, view: &View, found: Layout, wanted: [usize; 3]) -> Result<()> {
    match found.shape() == wanted {
        true => Ok(()),
        false => Err(view.misshapen(what, format!("samples, classes, voxels {}", tuple(&wanted)))),
    }
}
