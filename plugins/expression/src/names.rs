//! The variables that expressions may name.

use thiserror::Error;

/// The variables that expressions may name, each with its place among those that they are evaluated with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<String>,
}

/// A variable cannot have this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NamesError {
    /// It is no identifier.
    #[error(
        "{name:?} cannot be named in an expression: begin with a letter, and go on with letters, digits and underscores"
    )]
    NotAnIdentifier {
        /// The name.
        name: String,
    },
    /// It means something else already.
    #[error("{name:?} has a meaning in expressions already: choose another name")]
    Taken {
        /// The name.
        name: String,
    },
}

/// Words of the language (its specification, "Syntax").
const RESERVED: [&str; 31] = [
    "as",
    "bool",
    "break",
    "bytes",
    "const",
    "continue",
    "double",
    "dyn",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "int",
    "let",
    "list",
    "loop",
    "map",
    "namespace",
    "null",
    "null_type",
    "package",
    "return",
    "string",
    "true",
    "type",
    "uint",
    "var",
    "void",
];

impl Names {
    /// These variables, in this order.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self {
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    /// One variable more, behind the others, with a name that a user has chosen; its place.
    ///
    /// # Errors
    /// If the name is no identifier, or taken.
    pub fn add(&mut self, name: &str) -> Result<usize, NamesError> {
        let begins = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
        let goes_on = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if !name.starts_with(begins) || !name.chars().all(goes_on) {
            return Err(NamesError::NotAnIdentifier {
                name: name.to_owned(),
            });
        }
        if RESERVED.contains(&name) || self.place(name).is_some() {
            return Err(NamesError::Taken {
                name: name.to_owned(),
            });
        }
        self.names.push(name.to_owned());
        Ok(self.names.len() - 1)
    }

    /// The place of a variable.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// For a message.
    pub(crate) fn listed(&self) -> String {
        if self.names.is_empty() {
            return "there are none".to_owned();
        }
        format!("there are {}", self.names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_an_expression_could_not_mean_is_refused() {
        let mut names = Names::of(["record"]);
        for name in ["", "1st", "of-channel", "a.b", "in", "int", "record"] {
            assert!(names.add(name).is_err(), "{name}");
        }
        assert_eq!(names.add("volume"), Ok(1));
        assert_eq!(names.place("volume"), Some(1));
    }
}
