//! Finding the instances in a target.

use dice_loss_morphology::{Connectivity, Grid, connected_components, nearest_component};

use super::{Division, Instances, Numbers};
use crate::{
    Logits, Prepared, Result, Target,
    error::stated,
    maps::check_spatial,
    morphology::stoppable,
    room,
    sweep::{Input, Side, inside},
};

impl Prepared {
    /// Finds the instances that its terms look at: the connected components of each class of each
    /// sample, for [`Target::instances`](crate::Target::instances).
    ///
    /// The axes of the grid are the spatial ones, one to three. Components are sought among voxels that
    /// count; a dense target is inside a class where it has at least ½ of it. They are numbered in the
    /// order of their first voxels. In cells a voxel belongs to the component that is nearest in the
    /// grid's spacing, of equally near ones to the first; one that does not count belongs to one as well.
    /// Classes that were not annotated, or that no such term looks at, have no instances.
    ///
    /// Fails for an objective none of whose terms looks at instances, for a grid of other voxels, and
    /// for labels out of range.
    ///
    /// - **Memory** beside the instances: a byte for each voxel of each class, and 4 to 8 a voxel with
    ///   what [`connected_components`] and [`nearest_component`] take.
    ///
    /// ```
    /// use dice_loss::{Connectivity, Dice, Grid, Layout, Logits, Objective, Pool, Target};
    /// let objective = Objective::new().term(1.0, Dice::default().sigmoid().pool(Pool::Cell));
    /// let prepared = objective.prepare(1)?;
    /// let (x, labels) = ([0.5f32; 6], [1u8, 1, 0, 0, 1, 0]);
    /// let layout = Layout::channels_first(&[1, 1, 6])?;
    /// let (logits, target) = (Logits::new(&x, layout)?, Target::labels(&labels, layout)?);
    /// let grid = Grid::unit(&[6])?;
    /// let cells = prepared.make_instances(&logits, &target, &grid, Connectivity::Corners)?;
    /// let numbers: Vec<_> = (0..6).map(|voxel| cells.number(0, 0, voxel)).collect();
    /// assert_eq!(numbers, [1, 1, 1, 2, 2, 2]);
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn make_instances(
        &self,
        logits: &Logits,
        target: &Target,
        grid: &Grid,
        connectivity: Connectivity,
    ) -> Result<Instances> {
        let plan = self.plan();
        let Some((division, _)) = plan.division else {
            let wanted = "a term with pool cell or blob, which looks at them";
            return stated("instances to make", "no term that looks at instances", wanted);
        };
        self.check_shapes(logits, target)?;
        let [samples, classes, voxels] = logits.layout().shape();
        check_spatial(grid.shape(), voxels)?;
        let mut instances = Instances::without(division, [samples, classes, voxels])?;
        if samples * classes * voxels == 0 {
            return Ok(instances);
        }
        let batch = Input::without_maps(plan, logits, target);
        let reference = inside(&batch, Side::Reference)?;
        let is_seen = plan.classes_with_instances();
        for (pair, inside) in reference.chunks_exact(voxels).enumerate() {
            let (sample, class) = (pair / classes, pair % classes);
            if !is_seen[class] || !batch.is_valid(sample, class) {
                continue;
            }
            let (numbers, count) = numbered(inside, grid, connectivity, division)?;
            let kept = match count {
                0 | 1 => Numbers::Short(Vec::new()),
                _ => Numbers::of(voxels, count, |voxel| numbers[voxel], |number| number)?,
            };
            instances.put(pair, (kept, count));
        }
        instances.lay_out();
        Ok(instances)
    }
}

/// The number of the instance that each voxel belongs to, 0 of none, and how many there are.
pub(super) fn numbered(
    inside: &[bool],
    grid: &Grid,
    connectivity: Connectivity,
    division: Division,
) -> Result<(Vec<u32>, usize)> {
    room::expect(inside.len(), 2 * size_of::<u32>(), "the instances of a class")?;
    let mut numbers = vec![0; inside.len()];
    let found =
        stoppable(|| connected_components(inside, &[true], grid, connectivity, &mut numbers))?;
    if found.len() > 1 && division == Division::Cells {
        let components = std::mem::replace(&mut numbers, vec![0; inside.len()]);
        stoppable(|| nearest_component(&components, grid, &mut numbers))?;
    }
    Ok((numbers, found.len()))
}
