//! The losses from tensor operations, for devices that the engine cannot reach into.

use dice_loss::{Error, Layout, Moments, Objective, Prepared, Sum, Verdict, maps::Named};

use crate::{
    About, Computed, Numbers, Operations, Rules, Tensors, slopes::Slopes, targets::of_one_element,
    voxels::Voxels, weights,
};

/// A batch on a device, its shapes checked.
pub trait Source<O: Operations>: Sized {
    /// Of the logits, `[N, C, spatial…]`.
    fn shape(&self) -> Vec<usize>;
    /// What of a reference is there.
    fn about(&self) -> About;
    /// What is said of it without a tensor.
    fn rules(&self) -> &Rules;
    /// The sums `[N, C, K]` by kernels, where there are some that take this batch. They make the number
    /// of voxels NaN where a label, value or weight that counts is out of range.
    fn sums_by_kernel(&self, _: &Prepared) -> Computed<Option<O::Numbers>, O> {
        Ok(None)
    }
    /// The tensors, for operations to compute with.
    fn batch(&self, shape: [usize; 3]) -> Computed<Tensors<O>, O>;
    /// The weights alone, `[N, 1, S]`.
    fn weights(&self, shape: [usize; 3]) -> Computed<Option<O::Numbers>, O>;
    /// The same batch with other weights of that shape.
    fn reweighted(&self, weights: O::Numbers) -> Computed<Self, O>;
    /// The engine's own error for what is known to be out of range, with its place and value; or else
    /// [`beyond_the_engine`].
    fn located(&self) -> O::Error;
}

/// What the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One number.
    Number,
    /// What reduction none leaves: values, or a map of voxel losses.
    Unreduced,
}

/// A loss with all that it was computed from.
pub struct Evaluated<O: Operations> {
    /// The loss, differentiable, for the caller to reshape.
    pub output: O::Numbers,
    /// The shape that it is to have; empty for one number.
    pub shape: Vec<usize>,
    /// What the engine made of the sums.
    pub verdict: Verdict,
    /// The sums.
    pub moments: Moments,
}

/// What is wrong with targets that the engine itself accepts.
pub fn beyond_the_engine() -> Error {
    Error::Parameter {
        what: "targets".into(),
        found: "labels or weights that only the device finds out of range".into(),
        wanted: "labels that name a class, values in [0, 1], weights of at least 0".into(),
    }
}

/// The loss of a batch, or why there is none.
pub fn evaluate<O: Operations>(
    source: &impl Source<O>,
    objective: &Objective,
    form: Form,
) -> Computed<Evaluated<O>, O> {
    let mut shape = source.shape();
    let [samples, classes, voxels] = [shape[0], shape[1], shape[2..].iter().product()];
    let layout = of_one_element([samples, classes, voxels]).map_err(O::refused)?;
    let prepared = objective.prepare(classes).map_err(O::refused)?;
    source.rules().expect_maps(objective).map_err(O::refused)?;
    source.rules().check(&prepared, source.about(), layout).map_err(O::refused)?;
    let named = objective.maps().map_err(O::refused)?;
    let has_map = form == Form::Unreduced && prepared.map_shape(layout).is_ok();
    let Measured { sums, integrands, on_host, scale } =
        measure_in_range(source, &Asked { prepared: &prepared, named: &named, layout, has_map })?;
    let moments = prepared.moments(on_host, source.rules().annotated(samples, classes));
    let moments = moments.map_err(O::refused)?;
    let verdict = prepared.evaluate(&moments).map_err(O::refused)?;
    let slopes = Slopes::new(&prepared, &verdict, scale).map_err(O::refused)?;
    let output = match (form, verdict.values()) {
        (Form::Number, _) => {
            shape = Vec::new();
            slopes.number::<O>(sums)?
        }
        (Form::Unreduced, Some(values)) => {
            shape = verdict.shape().to_vec();
            slopes.values::<O>(sums, values)?
        }
        (Form::Unreduced, None) => {
            shape[1] = prepared.map_shape(layout).map_err(O::refused)?[1];
            slopes.map::<O>(&sums, integrands, shape[1])?
        }
    };
    Ok(Evaluated { output, shape, verdict, moments })
}

