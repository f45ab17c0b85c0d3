//! The client against a server with scripted responses, over real connections.
//!
//! The server writes bytes, so that it can do what no HTTP library would: announce what it doesn't send, stop
//! halfway, or never stop. No test waits for a fixed time: policies have delays of a millisecond, and a silence
//! lasts until the client gives up.
#![allow(clippy::unwrap_used, missing_docs)]

mod answers;
mod calls;
mod machine;
mod outage;
mod secrets;
mod server;
#[path = "../support/skip.rs"]
mod skip;
mod storage;
mod token;

use std::{sync::Arc, time::Duration};

use ibinder_sync::{
    config::{self, Sources, remote_settings},
    model::{BinderId, DocumentId, VersionId},
    pace::{Limit, Pace, Policy},
    remote::{Remote, Requests, Settings},
};
use server::Server;

/// The secret of the tests' client; only token requests may contain it.
const SECRET: &str = "s3cr3t/hush&hush";

fn settings(server: &Server) -> Settings {
    let mut settings = of_variables(&[
        ("IBINDER_API_URL", &server.url("/api")),
        ("IBINDER_AUTH_URL", &server.url("/token")),
        ("IBINDER_ORG_ID", "ORG-1"),
        ("IBINDER_CLIENT_ID", "client-1"),
        ("IBINDER_CLIENT_SECRET", SECRET),
    ]);
    settings.retry = policy(4);
    settings.give_up = Duration::from_millis(100);
    settings.head_timeout = Duration::from_secs(30);
    settings
}

/// The settings of a client with these environment variables.
fn of_variables(variables: &[(&str, &str)]) -> Settings {
    let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    let sources = Sources::of_environment(&get).unwrap();
    remote_settings(&config::Settings::read(&sources, "run").0, &sources).unwrap()
}

fn policy(max_tries: u32) -> Policy {
    let delay = Duration::from_millis(1);
    Policy { max_tries, max_elapsed: Duration::from_mins(5), first_delay: delay, max_delay: delay }
}

fn connect(settings: Settings) -> (Remote, Arc<Requests>) {
    let requests = Arc::new(Requests::default());
    (Remote::new(settings, Pace::new(Limit::None, None), Arc::clone(&requests)).unwrap(), requests)
}

fn remote(server: &Server) -> (Remote, Arc<Requests>) {
    connect(settings(server))
}

fn binder() -> BinderId {
    BinderId::parse("Binder_1").unwrap()
}

fn document() -> DocumentId {
    DocumentId::parse("doc-1").unwrap()
}

fn version() -> VersionId {
    VersionId::parse("ver-1").unwrap()
}
