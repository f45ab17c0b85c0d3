//! What is wrong with the settings.

use std::{borrow::Cow, path::PathBuf, slice};

use super::Key;
use crate::sync::BadGlob;

/// What is wrong, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing.
    #[error("{} is not set; {advice}", in_file(.name))]
    Missing {
        /// Its name.
        name: &'static str,
        /// What to do.
        advice: String,
    },
    /// A setting has a value that can't work.
    #[error("{name} can't be used: {why}")]
    Bad {
        /// Its name, and where it was set.
        name: Cow<'static, str>,
        /// Why.
        why: String,
    },
    /// A configuration file can't be used.
    #[error("{path}{line}: {why}", path = path.display(), line = line.map(|line| format!(":{line}")).unwrap_or_default())]
    File {
        /// Which.
        path: PathBuf,
        /// On which line.
        line: Option<usize>,
        /// Why.
        why: String,
    },
    /// A variable looks like a setting, but isn't one.
    #[error("{name} is not known; {advice}")]
    Unknown {
        /// Its name.
        name: String,
        /// What was probably meant.
        advice: String,
    },
    /// Nothing is set.
    #[error(
        "there is no configuration file; `ibinder-sync config init` writes one, and `ibinder-sync demo --dest ./mirror` \
         needs none"
    )]
    NoFile,
    /// A glob is not valid.
    #[error("a filter can't be used: {0}")]
    Glob(#[from] BadGlob),
    /// Several of these.
    #[error("{}:\n  {}", heading(.0), lines(.0))]
    Several(Vec<Error>),
}

/// The advice after the missing settings is not a mistake.
fn heading(errors: &[Error]) -> String {
    if errors.iter().all(|error| matches!(error, Error::Missing { .. } | Error::NoFile)) {
        let count = errors.iter().filter(|error| matches!(error, Error::Missing { .. })).count();
        format!("{count} settings are missing")
    } else {
        format!("{} mistakes in the configuration", errors.len())
    }
}

fn in_file(name: &str) -> String {
    Key::named(name).map_or_else(|| name.to_owned(), Key::in_file)
}

fn lines(errors: &[Error]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n  ")
}

impl Error {
    /// All errors as one; `Ok` if there are none.
    pub fn none(errors: impl IntoIterator<Item = Self>) -> Result<(), Self> {
        let mut errors = errors.into_iter().peekable();
        if errors.peek().is_none() { Ok(()) } else { Err(Self::all(errors)) }
    }

    /// Errors as one.
    pub fn all(errors: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for error in errors {
            match error {
                Self::Several(errors) => all.extend(errors),
                one => all.push(one),
            }
        }
        if all.len() == 1 { all.remove(0) } else { Self::Several(all) }
    }

    /// The setting that is missing.
    pub fn missing(&self) -> Option<&'static str> {
        if let Self::Missing { name, .. } = self { Some(name) } else { None }
    }

    /// The name of a variable that is not known.
    pub fn unknown_name(&self) -> Option<String> {
        if let Self::Unknown { name, .. } = self { Some(name.clone()) } else { None }
    }

    /// Each error alone.
    pub fn each(&self) -> &[Self] {
        match self {
            Self::Several(errors) => errors,
            one => slice::from_ref(one),
        }
    }
}
