//! Shared value types: ids, paths, hashes, documents and intents.
//!
//! Constructors check their values. Nothing here does I/O or knows the wire format or the database schema.

mod catalogue_files;
mod clock;
mod document;
mod failure;
mod guid;
mod ids;
mod intent;
mod link_base;
mod manifest_ages;
mod name_limit;
mod path;
mod sha256;
mod share;
mod stamp;

pub use catalogue_files::{CATALOGUE_DATA, CATALOGUE_HEAD, CATALOGUE_PAGE, CATALOGUE_START, catalogue_head};
pub use clock::ClockReading;
pub use document::{Binder, Folder, KnownFolder, Listed};
pub use failure::{Failure, FailureCause, FailureStep};
pub use guid::{GUID_LENGTH, Guid, is_guid};
pub use ids::{BadId, BinderId, DocumentId, FolderId, OrganisationId, VersionId};
pub use intent::{Intent, Outgoing, Particulars, Step};
pub use link_base::{LinkBase, escaped};
pub use manifest_ages::ManifestAges;
pub use name_limit::NameLimit;
pub use path::{BadPath, RelPath, SEGMENT_LIMIT, STATE_FOLDER};
pub use sha256::Sha256;
pub use share::{BadShare, Share};
pub use stamp::{Staged, Stamp};
