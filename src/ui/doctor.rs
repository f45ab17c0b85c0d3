//! The output of `doctor`: a screen, and a report to be sent to others.

use console::{Color, Style, Term};

use super::escape;
use crate::report::{Area, Belief, Check, DoctorReport, Verdict};

/// The most columns of text.
const WIDTH: usize = 100;

/// The indentation of results.
const INDENT: usize = 12;

/// The layout: width, colours, and names.
#[derive(Clone, Copy)]
struct Layout {
    width: usize,
    colours: bool,
    names: bool,
}

/// The screen: each check, and the statements that the service contradicts.
pub fn doctor_report(doctor_report: &DoctorReport) -> String {
    let terminal = Term::stdout();
    let columns = if terminal.is_term() { usize::from(terminal.size().1) } else { WIDTH };
    let layout = Layout { width: columns.clamp(INDENT + 20, WIDTH), colours: true, names: true };
    let mut text = layout.checks(&doctor_report.checks);
    let refuted: Vec<_> = doctor_report.believed(Belief::Refuted).collect();
    let count = |belief| doctor_report.believed(belief).count();
    if count(Belief::Unseen) < doctor_report.statements.len() {
        text.push_str(&format!(
            "\nOf the statements in docs/api-contract.md the service confirms {} and refutes {}; {} could not be checked.\n",
            count(Belief::Confirmed),
            refuted.len(),
            count(Belief::Unseen)
        ));
        for statement in refuted {
            let seen = format!("{}: {}", statement.statement, statement.seen);
            text.push_str(&layout.line("otherwise", &paint(Verdict::Warning), &seen));
        }
    }
    text + &format!("\n{}\n", end(doctor_report))
}

/// The complete report, for somebody else.
pub fn checkup_report(doctor_report: &DoctorReport) -> String {
    let layout = Layout { width: WIDTH, colours: false, names: false };
    let mut text = format!(
        "ibinder-sync {} on {}, {}\nAPI: {}\n\n{}",
        doctor_report.version,
        doctor_report.system,
        doctor_report.made_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        doctor_report.api.as_deref().unwrap_or("not set"),
        layout.checks(&doctor_report.checks)
    );
    text.push_str("\nStatements of docs/api-contract.md\n");
    for statement in &doctor_report.statements {
        let seen = if statement.seen.is_empty() { String::new() } else { format!(": {}", statement.seen) };
        let word = match statement.belief {
            Belief::Confirmed => "yes",
            Belief::Refuted => "NO",
            Belief::Unseen => "not seen",
        };
        text.push_str(&layout.line(word, &Style::new(), &format!("{}{seen}", statement.statement)));
    }
    text + &format!("\n{}\n", end(doctor_report))
}

impl Layout {
    fn checks(self, checks: &[Check]) -> String {
        let mut text = String::new();
        let mut area: Option<Area> = None;
        for check in checks {
            if area != Some(check.area) {
                text.push_str(&format!("{}{}\n", if area.is_some() { "\n" } else { "" }, check.area.word()));
                area = Some(check.area);
            }
            let style = paint(check.verdict);
            let found = check.on_screen.as_ref().filter(|_| self.names).unwrap_or(&check.found);
            text.push_str(&self.line(check.verdict.word(), &style, found));
            if let Some(next) = &check.next {
                text.push_str(&self.line("", &style, &format!("→ {next}")));
            }
        }
        text
    }

    /// A word and a text beside it, wrapped.
    fn line(self, word: &str, style: &Style, text: &str) -> String {
        let text = escape(text).replace('\n', " ");
        let room = self.width - INDENT;
        let mut lines = vec![String::new()];
        for part in text.split(' ') {
            let fits = |line: &&mut String| line.is_empty() || line.chars().count() + 1 + part.chars().count() <= room;
            match lines.last_mut().filter(fits) {
                Some(line) if line.is_empty() => line.push_str(part),
                Some(line) => line.push_str(&format!(" {part}")),
                None => lines.push(part.to_owned()),
            }
        }
        let style = if self.colours { style.clone() } else { style.clone().force_styling(false) };
        let head = style.apply_to(format!("{word:<w$}", w = INDENT - 2));
        format!("  {head}{}\n", lines.join(&format!("\n{}", " ".repeat(INDENT))))
    }
}

fn paint(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => Style::new().fg(Color::Green),
        Verdict::Skipped => Style::new().dim(),
        Verdict::Warning => Style::new().fg(Color::Yellow),
        Verdict::Failure => Style::new().fg(Color::Red).bold(),
    }
}

fn end(doctor_report: &DoctorReport) -> String {
    let counts = doctor_report.counts();
    let count = |verdict| counts.get(&verdict).copied().unwrap_or(0);
    match (count(Verdict::Failure), count(Verdict::Warning)) {
        (0, 0) => "Everything is fine.".to_owned(),
        (0, 1) => "A run can work; there is 1 warning.".to_owned(),
        (0, warnings) => format!("A run can work; there are {warnings} warnings."),
        (1, _) => "A run can't work yet: see the failure above.".to_owned(),
        (failures, _) => format!("A run can't work yet: see the {failures} failures above."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(checks: Vec<Check>) -> DoctorReport {
        DoctorReport {
            version: "1.2.3",
            system: "Linux 6.1 x86_64".into(),
            made_at: "2026-11-03T01:30:00Z".parse().unwrap(),
            api: Some("https://api.example".into()),
            checks,
            statements: Vec::new(),
            night_requests: None,
        }
    }

    #[test]
    fn a_screen() {
        let long = "word ".repeat(30);
        let doctor_report = found(vec![
            Check::ok(Area::Destination, "/srv is fine"),
            Check::warning(Area::Destination, long.trim(), "do\u{1b}[2Jthis"),
            Check::skipped(Area::Service, "not asked"),
        ]);
        let text = checkup_report(&doctor_report);
        assert!(text.contains("Destination\n  ok        /srv is fine\n  warning   word word"), "{text}");
        assert!(text.contains("\n            word word"), "{text}");
        assert!(text.contains("            → do\\u{1b}[2Jthis\n\nService\n  skipped   not asked\n"), "{text}");
        assert!(text.ends_with("\nA run can work; there is 1 warning.\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(self::doctor_report(&found(Vec::new())).ends_with("Everything is fine.\n"));
        let failed = found(vec![Check::failure(Area::Service, "x", "y")]);
        assert!(self::doctor_report(&failed).contains("see the failure above"));
    }
}
