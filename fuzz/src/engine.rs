//! The engine's public API.

use arbitrary::{Result, Unstructured};
use dice_loss::{
    Instances, Layout, Logits, Moments, Objective, Output, Reduction, Target, Upstream, Verdict,
    maps::Named,
};
use half::{bf16, f16};

use crate::{
    buffer::{Fill, Labels, Logit, Values, fill},
    options::objective,
    shape::Shape,
};

/// Any tensors, masks and options: errors at most, never a panic; nothing is written but the
/// gradient's own elements, and those only when there is no error.
///
/// Says whether the bytes made a batch that has a loss.
pub fn engine(bytes: &[u8]) -> bool {
    let mut u = Unstructured::new(bytes);
    let done = match bytes.first().map(|byte| byte % 4) {
        Some(0) => batch::<f32>(&mut u),
        Some(1) => batch::<f64>(&mut u),
        Some(2) => batch::<f16>(&mut u),
        _ => batch::<bf16>(&mut u),
    };
    // Bytes that run out are no finding.
    done.unwrap_or(false)
}

/// What a target is made of.
struct Reference {
    kind: Kind,
    layout: Layout,
    ignore_index: Option<i64>,
    mask: Option<(Values, Layout)>,
    weights: Option<(Values, Layout)>,
    class_valid: Option<Vec<bool>>,
    maps: Vec<(String, Values, Layout)>,
}

enum Kind {
    Labels(Labels),
    Regions(Labels, Vec<Vec<usize>>),
    Dense(Values),
}

impl Reference {
    /// With the maps that are named, mostly; `None` for shapes that are no layout.
    fn new(u: &mut Unstructured, logits: &Shape, maps: &[Named]) -> Result<Option<Self>> {
        let classes = logits.axes[1];
        let (kind, layout) = match u.int_in_range(0..=2)? {
            0 => {
                let shape = logits.per_class(u)?;
                (Kind::Dense(Values::new(u, shape.extent())?), shape.layout())
            }
            kind => {
                let shape = logits.per_voxel(u)?;
                let labels = Labels::new(u, shape.extent())?;
                let kind = match kind {
                    1 => Kind::Labels(labels),
                    _ => Kind::Regions(labels, table(u, classes)?),
                };
                (kind, shape.voxels())
            }
        };
        let Ok(layout) = layout else { return Ok(None) };
        let mut reference = Self {
            kind,
            layout,
            ignore_index: None,
            mask: None,
            weights: None,
            class_valid: None,
            maps: Vec::new(),
        };
        if u.ratio(1, 4)? {
            reference.ignore_index = Some(*u.choose(&[0, 1, 255, -1, i64::MIN])?);
        }
        if u.ratio(1, 4)? {
            let shape = logits.per_voxel(u)?;
            let values = Values::new(u, shape.extent())?;
            reference.mask = shape.voxels().ok().map(|layout| (values, layout));
        }
        if u.ratio(1, 4)? {
            let shape = logits.per_voxel(u)?;
            let values = Values::floats(u, shape.extent())?;
            reference.weights = shape.voxels().ok().map(|layout| (values, layout));
        }
        if u.ratio(1, 4)? {
            let length = logits.axes[0] * classes + usize::from(u.ratio(1, 32)?);
            let valid = (0..length).map(|index| Ok(u.ratio(3, 4)? || index % classes.max(1) == 0));
            reference.class_valid = Some(valid.collect::<Result<_>>()?);
        }
        for Named { name, .. } in maps {
            let each = u.arbitrary()?;
            let shape = if each { logits.per_class(u)? } else { logits.per_voxel(u)? };
            let values = match name == Instances::MAP {
                true => Values::instances(u, shape.extent())?,
                false => Values::floats(u, shape.extent())?,
            };
            let layout = if each { shape.layout() } else { shape.voxels() };
            if let (Ok(layout), false) = (layout, u.ratio(1, 32)?) {
                reference.maps.push((name.clone(), values, layout));
            }
        }
        Ok(Some(reference))
    }

    fn target(&self) -> dice_loss::Result<Target<'_>> {
        let mut target = match &self.kind {
            Kind::Labels(labels) => labels.target(self.layout, None)?,
            Kind::Regions(labels, table) => labels.target(self.layout, Some(table))?,
            Kind::Dense(values) => values.target(self.layout)?,
        };
        if let Some(label) = self.ignore_index {
            target = target.ignore_index(label);
        }
        if let Some((values, layout)) = &self.mask {
            target = values.mask(target, *layout)?;
        }
        if let Some((values, layout)) = &self.weights {
            target = values.weigh(target, *layout)?;
        }
        for (name, values, layout) in &self.maps {
            target = values.map(target, name, *layout)?;
        }
        Ok(match &self.class_valid {
            Some(valid) => target.class_valid(valid),
            None => target,
        })
    }
}

