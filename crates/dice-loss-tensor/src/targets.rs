//! What the reference segmentation says, which of it counts, and what fits the logits.

use dice_loss::{Error, Layout, Logits, Objective, Prepared, Result, Target, Words, broadcast};

use crate::Operations;

/// What is said of a reference without a tensor.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Voxels with this label do not count.
    pub ignore_index: Option<i64>,
    /// The channels that each label belongs to.
    pub regions: Option<Vec<Vec<usize>>>,
    /// Which classes were annotated in which sample.
    pub class_valid: Option<Vec<bool>>,
    /// The maps: the name of each, and whether it has 1 channel or one for each class.
    pub maps: Vec<(String, usize)>,
}

/// What of a reference is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// A label map, or regions; otherwise a dense target.
    pub labels: bool,
    /// Some voxels may not count.
    pub masked: bool,
    /// Voxels have weights.
    pub weighted: bool,
}

/// A batch in tensors of the axes samples, classes, voxels.
pub struct Tensors<O: Operations> {
    /// `[N, C, S]`
    pub logits: O::Numbers,
    /// What is where.
    pub reference: Reference<O>,
    /// Which voxels count, `[N, 1, S]`.
    pub mask: Option<O::Mask>,
    /// How much each voxel counts, `[N, 1, S]`.
    pub weights: Option<O::Numbers>,
    /// Maps by their names, `[N, 1, S]` or `[N, C, S]`.
    pub maps: Vec<(String, O::Numbers)>,
}

/// The ways to say what is where.
pub enum Reference<O: Operations> {
    /// `[N, 1, S]`; also regions, where the rules have a table.
    Labels(O::Labels),
    /// `[N, C, S]`
    Dense(O::Numbers),
    /// `[N, C, S]`
    Multilabel(O::Mask),
}

impl Rules {
    /// As the engine says it.
    pub fn apply<'a>(&'a self, mut target: Target<'a>) -> Target<'a> {
        if let Some(label) = self.ignore_index {
            target = target.ignore_index(label);
        }
        match &self.class_valid {
            Some(valid) => target.class_valid(valid),
            None => target,
        }
    }

    /// With an entry of validity for each class of each sample of the logits, if what there is can be
    /// repeated to that.
    pub fn fitted(mut self, logits: &[usize]) -> Result<Self> {
        if let Some(valid) = self.class_valid {
            self.class_valid = Some(broadcast::over_samples(valid, logits)?);
        }
        Ok(self)
    }

    /// Which classes were annotated in which sample: all, if nothing is said.
    pub(crate) fn annotated(&self, samples: usize, classes: usize) -> Vec<bool> {
        self.class_valid.clone().unwrap_or_else(|| vec![true; samples * classes])
    }

