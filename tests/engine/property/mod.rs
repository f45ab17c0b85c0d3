//! Random sequences of changes and faults: in the end the mirror matches the service, and no living document ever lacks
//! its file.
//!
//! `PROPTEST_CASES` sets the number of cases.

mod story;

use proptest::prelude::*;

use story::Story;

/// Few names, so that they collide: in case, in normalisation, with folders, with `[id]` names, and with the empty
/// name.
const NAMES: [&str; 10] =
    ["a.txt", "A.TXT", "b.txt", "\u{e5}.txt", "a\u{30a}.txt", "Avtal", "CON", "", "a [3f2a91c0].txt", "..."];

/// One change; numbers select among the existing items.
#[derive(Debug, Clone)]
enum Change {
    Add(usize, usize),
    Revise(usize),
    Rename(usize, usize),
    Move(usize, usize),
    Remove(usize),
    Restore(usize),
    Metadata(usize),
    AddFolder(usize, usize),
    RenameFolder(usize, usize),
    MoveFolder(usize, usize),
    RenameBinder(usize, usize),
    /// Two documents of a folder swap names.
    Swap(usize, usize),
    /// A binder is no longer listed: access is lost, or it is removed temporarily.
    Lose(usize, bool),
    /// Every binder is listed again.
    Regain,
    /// A user edits, deletes or creates a file in the tree.
    Edit(usize),
    Delete(usize),
    Foreign(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let (any, name) = (0..100_usize, 0..NAMES.len());
    prop_oneof![
        4 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::Add(a, b)),
        4 => any.clone().prop_map(Change::Revise),
        6 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::Rename(a, b)),
        6 => (any.clone(), any.clone()).prop_map(|(a, b)| Change::Move(a, b)),
        3 => any.clone().prop_map(Change::Remove),
        2 => any.clone().prop_map(Change::Restore),
        1 => any.clone().prop_map(Change::Metadata),
        1 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::AddFolder(a, b)),
        2 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::RenameFolder(a, b)),
        1 => (any.clone(), any.clone()).prop_map(|(a, b)| Change::MoveFolder(a, b)),
        1 => (any.clone(), name.clone()).prop_map(|(a, b)| Change::RenameBinder(a, b)),
        2 => (any.clone(), any.clone()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => (any.clone(), proptest::bool::ANY).prop_map(|(a, gone)| Change::Lose(a, gone)),
        1 => Just(Change::Regain),
        1 => any.clone().prop_map(Change::Edit),
        1 => any.clone().prop_map(Change::Delete),
        1 => (any, name).prop_map(|(a, b)| Change::Foreign(a, b)),
    ]
}

/// What happens before and during the run of a round, and how the service behaves.
#[derive(Debug, Clone)]
struct Round {
    changes: Vec<Change>,
    /// Changes of documents, each after this many more pages.
    during: Vec<(usize, Change)>,
    /// Before its run, the program is killed when this many files have changed.
    kill: Option<usize>,
    faults: u64,
    seed: u64,
    fallbacks: bool,
}

fn during() -> impl Strategy<Value = (usize, Change)> {
    let (any, name) = (0..100_usize, 0..NAMES.len());
    let change = prop_oneof![
        (any.clone(), name.clone()).prop_map(|(a, b)| Change::Add(a, b)),
        any.clone().prop_map(Change::Restore),
        any.clone().prop_map(Change::Revise),
        (any.clone(), name).prop_map(|(a, b)| Change::Rename(a, b)),
        (any.clone(), any.clone()).prop_map(|(a, b)| Change::Move(a, b)),
        any.prop_map(Change::Remove),
    ];
    (0..4_usize, change)
}

fn round() -> impl Strategy<Value = Round> {
    let changes = prop::collection::vec(change(), 0..10);
    let kill = prop::option::weighted(0.3, 0..8_usize);
    (changes, prop::collection::vec(during(), 0..4), kill, 0..4_u64, any::<u64>(), any::<bool>()).prop_map(
        |(changes, during, kill, faults, seed, fallbacks)| Round { changes, during, kill, faults, seed, fallbacks },
    )
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_converges(rounds in prop::collection::vec(round(), 1..5)) {
        let mut story = Story::new();
        for round in &rounds {
            story.play(round);
        }
        story.come_to_rest();
    }
}