/// Channels for some labels.
fn table(u: &mut Unstructured, classes: usize) -> Result<Vec<Vec<usize>>> {
    let row = |u: &mut Unstructured| -> Result<Vec<usize>> {
        let highest = (classes + usize::from(u.ratio(1, 32)?)).saturating_sub(1);
        (0..u.int_in_range(0..=2)?).map(|_| u.int_in_range(0..=highest)).collect()
    };
    (0..u.int_in_range(0..=6)?).map(|_| row(u)).collect()
}

fn batch<T: Logit>(u: &mut Unstructured) -> Result<bool> {
    let shape = Shape::of_logits(u)?;
    let objective = objective(u, shape.axes[1])?;
    let maps = objective.maps().unwrap_or_default();
    // Read last but one, so that small inputs decide all else.
    let first = Reference::new(u, &shape, &maps)?;
    let (Some(first), Some(second)) = (first, Reference::new(u, &shape, &maps)?) else {
        return Ok(false);
    };
    let x: Vec<T> = fill(u, shape.extent(), Fill::Any)?;
    let Ok(layout) = shape.layout() else { return Ok(false) };
    let (Ok(logits), Ok(target)) = (Logits::new(&x, layout), first.target()) else {
        return Ok(false);
    };
    let Ok(moments) = objective.measure(&logits, &target) else { return Ok(false) };
    let Some(verdict) = evaluate(&objective, moments) else { return Ok(false) };

    let gradient = shape.per_class(u)?;
    let upstream = u.int_in_range(-2..=2)?;
    let write = |target: &Target, output: Output| {
        let upstream = f64::from(upstream);
        let values: Vec<f64> =
            verdict.values().map_or(vec![], |values| vec![upstream; values.len()]);
        let upstream = match verdict.values() {
            Some(_) => Upstream::Values(&values),
            None => Upstream::Scalar(upstream),
        };
        objective.pull_back(&verdict, upstream, &logits, target, output)
    };
    within::<T>(&gradient, |output| write(&target, output));
    // Of a target that has changed since: another label may be no class.
    if let Ok(changed) = second.target() {
        within::<T>(&gradient, |output| write(&changed, output));
    }
    unreduced::<T>(u, &objective, &logits, &target, &shape)?;
    Ok(true)
}

/// Also of pooled moments, and of their sum.
fn evaluate(objective: &Objective, moments: Moments) -> Option<Verdict> {
    let mut pooled = moments.clone().pooled();
    pooled.add(&moments.clone().pooled()).expect("moments of one objective");
    let _ = objective.evaluate(&pooled);
    let mut appended = moments.clone();
    appended.append(&moments).expect("moments of one objective");
    let _ = objective.evaluate(&appended);
    for sample in 0..moments.samples() {
        for class in 0..moments.classes() {
            if let Some(counts) = moments.counts(sample, class) {
                let _ = (counts.dice(), counts.specificity(3));
            }
        }
    }
    objective.evaluate(&moments).ok()
}

/// The map of voxel losses, and the gradient by it.
fn unreduced<T: Logit>(
    u: &mut Unstructured,
    objective: &Objective,
    logits: &Logits,
    target: &Target,
    shape: &Shape,
) -> Result<()> {
    let objective = objective.clone().reduction(Reduction::None);
    let Ok([_, channels, _]) = objective.map_shape(logits.layout()) else { return Ok(()) };
    let mut map = shape.clone();
    map.axes[1] = channels;
    let map = map.per_class(u)?;
    within::<T>(&map, |output| objective.voxel_losses(logits, target, output));
    let upstream: Vec<f32> = fill(u, map.extent(), Fill::Any)?;
    let Ok(layout) = map.layout() else { return Ok(()) };
    let Ok(upstream) = Logits::new(&upstream, layout) else { return Ok(()) };
    let verdict =
        objective.measure(logits, target).and_then(|moments| objective.evaluate(&moments));
    if let Ok(verdict) = verdict {
        within::<T>(shape, |output| {
            objective.pull_back(&verdict, upstream, logits, target, output)
        });
    }
    Ok(())
}

/// Lends a buffer and looks at what was written where.
fn within<T: Logit>(shape: &Shape, write: impl FnOnce(Output) -> dice_loss::Result<()>) {
    let canary = T::tame(77);
    let mut buffer = vec![canary; shape.extent() + 5];
    let Ok(layout) = shape.layout() else { return };
    let Ok(output) = Output::new(&mut buffer, layout) else { return };
    let written = write(output).is_ok();
    let touched = shape.touched(buffer.len());
    for (index, (value, touched)) in buffer.iter().zip(touched).enumerate() {
        let outside = !(written && touched);
        assert!(
            !outside || value.bits() == canary.bits(),
            "element {index} of {shape:?} was written over with {value:?}"
        );
    }
}
