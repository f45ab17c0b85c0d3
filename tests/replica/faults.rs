//! Each fault of the proxy, as a client of the store sees it.

use object_store::{Error, ObjectStoreExt as _, PutMode};

use crate::{
    proxy::{Action, Asked, Proxy},
    server::{Kind, Server},
};

const KEY: &str = "objects/a";

fn bytes() -> Vec<u8> {
    vec![7; 100_000]
}

/// A store behind a proxy.
fn behind(kind: Kind) -> Option<(Server, Proxy)> {
    let server = Server::start(kind)?;
    let proxy = Proxy::start(server.address.unwrap());
    Some((server, proxy))
}

fn put(server: &Server, proxy: &Proxy, mode: PutMode) -> Result<(), Error> {
    let store = server.store_at(proxy.address);
    server.wait(store.put_opts(&KEY.into(), bytes().into(), mode.into())).map(drop)
}

fn first(action: impl Fn() -> Action + Send + 'static) -> impl FnMut(&Asked) -> Action + Send + 'static {
    move |asked| if asked.nth == 0 { action() } else { Action::Pass }
}

#[test]
fn a_busy_store_is_asked_again() {
    for kind in [Kind::Azurite, Kind::S3s, Kind::Moto] {
        let Some((server, proxy)) = behind(kind) else { continue };
        proxy.does(|asked| if asked.nth < 2 { Action::Refuse(503, "SlowDown") } else { Action::Pass });
        put(&server, &proxy, PutMode::Create).unwrap();
        let asked = proxy.asked();
        assert_eq!(asked.len(), 3, "{kind:?}: {asked:?}");
        assert!(asked.iter().all(|asked| asked.is("PUT", KEY)), "{kind:?}: {asked:?}");
        assert_eq!(server.get(KEY), bytes(), "{kind:?}");
    }
}

#[test]
fn refusals_are_told_apart() {
    let Some((server, proxy)) = behind(Kind::S3s) else { return };
    for (status, code, matches) in [
        (403, "RequestTimeTooSkewed", (|e| matches!(e, Error::PermissionDenied { .. })) as fn(&Error) -> bool),
        (403, "ExpiredToken", |e| matches!(e, Error::PermissionDenied { .. })),
        (404, "NoSuchBucket", |e| matches!(e, Error::NotFound { .. })),
        (412, "PreconditionFailed", |e| matches!(e, Error::AlreadyExists { .. })),
        (501, "NotImplemented", |e| matches!(e, Error::Generic { .. })),
    ] {
        proxy.does(move |_| Action::Refuse(status, code));
        let error = put(&server, &proxy, PutMode::Create).unwrap_err();
        assert!(matches(&error) && format!("{error:?}").contains(code), "{code}: {error:?}");
    }
    assert!(server.list().is_empty());
}

#[test]
fn a_body_that_breaks_off_stores_nothing_and_is_sent_again() {
    for kind in [Kind::Azurite, Kind::S3s, Kind::Moto] {
        let Some((server, proxy)) = behind(kind) else { continue };
        proxy.does(|_| Action::CutRequest(50_000));
        put(&server, &proxy, PutMode::Create).unwrap_err();
        assert_eq!((server.list().len(), proxy.asked().len()), (0, 3), "{kind:?}");
        proxy.does(first(|| Action::CutRequest(50_000)));
        put(&server, &proxy, PutMode::Create).unwrap();
        assert_eq!((server.get(KEY).len(), proxy.asked().len()), (100_000, 2), "{kind:?}");
    }
}

/// The client takes a closed connection for a request that was not sent, and sends it again.
#[test]
fn a_put_whose_answer_is_lost_is_refused_by_itself() {
    for kind in [Kind::Azurite, Kind::S3s, Kind::Moto] {
        let Some((server, proxy)) = behind(kind) else { continue };
        proxy.does(first(|| Action::LoseAnswer));
        let refused = put(&server, &proxy, PutMode::Create).unwrap_err();
        assert!(matches!(refused, Error::AlreadyExists { .. }), "{kind:?}: {refused:?}");
        assert_eq!(server.get(KEY), bytes(), "{kind:?}");
        server.delete(KEY);
        proxy.does(|_| Action::LoseAnswer);
        let lost = put(&server, &proxy, PutMode::Create).unwrap_err();
        assert!(!matches!(lost, Error::AlreadyExists { .. }), "{kind:?}: {lost:?}");
        assert_eq!(server.get(KEY), bytes(), "{kind:?}");
    }
}

#[test]
fn an_answer_breaks_off_where_it_is_told_to() {
    let Some((server, proxy)) = behind(Kind::S3s) else { return };
    server.put(KEY, bytes());
    let store = server.store_at(proxy.address);
    proxy.does(first(|| Action::Cut(50_000, Box::new(|| ()))));
    let got = server.wait(async { store.get(&KEY.into()).await?.bytes().await }).unwrap();
    // The client asks for the rest.
    assert_eq!((got.len(), proxy.ranges(KEY).len()), (100_000, 2));
    assert_eq!(proxy.ranges(KEY)[1].as_deref(), Some("bytes=50000-99999"));
}

#[test]
fn a_store_without_put_if_absent() {
    let Some((server, proxy)) = behind(Kind::Moto) else { return };
    server.put(KEY, *b"old");
    proxy.does(|_| Action::Strip("if-none-match"));
    put(&server, &proxy, PutMode::Create).unwrap();
    assert_eq!(server.get(KEY).len(), 100_000);
}

#[test]
fn another_writer_is_faster() {
    let Some((server, proxy)) = behind(Kind::S3s) else { return };
    let store = server.store();
    proxy.does(move |_| {
        let store = store.clone();
        Action::Before(Box::new(move || {
            let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            other.block_on(store.put(&KEY.into(), b"faster".as_slice().into())).unwrap();
        }))
    });
    let second = put(&server, &proxy, PutMode::Create).unwrap_err();
    assert!(matches!(second, Error::AlreadyExists { .. }), "{second:?}");
    assert_eq!(server.get(KEY), b"faster");
}
