//! Making the maps of losses that want one.

use dice_loss_morphology::{
    Connectivity, Grid, Signed, border_weights, connected_components, dilate, signed_distance,
    skeletonize,
};
use rayon::prelude::*;

use super::Recipe;
use crate::{
    Activation, Error, Instances, Logits, Objective, Prepared, Result, Selection, Target, Term,
    error::stated,
    instances::weigh,
    morphology::stoppable,
    plan::{MapPlan, Plan, Planned},
    room,
    sweep::{Input, Side, hardest, inside},
    term::Loss,
    voxel::VoxelLoss,
};

impl Prepared {
    /// Makes the map of this name as its loss wants it, row-major, for
    /// [`Target::map`](crate::Target::map): (N, C, S), or (N, 1, S) of one that is the same for all classes
    /// ([`made_channels`](Self::made_channels)).
    ///
    /// `spatial` are the sizes of the spatial axes, one to three. Reference and prediction are read as
    /// `measure` reads them; the logits' values matter to [`Recipe::Hausdorff`] and [`Recipe::Hardest`] alone.
    /// A dense target is inside a class where it has at least ½ of it. A voxel that does not count is inside
    /// no class, so it is background to the distances of its neighbours.
    ///
    /// Classes that were not annotated, or that no term looks at, are 0; so are the distances of a class that
    /// has no voxel or all of them.
    ///
    /// Fails for a map that no loss says how to make, for spatial axes that are not the voxels, for a
    /// spacing of other axes, and for labels out of range.
    ///
    /// ```
    /// use dice_loss::{Boundary, Layout, Logits, Objective, Target};
    /// let objective = Objective::new().term(1.0, Boundary::default().sigmoid()).prepare(1)?;
    /// let (x, labels) = ([0.5f32; 6], [0u8, 0, 1, 1, 1, 0]);
    /// let layout = Layout::voxels(&[1, 6])?;
    /// let (logits, target) = (Logits::new(&x, layout)?, Target::labels(&labels, layout)?);
    /// let map = objective.make_map("boundary", &logits, &target, &[6])?;
    /// assert_eq!(map, [2.0, 1.0, 0.0, -1.0, 0.0, 1.0]);
    /// assert!(objective.measure(&logits, &target.map("boundary", &map, layout)?).is_ok());
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn make_map(
        &self,
        name: &str,
        logits: &Logits,
        target: &Target,
        spatial: &[usize],
    ) -> Result<Vec<f32>> {
        let plan = self.plan();
        if self.is_of_instances(name) {
            return self.instances_as_map(logits, target, spatial);
        }
        let (map, recipe) = self.made(name)?;
        self.check_shapes(logits, target)?;
        let [samples, classes, voxels] = logits.layout().shape();
        check_spatial(spatial, voxels)?;
        if let Recipe::Hardest { selection } = recipe {
            return self.hardest(name, *selection, logits, target);
        }
        let grid = grid_of(map.by, recipe.spacing(), spatial)?;
        let channels = self.made_channels(name)?;
        let count = samples.saturating_mul(channels).saturating_mul(voxels);
        room::expect(count, size_of::<f32>(), "a map of all classes")?;
        let mut values = vec![0.0; count];
        if count == 0 {
            return Ok(values);
        }
        let batch = Input::without_maps(plan, logits, target);
        let reference = inside(&batch, Side::Reference)?;
        // What is looked at beside the insides of the reference.
        let beside = match recipe {
            Recipe::Hausdorff { .. } => inside(&batch, Side::Prediction(map.activation))?,
            Recipe::InstanceWeights { .. } => inside(&batch, Side::Counted)?,
            _ => Vec::new(),
        };
        let is_seen = plan.classes_of_map(name);
        let is_of_all = recipe.is_of_all(map.activation);
        for (sample, values) in values.chunks_exact_mut(channels * voxels).enumerate() {
            let place = |class: usize| {
                let start = (sample * classes + class) * voxels;
                start..start + voxels
            };
            let inside = |class: usize| &reference[place(class)];
            let is_annotated = |class: &usize| batch.is_valid(sample, *class);
            if is_of_all {
                let planes: Vec<_> = (1..classes).filter(is_annotated).map(inside).collect();
                make(recipe, &planes, beside.get(place(0)).unwrap_or(&[]), &grid, values)?;
                continue;
            }
            for (class, values) in values.chunks_exact_mut(voxels).enumerate() {
                if is_seen[class] && is_annotated(&class) {
                    let beside = beside.get(place(class)).unwrap_or(&[]);
                    make(recipe, &[inside(class)], beside, &grid, values)?;
                }
            }
        }
        Ok(values)
    }

