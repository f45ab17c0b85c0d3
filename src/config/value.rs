//! A value that is set, and where.

use std::{ffi::OsString, fmt, path::PathBuf};

use super::Key;

/// A value and where it was set.
#[derive(Clone)]
pub struct Value {
    /// Its setting.
    pub key: &'static Key,
    /// Its values: one, unless it is a list.
    pub values: Vec<OsString>,
    /// Where it was set.
    pub origin: Origin,
}

/// Where something was set; later variants overrule earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// At the top of the file.
    Top(PathBuf, usize),
    /// In a profile of the file.
    Profile(PathBuf, usize),
    /// In the environment.
    Variable(String),
    /// On the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(path, line) | Self::Profile(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// Values may be secrets.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.key.name, self.origin)
    }
}

impl Value {
    /// Its name in an error.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::Top(..) | Origin::Profile(..) => format!("{} in {}", self.key.in_file(), self.origin),
            Origin::Variable(name) => name.clone(),
            Origin::Flag => format!("--{}", self.key.flag().unwrap_or_default()),
        }
    }

    /// Whether its value is this word.
    pub fn is(&self, text: &str) -> bool {
        self.values.first().is_some_and(|value| value.eq_ignore_ascii_case(text))
    }
}

impl Origin {
    pub(super) fn layer(&self) -> u8 {
        match self {
            Self::Top(..) => 0,
            Self::Profile(..) => 1,
            Self::Variable(_) => 2,
            Self::Flag => 3,
        }
    }
}