/// What is to be summed up.
struct Asked<'a> {
    prepared: &'a Prepared,
    /// The maps of the objective.
    named: &'a [Named],
    /// Of the logits.
    layout: Layout,
    /// Whether each voxel's own loss is wanted.
    has_map: bool,
}

/// Sums over the voxels.
struct Measured<O: Operations> {
    /// `[N, C, K]`, of weights that were multiplied with the scale.
    sums: O::Numbers,
    /// What was summed up, if tensor operations did.
    integrands: Vec<O::Numbers>,
    /// The sums of the weights as they are, row-major `[N, C, K]`.
    on_host: Vec<f64>,
    scale: f64,
}

/// A second time if the weights take the sums out of f32.
fn measure_in_range<O: Operations>(
    source: &impl Source<O>,
    asked: &Asked,
) -> Computed<Measured<O>, O> {
    let &Asked { prepared, layout, has_map, .. } = asked;
    let measured = measure(source, asked)?.ok_or_else(|| source.located())?;
    if !source.about().weighted || !weights::are_far(prepared, &measured.on_host) {
        return Ok(measured);
    }
    let near = match source.weights(layout.shape())? {
        Some(weights) => weights::brought_near::<O>(weights)?,
        None => None,
    };
    let Some((near, scale)) = near else { return Ok(measured) };
    let again = measure(&source.reweighted(near)?, asked)?;
    let mut again = again.ok_or_else(|| source.located())?;
    weights::restore(prepared, &mut again.on_host, scale);
    Ok(match has_map {
        // Each voxel's own loss is in f32's range if its weight is, however far the others' are.
        true => Measured { on_host: again.on_host, ..measured },
        false => Measured { scale, ..again },
    })
}

/// `None` if a label, value or weight that counts is out of range.
fn measure<O: Operations>(
    source: &impl Source<O>,
    asked: &Asked,
) -> Computed<Option<Measured<O>>, O> {
    let &Asked { prepared, named, layout, has_map } = asked;
    let by_kernel = match has_map {
        true => None,
        false => source.sums_by_kernel(prepared)?,
    };
    let (sums, integrands) = match by_kernel {
        Some(sums) => (sums, Vec::new()),
        None => {
            let voxels = Voxels::<O>::new(source.batch(layout.shape())?, source.rules(), named)?;
            let integrand = |integrand| voxels.integrand(integrand);
            let integrands: Vec<_> =
                prepared.integrands().iter().map(integrand).collect::<Result<_, _>>()?;
            let sums = sums::<O>(&integrands, layout.shape())?;
            if voxels.any_invalid()? {
                return Ok(None);
            }
            (sums, integrands)
        }
    };
    let on_host = sums.clone().detach().to_host()?;
    let is_valid = !says_invalid(prepared, &on_host);
    Ok(is_valid.then_some(Measured { sums, integrands, on_host, scale: 1.0 }))
}

/// `[N, C, K]`: the sums of K integrands.
fn sums<O: Operations>(
    integrands: &[O::Numbers],
    [samples, classes, _]: [usize; 3],
) -> Computed<O::Numbers, O> {
    let sum = |integrand: &O::Numbers| integrand.clone().sum(2)?.expand([samples, classes, 1]);
    O::Numbers::cat(integrands.iter().map(sum).collect::<Result<_, _>>()?, 2)
}

/// Whether a kernel met something out of range.
fn says_invalid(prepared: &Prepared, sums: &[f64]) -> bool {
    let integrands = prepared.integrands();
    let voxels = integrands.iter().position(|integrand| integrand.sum == Sum::Voxels);
    voxels.is_some_and(|at| sums.iter().skip(at).step_by(integrands.len()).any(|sum| sum.is_nan()))
}
