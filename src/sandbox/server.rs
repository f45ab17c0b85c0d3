//! The running server and its handle.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::handler::Handler;
use tokio::sync::oneshot;

use super::fault::Faults;
use super::organisation::Organisation;
use super::route::Route;
use super::script::{HookRequest, Reply};
use super::settings::Settings;
use super::shared::{CLIENT_ID, CLIENT_SECRET, Shared};
use crate::sandbox::{
    connection::{CuttableListener, Switch},
    dispatch::{on_api, on_storage},
    request_log::Request,
};

/// How long blocking file reads may continue after the end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// A server on loopback. Dropping it cuts every connection and ends its thread.
pub struct Sandbox {
    shared: Arc<Shared>,
    api: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Serves an organisation; ready once this returns.
    pub fn start(organisation: Organisation, settings: Settings) -> io::Result<Self> {
        let (api, api_address) = bind(settings.port)?;
        let (storage, storage_address) = bind(0)?;
        let shared = Arc::new(Shared::new(organisation, settings, format!("http://{storage_address}")));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve(api, storage, served, stopped)) {
                tracing::error!(%error, "the sandbox can't serve");
            }
            runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
        })?;
        Ok(Self { shared, api: format!("http://{api_address}"), stop: Some(stop), thread: Some(thread) })
    }

    /// The environment variables that make a client use this sandbox.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("IBINDER_ORG_ID", self.shared.organisation_id.clone()),
            ("IBINDER_CLIENT_ID", CLIENT_ID.to_owned()),
            ("IBINDER_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("IBINDER_API_URL", self.api_url()),
            ("IBINDER_AUTH_URL", self.auth_url()),
        ]
    }

    /// The base URL of the API.
    pub fn api_url(&self) -> String {
        format!("{}/api", self.api)
    }

    /// The token endpoint.
    pub fn auth_url(&self) -> String {
        format!("{}/connect/token", self.api)
    }

    /// The origin of the storage.
    pub fn storage_url(&self) -> String {
        self.shared.storage.clone()
    }

    /// Reads or changes the organisation, while no request is served.
    pub fn with_organisation<T>(&self, look: impl FnOnce(&mut Organisation) -> T) -> T {
        look(&mut self.shared.organisation())
    }

    /// The present settings.
    pub fn settings(&self) -> Settings {
        Settings::clone(&self.shared.settings())
    }

    /// Changes the settings for further requests.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.shared.change_settings(change);
    }

    /// Changes the faults for further requests.
    pub fn set_faults(&self, faults: Faults) {
        self.change_settings(|settings| settings.faults = faults);
    }

    /// Queues replies for the next requests to a route, behind those already queued.
    pub fn script(&self, route: Route, replies: Vec<Reply>) {
        self.shared.scripts().push(route, replies);
    }

    /// Calls a closure for every further request; its replies come before all scripts. No lock is held meanwhile.
    pub fn hook(&self, hook: impl Fn(&HookRequest<'_>) -> Option<Reply> + Send + Sync + 'static) {
        self.shared.set_hook(Some(Arc::new(hook)));
    }

    /// Removes the hook.
    pub fn unhook(&self) {
        self.shared.set_hook(None);
    }

    /// After so many more requests to the API, answers the next ones with 503, token requests included.
    pub fn go_down(&self, after: u64, requests: u64) {
        self.shared.go_down(after, requests);
    }

    /// How many queued replies of a route are left.
    pub fn scripted(&self, route: Route) -> usize {
        self.shared.scripts().waiting(route)
    }

    /// How many requests a route received.
    pub fn count(&self, route: Route) -> u64 {
        self.shared.journal.counted(route)
    }

    /// How many requests each route received.
    pub fn counts(&self) -> Vec<(Route, u64)> {
        Route::ALL.map(|route| (route, self.count(route))).to_vec()
    }

    /// The recorded requests, the earliest first, if [`Settings::record`] is on.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.journal.requests()
    }

    /// Every issued token, for tests that look for leaks.
    pub fn tokens(&self) -> Vec<String> {
        self.shared.tokens.issued()
    }

    /// Invalidates every token.
    pub fn revoke_tokens(&self) {
        self.shared.tokens.revoke_all();
    }

    /// Advances the clock by which tokens and links expire.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // An error means that the thread has already ended.
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sandbox's thread panicked");
        }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("api", &self.api).field("storage", &self.shared.storage).finish_non_exhaustive()
    }
}

fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve(
    api: TcpListener,
    storage: TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let api = CuttableListener(tokio::net::TcpListener::from_std(api)?);
    let storage = CuttableListener(tokio::net::TcpListener::from_std(storage)?);
    let on_api = on_api.with_state(Arc::clone(&shared)).into_make_service_with_connect_info::<Switch>();
    let on_storage = on_storage.with_state(shared).into_make_service_with_connect_info::<Switch>();
    tokio::select! {
        result = axum::serve(api, on_api).into_future() => result,
        result = axum::serve(storage, on_storage).into_future() => result,
        // The handle was dropped; the runtime drops the connections.
        _ = stopped => Ok(()),
    }
}