    /// The channels of a map that [`make_map`](Self::make_map) makes: 1, or one for each class.
    ///
    /// Fails for a map that no loss says how to make.
    pub fn made_channels(&self, name: &str) -> Result<usize> {
        if self.is_of_instances(name) {
            return Ok(self.classes());
        }
        let (map, recipe) = self.made(name)?;
        let is_of_all = match recipe {
            Recipe::Hardest { .. } => {
                self.selecting(name).is_some_and(|(loss, term)| loss.is_per_voxel(term.activation))
            }
            _ => recipe.is_of_all(map.activation),
        };
        Ok(if is_of_all { 1 } else { self.classes() })
    }

    fn is_of_instances(&self, name: &str) -> bool {
        name == Instances::MAP && self.plan().division.is_some()
    }

    /// A map that a loss says how to make.
    fn made(&self, name: &str) -> Result<(&MapPlan, &Recipe)> {
        let named = self.plan().maps.iter().find(|map| map.name == name);
        let Some(made) = named.and_then(|map| Some((map, map.recipe.as_ref()?))) else {
            let wanted = "a map that the loss of a term says how to make, or one made elsewhere";
            return stated("map to make", format!("'{name}'"), wanted);
        };
        Ok(made)
    }

    /// The term whose hardest voxels a map says.
    fn selecting(&self, name: &str) -> Option<(&VoxelLoss, &Term)> {
        let plan = self.plan();
        plan.terms.iter().find_map(|Planned { term, map, .. }| match &term.loss {
            Loss::Voxel(loss) if plan.maps[(*map)?].name == name => {
                loss.map().map(|_| (loss, term))
            }
            _ => None,
        })
    }

    fn hardest(
        &self,
        name: &str,
        selection: Selection,
        logits: &Logits,
        target: &Target,
    ) -> Result<Vec<f32>> {
        let Some((loss, term)) = self.selecting(name) else { return Ok(Vec::new()) };
        let is_per_voxel = loss.is_per_voxel(term.activation);
        let weights = term.weights(self.classes());
        let ranked_by = Objective::new().term(1.0, term.ranked_by(selection));
        let objective = ranked_by.isa(self.plan().isa);
        let plan = Plan::new(&objective, self.classes())?;
        let batch = Input::without_maps(&plan, logits, target);
        hardest(&batch, selection, &weights, is_per_voxel)
    }
}

/// Fails unless these sizes are of so many voxels.
pub(crate) fn check_spatial(spatial: &[usize], voxels: usize) -> Result<()> {
    if spatial.iter().try_fold(1usize, |all, &size| all.checked_mul(size)) == Some(voxels) {
        return Ok(());
    }
    Err(Error::Shape {
        what: "spatial axes of the target",
        found: spatial.to_vec(),
        wanted: format!("{voxels} voxels, as the logits have"),
    })
}

impl Prepared {
    /// The numbers of the instances, which f32 holds up to 2²⁴.
    fn instances_as_map(
        &self,
        logits: &Logits,
        target: &Target,
        spatial: &[usize],
    ) -> Result<Vec<f32>> {
        let grid = Grid::unit(spatial).map_err(Error::from)?;
        let instances = self.make_instances(logits, target, &grid, Connectivity::Corners)?;
        let [samples, classes, voxels] = instances.shape();
        let count = samples.saturating_mul(classes).saturating_mul(voxels);
        room::expect(count, size_of::<f32>(), "a map of all classes")?;
        let mut values = vec![0.0; count];
        for pair in 0..samples * classes {
            let (sample, class) = (pair / classes, pair % classes);
            let found = instances.count(sample, class);
            if found > 1 << 24 {
                let wanted = "at most 16,777,216, which a map holds: Target::instances";
                return stated("instances of a class", found.to_string(), wanted);
            }
            let values = &mut values[pair * voxels..][..voxels];
            instances.runs([sample, class], 0..voxels, |number, [start, end]| {
                values[start..end].fill(number as f32);
            });
        }
        Ok(values)
    }
}

