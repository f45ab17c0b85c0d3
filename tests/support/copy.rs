//! Copies of mirrors in folders.

use std::{path::Path, sync::Arc};

use ibinder_sync::{
    mirror::{Mirror, database},
    replica::{Credentials, Replicate, ReplicateOptions, Store, StoreSettings},
    state::{CopyRecord, State},
};

/// The URL of a folder.
pub(crate) fn url(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// The store at a URL of a folder.
pub(crate) fn store(url: &str) -> Store {
    let settings = StoreSettings {
        location: url.parse().unwrap(),
        credentials: Credentials::default(),
        ask_metadata: false,
        user_agent: "test".to_owned(),
    };
    Store::open(&settings, Arc::default()).unwrap()
}

/// Brings the copy of a mirror in a folder up to date.
pub(crate) fn replicate(dest: &Path, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let mirror = Mirror::open(dest).unwrap();
    let state = State::open_existing(&database(dest), false).unwrap();
    let record = CopyRecord::open(&folder.with_extension("record")).unwrap();
    let options = ReplicateOptions { transfers: 4, bandwidth: None, accept: true };
    let (store, progress) = (store(&url(folder)), Arc::default());
    Replicate {
        mirror: &mirror,
        state: &state,
        store: &store,
        record: &record,
        options: &options,
        progress: &progress,
    }
    .run()
    .unwrap();
}
