//! Downloads versions, and decides which bytes may become a document.

pub(crate) mod attempts;
pub(crate) mod backlog;
pub(crate) mod contradiction;
pub(crate) mod disk_space;
pub(crate) mod disk_writes;
pub(crate) mod download;
pub(crate) mod download_threads;
pub(crate) mod downloads;
pub(crate) mod job;
pub(crate) mod pending;
pub(crate) mod proof;
pub(crate) mod publish;
pub(crate) mod receive;
pub(crate) mod sample;
pub(crate) mod sizes;
pub(crate) mod transfer_error;
pub(crate) mod waiting;
