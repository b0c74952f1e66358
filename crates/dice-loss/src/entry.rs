//! A loss of the catalogue: what it declares, and how it is made.

use std::{any::TypeId, fmt, ops::Deref};

use serde_json::{Map, Value};

use crate::{
    Activation, Objective, Result, Term,
    declaration::{Declaration, Declare, Facts, Field, OptionInfo, Slot, each},
    error::stated,
    maps::Wanted,
    settings::{Kind, Settings},
};

/// A loss of the catalogue: its [`Declaration`], and what makes it.
#[derive(Clone, Copy)]
pub struct Entry(&'static dyn Maker);

/// What looks at every option of a loss and may change it.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(&Facts, Slot<'_>);

/// Makes one loss from its options.
pub(crate) trait Maker: Sync {
    fn type_id(&self) -> TypeId;
    fn declaration(&self) -> &'static Declaration;
    fn kind(&self) -> Kind;
    fn fields(&self) -> Vec<Field>;
    fn map(&self) -> Option<Wanted>;
    /// The loss with the options that it is told, as an objective.
    fn objective(&self, activation: Activation, tell: Tell) -> Objective;
}

/// A loss by its type.
pub(crate) struct Of<L> {
    pub kind: Kind,
    pub objective: fn(L, Activation) -> Objective,
}

impl<L: Declare + Default> Maker for Of<L> {
    fn type_id(&self) -> TypeId {
        TypeId::of::<L>()
    }

    fn declaration(&self) -> &'static Declaration {
        &L::DECLARATION
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn fields(&self) -> Vec<Field> {
        Field::table(&mut L::default())
    }

    fn map(&self) -> Option<Wanted> {
        L::default().map()
    }

    fn objective(&self, activation: Activation, tell: Tell) -> Objective {
        let mut loss = L::default();
        each(&mut loss, tell);
        (self.objective)(loss, activation)
    }
}

impl Entry {
    pub(crate) const fn new(maker: &'static dyn Maker) -> Self {
        Self(maker)
    }

    /// Whether its loss is of this type.
    pub(crate) fn is_of(&self, id: TypeId) -> bool {
        self.0.type_id() == id
    }

    /// What kind of loss it is.
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// Its table of options, losses inside as entries of their own.
    pub fn fields(&self) -> Vec<Field> {
        self.0.fields()
    }

    /// All its options, those of losses inside among them.
    pub fn options(&self) -> Vec<OptionInfo> {
        flat(self.fields())
    }

    /// The map that it cannot do without, made as its default options say.
    pub fn wants_map(&self) -> Option<Wanted> {
        self.0.map()
    }

    /// Its address on the web.
    pub fn reference(&self) -> &'static str {
        self.0.declaration().reference()
    }

    /// The loss as an objective, under one of its [`activations`](Declaration::activations).
    ///
    /// Under any other, the objective says so when it is used.
    pub fn objective(&self, activation: Activation) -> Objective {
        self.0.objective(activation, &mut |_, _| {})
    }

    /// The weighted terms that it stands for, told everything that it can be told: `tell` is shown
    /// each setting and each option with the place of its value, which it may change.
    ///
    /// Fails where a compound refuses its options. A single loss has them checked when it is used.
    ///
    /// ```
    /// use dice_loss::{Activation, Objective, Slot, catalogue};
    /// // Every loss without the background, and with half of what is added to a ratio.
    /// for entry in catalogue() {
    ///     let terms = entry.terms(entry.activations[0], &mut |_facts, slot| match slot {
    ///         Slot::OptionalFlag(background) => *background = Some(false),
    ///         Slot::Smoothing(smoothing) => smoothing.numerator /= 2.0,
    ///         _ => {}
    ///     })?;
    ///     let objective = terms.into_iter().fold(Objective::new(), |objective, (weight, term)| {
    ///         objective.term(weight, term)
    ///     });
    ///     assert!(objective.spec()?.contains(r#""background":false"#));
    /// }
    /// # Ok::<(), dice_loss::Error>(())
    /// ```
    pub fn terms(
        &self,
        activation: Activation,
        tell: &mut dyn FnMut(&Facts, Slot<'_>),
    ) -> Result<Vec<(f64, Term)>> {
        self.told(Settings { activation: Some(activation), ..Settings::default() }, tell)
    }

    /// The terms that it stands for, with options and settings by name, as JSON.
    ///
    /// Fails for an activation that it does not have, and for an unknown name.
    pub(crate) fn read(
        &self,
        mut given: Map<String, Value>,
        activation: Option<Activation>,
    ) -> Result<Vec<(f64, Term)>> {
        let settings = names(settings());
        let names: Vec<_> = names(self.options())
            .chain(settings.clone().filter(|name| self.kind().takes(name)))
            .collect();
        if let Some(name) = given.keys().find(|name| !names.contains(&name.as_str())) {
            let wanted = format!("one of {}", names.join(", "));
            return stated(format!("{}: option", self.name), name, wanted);
        }
        // Null leaves a setting open.
        given.retain(|name, value| !value.is_null() || settings.clone().all(|known| known != name));
        let mut result = Ok(());
        let settings = Settings { activation, ..Settings::default() };
        let terms = self.told(settings, &mut |facts, slot| {
            if let (Ok(()), Some(value)) = (&result, given.remove(facts.name)) {
                result = slot.set(self.name, facts, &value);
            }
        });
        result.and(terms)
    }

    fn told(&self, mut settings: Settings, tell: Tell) -> Result<Vec<(f64, Term)>> {
        each(&mut settings, &mut |facts, slot| {
            if self.kind().takes(facts.name) {
                tell(facts, slot);
            }
        });
        let Some(activation) = settings.activation else {
            let words: Vec<_> = self.activations.iter().map(|known| known.word()).collect();
            let wanted = format!("{}, of the term or of the whole", words.join(" or "));
            return stated(format!("{}: activation", self.name), "none", wanted);
        };
        let mut terms = self.0.objective(activation, tell).into_terms()?;
        for (_, term) in &mut terms {
            match self.kind() {
                Kind::Compound => term.fill_as_part(&settings),
                _ => term.fill(&settings),
            }
        }
        Ok(terms)
    }
}

/// What every loss can be told beside its own options, as far as its [`Kind`] takes it.
pub fn settings() -> Vec<OptionInfo> {
    flat(Field::table(&mut Settings::default()))
}

fn names(options: Vec<OptionInfo>) -> impl Iterator<Item = &'static str> + Clone {
    options.into_iter().map(|option| option.facts.name)
}

fn flat(fields: Vec<Field>) -> Vec<OptionInfo> {
    let options = |field| match field {
        Field::Option(option) => vec![option],
        Field::Part { fields, .. } => flat(fields),
    };
    fields.into_iter().flat_map(options).collect()
}

impl Deref for Entry {
    type Target = Declaration;

    fn deref(&self) -> &Declaration {
        self.0.declaration()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.name).finish()
    }
}
