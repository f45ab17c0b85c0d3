//! Contents that were uploaded for a commit that was never made.

use std::collections::HashSet;

use super::{
    Error,
    layout::{OBJECTS, object_of},
    store::Store,
};
use crate::state::CopyRecord;

/// Forgets what the record has and the store doesn't. Without a commit nothing else says that the record is about this copy: it may
/// have been deleted, or be another one. So a first copy goes on from where it was, and looks only into folders that it wrote to.
pub(super) fn forget_absent(store: &Store, record: &CopyRecord) -> Result<(), Error> {
    for folder in 0..=u8::MAX {
        let first = u16::from_be_bytes([folder, 0]);
        let mut absent = HashSet::new();
        record.between(&(first..=first | 0xff), &mut |content| {
            absent.insert(content);
            Ok::<_, Error>(())
        })?;
        if absent.is_empty() {
            continue;
        }
        store.list(&format!("{OBJECTS}/{folder:02x}"), None, |listed| {
            if let Some(content) = object_of(&listed.key) {
                absent.remove(&content);
            }
            Ok::<_, Error>(())
        })?;
        record.forget_each(&absent)?;
    }
    Ok(())
}
