//! Morphology of label maps.

use dice_loss::Stop;
use dice_loss_morphology::{Connectivity, Distance, Error, Grid, Signed, interruptible};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    pool,
    refused::{Refused, Result},
    view::View,
};

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error {
            Error::Memory { .. } => Self::Memory(error.to_string()),
            _ => Self::Value(error.to_string()),
        }
    }
}

/// Evaluates an expression with a type for the elements of a view of integers.
macro_rules! with_integers {
    ($view:expr, $T:ident => $body:expr) => {
        with_integers!(
            $view,
            $T => $body,
            ["uint8" u8, "uint16" u16, "uint32" u32, "uint64" u64, "int8" i8, "int16" i16,
             "int32" i32, "int64" i64]
        )
    };
    ($view:expr, $T:ident => $body:expr, [$($name:literal $Integer:ty),+]) => {
        match $view.dtype() {
            $($name => {
                type $T = $Integer;
                $body
            })+
            found => Err(Refused::new("element type of the labels", found, "integers")),
        }
    };
}

/// Runs in a pool, whatever the size: the work is shared among the threads that it is called from.
fn run<T: Send>(
    py: Python<'_>,
    threads: usize,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    pool::detached(py, || {
        pool::run(threads, usize::MAX, || match Stop::current() {
            Some(stop) => interruptible(move || stop.is_set(), work),
            None => work(),
        })
    })
}

fn grid(labels: &View, spacing: &[f64]) -> Result<Grid> {
    Ok(Grid::new(labels.shape(), spacing)?)
}

/// The shape of a map for each class.
fn of_classes(classes: &View, labels: &View) -> Vec<usize> {
    classes.shape().iter().chain(labels.shape()).copied().collect()
}

/// The labels of a map but for 0, rising, as the bytes of their own type.
#[pyfunction]
pub(crate) fn labels_present(py: Python<'_>, labels: View, threads: usize) -> Result<Py<PyBytes>> {
    let found = run(py, threads, || {
        with_integers!(labels, L => {
            let labels = labels.dense::<L>("labels", labels.shape())?;
            let present = dice_loss_morphology::labels_present(labels)?;
            Ok(present.into_iter().flat_map(L::to_ne_bytes).collect::<Vec<_>>())
        })
    })?;
    Ok(PyBytes::new(py, &found).unbind())
}

/// Distances to the nearest voxel of each class.
#[pyfunction]
pub(crate) fn distance_transform(
    py: Python<'_>,
    labels: View,
    classes: View,
    spacing: Vec<f64>,
    squared: bool,
    threads: usize,
    mut out: View,
) -> Result<()> {
    out.advise_huge_pages();
    let distance = if squared { Distance::Squared } else { Distance::Euclidean };
    run(py, threads, || {
        with_integers!(labels, L => {
            let grid = grid(&labels, &spacing)?;
            let out = out.dense_mut::<f32>("output", &of_classes(&classes, &labels))?;
            let classes = classes.dense::<L>("classes", classes.shape())?;
            let labels = labels.dense::<L>("labels", labels.shape())?;
            Ok(dice_loss_morphology::distance_transform(labels, classes, &grid, distance, out)?)
        })
    })
}

/// Signed distances to the border of each class.
#[pyfunction]
pub(crate) fn signed_distance(
    py: Python<'_>,
    labels: View,
    classes: View,
    spacing: Vec<f64>,
    convention: &str,
    threads: usize,
    mut out: View,
) -> Result<()> {
    out.advise_huge_pages();
    let signed = match convention {
        "centres" => Signed::Centres,
        "boundary" => Signed::Boundary,
        found => return Err(Refused::new("convention", found, "centres or boundary")),
    };
    run(py, threads, || {
        with_integers!(labels, L => {
            let grid = grid(&labels, &spacing)?;
            let out = out.dense_mut::<f32>("output", &of_classes(&classes, &labels))?;
            let classes = classes.dense::<L>("classes", classes.shape())?;
            let labels = labels.dense::<L>("labels", labels.shape())?;
            Ok(dice_loss_morphology::signed_distance(labels, classes, &grid, signed, out)?)
        })
    })
}

/// The nearest component of every voxel.
#[pyfunction]
pub(crate) fn nearest_component(
    py: Python<'_>,
    components: View,
    spacing: Vec<f64>,
    threads: usize,
    mut out: View,
) -> Result<()> {
    out.advise_huge_pages();
    run(py, threads, || {
        with_integers!(components, L => {
            let grid = grid(&components, &spacing)?;
            let out = out.dense_mut::<L>("output", components.shape())?;
            let components = components.dense::<L>("components", components.shape())?;
            Ok(dice_loss_morphology::nearest_component(components, &grid, out)?)
        })
    })
}

