//! Maps: what each voxel weighs in a term, beside the weights of the target.
//!
//! A term that names a map ([`Term::map`](crate::Term::map)) multiplies with it the weight of every voxel
//! in every sum that it reads. The target carries the map under that name
//! ([`Target::map`](crate::Target::map)).

mod make;

pub(crate) use make::check_spatial;

use crate::{Activation, Division, Instances, Objective, Result, Selection, error::stated};

/// How a map is made of a reference. Distances are in the units of the spacing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Recipe {
    /// The distance to the border of each class, negative inside the class.
    SignedDistance {
        /// The distance from voxel to voxel along each spatial axis; 1 by default.
        spacing: Option<Vec<f64>>,
    },
    /// The distances to the borders of prediction and reference, each to the power α, added up.
    Hausdorff {
        /// α.
        alpha: f64,
        /// The distance from voxel to voxel along each spatial axis; 1 by default.
        spacing: Option<Vec<f64>>,
    },
    /// 1 on the dilated skeleton of each class, within the class; else 0.
    Skeleton {
        /// How far the skeleton is dilated.
        radius: f64,
        /// The distance from voxel to voxel along each spatial axis; 1 by default.
        spacing: Option<Vec<f64>>,
    },
    /// More where two components of a class nearly touch
    /// ([`border_weights`](dice_loss_morphology::border_weights)); neighbours share as much as a corner.
    /// Under softmax one map for all classes, the largest weight of any class but the background.
    Border {
        /// What is added to 1 where two components touch.
        w0: f64,
        /// How far a border reaches.
        sigma: f64,
        /// The distance from voxel to voxel along each spatial axis; 1 by default.
        spacing: Option<Vec<f64>>,
    },
    /// The weights under which every instance counts the same
    /// ([`InstanceCrossEntropy`](crate::InstanceCrossEntropy)); neighbours share as much as a corner. Under
    /// softmax one map for all classes, the mean over those but the background that have instances.
    InstanceWeights {
        /// Cells or blobs.
        division: Division,
        /// The distance from voxel to voxel along each spatial axis; 1 by default.
        spacing: Option<Vec<f64>>,
    },
    /// 1 in the voxels that a voxel loss is the mean over, else 0 ([`Selection`]).
    Hardest {
        /// Which voxels are taken.
        selection: Selection,
    },
    /// The number of the instance of each class that a voxel belongs to
    /// ([`Prepared::make_instances`](crate::Prepared::make_instances)), with a spacing of 1; neighbours
    /// share as much as a corner.
    Instances {
        /// Cells or blobs.
        division: Division,
    },
}

impl Recipe {
    /// Its name in snake case.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::SignedDistance { .. } => "signed_distance",
            Self::Hausdorff { .. } => "hausdorff",
            Self::Skeleton { .. } => "skeleton",
            Self::Border { .. } => "border",
            Self::InstanceWeights { .. } => "instance_weights",
            Self::Hardest { .. } => "hardest",
            Self::Instances { division: Division::Cells } => "cells",
            Self::Instances { division: Division::Blobs } => "blobs",
        }
    }
}

impl Recipe {
    /// Whether the map depends on the activation.
    const fn is_of_activation(&self) -> bool {
        matches!(self, Self::Hausdorff { .. } | Self::Border { .. } | Self::InstanceWeights { .. })
    }
}

/// A map that a loss cannot do without.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What it is called where the term gives it no name of its own.
    pub name: &'static str,
    /// Whether its values may be negative.
    pub is_signed: bool,
    /// How it is made.
    pub recipe: Recipe,
}

/// A map that some term or further sum of an objective names.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Whether its values may be negative: where every term that names it allows that.
    pub is_signed: bool,
    /// How it is made; `None` of a map that must be handed in.
    pub recipe: Option<Recipe>,
    /// The activation of the term that says how it is made, or of the first that names it.
    pub activation: Activation,
}

impl Objective {
    /// The maps that terms and further sums name, in the order of their names; and that of the
    /// [`Instances`] of terms that look at those.
    ///
    /// Fails where two terms want a map of one name made in different ways.
    ///
    /// ```
    /// use dice_loss::{CrossEntropy, Objective};
    /// let weighed = CrossEntropy::default().softmax().map("border");
    /// let maps = Objective::new().term(1.0, weighed).maps()?;
    /// assert!(maps[0].name == "border" && !maps[0].is_signed && maps[0].recipe.is_none());
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn maps(&self) -> Result<Vec<Named>> {
        let mut maps: Vec<Named> = Vec::new();
        for (_, term) in self.terms() {
            let Some(name) = term.map_name() else { continue };
            let wanted = term.wanted_map();
            let is_signed = wanted.as_ref().is_some_and(|wanted| wanted.is_signed);
            let recipe = wanted.map(|wanted| wanted.recipe);
            let activation = term.activation;
            let Some(known) = maps.iter_mut().find(|known| known.name == name) else {
                maps.push(Named { name: name.into_owned(), is_signed, recipe, activation });
                continue;
            };
            known.is_signed &= is_signed;
            let Some(recipe) = recipe else { continue };
            // What a term takes depends on all that it is told.
            let is_of_term = matches!(recipe, Recipe::Hardest { .. });
            let is_another = |known: &Recipe, of: Activation| {
                is_of_term || *known != recipe || (recipe.is_of_activation() && of != activation)
            };
            if known.recipe.as_ref().is_some_and(|of| is_another(of, known.activation)) {
                return stated(
                    format!("map '{name}'"),
                    "two terms that want it made in different ways",
                    "a name of its own for each, as the setting map gives it",
                );
            }
            if known.recipe.is_none() {
                (known.recipe, known.activation) = (Some(recipe), activation);
            }
        }
        let first = self.terms_with_instances().next();
        if let Some((division, activation)) = first.map(|(of, term)| (of, term.activation)) {
            if let Some((_, term)) =
                self.terms().find(|(_, term)| term.map_name().as_deref() == Some(Instances::MAP))
            {
                let what = format!("{}: map", term.name());
                let wanted = "another name: that of the instances of terms with pool cell or blob";
                return stated(what, Instances::MAP, wanted);
            }
            let (name, recipe) = (Instances::MAP.to_owned(), Some(Recipe::Instances { division }));
            maps.push(Named { name, is_signed: false, recipe, activation });
        }
        for integrand in self.further_sums() {
            let Some(name) = integrand.map.clone() else { continue };
            if maps.iter().all(|known| known.name != name) {
                let activation = integrand.activation.unwrap_or(Activation::Probabilities);
                maps.push(Named { name, is_signed: true, recipe: None, activation });
            }
        }
        maps.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(maps)
    }

    /// All maps that are read, in the order of their names, each with what reads it first: a term, or a
    /// further sum.
    pub(crate) fn maps_read(&self) -> Vec<(String, &'static str)> {
        let of_terms =
            self.terms().filter_map(|(_, term)| Some((term.map_name()?.into_owned(), term.name())));
        let of_sums = self
            .further_sums()
            .iter()
            .filter_map(|integrand| Some((integrand.map.clone()?, integrand.sum.word())));
        let mut maps: Vec<_> = of_terms.chain(of_sums).collect();
        maps.sort_by(|(a, _), (b, _)| a.cmp(b));
        maps.dedup_by(|(a, _), (b, _)| a == b);
        maps
    }
}
