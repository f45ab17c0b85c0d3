//! The migrations of the schema.

use rusqlite_migration::M;

pub(super) const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("../../migrations/0001_mirror.sql")),
    M::up(include_str!("../../migrations/0002_proof.sql")),
    M::up(include_str!("../../migrations/0003_listings.sql")),
    M::up(include_str!("../../migrations/0004_evidence.sql")),
    M::up(include_str!("../../migrations/0005_questions.sql")),
    M::up(include_str!("../../migrations/0006_withheld.sql")),
];

/// The oldest version of the schema that is read in place; later migrations only added indexes, and
/// the table `withheld`, which its reader can do without.
pub(super) const READABLE: usize = 4;
