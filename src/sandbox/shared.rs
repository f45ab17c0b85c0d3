//! The state shared by the sandbox's two origins and its handle.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Method, header};
use bytes::Bytes;

use super::content::Hasher;
use super::folder;
use super::meter::Meter;
use super::organisation::Organisation;
use super::script::{Hook, HookRequest, Reply, Scripts};
use super::settings::Settings;
use crate::sandbox::{
    auth::{Clock, Limiter, Signer, Tokens},
    request_log::RequestLog,
};

pub(super) const CLIENT_ID: &str = "sandbox-client";
pub(super) const CLIENT_SECRET: &str = "sandbox-secret-3b1f0c9e7d";
pub(super) const TENANT: &str = "x-ibinder-tenantid";

pub(super) struct Shared {
    organisation: Mutex<Organisation>,
    settings: RwLock<Arc<Settings>>,
    scripts: Mutex<Scripts>,
    hook: RwLock<Option<Arc<Hook>>>,
    requests: AtomicU64,
    /// Held while the folder is scanned, so that only one task does.
    reading: tokio::sync::Mutex<()>,
    pub(super) organisation_id: String,
    pub(super) journal: RequestLog,
    pub(super) tokens: Tokens,
    pub(super) signer: Signer,
    pub(super) limiter: Limiter,
    pub(super) meter: Meter,
    /// API requests that are still served, and those after them that get 503.
    down: Mutex<(u64, u64)>,
    pub(super) clock: Clock,
    pub(super) hasher: Mutex<Hasher>,
    /// Scheme, host and port of the storage.
    pub(super) storage: String,
}

/// A request, read completely.
pub(super) struct Call {
    /// The number of requests before it.
    pub(super) number: u64,
    pub(super) settings: Arc<Settings>,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) query: String,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.text(header::AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }
}

impl Shared {
    pub(super) fn new(organisation: Organisation, settings: Settings, storage: String) -> Self {
        Self {
            organisation_id: organisation.id(),
            organisation: Mutex::new(organisation),
            settings: RwLock::new(Arc::new(settings)),
            scripts: Mutex::default(),
            hook: RwLock::default(),
            requests: AtomicU64::new(0),
            reading: tokio::sync::Mutex::new(()),
            journal: RequestLog::default(),
            tokens: Tokens::default(),
            signer: Signer::new(),
            limiter: Limiter::default(),
            meter: Meter::default(),
            down: Mutex::default(),
            clock: Clock::new(),
            hasher: Mutex::default(),
            storage,
        }
    }

    pub(super) fn organisation(&self) -> MutexGuard<'_, Organisation> {
        self.organisation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(Arc::make_mut(&mut self.settings.write().unwrap_or_else(PoisonError::into_inner)));
    }

    pub(super) fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_number(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// After so many more requests to the API, answers the next ones as if it were down.
    pub(super) fn go_down(&self, after: u64, requests: u64) {
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = (after, requests);
    }

    /// Whether the API is down for this request.
    pub(super) fn is_down(&self) -> bool {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        let is_down = down.0 == 0 && down.1 > 0;
        let left = if down.0 > 0 { &mut down.0 } else { &mut down.1 };
        *left = left.saturating_sub(1);
        is_down
    }

    pub(super) fn set_hook(&self, hook: Option<Arc<Hook>>) {
        *self.hook.write().unwrap_or_else(PoisonError::into_inner) = hook;
    }

    /// The reply of the hook, or else the next scripted one of the route; runs its closures.
    pub(super) fn scripted(&self, asked: &HookRequest<'_>) -> Reply {
        let hook = self.hook.read().unwrap_or_else(PoisonError::into_inner).clone();
        let hooked = hook.and_then(|hook| hook(asked));
        let mut reply = hooked.unwrap_or_else(|| self.scripts().next(asked.route));
        while let Reply::Run(run) = reply {
            reply = run(&mut self.organisation());
        }
        reply
    }

    /// Scans the organisation's folder, if the last scan is older than `age` or outdated.
    pub(super) async fn refresh(&self, age: Option<Duration>) {
        if self.settings().blobs_from.is_some() || self.organisation().outdated(age).is_none() {
            return;
        }
        let _only = self.reading.lock().await;
        let Some(root) = self.organisation().outdated(age) else { return };
        if let Err(error) = self.read_folder(root).await {
            tracing::warn!(%error, "can't scan the folder");
        }
    }

    async fn read_folder(&self, root: PathBuf) -> std::io::Result<()> {
        let found = tokio::task::spawn_blocking(move || folder::scan(&root)).await??;
        self.organisation().take(&found);
        Ok(())
    }
}
