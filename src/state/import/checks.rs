//! What each value of a row must be.

use rusqlite::types::ValueRef;
use serde::de::IgnoredAny;

use super::tables::{Kind, Setting};
use crate::model::{BinderId, DocumentId, OrganisationId, RelPath, STATE_FOLDER};

/// The highest number of a row or run. More would leave no room for the next ones.
pub(super) const HIGHEST: i64 = u32::MAX as i64;

/// What values are checked by.
pub(super) struct Rules<'r> {
    pub(super) path_key: &'r dyn Fn(&str) -> Option<String>,
    /// Later runs are unknown to the state.
    pub(super) latest_run: i64,
}

impl Rules<'_> {
    /// Why a value can't be of this kind.
    pub(super) fn check(&self, kind: Kind, value: ValueRef<'_>) -> Result<(), String> {
        match kind {
            Kind::Maybe(_) if value == ValueRef::Null => Ok(()),
            Kind::Maybe(kind) => self.check(*kind, value),
            Kind::Hash(length) => hash(value, length),
            Kind::Row | Kind::Run | Kind::Time | Kind::Integer | Kind::Count | Kind::Flag => self.integer(kind, value),
            Kind::Binder | Kind::Id | Kind::RunId | Kind::Path | Kind::Step | Kind::Json | Kind::Cause | Kind::Text => {
                self.text(kind, value)
            }
        }
    }

    /// Why a setting can't have a value.
    pub(super) fn check_setting(&self, setting: Setting, value: &str) -> Result<(), String> {
        let is_valid = match setting {
            Setting::Organisation => OrganisationId::parse(value).is_ok_and(|id| id.as_str() == value),
            Setting::Run => value.parse().is_ok_and(|run: i64| self.is_run(run) && run.to_string() == value),
        };
        if is_valid { Ok(()) } else { Err(format!("is {value:?}")) }
    }

    fn is_run(&self, run: i64) -> bool {
        (1..=self.latest_run).contains(&run)
    }

    fn integer(&self, kind: Kind, value: ValueRef<'_>) -> Result<(), String> {
        let ValueRef::Integer(number) = value else { return Err(format!("is {} instead of a number", typed(value))) };
        let is_valid = match kind {
            Kind::Row => (1..=HIGHEST).contains(&number),
            Kind::Run => self.is_run(number),
            Kind::Time => jiff::Timestamp::from_second(number).is_ok(),
            // Sums of sizes stay within bounds.
            Kind::Count => (0..=1 << 50).contains(&number),
            Kind::Flag => number == 0 || number == 1,
            _ => true,
        };
        if is_valid { Ok(()) } else { Err(format!("is {number}")) }
    }

    fn text(&self, kind: Kind, value: ValueRef<'_>) -> Result<(), String> {
        let ValueRef::Text(bytes) = value else { return Err(format!("is {} instead of text", typed(value))) };
        let text = str::from_utf8(bytes).map_err(|e| format!("is no text: {e}"))?;
        let is_valid = match kind {
            Kind::Binder => BinderId::parse(text).is_ok_and(|id| id.as_str() == text),
            Kind::Id => DocumentId::parse(text).is_ok_and(|id| id.as_str() == text),
            Kind::RunId => is_run_id(text),
            Kind::Path => self.is_path(text),
            Kind::Step => !text.contains('/') && self.is_path(text),
            Kind::Json => serde_json::from_str::<IgnoredAny>(text).is_ok(),
            Kind::Cause => text == "replaced" || text == "removed",
            _ => true,
        };
        if is_valid { Ok(()) } else { Err(format!("is {:?}", start_of(text))) }
    }

    /// Whether a file or folder of the tree can have this path. The state folder has other names, too, where case or
    /// composition don't count.
    fn is_path(&self, text: &str) -> bool {
        let is_outside = |key: &str| key.split('/').next() != Some(STATE_FOLDER);
        RelPath::new(text).is_ok() && (self.path_key)(text).is_some_and(|key| is_outside(&key))
    }
}

fn hash(value: ValueRef<'_>, length: usize) -> Result<(), String> {
    match value {
        ValueRef::Blob(bytes) if bytes.len() == length => Ok(()),
        ValueRef::Blob(bytes) => Err(format!("has {} bytes instead of {length}", bytes.len())),
        other => Err(format!("is {} instead of {length} bytes", typed(other))),
    }
}

fn typed(value: ValueRef<'_>) -> String {
    value.data_type().to_string().to_lowercase()
}

/// The beginning of a text that may be long.
fn start_of(text: &str) -> String {
    text.chars().take(100).collect()
}

/// Whether a text is the id of a run: its number and when it began.
fn is_run_id(text: &str) -> bool {
    let Some((number, time)) = text.split_once('-') else { return false };
    let has_form = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| if form == b'0' { byte.is_ascii_digit() } else { byte == form })
    };
    (6..=10).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && has_form(time, "00000000T000000Z")
}
