//! What is taken over from a state, table by table, and what each value must be.
//!
//! Left out are `intents`, `partials` and `unlinks`, which are about files of the old machine, and `held_counts`, which
//! triggers fill.

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Null, or this.
    Maybe(&'static Kind),
    /// A row number.
    Row,
    /// The number of a run that the state has.
    Run,
    /// Seconds since the epoch, of a year that can be written.
    Time,
    /// Any integer.
    Integer,
    /// A size in bytes, or a count.
    Count,
    /// 0 or 1.
    Flag,
    /// A hash with this many bytes.
    Hash(usize),
    /// An id of a binder.
    Binder,
    /// Another id.
    Id,
    /// The id of a run, which names files.
    RunId,
    /// A path in the tree.
    Path,
    /// One step of a path.
    Step,
    /// JSON.
    Json,
    /// Why a version ended.
    Cause,
    /// Any text.
    Text,
}

/// A table that is taken over.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The columns that are taken over. The first one is the row's number if it is of that kind.
    pub(super) columns: &'static [(&'static str, Kind)],
    /// A column that is computed from another one: a path or a step.
    pub(super) key: Option<(&'static str, &'static str)>,
}

use Kind::{Binder, Cause, Count, Flag, Hash, Id, Integer, Json, Maybe, Path, Row, Run, RunId, Step, Text, Time};

const SHA256: Kind = Hash(32);

/// Comes first: other tables name its rows.
pub(super) const RUNS: Table = Table {
    name: "runs",
    columns: &[
        ("number", Row),
        ("id", RunId),
        ("started_at", Time),
        ("finished_at", Maybe(&Time)),
        ("outcome", Maybe(&Text)),
        ("command", Text),
        ("whole", Flag),
        ("changes", Maybe(&Json)),
    ],
    key: None,
};

pub(super) const OTHERS: [Table; 14] = [
    Table {
        name: "binders",
        columns: &[
            ("id", Binder),
            ("name", Text),
            ("segment", Step),
            ("listed_run", Run),
            ("folders_refreshed_at", Maybe(&Time)),
            ("folder_requests", Count),
            ("schema", Maybe(&Json)),
            ("schema_changed_at", Maybe(&Time)),
            ("certified_run", Maybe(&Run)),
            ("lost_run", Maybe(&Run)),
        ],
        key: Some(("segment", "segment_key")),
    },
    Table {
        name: "folders",
        columns: &[
            ("binder", Binder),
            ("id", Id),
            ("parent", Maybe(&Id)),
            ("name", Text),
            ("segment", Maybe(&Step)),
            ("known", Flag),
            ("asked_at", Time),
        ],
        key: None,
    },
    Table {
        name: "documents",
        columns: &[
            ("number", Row),
            ("id", Id),
            ("binder", Binder),
            ("folder", Maybe(&Id)),
            ("file_name", Text),
            ("path", Path),
            ("version", Id),
            ("size", Count),
            ("sha256", SHA256),
            ("inode", Integer),
            ("mtime", Integer),
            ("metadata_hash", Maybe(&Hash(8))),
            ("first_run", Run),
            ("version_run", Run),
            ("place_run", Run),
            ("mirrored_at", Time),
        ],
        key: Some(("path", "path_key")),
    },
    Table {
        name: "metadata",
        columns: &[("document", Row), ("run", Run), ("changed_at", Time), ("json", Json)],
        key: None,
    },
    Table {
        name: "past_metadata",
        columns: &[
            ("number", Row),
            ("document", Id),
            ("first_run", Run),
            ("ended_run", Run),
            ("changed_at", Time),
            ("json", Json),
        ],
        key: None,
    },
    Table {
        name: "past_places",
        columns: &[
            ("number", Row),
            ("document", Id),
            ("binder", Binder),
            ("folder", Maybe(&Id)),
            ("file_name", Text),
            ("path", Path),
            ("first_run", Run),
            ("ended_run", Run),
        ],
        key: None,
    },
    Table {
        name: "past_versions",
        columns: &[
            ("number", Row),
            ("document", Id),
            ("version", Id),
            ("binder", Binder),
            ("folder", Maybe(&Id)),
            ("file_name", Text),
            ("path", Path),
            ("sha256", SHA256),
            ("held_sha256", Maybe(&SHA256)),
            ("size", Count),
            ("mtime", Integer),
            ("place_run", Run),
            ("first_run", Run),
            ("mirrored_at", Time),
            ("ended_run", Run),
            ("ended_at", Time),
            ("cause", Cause),
            ("freed_run", Maybe(&Run)),
            ("version_size", Maybe(&Count)),
        ],
        key: None,
    },
    Table {
        name: "failures",
        columns: &[
            ("document", Id),
            ("binder", Binder),
            ("version", Maybe(&Id)),
            ("file_name", Text),
            ("error", Text),
            ("attempts", Count),
            ("trace_id", Maybe(&Text)),
            ("first_run", Run),
            ("last_run", Run),
        ],
        key: None,
    },
    Table {
        name: "purges",
        columns: &[
            ("number", Row),
            ("run", Run),
            ("document", Maybe(&Id)),
            ("fingerprint", SHA256),
            ("began_at", Time),
            ("done_at", Maybe(&Time)),
        ],
        key: None,
    },
    Table {
        name: "suspects",
        columns: &[
            ("document", Id),
            ("version", Id),
            ("sha256", SHA256),
            ("first_at", Time),
            ("first_at_service", Maybe(&Time)),
            ("last_run", Run),
        ],
        key: None,
    },
    Table {
        name: "provisional",
        columns: &[
            ("document", Id),
            ("version", Id),
            ("sha256", SHA256),
            ("accepted_at", Time),
            ("accepted_at_service", Maybe(&Time)),
            ("passed", Count),
        ],
        key: None,
    },
    Table { name: "folded_ids", columns: &[("id", Id)], key: None },
    Table {
        name: "acknowledged",
        columns: &[("document", Id), ("version", Id), ("run", Run), ("acknowledged_at", Time)],
        key: None,
    },
    // Without `confirmed_run`: whoever has the copy must not confirm removals.
    Table {
        name: "withheld",
        columns: &[("document", Id), ("since_run", Run), ("last_run", Run), ("lists_nothing", Flag)],
        key: None,
    },
];

/// The settings that are facts about the mirror. Left out are what is about the old machine and its network (`rate`,
/// `link_lifetime`), about files that a copy lacks (`catalogue`), and the mark of adoption, which the caller sets.
pub(super) const SETTINGS: [(&str, Setting); 4] = [
    ("organisation", Setting::Organisation),
    ("changed_run", Setting::Run),
    ("complete_run", Setting::Run),
    ("freed_run", Setting::Run),
];

/// What a setting must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
    Organisation,
    Run,
}
