//! Mails as they look, in both languages.

use jiff::tz::TimeZone;

use super::*;
use crate::report::{CopyReport, Failure, FailureCause, Language, Outcome, RunReport, Withheld};

static UTC: TimeZone = TimeZone::UTC;

fn facts(report: &RunReport, exit_code: u8) -> Facts<'_> {
    let last_complete = "2026-11-02T01:31:35Z".parse().ok();
    Facts {
        name: "north",
        machine: "backup.example.com",
        dest: "/srv/mirrors/north",
        exit_code,
        report,
        last_complete,
        names: false,
        zone: &UTC,
    }
}

fn partial() -> RunReport {
    let mut report = RunReport::sample(Outcome::Partial);
    report.documents.failed = 3;
    report.documents.withheld = 1200;
    report.documents.unchanged = 1000;
    report.documents.seen = 1003;
    let failure = |cause, name: &str| Failure {
        binder_id: Some("k".to_owned()),
        document_id: Some("3f2a".to_owned()),
        file_name: Some(name.to_owned()),
        ..Failure::of_nobody(cause, format!("{name} failed"))
    };
    report.failures = vec![
        failure(FailureCause::Unavailable, "Ritning <b>å</b>.pdf"),
        failure(FailureCause::Unavailable, "Avtal\r\nBcc: anna@example.com"),
        failure(FailureCause::Bytes, "Protokoll.pdf"),
    ];
    report.withheld = vec![Withheld {
        binder_id: "k".to_owned(),
        binder: "Brf Eken".to_owned(),
        document_id: "3f2b".to_owned(),
        path: "Brf Eken/Stadgar.pdf".to_owned(),
    }];
    report
}

fn refused() -> RunReport {
    RunReport {
        run_id: String::new(),
        failures: vec![Failure::of_nobody(
            FailureCause::Run,
            "/srv/mirrors/north is empty; is its disk mounted?".to_owned(),
        )],
        ..RunReport::sample(Outcome::Failed)
    }
}

fn not_copied() -> RunReport {
    let copy = CopyReport {
        location: "s3://backup-eken/mirror".to_owned(),
        commit: Some(12),
        error: Some("writing objects/ab failed: NoSuchBucket; the bucket must exist".to_owned()),
        ..CopyReport::default()
    };
    RunReport { copy: Some(copy), ..RunReport::sample(Outcome::Complete) }
}

fn both(letter: &Letter) -> String {
    format!("Subject: {}\n\n{}", letter.subject, text(letter))
}

#[test]
fn mails_read_well_in_both_languages() {
    let (partial, refused, complete) = (partial(), refused(), RunReport::sample(Outcome::Complete));
    let not_copied = not_copied();
    for (language, code) in [(Language::English, "en"), (Language::Swedish, "sv")] {
        for (name, occasion, facts) in [
            ("partial", Occasion::Failing, facts(&partial, 7)),
            ("names", Occasion::Failing, Facts { names: true, ..facts(&partial, 7) }),
            ("refused", Occasion::Failing, Facts { last_complete: None, ..facts(&refused, 2) }),
            ("not_copied", Occasion::Failing, facts(&not_copied, 9)),
            ("recovered", Occasion::Recovered, facts(&complete, 0)),
            ("well", Occasion::Well, facts(&complete, 0)),
        ] {
            insta::assert_snapshot!(format!("{name}_{code}"), both(&compose(occasion, language, &facts)));
        }
        insta::assert_snapshot!(format!("trial_{code}"), both(&trial(language, "north", "backup.example.com")));
        let letter = compose(Occasion::Failing, language, &facts(&partial, 7));
        insta::assert_snapshot!(format!("html_{code}"), html(&letter));
    }
}

#[test]
fn every_problem_has_words_in_both_languages() {
    let report = RunReport::sample(Outcome::Failed);
    for exit_code in [1, 2, 3, 4, 6, 7, 8, 9, 143] {
        let [english, swedish] = [Language::English, Language::Swedish]
            .map(|language| compose(Occasion::Failing, language, &facts(&report, exit_code)));
        assert!(english.subject.starts_with("iBinder backup north: "), "{}", english.subject);
        assert!(swedish.subject.starts_with("iBinder-kopia north: "), "{}", swedish.subject);
        for (one, other) in [(&english.headline, &swedish.headline), (&english.sentence, &swedish.sentence)] {
            assert_ne!(one, other, "{exit_code}");
        }
        assert!(english.subject.chars().count() < 90, "{}", english.subject);
    }
}

#[test]
fn documents_are_named_only_if_asked_for() {
    let mut report = partial();
    report.failures.push(Failure::of_nobody(FailureCause::File, "Brf Eken/Stadgar.pdf can't be written".to_owned()));
    for exit_code in [1, 4, 6, 7, 8, 9] {
        for names in [false, true] {
            let letter = compose(Occasion::Failing, Language::English, &Facts { names, ..facts(&report, exit_code) });
            let all = both(&letter) + &html(&letter);
            for name in ["Ritning", "Avtal", "Protokoll", "Stadgar", "Brf Eken"] {
                assert_eq!(all.contains(name), names, "{name}, exit code {exit_code}: {all}");
            }
        }
    }
}

#[test]
fn text_from_outside_stays_one_line_of_text() {
    let report = partial();
    let name = "north\r\nBcc: anna@example.com\u{202e}";
    let letter = compose(
        Occasion::Failing,
        Language::English,
        &Facts { name, names: true, dest: "/srv/<i>x</i>\n", ..facts(&report, 4) },
    );
    assert!(!letter.subject.contains(['\r', '\n', '\u{202e}']), "{}", letter.subject);
    assert!(text(&letter).lines().all(|line| !line.starts_with("Bcc")), "{}", text(&letter));
    let html = html(&letter);
    assert!(!html.contains("<i>") && !html.contains("<b>å") && html.contains("&lt;i&gt;"), "{html}");
}
