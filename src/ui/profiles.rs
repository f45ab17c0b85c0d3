//! What a command says about all profiles.

use serde::Serialize;
use serde_json::value::RawValue;

use super::escape;
use crate::report::format::number_of;

/// How the command ended for a profile.
#[derive(Debug, Serialize)]
pub struct ProfileEnd {
    /// Its name.
    pub profile: String,
    /// The exit code.
    pub exit_code: u8,
    /// What the command printed with `--json`.
    pub result: Option<Box<RawValue>>,
    /// What it printed.
    #[serde(skip)]
    pub output: String,
    /// What it printed on standard error, if that was not shown.
    #[serde(skip)]
    pub errors: String,
    /// The meaning of the code.
    #[serde(skip)]
    pub meaning: String,
}

/// A line of a profile's output. A line of JSON gets a field, so that it stays JSON.
pub fn labelled(profile: &str, line: &str) -> String {
    let is_json = line.starts_with("{\"") && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    match line.strip_prefix('{').filter(|_| is_json) {
        Some(rest) => format!("{{\"profile\":{},{rest}\n", serde_json::Value::from(profile)),
        None => format!("{}: {line}\n", escape(profile)),
    }
}

/// One line for each profile.
pub fn all_profiles(ends: &[ProfileEnd]) -> String {
    let complete = ends.iter().filter(|end| end.exit_code == 0).count();
    let count = number_of(ends.len() as u64, "profile", "profiles");
    let mut text = format!("{complete} of {count} ended with exit code 0.\n");
    let width = ends.iter().map(|end| escape(&end.profile).chars().count()).max().unwrap_or(0);
    for end in ends {
        text.push_str(&format!("  {:<width$}  exit {:<3}  {}\n", escape(&end.profile), end.exit_code, end.meaning));
    }
    text
}

/// The health of all mirrors, as a Nagios plugin prints it: one line, then each mirror.
pub fn all_statuses(ends: &[ProfileEnd], worst: u8) -> String {
    let word = match worst {
        0 => "OK",
        1 => "WARNING",
        2 => "CRITICAL",
        _ => "UNKNOWN",
    };
    let first = |end: &ProfileEnd| {
        let line = end.output.lines().next().or_else(|| end.errors.lines().next()).unwrap_or("it printed nothing");
        line.split(" | ").next().unwrap_or_default().replace('|', "/")
    };
    let others: Vec<String> = ends
        .iter()
        .filter(|end| end.exit_code != 0)
        .map(|end| format!("{}: {}", escape(&end.profile).replace('|', "/"), first(end)))
        .collect();
    let count = ends.len() - others.len();
    let well = format!("{count} of {} OK", number_of(ends.len() as u64, "mirror", "mirrors"));
    let mut text = format!("{word}: {}\n", others.into_iter().fold(well, |text, other| format!("{text}; {other}")));
    for end in ends {
        text.push_str(&format!("\n{}: {}\n", escape(&end.profile).replace('|', "/"), first(end)));
        for line in end.output.lines().skip(1) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(profile: &str, exit_code: u8, output: &str, errors: &str) -> ProfileEnd {
        let (output, errors, meaning) = (output.to_owned(), errors.to_owned(), "complete".to_owned());
        ProfileEnd { profile: profile.to_owned(), exit_code, result: None, output, errors, meaning }
    }

    #[test]
    fn lines_name_their_profile() {
        for (line, shown) in [
            ("added a", "north: added a\n"),
            ("{\"level\":1}", "{\"profile\":\"north\",\"level\":1}\n"),
            ("{\"level", "north: {\"level\n"),
            ("{}", "north: {}\n"),
        ] {
            assert_eq!(labelled("north", line), shown);
        }
    }

    #[test]
    fn monitoring_gets_one_line_first() {
        let ends = [end("a", 0, "OK: fine | age=1s\nmirror: /a\n", ""), end("b", 3, "", "error: no | such\n")];
        assert_eq!(
            all_statuses(&ends, 3),
            "UNKNOWN: 1 of 2 mirrors OK; b: error: no\n\na: OK: fine\n  mirror: /a\n\nb: error: no\n"
        );
        assert_eq!(all_profiles(&ends[..1]), "1 of 1 profile ended with exit code 0.\n  a  exit 0    complete\n");
    }
}
