//! A service whose documents are in Azurite.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use ibinder_sync::sandbox::{Links, Organisation, Sandbox};

use crate::{
    azurite::{Blobs, CONTAINER, Upload},
    harness::World,
    sas,
};

/// A document to be created.
pub(crate) struct Made {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    pub(crate) how: Upload,
}

/// Serves these documents in one binder, with links to `storage`, which is Azurite or a proxy in front of it. The
/// first links of each document are valid for as many seconds as `lives` says, the others for an hour.
pub(crate) fn serve(blobs: &Blobs, storage: SocketAddr, documents: &[Made], lives: &'static [i64]) -> World {
    let mut organisation = Organisation::empty();
    let binder = organisation.add_binder("Brf Eken");
    for (seed, made) in documents.iter().enumerate() {
        organisation.add_document(&binder, None, made.name, bytes(made.size, seed as u64)).unwrap();
    }
    let world = World::with(organisation, |settings| settings.links = Some(links(storage, lives)));
    for made in documents {
        let blob = blob(&world.sandbox, made.name);
        blobs.upload(&blob, &served(&world.sandbox, made.name), made.how);
    }
    world
}

fn links(storage: SocketAddr, lives: &'static [i64]) -> Links {
    let asked: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    Links::new(move |document, version| {
        let blob = format!("{document}/{version}");
        let mut asked = asked.lock().unwrap();
        let nth = asked.entry(blob.clone()).or_default();
        let seconds = lives.get(*nth).copied().unwrap_or(3600);
        *nth += 1;
        format!("http://{storage}/{}/{CONTAINER}/{blob}?{}", sas::ACCOUNT, sas::reads(CONTAINER, &blob, seconds))
    })
}

/// The blob of a document's latest version.
pub(crate) fn blob(sandbox: &Sandbox, name: &str) -> String {
    let documents = sandbox.with_organisation(|o| o.documents());
    let document = documents.into_iter().find(|document| document.file_name == name).unwrap();
    format!("{}/{}", document.id, document.version)
}

/// The bytes of a document's latest version, as the sandbox has them.
pub(crate) fn served(sandbox: &Sandbox, name: &str) -> Vec<u8> {
    let blob = blob(sandbox, name);
    let (document, version) = blob.split_once('/').unwrap();
    sandbox.with_organisation(|o| o.bytes(document, version)).unwrap()
}

/// Bytes without equal blocks.
pub(crate) fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; size];
    for (number, block) in bytes.chunks_mut(512).enumerate() {
        let tag = format!("{seed:08x} {number:08x} ");
        let length = block.len().min(tag.len());
        block[..length].copy_from_slice(&tag.as_bytes()[..length]);
    }
    bytes
}
