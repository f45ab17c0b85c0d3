//! Threads that are joined when their owner is dropped.

use std::{
    io,
    thread::{Builder, JoinHandle},
};

/// A thread that is joined when this is dropped. The field that ends it, such as the queue's sender, comes before this
/// one: fields are dropped in order.
#[derive(Debug)]
pub struct Joined(Option<JoinHandle<()>>);

impl Joined {
    /// Starts a thread.
    pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Ok(Self(Some(Builder::new().name(name.to_owned()).spawn(work)?)))
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}