/// The distances to the two nearest components.
#[pyfunction]
pub(crate) fn two_nearest(
    py: Python<'_>,
    components: View,
    spacing: Vec<f64>,
    threads: usize,
    mut first: View,
    mut second: View,
) -> Result<()> {
    run(py, threads, || {
        with_integers!(components, L => {
            let grid = grid(&components, &spacing)?;
            let first = first.dense_mut::<f32>("first distances", components.shape())?;
            let second = second.dense_mut::<f32>("second distances", components.shape())?;
            let components = components.dense::<L>("components", components.shape())?;
            Ok(dice_loss_morphology::two_nearest(components, &grid, first, second)?)
        })
    })
}

/// U-Net's weights of borders.
#[pyfunction]
pub(crate) fn border_weights(
    py: Python<'_>,
    components: View,
    spacing: Vec<f64>,
    w0: f64,
    sigma: f64,
    threads: usize,
    mut out: View,
) -> Result<()> {
    out.advise_huge_pages();
    run(py, threads, || {
        with_integers!(components, L => {
            let grid = grid(&components, &spacing)?;
            let out = out.dense_mut::<f32>("output", components.shape())?;
            let components = components.dense::<L>("components", components.shape())?;
            Ok(dice_loss_morphology::border_weights(components, &grid, w0, sigma, out)?)
        })
    })
}

/// Connected components; the list of them as the bytes of rows of int64.
#[pyfunction]
pub(crate) fn connected_components(
    py: Python<'_>,
    labels: View,
    classes: View,
    connectivity: Option<usize>,
    threads: usize,
    mut out: View,
) -> Result<Py<PyBytes>> {
    out.advise_huge_pages();
    let axes = labels.shape().len();
    let grid = grid(&labels, &vec![1.0; axes])?;
    let connectivity = match connectivity {
        Some(neighbours) => Connectivity::of(neighbours, axes)?,
        None => Connectivity::default(),
    };
    let found = run(py, threads, || {
        with_integers!(labels, L => {
            let out = out.dense_mut::<u32>("output", labels.shape())?;
            let classes = classes.dense::<L>("classes", classes.shape())?;
            let labels = labels.dense::<L>("labels", labels.shape())?;
            Ok(dice_loss_morphology::connected_components(
                labels, classes, &grid, connectivity, out,
            )?)
        })
    })?;
    let rows = found.iter().flat_map(|component| {
        let starts = component.bounds().iter().map(|bounds| bounds.start);
        let ends = component.bounds().iter().map(|bounds| bounds.end);
        [component.class, component.number as usize, component.voxels]
            .into_iter()
            .chain(starts)
            .chain(ends)
            .flat_map(|number| (number as i64).to_ne_bytes())
            .collect::<Vec<_>>()
    });
    Ok(PyBytes::new(py, &rows.collect::<Vec<_>>()).unbind())
}

/// Skeletons of each class.
#[pyfunction]
pub(crate) fn skeletonize(
    py: Python<'_>,
    labels: View,
    classes: View,
    threads: usize,
    mut out: View,
) -> Result<()> {
    out.advise_huge_pages();
    run(py, threads, || {
        with_integers!(labels, L => {
            let grid = grid(&labels, &vec![1.0; labels.shape().len()])?;
            let out = out.dense_mut::<L>("output", labels.shape())?;
            let classes = classes.dense::<L>("classes", classes.shape())?;
            let labels = labels.dense::<L>("labels", labels.shape())?;
            Ok(dice_loss_morphology::skeletonize(labels, classes, &grid, out)?)
        })
    })
}

/// Each class grown by a ball, or worn off by it.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "Python's signature: all of it is lent memory")]
pub(crate) fn with_ball(
    py: Python<'_>,
    labels: View,
    classes: View,
    radius: f64,
    grown: bool,
    spacing: Vec<f64>,
    threads: usize,
    mut out: View,
) -> Result<()> {
    out.advise_huge_pages();
    run(py, threads, || {
        with_integers!(labels, L => {
            let grid = grid(&labels, &spacing)?;
            let out = out.dense_mut::<u8>("output", &of_classes(&classes, &labels))?;
            let classes = classes.dense::<L>("classes", classes.shape())?;
            let labels = labels.dense::<L>("labels", labels.shape())?;
            match grown {
                true => dice_loss_morphology::dilate(labels, classes, radius, &grid, out)?,
                false => dice_loss_morphology::erode(labels, classes, radius, &grid, out)?,
            }
            Ok(())
        })
    })
}
