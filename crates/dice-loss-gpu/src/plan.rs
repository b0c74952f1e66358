//! From an objective to kernels: which recipes, with which tables, over which grid.

use dice_loss::{Activation, Decision, Integrand, Prepared, Sum};

use crate::{
    Addressing, Kind,
    recipe::{Form, Quantity, Recipe, UNITS},
};

/// Partial sums of a column that a cube of the given recipe may keep, at most.
const MOST_SLOTS: u32 = 2048;
/// Cubes of a launch: enough to fill any device, and the same on all of them, so that the order of
/// additions is too.
const CUBES: usize = 1024;
/// What a value of a map is at most, as in the engine.
pub(crate) const LARGEST_IN_MAP: f32 = 1e12;
/// What a grid may have along an axis.
const GRID: usize = 65_535;

/// The passes over the voxels that an objective needs: one for each activation.
#[derive(Debug, Clone)]
pub struct Passes {
    passes: Vec<Pass>,
    columns: u32,
    classes: u32,
}

/// One pass.
#[derive(Debug, Clone)]
pub struct Pass {
    /// What the kernels are compiled for.
    pub recipe: Recipe,
    /// For each column that the pass is for: its place among the recipe's, and among the moments'.
    pub columns: Vec<[u32; 2]>,
    /// Tables of exponents of focal sums: of each class.
    exponents: Vec<Vec<f64>>,
    /// Distances between classes.
    distances: Vec<f32>,
    decision: Option<Decision>,
    /// Whether the values of the map may be negative.
    is_signed: bool,
}

/// What of a batch decides which kernels it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Needs {
    /// How the reference is given.
    pub form: Form,
    /// Whether voxels have weights.
    pub weighted: bool,
    /// Whether some classes were not annotated.
    pub partial: bool,
    /// Bytes of shared memory that a cube may have.
    pub shared_memory: u32,
}

/// Where a tensor lies in its buffer, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its element type.
    pub kind: Kind,
    /// The first element.
    pub start: u32,
    /// Elements from one sample, class and voxel to the next.
    pub strides: [u32; 3],
}

impl View {
    /// Of a tensor that is not there.
    pub const NONE: Self = Self { kind: Kind::None, start: 0, strides: [0; 3] };
}

/// A batch, without its memory.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Samples, classes, voxels.
    pub shape: [u32; 3],
    /// Strides of the logits; their first element is the first of their buffer.
    pub logits: [u32; 3],
    /// Strides of the gradient, likewise.
    pub gradient: [u32; 3],
    /// The reference.
    pub target: View,
    /// What counts, and [`View::NONE`] if all does.
    pub mask: View,
    /// The weights of the voxels, and [`View::NONE`] if there are none.
    pub weights: View,
    /// The map, and [`View::NONE`] if there is none. Where classes share it, from one to the next is 0.
    pub map: View,
    /// The label that does not count.
    pub ignore_index: Option<i64>,
    /// Rows of the table of regions, if the labels stand for regions.
    pub regions: Option<u32>,
}

impl Passes {
    /// `None` if the kernels cannot hold so many classes or terms in shared memory, and where there is
    /// more than one map.
    pub fn new(prepared: &Prepared, needs: Needs) -> Option<Self> {
        Self::sorted(prepared, needs, |_| false)
    }

    /// The same with a pass of its own for all that reads no map, under each activation: for recipes
    /// that have less.
    pub(crate) fn apart(prepared: &Prepared, needs: Needs) -> Option<Self> {
        let is_beside = |integrand: &Integrand| integrand.map.is_none();
        Self::sorted(prepared, needs, is_beside)
    }

