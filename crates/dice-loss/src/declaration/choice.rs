//! Options that are one of a few words.

/// A type whose values have names.
pub trait Words: Copy + PartialEq + 'static {
    /// The type's name.
    const TYPE: &'static str;
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];

    /// The word for this value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }

    /// The value that a word stands for.
    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(other, _)| *other == word).map(|(_, value)| *value)
    }
}

/// A place for a value that has a name, whatever its type.
pub trait Choice {
    /// The type's name.
    fn type_name(&self) -> &'static str;
    /// The words to choose among.
    fn words(&self) -> Vec<&'static str>;
    /// The word for what is chosen; none where nothing is.
    fn chosen(&self) -> Option<&'static str>;
    /// Chooses by word; whether it is among them.
    fn choose(&mut self, word: &str) -> bool;
}

impl<T: Words> Choice for T {
    fn type_name(&self) -> &'static str {
        T::TYPE
    }

    fn words(&self) -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }

    fn chosen(&self) -> Option<&'static str> {
        Some(self.word())
    }

    fn choose(&mut self, word: &str) -> bool {
        match T::from_word(word) {
            Some(value) => {
                *self = value;
                true
            }
            None => false,
        }
    }
}

/// A choice that may be left open.
impl<T: Words> Choice for Option<T> {
    fn type_name(&self) -> &'static str {
        T::TYPE
    }

    fn words(&self) -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }

    fn chosen(&self) -> Option<&'static str> {
        self.map(Words::word)
    }

    fn choose(&mut self, word: &str) -> bool {
        let found = T::from_word(word);
        if found.is_some() {
            *self = found;
        }
        found.is_some()
    }
}
