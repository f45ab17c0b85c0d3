//! A client for each runtime.
//!
//! hyper drives a connection in the runtime that opened it. A request from another one would wake a second thread for
//! each part of the answer.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use tokio::runtime::{Handle, Id};

use super::error::Error;

/// Clients, by the runtime that uses them.
pub(super) struct PerRuntime<C> {
    clients: Mutex<Clients<C>>,
    build: Box<dyn Fn() -> Result<C, Error> + Send + Sync>,
}

struct Clients<C> {
    /// For the first runtime that asks.
    first: Option<C>,
    taken: Vec<(Id, C)>,
}

impl<C: Clone> PerRuntime<C> {
    /// The first client, and how others like it are built.
    pub(super) fn new(first: C, build: impl Fn() -> Result<C, Error> + Send + Sync + 'static) -> Self {
        let clients = Mutex::new(Clients { first: Some(first), taken: Vec::new() });
        Self { clients, build: Box::new(build) }
    }

    /// The client of the runtime that asks.
    pub(super) fn get(&self) -> Result<C, Error> {
        let runtime = Handle::current().id();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.taken.iter().find(|(id, _)| *id == runtime) {
            return Ok(client.clone());
        }
        let client = clients.first.take().map_or_else(&self.build, Ok)?;
        clients.taken.push((runtime, client.clone()));
        Ok(client)
    }
}

impl<C> fmt::Debug for PerRuntime<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerRuntime").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    use super::*;

    #[test]
    fn each_runtime_has_one_client() {
        let built = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&built);
        let clients = PerRuntime::new(0, move || Ok(count.fetch_add(1, Relaxed) + 1));
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (one, two) = (runtime(), runtime());
        let get = async || clients.get().unwrap();
        assert_eq!([one.block_on(get()), two.block_on(get()), one.block_on(get()), two.block_on(get())], [0, 1, 0, 1]);
        assert_eq!(built.load(Relaxed), 1);
    }
}
