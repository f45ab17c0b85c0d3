//! `sandbox` and `demo`.

use std::{ffi::OsString, sync::Arc, time::Duration};

use crate::{
    cli,
    commands::run,
    config::{self, Config, RateSetting, Size, Sources},
    sandbox::{Faults, Generated, Organisation, Sandbox, Settings, Store},
    session::{Error, Exit, Output, output::ended, runtime, signals::Signals},
    sync::Stop,
    ui,
};

/// Serves until a signal arrives.
pub fn sandbox(given: &cli::Sandbox) -> Exit {
    ended(serve(given).map(|()| Exit::Complete))
}

fn serve(given: &cli::Sandbox) -> Result<(), Error> {
    let mut organisation = match &given.from {
        Some(folder) => Organisation::from_folder(folder).map_err(|e| Error::Folder(folder.clone(), e))?,
        None => Organisation::generated(&generated(&given.organisation, given.document_size)),
    };
    for &nth in &given.churn {
        organisation.churn(nth);
    }
    let settings = Settings {
        port: given.port,
        page_size_cap: given.page_size_cap,
        token_lifetime: Duration::from_secs(given.token_lifetime),
        link_lifetime: Duration::from_secs(given.link_lifetime),
        store: match given.store {
            cli::Store::Azure => Store::Azure,
            cli::Store::S3 => Store::S3,
        },
        ranges: !given.no_ranges,
        content_md5: !given.no_md5,
        subfolders: !given.no_subfolders,
        clock_offset: given.clock_offset,
        limit: given.limit,
        retry_after: !given.no_retry_after,
        blobs_from: given.blobs_from.clone(),
        faults: given.faults.iter().fold(Faults::none(), |faults, f| faults.with(f.kind, f.probability)),
        seed: given.organisation.seed,
        ..Settings::default()
    };
    let sandbox = Sandbox::start(organisation, settings).map_err(Error::Sandbox)?;
    let stop = Arc::new(Stop::default());
    let _signals = Signals::watch(&stop);
    for (name, value) in sandbox.environment() {
        ui::print(&format!("{name}={value}\n"));
    }
    runtime()?.block_on(stop.wait());
    Ok(())
}

fn generated(given: &cli::Organisation, size: Option<Size>) -> Generated {
    Generated {
        binders: given.binders,
        documents: given.documents,
        seed: given.seed,
        day: given.day,
        document_size: size.map(Size::bytes),
    }
}

/// Mirrors a generated organisation over HTTP, like the real one.
pub fn demo(given: cli::Demo, output: &Output) -> Exit {
    let organisation = Organisation::generated(&generated(&given.organisation, None));
    let prepared = Sandbox::start(organisation, Settings::default()).map_err(Error::Sandbox).and_then(|sandbox| {
        let environment = sandbox.environment();
        let look = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        let sources = Sources::of_environment(&look)?;
        let (settings, _) = config::Settings::read(&sources, "run");
        let settings = config::Settings {
            dest: Some(given.dest),
            // The sandbox is on this machine.
            rate: RateSetting::Unlimited,
            // Simulated days are short, so folder names are always due for a refresh.
            refresh_folders: Duration::ZERO,
            ..settings
        };
        Ok((Config::new(&settings, &sources)?, sandbox))
    });
    ended(prepared.map(|(config, _sandbox)| run(&config, output)))
}