    /// The names of the maps that losses make of the target, but for those that it has.
    fn lacking<'a>(
        &'a self,
        objective: &'a Objective,
    ) -> Result<impl Iterator<Item = String> + use<'a>> {
        let lacks = |name: &str| self.maps.iter().all(|(given, _)| given != name);
        let maps = objective.maps()?.into_iter();
        let lacking = maps.filter(move |map| map.recipe.is_some() && lacks(&map.name));
        Ok(lacking.map(|map| map.name))
    }

    /// The maps that losses make of the target, but for those that it has: the name of each, its
    /// channels and its values `[N, channels, spatial…]`. `spatial` are the sizes of the spatial axes.
    pub fn made(
        &self,
        objective: &Objective,
        prepared: &Prepared,
        logits: &Logits,
        target: &Target,
        spatial: &[usize],
    ) -> Result<Vec<(String, usize, Vec<f32>)>> {
        let make = |name: String| {
            let values = prepared.make_map(&name, logits, target, spatial)?;
            let channels = prepared.made_channels(&name)?;
            Ok((name, channels, values))
        };
        self.lacking(objective)?.map(make).collect()
    }

    /// Fails if a loss wants a map that it would make of the target, or looks at instances, where the
    /// engine reaches neither.
    pub(crate) fn expect_maps(&self, objective: &Objective) -> Result<()> {
        if let Some((division, by)) = objective.division()? {
            return Err(Error::Parameter {
                what: format!("{by}: {}", division.word()),
                found: "logits on a device of their own".into(),
                wanted: "logits in main memory: only the engine looks at instances".into(),
            });
        }
        match self.lacking(objective)?.next() {
            None => Ok(()),
            Some(name) => Err(Error::Parameter {
                what: format!("map '{name}'"),
                found: "none with targets on a device of their own".into(),
                wanted: "one: the CPU makes it, ahead of the loss, with Prepared::make_map or \
                         dice-loss-morphology"
                    .into(),
            }),
        }
    }

    /// What the engine would say before it reads a voxel.
    pub(crate) fn check(&self, prepared: &Prepared, about: About, logits: Layout) -> Result<()> {
        let [samples, _, voxels] = logits.shape();
        let per_voxel = of_one_element([samples, 1, voxels])?;
        let mut target = match (about.labels, &self.regions) {
            (true, Some(table)) => Target::regions(&[0u8], per_voxel, table)?,
            (true, None) => Target::labels(&[0u8], per_voxel)?,
            (false, _) => Target::dense(&[0u8], logits)?,
        };
        if about.masked {
            target = target.mask(&[true], per_voxel)?;
        }
        if about.weighted {
            target = target.voxel_weights(&[1.0f32], per_voxel)?;
        }
        for (name, channels) in &self.maps {
            target = target.map(name, &[0.0f32], of_one_element([samples, *channels, voxels])?)?;
        }
        prepared.check_tensors(&Logits::new(&[0.0f32], logits)?, &self.apply(target))
    }
}

/// A layout of this shape on a single element: enough to check shapes with.
pub(crate) fn of_one_element(shape: [usize; 3]) -> Result<Layout> {
    Layout::strided(&shape, &[0; 3])
}

/// Whether a label map or a dense target has a shape that fits the logits', spatial axes one by one:
/// the engine sees voxels in a row and cannot tell a transposed image.
pub fn check_reference(labels: bool, found: &[usize], logits: &[usize]) -> Result<()> {
    match labels {
        true => broadcast::check_labels(found, logits),
        false if found == logits => Ok(()),
        false => Err(Error::Shape {
            what: "dense target",
            found: found.to_vec(),
            wanted: format!("{logits:?}, as the logits"),
        }),
    }
}

/// The channels of a map: 1, or one for each class of the logits. Its shape is `[N, 1, spatial…]`,
/// `[N, C, spatial…]`, or `[N, spatial…]` for one channel.
pub fn channels_of_map(name: &str, found: &[usize], logits: &[usize]) -> Result<usize> {
    let [samples, classes, spatial @ ..] = logits else {
        return Err(Error::Shape {
            what: "logits",
            found: logits.to_vec(),
            wanted: "[batch_size, classes, spatial…]".into(),
        });
    };
    let of = |channels: &[usize]| [&[*samples], channels, spatial].concat();
    if found == of(&[1]) || found == of(&[]) {
        return Ok(1);
    }
    if found == logits {
        return Ok(*classes);
    }
    Err(Error::Parameter {
        what: format!("map '{name}'"),
        found: format!("shape {found:?}"),
        wanted: format!("{:?}, {:?} or {logits:?}, to fit the logits", of(&[]), of(&[1])),
    })
}

/// How a mask or weights that hold for several voxels become a value for each: the shape of what is
/// repeated, and what it is repeated to; `None` if it is whole.
pub fn spread(
    what: &'static str,
    found: &[usize],
    logits: &[usize],
) -> Result<Option<[Vec<usize>; 2]>> {
    let repeated = broadcast::over_voxels(what, found, logits)?;
    let whole = [&logits[..1], &logits[2..]].concat();
    Ok((repeated != whole).then_some([repeated, whole]))
}
