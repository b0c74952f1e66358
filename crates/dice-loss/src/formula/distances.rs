//! Distances between classes.

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    error::{parameter, stated},
};

/// How far apart two classes are: what a voxel of one, given to the other, costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Distances {
    /// All classes are equally far apart, whatever their number.
    #[default]
    Uniform,
    /// A row for each class: not negative, 0 on the diagonal, not all 0. Only ratios matter: the
    /// largest distance counts as 1.
    Matrix(Vec<Vec<f64>>),
}

impl Distances {
    pub(crate) fn check(&self, loss: &str, classes: usize) -> Result<()> {
        let Self::Matrix(rows) = self else { return Ok(()) };
        let what = || format!("{loss}: distances");
        if rows.len() != classes || rows.iter().any(|row| row.len() != classes) {
            let found: Vec<_> = rows.iter().map(Vec::len).collect();
            return stated(
                what(),
                format!("rows of {found:?} entries"),
                format!("{classes} rows of {classes} entries"),
            );
        }
        let entries = || rows.iter().flatten();
        if let Some(entry) = entries().find(|entry| !(entry.is_finite() && **entry >= 0.0)) {
            return parameter(what(), entry, "finite distances of at least 0");
        }
        if let Some(class) = (0..classes).find(|&class| rows[class][class] != 0.0) {
            return stated(
                what(),
                format!("{:?} from class {class} to itself", rows[class][class]),
                "0 on the diagonal",
            );
        }
        match entries().any(|&entry| entry > 0.0) {
            true => Ok(()),
            false => stated(what(), "zeros only", "a distance above 0"),
        }
    }

    /// A row for each class, with 1 as the largest distance.
    pub(crate) fn normalised(&self, classes: usize) -> Vec<Vec<f64>> {
        match self {
            Self::Uniform => {
                let row =
                    |class| (0..classes).map(move |other| f64::from(u8::from(class != other)));
                (0..classes).map(|class| row(class).collect()).collect()
            }
            Self::Matrix(rows) => {
                let largest = rows.iter().flatten().fold(0.0f64, |a, &b| a.max(b));
                let row = |row: &Vec<f64>| row.iter().map(|distance| distance / largest).collect();
                rows.iter().map(row).collect()
            }
        }
    }
}
