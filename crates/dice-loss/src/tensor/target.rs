//! What the reference segmentation says, and which of it counts.

use super::{Dense, DenseSlice, Float, FloatSlice, Label, LabelSlice, Layout};
use crate::{
    Division, Error, Instances, Result, Words,
    error::{of_unknown, parameter, stated},
};

/// The reference: a label map, a dense target, or nested regions; and what is left out of it.
///
/// A voxel counts unless it is ignored or masked; if it counts, it counts with its weight. An
/// uncounted voxel contributes exactly nothing, whatever the logits hold there, NaN included.
/// All restrictions compose.
///
/// ```
/// use dice_loss::{Layout, Target};
/// let labels: Vec<u8> = vec![0, 1, 2, 255];
/// let counts = [true, true, false, true];
/// let layout = Layout::voxels(&[1, 4])?;
/// let target = Target::labels(&labels, layout)?.ignore_index(255).mask(&counts, layout)?;
/// # Ok::<(), dice_loss::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Target<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) layout: Layout,
    pub(crate) masks: Masks<'a>,
    /// In the order of their names.
    pub(crate) maps: Vec<Map<'a>>,
    pub(crate) instances: Option<&'a Instances>,
    /// The instances as a map.
    pub(crate) numbers: Option<Map<'a>>,
}

/// What each voxel weighs in the terms that name it.
#[derive(Debug, Clone)]
pub(crate) struct Map<'a> {
    pub name: String,
    pub data: FloatSlice<'a>,
    pub layout: Layout,
}

impl Map<'_> {
    /// The largest value that counts: products with weights and sums over a span stay within range.
    pub const LARGEST: f64 = 1e12;

    /// A value out of range that counts.
    #[cold]
    pub fn misvalued(
        &self,
        logits: Layout,
        is_signed: bool,
        [sample, class, voxel]: [usize; 3],
        found: f64,
    ) -> Error {
        Error::MapValue {
            name: self.name.clone(),
            sample,
            class,
            voxel: logits.coordinates(voxel),
            found,
            wanted: if is_signed { Error::OF_SIGNED_MAP } else { Error::OF_MAP },
        }
    }
}