    /// What the prediction is summed up for goes to a pass of its activation, of which there are two if
    /// some of it is set apart.
    fn sorted(
        prepared: &Prepared,
        needs: Needs,
        is_apart: impl Fn(&Integrand) -> bool,
    ) -> Option<Self> {
        let integrands = prepared.integrands();
        let mut maps = prepared.maps();
        let map = maps.next();
        // No kernel sees instances.
        if maps.next().is_some() || prepared.looks_at_instances() {
            return None;
        }
        let is_signed = map.is_some_and(|(_, is_signed)| is_signed);
        let classes = u32::try_from(prepared.classes()).ok()?;
        // Where the map is read, so that a value out of its range leaves no number of voxels either.
        let reads = integrands.iter().find(|it| it.map.is_some() && it.activation.is_some());
        let any = integrands.iter().find(|it| it.activation.is_some());
        let of_data = reads.or(any).and_then(|integrand| integrand.activation);
        let of_data = (of_data.unwrap_or(Activation::Probabilities), false);
        let mut passes: Vec<((Activation, bool), Pass)> = Vec::new();
        for (column, integrand) in integrands.iter().enumerate() {
            let key = integrand.activation.map_or(of_data, |by| (by, is_apart(integrand)));
            let index = passes.iter().position(|(other, _)| *other == key);
            let index = index.unwrap_or_else(|| {
                passes.push((key, Pass::new(key.0, needs, is_signed)));
                passes.len() - 1
            });
            passes[index].1.add(integrand, column as u32);
        }
        let mut passes: Vec<_> = passes.into_iter().map(|(_, pass)| pass).collect();
        for pass in &mut passes {
            // They share a table of distances.
            let is_transport = |quantity: &&Quantity| quantity.sum == Sum::Transport;
            if pass.recipe.columns.iter().filter(is_transport).count() > 1 {
                return None;
            }
            pass.recipe.slots = slots(&pass.recipe, classes, needs.shared_memory)?;
        }
        Some(Self { passes, columns: integrands.len() as u32, classes })
    }

    /// The passes.
    pub fn iter(&self) -> impl Iterator<Item = &Pass> {
        self.passes.iter()
    }

    /// Columns of the moments.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// Classes.
    pub fn classes(&self) -> u32 {
        self.classes
    }
}

impl Pass {
    fn new(activation: Activation, needs: Needs, is_signed: bool) -> Self {
        let Needs { form, weighted, partial, .. } = needs;
        let (columns, mapped) = (Vec::new(), false);
        Self {
            recipe: Recipe { activation, form, columns, weighted, partial, mapped, slots: 0 },
            is_signed,
            columns: Vec::new(),
            exponents: Vec::new(),
            distances: Vec::new(),
            decision: None,
        }
    }

    fn add(&mut self, integrand: &Integrand, column: u32) {
        let table = integrand.gamma.as_ref().map_or(0, |gamma| {
            let known = self.exponents.iter().position(|table| table == gamma);
            known.unwrap_or_else(|| {
                self.exponents.push(gamma.clone());
                self.exponents.len() - 1
            })
        });
        if let Some(rows) = &integrand.distances {
            self.distances = numbers(&rows.concat());
        }
        self.decision = self.decision.or(integrand.decision);
        self.columns.push([self.recipe.columns.len() as u32, column]);
        let (sum, mapped) = (integrand.sum, integrand.map.is_some());
        self.recipe.mapped |= mapped;
        self.recipe.columns.push(Quantity { sum, table: table as u32, mapped });
    }

    /// The same pass as a recipe does it that can do more.
    pub(crate) fn on(&self, recipe: Recipe) -> Self {
        let place = |[slot, column]: &[u32; 2]| {
            [recipe.column(self.recipe.columns[*slot as usize]) as u32, *column]
        };
        let columns = self.columns.iter().map(place).collect();
        Self { recipe, columns, ..self.clone() }
    }

    /// The tables that the kernels read: what weights are multiplied with, which is 1; columns, exponents,
    /// distances, regions (label, class), annotated classes (sample, class).
    ///
    /// `regions` are needed for labels too, where the recipe takes regions: see
    /// [`labels_as_regions`](Self::labels_as_regions). An empty `annotated` means all.
    pub fn tables(&self, geometry: &Geometry, regions: &[f32], annotated: &[f32]) -> Vec<f32> {
        let [samples, classes, _] = geometry.shape;
        let mut exponents = numbers(&self.exponents.concat());
        exponents.resize((self.recipe.focal_terms() * classes) as usize, 0.0);
        let all = match self.recipe.partial && annotated.is_empty() {
            true => vec![1.0; (samples * classes) as usize],
            false => Vec::new(),
        };
        let mut columns = vec![-1.0; self.recipe.columns.len()];
        for &[slot, column] in &self.columns {
            columns[slot as usize] = column as f32;
        }
        [&[1.0], &*columns, &exponents, &self.distances, regions, annotated, &all].concat()
    }

