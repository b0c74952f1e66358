//! What every loss beside the objective is told.

use serde_json::{Map, Value};

use crate::{
    Isa, Pool, Reduction, Result, Settings, Words, declaration::each, entry::Tell, error::stated,
};

/// What every loss beside the objective is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub settings: Settings,
    pub reduction: Reduction,
    pub isa: Isa,
}

impl Told {
    /// Reads options by name: the settings that the loss takes, what `own` shows of its own, and the
    /// reduction. Null leaves a setting open.
    ///
    /// Fails for what has another name.
    pub fn read(
        loss: &str,
        mut given: Map<String, Value>,
        takes: &[&str],
        own: impl FnOnce(Tell),
    ) -> Result<Self> {
        let mut told = Self::default();
        if let Some(word) = given.remove("reduction") {
            match word.as_str().and_then(Reduction::from_word) {
                Some(reduction) => told.reduction = reduction,
                None => return stated("reduction", word.to_string(), "mean, sum or none"),
            }
        }
        let (mut result, mut known) = (Ok(()), Vec::new());
        own(&mut |facts, slot| {
            known.push(facts.name);
            if let (Ok(()), Some(value)) = (&result, given.remove(facts.name)) {
                result = slot.set(loss, facts, &value);
            }
        });
        each(&mut told.settings, &mut |facts, slot| {
            if !takes.contains(&facts.name) {
                return;
            }
            known.push(facts.name);
            if let (Ok(()), Some(value)) = (&result, given.remove(facts.name))
                && !value.is_null()
            {
                result = slot.set(loss, facts, &value);
            }
        });
        result?;
        known.push("reduction");
        match given.keys().next() {
            Some(key) => {
                stated(format!("{loss}: option"), key, format!("one of {}", known.join(", ")))
            }
            None => Ok(told),
        }
    }

    /// Whether the settings are in their ranges and fit the number of classes. `wanted` says which pools
    /// the loss has.
    pub fn check(&self, loss: &str, classes: usize, pools: &[Pool], wanted: &str) -> Result<()> {
        if !pools.contains(&self.pool()) {
            return stated(format!("{loss}: pool"), self.pool().word(), wanted);
        }
        let mut result = Ok(());
        each(&mut self.settings.clone(), &mut |facts, slot| {
            if result.is_ok() {
                result = slot.check(loss, facts, classes);
            }
        });
        result
    }
}
