//! Serves an organisation, mirrors it, and runs the same code as the program.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ibinder_sync::{
    config::{self, Config, RateSetting, Sources},
    mirror::{Mirror, Root, database},
    pace::{Pace, Policy},
    remote::{Remote, Requests},
    report::{Documents, Progress},
    sandbox::{Organisation, Route, Sandbox, Settings},
    session::Exit,
    state::State,
    sync::{self, Finished, Parts, Planned, Stop},
};
use tempfile::TempDir;

use crate::disk;

/// A service, and a destination for its mirror.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    folder: TempDir,
}

/// The result of a run.
pub(crate) struct Ran {
    pub(crate) finished: Finished,
}

impl World {
    /// Serves an organisation.
    pub(crate) fn new(organisation: Organisation) -> Self {
        Self::with(organisation, |_| {})
    }

    /// Serves an organisation with changed settings of the sandbox.
    pub(crate) fn with(organisation: Organisation, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { record: true, slow: Duration::from_millis(2), ..Settings::default() };
        change(&mut settings);
        let sandbox = Sandbox::start(organisation, settings).unwrap();
        Self { sandbox, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn dest(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    /// The path of a file in the tree.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dest().join(path)
    }

    pub(crate) fn database(&self) -> PathBuf {
        database(&self.dest())
    }

    /// Changes the organisation.
    pub(crate) fn edit<T>(&self, change: impl FnOnce(&mut Organisation) -> T) -> T {
        self.sandbox.with_organisation(change)
    }

    /// [`given`] for this mirror.
    pub(crate) fn given(&self) -> config::Settings {
        given(self.dest())
    }

    /// [`config`] with the sandbox's environment.
    pub(crate) fn config(&self, given: config::Settings) -> Config {
        let environment = self.sandbox.environment();
        config(given, &|name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    /// A run with the flags of [`World::given`].
    pub(crate) fn run(&self) -> Ran {
        self.run_as(&self.config(self.given()))
    }

    /// A run with changed flags.
    pub(crate) fn run_with(&self, change: impl FnOnce(&mut config::Settings)) -> Ran {
        let mut given = self.given();
        change(&mut given);
        self.run_as(&self.config(given))
    }

    pub(crate) fn run_as(&self, config: &Config) -> Ran {
        self.run_on(config, |mirror| mirror)
    }

    /// A run on a mirror with changed abilities.
    pub(crate) fn run_on(&self, config: &Config, as_if: impl FnOnce(Mirror) -> Mirror) -> Ran {
        assert_eq!(config.dest, self.dest());
        run_on(config, as_if)
    }

    /// What a run would do.
    pub(crate) fn plan(&self) -> Vec<Planned> {
        self.plan_as(&self.config(self.given()))
    }

    /// What a run with these settings would do.
    pub(crate) fn plan_as(&self, config: &Config) -> Vec<Planned> {
        self.planned_as(config).finished.planned
    }

    fn planned_as(&self, config: &Config) -> Ran {
        let scratch = tempfile::tempdir().unwrap();
        let state = State::scratch(Some(&self.database()), &scratch.path().join("state.db")).unwrap();
        let run = state.write(|w| w.begin_run(jiff::Timestamp::now(), "run")).unwrap();
        let root = Arc::new(Root::open(&config.dest).unwrap());
        let ran = go(config, |remote, progress, stop| Parts {
            remote,
            state: Arc::new(state),
            root,
            mirror: None,
            options: config.options.clone(),
            progress,
            stop,
            run,
        });
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        ran
    }

    /// How many requests a plan expects for a run without changes.
    pub(crate) fn unchanged_cost(&self) -> u64 {
        self.planned_as(&self.config(self.given())).finished.unchanged_requests.unwrap()
    }

    /// How many requests were not for blobs.
    pub(crate) fn asked(&self) -> u64 {
        self.sandbox.counts().into_iter().filter(|(route, _)| *route != Route::Blob).map(|(_, count)| count).sum()
    }

    /// A run that must be complete, after which the tree matches the service.
    pub(crate) fn mirror(&self) -> Ran {
        let ran = self.run();
        assert_eq!(ran.exit(), Exit::Complete, "{ran:?}");
        self.assert_mirrors();
        ran
    }

    pub(crate) fn assert_mirrors(&self) {
        disk::assert_mirrors(&self.sandbox, &self.dest());
    }

    pub(crate) fn assert_nothing_planned(&self) {
        assert_eq!(self.plan(), []);
    }

    /// Compares the tree with paths and texts.
    pub(crate) fn assert_tree(&self, expected: &[(&str, &str)]) {
        let mut expected: Vec<(String, String)> =
            expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        expected.sort();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let found: Vec<(String, String)> = disk::files(&self.dest()).into_iter().map(|(p, b)| (p, text(b))).collect();
        assert_eq!(found, expected);
    }

    /// How many requests to a route `work` makes.
    pub(crate) fn requests<T>(&self, route: Route, work: impl FnOnce() -> T) -> (u64, T) {
        let before = self.sandbox.count(route);
        let done = work();
        (self.sandbox.count(route) - before, done)
    }

    pub(crate) fn assert_held(&self, bytes: &[u8]) {
        assert!(disk::is_held(&self.dest(), bytes), "{:?} is not in objects/", String::from_utf8_lossy(bytes));
    }

    /// A single value of the state database.
    pub(crate) fn sql<T: rusqlite::types::FromSql>(&self, query: &str) -> T {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        connection.query_row(query, [], |row| row.get(0)).unwrap()
    }
}

/// Settings of the tests: folder names are always refreshed, the rest has defaults.
pub(crate) fn given(dest: PathBuf) -> config::Settings {
    config::Settings {
        dest: Some(dest),
        rate: RateSetting::Unlimited,
        refresh_folders: Duration::ZERO,
        ..config::Settings::default()
    }
}

/// Settings and an environment, with delays that are short enough for tests.
pub(crate) fn config(given: config::Settings, environment: &dyn Fn(&str) -> Option<OsString>) -> Config {
    let sources = Sources::of_environment(environment).unwrap();
    let (of_environment, wrong) = config::Settings::read(&sources, "run");
    assert!(wrong.is_empty(), "{wrong:?}");
    let given = config::Settings {
        organisation: of_environment.organisation,
        client_id: of_environment.client_id,
        client_secret: of_environment.client_secret,
        api_url: of_environment.api_url,
        auth_url: of_environment.auth_url,
        ..given
    };
    let mut config = Config::new(&given, &sources).unwrap();
    let delay = Duration::from_millis(1);
    let patient = Policy { max_tries: 6, max_elapsed: Duration::from_mins(5), first_delay: delay, max_delay: delay };
    config.remote.retry = patient.clone();
    config.options.retry = patient;
    config
}

/// A run on a mirror with changed abilities.
pub(crate) fn run_on(config: &Config, as_if: impl FnOnce(Mirror) -> Mirror) -> Ran {
    let mirror = Arc::new(as_if(Mirror::open(&config.dest).unwrap()));
    let state = Arc::new(State::open(&database(&config.dest), false).unwrap());
    state.bind(&config.remote.organisation).unwrap();
    let run = state.write(|w| w.begin_run(jiff::Timestamp::now(), "run")).unwrap();
    sync::replay(&mirror, &state, run.number).unwrap();
    let root = Arc::new(Root::open(&config.dest).unwrap());
    go(config, |remote, progress, stop| Parts {
        remote,
        state,
        root,
        mirror: Some(mirror),
        options: config.options.clone(),
        progress,
        stop,
        run,
    })
}

fn go(config: &Config, parts: impl FnOnce(Arc<Remote>, Arc<Progress>, Arc<Stop>) -> Parts) -> Ran {
    let requests = Arc::new(Requests::default());
    let remote = Arc::new(Remote::new(config.remote.clone(), Pace::new(config.limit, None), requests).unwrap());
    let parts = parts(remote, Arc::default(), Arc::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Ran { finished: runtime.block_on(sync::run(parts)) }
}

impl Ran {
    pub(crate) fn exit(&self) -> Exit {
        Exit::of_run(&self.finished)
    }

    pub(crate) fn documents(&self) -> Documents {
        self.finished.tally.documents()
    }

    /// Whether some failure contains these words.
    pub(crate) fn fails_with(&self, words: &str) -> bool {
        self.finished.tally.failures().iter().any(|f| f.error.contains(words))
    }

    pub(crate) fn warns_of(&self, text: &str) -> bool {
        self.finished.tally.warnings().iter().any(|warning| warning.to_string().contains(text))
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ran")
            .field("ended", &self.finished.ended)
            .field("binders", &self.finished.tally.binder_counts())
            .field("documents", &self.documents())
            .field("failures", &self.finished.tally.failures())
            .field("warnings", &self.finished.tally.warnings())
            .finish_non_exhaustive()
    }
}

/// Whether a path exists, including broken links.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
