//! One file for each command. Each builds its parts from a [`Config`](crate::config::Config) and returns an exit
//! code.

mod acknowledge;
mod all;
mod binders;
mod catalogue;
mod changes;
mod config;
mod config_dialog;
#[cfg(feature = "sandbox")]
mod demo;
mod doctor;
mod doctor_mail;
mod export;
mod find;
mod forget;
mod handover;
mod history;
mod man;
mod named;
mod plan;
mod prune;
mod purge;
mod recover;
mod recover_from;
mod replicate;
mod restore;
mod run;
mod status;
mod verify;
mod verify_copy;
mod with_lock;
mod withheld;
mod workbook;

pub use acknowledge::acknowledge;
pub use all::all;
pub use binders::list as list_binders;
pub use catalogue::catalogue;
pub use changes::changes;
pub use config::{begin as begin_configuration, schema as show_schema, show as show_configuration};
#[cfg(feature = "sandbox")]
pub use demo::{demo, sandbox};
pub use doctor::doctor;
pub use export::export;
pub use find::find;
pub use forget::{Forget, forget as forget_binder};
pub use handover::handover;
pub use history::{history, ls, snapshots};
pub use man::man;
pub use plan::plan;
pub use prune::prune;
pub use purge::purge;
pub use recover::{adopt, recover};
pub use recover_from::recover_from;
pub use replicate::replicate;
pub use restore::restore;
pub use run::{refused, run};
pub use status::status;
pub use verify::{Service, Verify, verify};
pub use verify_copy::verify_copy;
pub use with_lock::with_lock;
pub use withheld::{confirm_removals, withheld};
