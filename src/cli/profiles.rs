//! `--all`, of the commands that can go over all profiles.

use std::ffi::OsString;

use clap::Args;

/// Which profiles.
#[derive(Debug, Clone, Copy, Args)]
pub struct Profiles {
    /// Do it for every profile of the configuration file
    #[arg(long)]
    pub all: bool,
    /// How many profiles at once
    #[arg(long, value_name = "N", default_value_t = 1, requires = "all", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,
}

/// A command for all profiles.
#[derive(Debug)]
pub struct AllProfiles {
    /// Its name.
    pub name: String,
    /// Its arguments, without those that name profiles.
    pub arguments: Vec<OsString>,
    /// How many profiles at once.
    pub jobs: u8,
    /// Whether the results are one JSON object.
    pub json: bool,
}

impl AllProfiles {
    /// `arguments` is the whole command line.
    pub fn new(name: &str, profiles: Profiles, json: bool, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let (mut kept, mut arguments) = (Vec::new(), arguments.into_iter().skip(1));
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--all") => {}
                Some("--jobs") => drop(arguments.next()),
                Some(text) if text.starts_with("--jobs=") => {}
                _ => kept.push(argument),
            }
        }
        Self { name: name.to_owned(), arguments: kept, jobs: profiles.jobs, json }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_gets_the_other_arguments() {
        let line = ["ibinder-sync", "-v", "run", "--all", "--jobs", "3", "--rate=2", "--jobs=3", "--json"];
        let all = AllProfiles::new("run", Profiles { all: true, jobs: 3 }, true, line.map(OsString::from));
        assert_eq!(all.arguments, ["-v", "run", "--rate=2", "--json"]);
    }
}
