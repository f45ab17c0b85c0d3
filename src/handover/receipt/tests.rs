//! Receipts in both languages.

use jiff::{Timestamp, tz::TimeZone};

use super::{Facts, compose, html, text};
use crate::{
    handover::gaps::{BinderGap, Gaps, Lost, RunGap, Unkept, Why},
    history::MissingReason,
    model::Sha256,
    report::Language,
    state::BinderSummary,
};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The receipts of a bag with these gaps: as text and as page.
fn receipt(language: Language, gaps: &Gaps) -> (String, String) {
    let certified = Some(("000007-20261128T010000Z".to_owned(), time("2026-11-28T01:07:00Z").as_second()));
    let binder = |id: &str, name: &str, certified| BinderSummary {
        id: id.to_owned(),
        name: name.to_owned(),
        folder: name.to_owned(),
        documents: 1_204,
        bytes: 3_400_000_000,
        certified,
        lost: None,
    };
    let facts = Facts {
        organisation: "0f8fad5b-d9cb-469f-a165-70867728950e",
        binders: &[binder("Ab3-x_Z9q", "Brf Eken", certified), binder("k2", "<b>&\u{1b}", None)],
        complete: Some(("000007-20261128T010000Z", time("2026-11-28T01:07:00Z").as_second())),
        as_of: time("2026-11-28T08:00:00Z"),
        finished: time("2026-11-28T09:30:00Z"),
        documents: (1_204, 3_400_000_000),
        versions: (37, 81_000_000),
        payload: (1_249, 3_482_345_678),
        manifest: Sha256::new([0xab; 32]),
        gaps,
        zone: &TimeZone::fixed(jiff::tz::offset(1)),
    };
    let receipt = compose(language, &facts);
    let without =
        |text: String| text.replace(concat!("ibinder-sync ", env!("CARGO_PKG_VERSION")), "ibinder-sync VERSION");
    (without(text(&receipt)), html(&receipt))
}

fn lost(name: &str, why: Why) -> Lost {
    Lost { name: name.to_owned(), document: "3f2a".to_owned(), version: "7c9e".to_owned(), why }
}

fn gaps() -> Gaps {
    Gaps {
        run: Some(RunGap::Partial("000008-20261128T070000Z".to_owned())),
        binders: vec![("<b>&\u{1b}".to_owned(), BinderGap::Never)],
        versions: vec![
            lost("data/tree/Brf Eken/a.pdf", Why::NotCopied(MissingReason::Damaged)),
            lost("<script>.pdf", Why::Failed("the service answered 500".to_owned())),
            lost("Brf Eken/b.pdf", Why::Acknowledged),
        ],
        withheld: 1,
        unkept: Unkept { freed: 12, edited: 1, gone: 0 },
    }
}

#[test]
fn a_complete_bag_says_that_nothing_is_missing() {
    for (language, name) in [(Language::English, "complete_en"), (Language::Swedish, "complete_sv")] {
        insta::assert_snapshot!(name, receipt(language, &Gaps::default()).0);
    }
}

#[test]
fn gaps_are_named_with_their_reasons() {
    for (language, name) in [(Language::English, "gaps_en"), (Language::Swedish, "gaps_sv")] {
        insta::assert_snapshot!(name, receipt(language, &gaps()).0);
    }
}

#[test]
fn names_from_outside_are_text() {
    let (_, page) = receipt(Language::English, &gaps());
    assert!(page.contains("&lt;script&gt;.pdf") && !page.contains("<script"), "{page}");
    assert!(page.contains("&lt;b&gt;&amp;\\u{1b}") && !page.contains('\u{1b}'), "{page}");
    assert!(!page.contains("://"), "nothing is fetched");
}

#[test]
fn long_lists_end_with_a_number() {
    let versions = (0..250).map(|n| lost(&format!("{n:03}.pdf"), Why::Failed("x".to_owned()))).collect();
    let (text, _) = receipt(Language::English, &Gaps { versions, ..Gaps::default() });
    assert!(text.contains("199.pdf") && !text.contains("200.pdf"), "{text}");
    assert!(text.contains("and more: 50: data/metadata/missing.csv"), "{text}");
}
