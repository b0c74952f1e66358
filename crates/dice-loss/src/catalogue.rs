//! The one list of all losses; documentation, front ends, the program and the tests follow from it.

use std::{any::TypeId, fmt, ops::Deref};

use serde_json::{Map, Value};

use crate::{
    Activation, Declaration, Declare, Field, Objective, OptionInfo, Result, Term, compound,
    compound::Compound,
    declaration::{self, each},
    region,
    settings::{Kind, Settings},
    voxel,
};

/// A loss of the catalogue: its [`Declaration`], and what makes it.
#[derive(Clone, Copy)]
pub struct Entry(&'static dyn Maker);

/// Makes one loss from its options.
pub(crate) trait Maker: Sync {
    fn type_id(&self) -> TypeId;
    fn declaration(&self) -> &'static Declaration;
    fn kind(&self) -> Kind;
    fn fields(&self) -> Vec<Field>;
    /// Takes its options out of what is given.
    fn terms(
        &self,
        given: &mut Map<String, Value>,
        activation: Activation,
    ) -> Result<Vec<(f64, Term)>>;
    fn objective(&self, activation: Activation) -> Objective;
}

/// A loss that is one term.
pub(crate) struct Single<L> {
    pub kind: Kind,
    pub with: fn(L, Activation) -> Term,
}

/// A loss that is a sum of terms.
pub(crate) struct Many<L>(pub fn(L, Activation) -> Objective);

impl<L: Declare + Default> Maker for Single<L> {
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

    fn terms(
        &self,
        given: &mut Map<String, Value>,
        activation: Activation,
    ) -> Result<Vec<(f64, Term)>> {
        Ok(vec![(1.0, (self.with)(read::<L>(given)?, activation))])
    }

    fn objective(&self, activation: Activation) -> Objective {
        Objective::new().term(1.0, (self.with)(L::default(), activation))
    }
}

impl<L: Compound + Default> Maker for Many<L> {
    fn type_id(&self) -> TypeId {
        TypeId::of::<L>()
    }

    fn declaration(&self) -> &'static Declaration {
        &L::DECLARATION
    }

    fn kind(&self) -> Kind {
        Kind::Compound
    }

    fn fields(&self) -> Vec<Field> {
        Field::table(&mut L::default())
    }

    fn terms(
        &self,
        given: &mut Map<String, Value>,
        activation: Activation,
    ) -> Result<Vec<(f64, Term)>> {
        let compound = read::<L>(given)?;
        compound.check(activation)?;
        Ok(compound.terms(activation))
    }

    fn objective(&self, activation: Activation) -> Objective {
        (self.0)(L::default(), activation)
    }
}

/// A loss with the options given, the others by default.
fn read<L: Declare + Default>(given: &mut Map<String, Value>) -> Result<L> {
    let mut loss = L::default();
    let mut result = Ok(());
    each(&mut loss, &mut |facts, slot| {
        if let (Ok(()), Some(value)) = (&result, given.remove(facts.name)) {
            result = slot.set(L::DECLARATION.name, facts, &value);
        }
    });
    result.map(|()| loss)
}

impl Entry {
    pub(crate) const fn new(maker: &'static dyn Maker) -> Self {
        Self(maker)
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

    /// Its address on the web.
    pub fn reference(&self) -> &'static str {
        self.0.declaration().reference()
    }

    /// The loss as an objective, under one of its [`activations`](Declaration::activations).
    ///
    /// Under any other, the objective says so when it is used.
    pub fn objective(&self, activation: Activation) -> Objective {
        self.0.objective(activation)
    }

    /// The terms that it stands for, with options and settings by name, as JSON.
    ///
    /// Fails for an activation that it does not have, and for an unknown name.
    pub(crate) fn read(
        &self,
        mut given: Map<String, Value>,
        default: Option<Activation>,
    ) -> Result<Vec<(f64, Term)>> {
        let settings = self.settings(&mut given)?;
        let Some(activation) = settings.activation.or(default) else {
            return crate::error::stated(
                format!("{}: activation", self.name),
                "none",
                "softmax, sigmoid or probabilities, of the term or of the whole",
            );
        };
        let mut terms = self.0.terms(&mut given, activation)?;
        if let Some((name, _)) = given.iter().next() {
            return crate::error::stated(
                format!("{}: option", self.name),
                name,
                format!("one of {}", self.names().join(", ")),
            );
        }
        for (_, term) in &mut terms {
            match self.kind() {
                Kind::Compound => settings.onto_part(term),
                _ => settings.onto(term),
            }
        }
        Ok(terms)
    }

    fn settings(&self, given: &mut Map<String, Value>) -> Result<Settings> {
        let mut settings = Settings::default();
        let mut result = Ok(());
        each(&mut settings, &mut |facts, slot| {
            if !self.kind().takes(facts.name) || result.is_err() {
                return;
            }
            match given.remove(facts.name) {
                Some(Value::Null) | None => {}
                Some(value) => result = slot.set(self.name, facts, &value),
            }
        });
        result.map(|()| settings)
    }

    /// Everything that it can be told.
    fn names(&self) -> Vec<&'static str> {
        let own = self.options().into_iter().map(|option| option.facts.name);
        let settings = settings().into_iter().map(|option| option.facts.name);
        own.chain(settings.filter(|name| self.kind().takes(name))).collect()
    }
}

/// What every loss can be told beside its own options, as far as its [`Kind`] takes it.
pub fn settings() -> Vec<OptionInfo> {
    flat(Field::table(&mut Settings::default()))
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

/// Every loss with its default options: overlap losses, voxel losses, compounds.
///
/// ```
/// let names: Vec<_> = dice_loss::catalogue().iter().map(|entry| entry.name).collect();
/// assert!(names.contains(&"dice") && names.contains(&"cross_entropy"));
/// ```
pub fn catalogue() -> Vec<Entry> {
    [region::CATALOGUE, voxel::CATALOGUE, compound::CATALOGUE].concat()
}

/// The loss of this name.
pub(crate) fn find(name: &str) -> Option<Entry> {
    catalogue().into_iter().find(|entry| entry.name == name)
}

/// Whether the catalogue's loss of this name is of this type.
pub(crate) fn has(name: &str, id: TypeId) -> bool {
    find(name).is_some_and(|entry| entry.0.type_id() == id)
}

/// A loss and its options by name, as [`Entry::read`] takes them.
pub(crate) fn written<L: Declare>(loss: &L) -> Map<String, Value> {
    let mut written = Map::new();
    written.insert("loss".into(), L::DECLARATION.name.into());
    declaration::each(&mut loss.clone(), &mut |facts, slot| {
        written.insert(facts.name.into(), slot.value());
    });
    written
}