/// The three ways to say what is where.
#[derive(Debug, Clone)]
pub(crate) enum Kind<'a> {
    Labels(LabelSlice<'a>),
    Dense(DenseSlice<'a>),
    Regions { labels: LabelSlice<'a>, table: &'a [Vec<usize>] },
}

/// What does not count, and how much the rest does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masks<'a> {
    pub ignore_index: Option<i64>,
    pub mask: Option<(DenseSlice<'a>, Layout)>,
    pub weights: Option<(FloatSlice<'a>, Layout)>,
    pub class_valid: Option<&'a [bool]>,
}

impl<'a> Target<'a> {
    /// A label map `(N, S)`: each voxel names its class. With one channel, labels are 0 and 1.
    ///
    /// Labels outside `0..C` are an error of `measure`, unless ignored or masked.
    pub fn labels<T: Label>(labels: &'a [T], layout: Layout) -> Result<Self> {
        one_channel("labels", layout, labels.len())?;
        Ok(Self::of(Kind::Labels(T::erase(labels)), layout))
    }

    /// A dense target `(N, C, S)`, each value in [0, 1]: one-hot, multilabel or soft.
    ///
    /// In a `u8` target every value other than 0 and 1 is an error, as is a float outside [0, 1].
    /// Up to 4 roundings outside, from −4 ε to 1 + 4 ε with the ε of the target's type, count as 0
    /// and 1: interpolation and means of raters leave that much.
    pub fn dense<T: Dense>(target: &'a [T], layout: Layout) -> Result<Self> {
        layout.check("dense target", target.len())?;
        Ok(Self::of(Kind::Dense(T::erase(target)), layout))
    }

    /// Regions, possibly nested: a label map and, for each label, the channels it belongs to.
    ///
    /// Whole tumour, tumour core and enhancing tumour from labels 0 to 3, with no one-hot:
    /// `table = [[], [0], [0, 1], [0, 1, 2]]`. Such channels overlap, so train them under sigmoid.
    pub fn regions<T: Label>(
        labels: &'a [T],
        layout: Layout,
        table: &'a [Vec<usize>],
    ) -> Result<Self> {
        one_channel("labels", layout, labels.len())?;
        Ok(Self::of(Kind::Regions { labels: T::erase(labels), table }, layout))
    }

    fn of(kind: Kind<'a>, layout: Layout) -> Self {
        Self {
            kind,
            layout,
            masks: Masks::default(),
            maps: Vec::new(),
            instances: None,
            numbers: None,
        }
    }

    /// Voxels with this label do not count.
    ///
    /// For labels and regions, and for dense targets of one channel, where it is the value that
    /// stands for "unknown" (255 in a `u8` mask). A dense target of several channels wants a
    /// [`mask`](Self::mask) instead: `measure` says so.
    pub fn ignore_index(mut self, label: i64) -> Self {
        self.masks.ignore_index = Some(label);
        self
    }

    /// `(N, S)`: voxels where the mask is `false` or 0 do not count.
    pub fn mask<T: Dense>(mut self, mask: &'a [T], layout: Layout) -> Result<Self> {
        one_channel("mask", layout, mask.len())?;
        self.masks.mask = Some((T::erase(mask), layout));
        Ok(self)
    }

    /// `(N, S)`: how much each voxel counts: 0, which does not, to 3.4e38, the largest `f32`.
    pub fn voxel_weights<T: Float>(mut self, weights: &'a [T], layout: Layout) -> Result<Self> {
        one_channel("voxel weights", layout, weights.len())?;
        self.masks.weights = Some((T::erase(weights), layout));
        Ok(self)
    }

    /// `N × C`, row-major: which classes were annotated in which sample (partial labels).
    ///
    /// Overlap terms and sigmoid terms skip what was not annotated. Softmax cross-entropy and
    /// softmax focal loss add the probability of the unannotated classes to the background
    /// (the marginal loss of Shi et al., <https://arxiv.org/abs/2007.03868>), class 0, whether that
    /// was annotated or not.
    pub fn class_valid(mut self, valid: &'a [bool]) -> Self {
        self.masks.class_valid = Some(valid);
        self
    }

    /// `(N, 1, S)` or `(N, C, S)`: what each voxel weighs in the terms that name this map, for all
    /// classes alike or for each.
    ///
    /// A value multiplies the weight of the voxel. It lies between 0 and 1e12, or between −1e12 and
    /// 1e12 where every term that names the map allows negative values, as
    /// [`Boundary`](crate::Boundary) does. Where a voxel does not count it may be anything.
    ///
    /// The name `instances` is that of the numbers of [`Instances`](crate::Instances), for front ends whose
    /// maps have to be floats: it is as good as [`instances`](Self::instances).
    ///
    /// Every map that a term names must be there, and every map must be named: `measure` says so. Fails
    /// for a second map of one name.
    ///
    /// ```
    /// use dice_loss::{CrossEntropy, Layout, Logits, Objective, Target};
    /// let objective = Objective::new().term(1.0, CrossEntropy::default().softmax().map("border"));
    /// let (x, labels, border) = ([0.5f32, -1.0, 2.0, 0.0], [0u8, 1], [1.0f32, 5.0]);
    /// let layout = Layout::voxels(&[1, 2])?;
    /// let logits = Logits::new(&x, Layout::channels_first(&[1, 2, 2])?)?;
    /// let target = Target::labels(&labels, layout)?;
    /// assert!(objective.measure(&logits, &target).is_err());
    /// assert!(objective.measure(&logits, &target.map("border", &border, layout)?).is_ok());
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn map<T: Float>(mut self, name: &str, values: &'a [T], layout: Layout) -> Result<Self> {
        layout.check("map", values.len())?;
        let map = Map { name: name.to_owned(), data: T::erase(values), layout };
        if name == Instances::MAP && self.numbers.is_none() {
            (self.numbers, self.instances) = (Some(map), None);
            return Ok(self);
        }
        let place = self.maps.partition_point(|map| map.name.as_str() < name);
        let is_there = self.maps.get(place).is_some_and(|map| map.name == name);
        if is_there || name == Instances::MAP {
            return stated("maps of the target", format!("two of the name '{name}'"), "one");
        }
        self.maps.insert(place, map);
        Ok(self)
    }

    /// The instances of each class, for the terms with pool [`Cell`](crate::Pool::Cell) or
    /// [`Blob`](crate::Pool::Blob).
    ///
    /// Where a term looks at them they must be there, divided as it wants, and where none does they must
    /// not: `measure` says so. They take the place of a map of their numbers.
    pub fn instances(mut self, instances: &'a Instances) -> Self {
        (self.instances, self.numbers) = (Some(instances), None);
        self
    }

    /// Shape and strides of the target itself.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// A voxel, counted over all axes, whose label is none of so many.
    #[cold]
    pub(crate) fn mislabelled(
        &self,
        logits: Layout,
        [sample, voxel]: [usize; 2],
        found: String,
        labels: usize,
    ) -> Error {
        let last = labels.saturating_sub(1);
        let wanted = match self.masks.ignore_index {
            Some(ignored) => format!("0 to {last}, or {ignored} to ignore"),
            None => {
                let in_one_channel = logits.classes == 1 && matches!(self.kind, Kind::Labels(_));
                format!("0 to {last}{}", of_unknown(&found, in_one_channel))
            }
        };
        Error::Label { sample, voxel: logits.coordinates(voxel), found, wanted }
    }

    /// A voxel whose dense target is out of range in some class.
    #[cold]
    pub(crate) fn misfilled(
        &self,
        logits: Layout,
        [sample, voxel]: [usize; 2],
        found: f64,
    ) -> Error {
        let ignorable = logits.classes == 1 && self.masks.ignore_index.is_none();
        let hint = if ignorable { of_unknown(&found.to_string(), true) } else { String::new() };
        let wanted = Error::OF_DENSE.to_owned() + &hint;
        Error::Value { what: "target", sample, voxel: logits.coordinates(voxel), found, wanted }
    }

    /// A voxel whose dense target is neither 0 nor 1, for a loss that ranks.
    #[cold]
    pub(crate) fn softened(
        &self,
        logits: Layout,
        [sample, voxel]: [usize; 2],
        found: f64,
    ) -> Error {
        let wanted = "0 or 1: what is ranked is inside a class or outside".to_owned();
        Error::Value { what: "target", sample, voxel: logits.coordinates(voxel), found, wanted }
    }

    /// A voxel whose weight is out of range.
    #[cold]
    pub(crate) fn misweighed(logits: Layout, [sample, voxel]: [usize; 2], found: f64) -> Error {
        Error::Value {
            what: "voxel weight",
            sample,
            voxel: logits.coordinates(voxel),
            found,
            wanted: Error::OF_WEIGHT.into(),
        }
    }

    /// Everything about shapes that must hold before a voxel is read.
    pub(crate) fn check(&self, logits: Layout) -> Result<()> {
        let [n, c, s] = logits.shape();
        let per_voxel = [n, 1, s];
        match &self.kind {
            Kind::Dense(_) => same("dense target", self.layout, [n, c, s])?,
            Kind::Labels(_) => same("labels", self.layout, per_voxel)?,
            Kind::Regions { table, .. } => {
                same("labels", self.layout, per_voxel)?;
                check_table(table, c)?;
            }
        }
        if let Some((_, layout)) = self.masks.mask {
            same("mask", layout, per_voxel)?;
        }
        if let Some((_, layout)) = self.masks.weights {
            same("voxel weights", layout, per_voxel)?;
        }
        for Map { name, layout, .. } in self.maps.iter().chain(&self.numbers) {
            let found = layout.shape();
            if found != per_voxel && found != [n, c, s] {
                return stated(
                    format!("map '{name}'"),
                    format!("shape {found:?}"),
                    format!(
                        "{per_voxel:?} or {:?} (samples, channels, voxels), to fit the logits",
                        [n, c, s]
                    ),
                );
            }
        }
        if let Some(instances) = self.instances {
            instances.check(logits)?;
        }
        if let Some(valid) = self.masks.class_valid
            && valid.len() != n * c
        {
            return Err(Error::Shape {
                what: "class validity",
                found: vec![valid.len()],
                wanted: format!("N × C = {n} × {c} entries"),
            });
        }
        if let (Kind::Dense(_), Some(label)) = (&self.kind, self.masks.ignore_index)
            && c != 1
        {
            return stated(
                "ignore_index of a dense target",
                format!("{label} with {c} channels"),
                "one channel; use a voxel mask for several",
            );
        }
        Ok(())
    }

    /// Fails unless it carries instances of this division, or none where none are looked at. `by` is what
    /// looks at them.
    pub(crate) fn check_instances(&self, wanted: Option<(Division, &'static str)>) -> Result<()> {
        let said = match (self.instances, &self.numbers) {
            (Some(instances), _) => instances.division().word(),
            (None, Some(_)) => "a map of instances",
            (None, None) => "none",
        };
        let is_there = self.instances.is_some() || self.numbers.is_some();
        let Some((division, by)) = wanted else {
            return match is_there {
                false => Ok(()),
                true => stated(
                    "instances of the target",
                    said,
                    "none: no term has pool cell or blob, and looks at them",
                ),
            };
        };
        match self.instances.is_none_or(|found| found.division() == division) && is_there {
            true => Ok(()),
            false => stated(
                format!("{by}: instances of the target"),
                said,
                format!("{}: Prepared::make_instances finds them", division.word()),
            ),
        }
    }

    /// Fails unless it carries the maps of these names, each of which something reads, and no other.
    pub(crate) fn check_maps<'n>(
        &self,
        mut wanted: impl Iterator<Item = (&'n str, &'static str)> + Clone,
    ) -> Result<()> {
        let names = wanted.clone().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>();
        let is_read = |map: &&Map| wanted.clone().any(|(name, _)| name == map.name);
        if let Some(other) = self.maps.iter().find(|map| !is_read(map)) {
            let wanted = match names.is_empty() {
                true => "none: no term names a map".into(),
                false => format!("maps that terms name: {}", names.join(", ")),
            };
            return stated("maps of the target", format!("'{}'", other.name), wanted);
        }
        let is_there = |name: &str| self.maps.iter().any(|map| map.name == name);
        match wanted.find(|(name, _)| !is_there(name)) {
            Some((name, by)) => stated(
                format!("{by}: map"),
                format!("none called '{name}' with the target"),
                "one of shape (N, 1, spatial…) or (N, C, spatial…)",
            ),
            None => Ok(()),
        }
    }
}

fn one_channel(what: &'static str, layout: Layout, length: usize) -> Result<()> {
    if layout.classes != 1 {
        return Err(Error::Shape {
            what,
            found: layout.shape().to_vec(),
            wanted: "one value a voxel: [N, spatial…] or [N, 1, spatial…]".into(),
        });
    }
    layout.check(what, length)
}

fn same(what: &'static str, found: Layout, wanted: [usize; 3]) -> Result<()> {
    if found.shape() != wanted {
        return Err(Error::Shape {
            what,
            found: found.shape().to_vec(),
            wanted: format!("{wanted:?} (samples, channels, voxels), to fit the logits"),
        });
    }
    Ok(())
}

fn check_table(table: &[Vec<usize>], classes: usize) -> Result<()> {
    if table.is_empty() {
        return parameter("regions", table, "a row of channels for each label");
    }
    for (label, channels) in table.iter().enumerate() {
        if let Some(channel) = channels.iter().find(|&&channel| channel >= classes) {
            return stated(
                format!("regions, label {label}"),
                format!("channel {channel}"),
                format!("channels below {classes}, as the logits have"),
            );
        }
    }
    Ok(())
}