impl Recipe {
    /// Whether it looks at all classes but the background, and all have the same map.
    fn is_of_all(&self, activation: Activation) -> bool {
        matches!(self, Self::Border { .. } | Self::InstanceWeights { .. })
            && activation == Activation::Softmax
    }

    fn spacing(&self) -> Option<&[f64]> {
        match self {
            Self::SignedDistance { spacing }
            | Self::Hausdorff { spacing, .. }
            | Self::Skeleton { spacing, .. }
            | Self::Border { spacing, .. }
            | Self::InstanceWeights { spacing, .. } => spacing.as_deref(),
            Self::Instances { .. } | Self::Hardest { .. } => None,
        }
    }
}

/// The grid of the spatial axes; `by` names the loss.
fn grid_of(by: &str, spacing: Option<&[f64]>, spatial: &[usize]) -> Result<Grid> {
    match spacing {
        Some(spacing) if spacing.len() != spatial.len() => stated(
            format!("{by}: spacing"),
            format!("{spacing:?}"),
            format!("{} numbers, one for each spatial axis", spatial.len()),
        ),
        Some(spacing) => Grid::new(spatial, spacing).map_err(Error::from),
        None => Grid::unit(spatial).map_err(Error::from),
    }
}

/// The map of one class of one sample, of the voxels inside it, or the map of several classes.
fn make(
    recipe: &Recipe,
    inside: &[&[bool]],
    beside: &[bool],
    grid: &Grid,
    out: &mut [f32],
) -> Result<()> {
    if let Recipe::InstanceWeights { division, .. } = recipe {
        return weigh(inside, beside, grid, *division, out);
    }
    stoppable(|| made_by_morphology(recipe, inside, beside, grid, out))
}

fn made_by_morphology(
    recipe: &Recipe,
    inside: &[&[bool]],
    predicted: &[bool],
    grid: &Grid,
    out: &mut [f32],
) -> dice_loss_morphology::Result<()> {
    let reference = inside.first().copied().unwrap_or(&[]);
    match recipe {
        Recipe::SignedDistance { .. } => {
            signed_distance(reference, &[true], grid, Signed::Boundary, out)
        }
        Recipe::Hausdorff { alpha, .. } => {
            let mut of_prediction = vec![0.0; out.len()];
            signed_distance(reference, &[true], grid, Signed::Centres, out)?;
            signed_distance(predicted, &[true], grid, Signed::Centres, &mut of_prediction)?;
            out.par_iter_mut().zip(&of_prediction).for_each(|(out, &of_prediction)| {
                *out = (power(*out, *alpha) + power(of_prediction, *alpha)) as f32;
            });
            Ok(())
        }
        Recipe::Skeleton { radius, .. } => {
            let mut skeleton = vec![false; out.len()];
            let mut dilated = vec![false; out.len()];
            skeletonize(reference, &[true], grid, &mut skeleton)?;
            dilate(&skeleton, &[true], *radius, grid, &mut dilated)?;
            for ((out, &near), &inside) in out.iter_mut().zip(&dilated).zip(reference) {
                *out = f32::from(u8::from(near && inside));
            }
            Ok(())
        }
        Recipe::Border { w0, sigma, .. } => {
            let mut components = vec![0u32; out.len()];
            let mut of_class = vec![0.0; out.len()];
            out.fill(1.0);
            for inside in inside {
                let among = Connectivity::default();
                connected_components(inside, &[true], grid, among, &mut components)?;
                border_weights(&components, grid, *w0, *sigma, &mut of_class)?;
                out.par_iter_mut().zip(&of_class).for_each(|(out, &weight)| *out = out.max(weight));
            }
            Ok(())
        }
        // Made by their own code.
        Recipe::InstanceWeights { .. } | Recipe::Instances { .. } | Recipe::Hardest { .. } => {
            Ok(())
        }
    }
}

/// |d|^α; 0 where there is no border to be far from.
fn power(distance: f32, alpha: f64) -> f64 {
    if distance.is_finite() { f64::from(distance).abs().powf(alpha) } else { 0.0 }
}