    /// The table of regions that says what labels say: for recipes that take no labels.
    pub fn labels_as_regions(classes: u32) -> Vec<f32> {
        match classes {
            1 => vec![0.0, 1.0],
            _ => (0..classes * classes)
                .map(|index| f32::from(u8::from(index / classes == index % classes)))
                .collect(),
        }
    }

    /// The numbers that a launch over all samples passes by value.
    pub fn batch(&self, geometry: &Geometry) -> Addressing {
        let [_, classes, voxels] = geometry.shape;
        let Geometry { target, mask, weights, map, .. } = geometry;
        let least = if self.is_signed { -LARGEST_IN_MAP } else { 0.0 };
        let columns = 1;
        let exponents = columns + self.recipe.columns.len() as u32;
        let distances = exponents + self.recipe.focal_terms() * classes;
        let regions = distances + self.distances.len() as u32;
        let annotated = regions + geometry.regions.unwrap_or(0) * classes;
        let ignored = geometry.ignore_index.and_then(|label| target.kind.words(label));
        let [ignored_low, ignored_high] = ignored.unwrap_or_default();
        let threshold = match self.decision {
            Some(Decision::Threshold(threshold)) => Some(threshold as f32),
            _ => None,
        };
        Addressing {
            first: 0,
            classes,
            voxels,
            logits_sample: geometry.logits[0],
            logits_class: geometry.logits[1],
            logits_voxel: geometry.logits[2],
            gradient_sample: geometry.gradient[0],
            gradient_class: geometry.gradient[1],
            gradient_voxel: geometry.gradient[2],
            target_kind: target.kind as u32,
            target_start: target.start,
            target_sample: target.strides[0],
            target_class: target.strides[1],
            target_voxel: target.strides[2],
            slack: target.kind.slack().to_bits(),
            mask_kind: mask.kind as u32,
            mask_start: mask.start,
            mask_sample: mask.strides[0],
            mask_voxel: mask.strides[2],
            weight_kind: weights.kind as u32,
            weight_start: weights.start,
            weight_sample: weights.strides[0],
            weight_voxel: weights.strides[2],
            ignores: u32::from(ignored.is_some()),
            ignored: ignored_low,
            ignored_high,
            labels: geometry.regions.unwrap_or(classes.max(2)),
            by_threshold: u32::from(threshold.is_some()),
            threshold: threshold.unwrap_or(0.0).to_bits(),
            lanes: lanes(self.recipe.slots, classes),
            exponents,
            distances,
            transports: u32::from(!self.distances.is_empty()),
            regions,
            annotated,
            columns,
            slopes_sample: 0,
            adds: 0,
            map_kind: map.kind as u32,
            map_start: map.start,
            map_sample: map.strides[0],
            map_class: map.strides[1],
            map_voxel: map.strides[2],
            map_least: least.to_bits(),
        }
    }
}

impl Geometry {
    /// Cubes for a sample in sweep 1.
    pub fn measuring_cubes(&self) -> u32 {
        let [samples, _, voxels] = self.shape;
        let tiles = voxels.div_ceil(UNITS).max(1) as usize;
        tiles.min((CUBES / samples.max(1) as usize).max(1)) as u32
    }

    /// Cubes for a sample in sweep 2.
    pub fn pulling_cubes(&self) -> u32 {
        let [_, _, voxels] = self.shape;
        (voxels.div_ceil(UNITS).max(1) as usize).min(GRID) as u32
    }
}

fn numbers(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

/// The largest power of two of slots that shared memory has room for.
pub(crate) fn slots(recipe: &Recipe, classes: u32, shared_memory: u32) -> Option<u32> {
    // Arrays that a recipe does without have a place each, all the same.
    let of_voxels = recipe.numbers_of_a_voxel() * UNITS * 4 + 64;
    let columns = recipe.columns.len() as u32;
    let room = shared_memory.checked_sub(of_voxels)? / (4 * columns.max(1));
    let slots = floor_to_power_of_two(room)?.min(MOST_SLOTS);
    (slots >= classes && classes <= UNITS).then_some(slots)
}

/// Units that share a class: as many as there are slots for.
fn lanes(slots: u32, classes: u32) -> u32 {
    floor_to_power_of_two(slots / classes.max(1)).unwrap_or(1).min(UNITS)
}

fn floor_to_power_of_two(value: u32) -> Option<u32> {
    Some(1 << value.checked_ilog2()?)
}
