//! Copies through a proxy that injects faults: what is tried again, what an error says, and where the next try goes on.

use std::{
    collections::{HashMap, HashSet},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use ibinder_sync::replica::{CopyOutcome, Error, ErrorKind, Store, StoreError};

use crate::{
    bench::{Bench, Place},
    proxy::{Action, Asked, Proxy},
    sas,
    server::{Kind, SECRET_KEY, Server},
};

const SERVERS: [Kind; 3] = [Kind::Azurite, Kind::S3s, Kind::Moto];

/// A store behind a proxy.
fn behind(kind: Kind) -> Option<(Server, Proxy)> {
    let server = Server::start(kind)?;
    let proxy = Proxy::start(server.address.unwrap());
    Some((server, proxy))
}

/// A mirror with four contents.
fn small() -> Bench {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two"), ("B/c.pdf", b"three"), ("B/d.pdf", b"four")]);
    bench
}

/// A mirror with three small contents and one that is sent in parts.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.add(&[("B/a.pdf", b"one"), ("B/b.pdf", b"two"), ("B/c.pdf", b"three"), ("B/l.bin", &vec![7; 11 << 20])]);
    bench
}

/// What a request is for: the kind of file, and what is done with it.
fn purpose(asked: &Asked) -> String {
    let folder = ["objects", "manifests", "state", "commits"].into_iter().find(|folder| {
        let below = [format!("/{folder}/"), format!("%2F{folder}")];
        asked.path.contains(&below[0]) || asked.query.contains(&below[1])
    });
    let parts = ["comp=blocklist", "comp=block", "partNumber", "uploadId", "uploads"];
    let part = parts.into_iter().find(|part| asked.query.contains(part)).unwrap_or_default();
    format!("{} {} {part}", asked.method, folder.unwrap_or("?"))
}

/// The fault strikes the first request of each kind, this often. Everything ends well by itself.
fn strikes(kind: Kind, times: usize, fault: impl Fn() -> Action + Send + Sync + 'static) {
    let Some((server, proxy)) = behind(kind) else { return };
    let (place, bench) = (Place::new(&server, "copy"), bench());
    let struck = Arc::new(Mutex::new(HashMap::<String, (String, usize)>::new()));
    let (noted, fault) = (Arc::clone(&struck), Arc::new(fault));
    let script = move |asked: &Asked| {
        let (mut noted, this) = (noted.lock().unwrap(), format!("{}?{}", asked.path, asked.query));
        let (first, count) = noted.entry(purpose(asked)).or_insert_with(|| (this.clone(), 0));
        if *first != this || *count == times {
            return Action::Pass;
        }
        *count += 1;
        fault()
    };
    proxy.does(script);
    let made = bench.replicate_with(&place.store_at(proxy.address), 1).unwrap();
    assert_eq!((made.outcome, made.commit), (CopyOutcome::Committed, 1));
    let asked = proxy.asked();
    let struck: Vec<_> = struck.lock().unwrap().drain().collect();
    assert!(struck.iter().all(|(_, (_, count))| *count == times), "{struck:?}\n{asked:#?}");
    let puts = ["PUT objects ", "PUT manifests ", "PUT state ", "PUT commits ", "GET commits "];
    let parts = if kind == Kind::Azurite {
        ["PUT objects comp=block", "PUT objects comp=blocklist"].as_slice()
    } else {
        &["POST objects uploads", "PUT objects partNumber", "POST objects uploadId"]
    };
    for purpose in puts.iter().chain(parts) {
        assert!(struck.iter().any(|(found, _)| found == purpose), "{purpose}: {struck:?}");
    }
    let commits = place.keys().into_iter().filter(|key| key.starts_with("commits/"));
    assert_eq!(commits.collect::<Vec<_>>(), ["commits/000000000001.json"]);
    place.complete_of(&bench);
    // Reading is tried again, too.
    if times > 1 {
        proxy.does(|asked| if asked.nth < 2 { Action::Refuse(503, "SlowDown") } else { Action::Pass });
        let (mut bench, store) = (bench, place.store_at(proxy.address));
        bench.lose_record();
        assert_eq!(bench.replicate(&store).unwrap().outcome, CopyOutcome::Unchanged);
    }
}

#[test]
fn a_busy_store_is_asked_again() {
    for kind in SERVERS {
        strikes(kind, 2, || Action::Refuse(503, "SlowDown"));
    }
}

#[test]
fn a_request_that_breaks_off_is_sent_again() {
    for kind in SERVERS {
        strikes(kind, 1, || Action::CutRequest(1));
    }
}

#[test]
fn nothing_is_made_twice_when_an_answer_is_lost() {
    for kind in SERVERS {
        strikes(kind, 1, || Action::LoseAnswer);
    }
}

/// S3 says so when two writes of one key are under way: it may come to nothing.
#[test]
fn a_conflict_of_two_writes_is_no_proof_of_a_file() {
    let Some((server, proxy)) = behind(Kind::S3s) else { return };
    let (place, bench) = (Place::new(&server, "copy"), bench());
    proxy.does(|asked| {
        let first = asked.method == "PUT" && asked.nth == 0 && !asked.query.contains("partNumber");
        if first { Action::Refuse(409, "ConditionalRequestConflict") } else { Action::Pass }
    });
    let made = bench.replicate(&place.store_at(proxy.address)).unwrap();
    assert_eq!((made.outcome, made.commit, made.transferred.sent), (CopyOutcome::Committed, 1, 4));
    place.complete_of(&bench);
}

#[test]
fn a_store_that_ignores_the_condition_is_found_out() {
    let Some((server, proxy)) = behind(Kind::Moto) else { return };
    let (place, bench) = (Place::new(&server, "copy"), small());
    proxy.does(|_| Action::Strip("if-none-match"));
    let made = bench.replicate(&place.store_at(proxy.address)).unwrap();
    assert_eq!((made.outcome, made.keeps_condition), (CopyOutcome::Committed, Some(false)));
    place.complete_of(&bench);
}

/// Fails if a secret is shown. Returns the store's error.
fn without_secrets(error: &Error, store: &Store) -> StoreError {
    let shown = format!("{error}\n{error:?}\n{store:?}");
    let sas = sas::administers();
    let signature = sas.split("sig=").nth(1).unwrap();
    for secret in [SECRET_KEY, sas::KEY, signature, "sig=", "Signature="] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    let Error::Store(error) = error else { panic!("{error:?}") };
    error.clone()
}

/// Something that a store refuses from some moment on.
struct Refusal {
    kind: Kind,
    status: u16,
    code: &'static str,
    is: ErrorKind,
    advice: &'static str,
}

#[rustfmt::skip]
const REFUSALS: [Refusal; 9] = [
    Refusal { kind: Kind::S3s,     status: 403, code: "RequestTimeTooSkewed", is: ErrorKind::Clock,       advice: "set this machine's clock" },
    Refusal { kind: Kind::S3s,     status: 400, code: "ExpiredToken",         is: ErrorKind::Credentials, advice: "check the key" },
    Refusal { kind: Kind::S3s,     status: 403, code: "AccessDenied",         is: ErrorKind::Forbidden,   advice: "must be allowed to list, to read and to add" },
    Refusal { kind: Kind::S3s,     status: 404, code: "NoSuchBucket",         is: ErrorKind::NoBucket,    advice: "must exist" },
    Refusal { kind: Kind::S3s,     status: 501, code: "NotImplemented",       is: ErrorKind::Conditions,  advice: "If-None-Match" },
    Refusal { kind: Kind::S3s,     status: 503, code: "SlowDown",             is: ErrorKind::Unavailable, advice: "goes on from there" },
    Refusal { kind: Kind::Azurite, status: 404, code: "ContainerNotFound",    is: ErrorKind::NoBucket,    advice: "must exist" },
    Refusal { kind: Kind::Azurite, status: 403, code: "AuthenticationFailed", is: ErrorKind::Credentials, advice: "check the key" },
    Refusal { kind: Kind::Azurite, status: 403, code: "AuthorizationFailure", is: ErrorKind::Forbidden,   advice: "must be allowed to list, to read and to add" },
];

/// Objects whose upload the store confirmed, as the proxy saw them. Of one in parts only the completion counts.
fn confirmed(asked: &[Asked], refused: usize) -> Vec<String> {
    let puts = asked[..asked.len() - refused].iter().filter(|asked| {
        let is_part = asked.query.contains("partNumber") || asked.query.contains("comp=block&");
        let completes = asked.method == "POST" && asked.query.contains("uploadId");
        asked.path.contains("/objects/") && (completes || asked.method == "PUT" && !is_part)
    });
    puts.map(|asked| asked.path.clone()).collect()
}

#[test]
fn after_a_refusal_there_is_no_commit_and_the_next_try_goes_on() {
    for kind in [Kind::Azurite, Kind::S3s] {
        let Some((server, proxy)) = behind(kind) else { continue };
        for refusal in REFUSALS.iter().filter(|refusal| refusal.kind == kind) {
            goes_on(&server, &proxy, refusal, (small(), "objects", 2));
        }
        let forbidden = REFUSALS.iter().find(|refusal| refusal.kind == kind && refusal.is == ErrorKind::Forbidden);
        for (folder, nth) in [("objects", 0), ("manifests", 0), ("state", 0), ("commits", 0)] {
            goes_on(&server, &proxy, forbidden.unwrap(), (small(), folder, nth));
        }
        // In the middle of parts.
        goes_on(&server, &proxy, forbidden.unwrap(), (bench(), "objects", 3));
    }
}

fn goes_on(server: &Server, proxy: &Proxy, refusal: &Refusal, (bench, folder, nth): (Bench, &'static str, usize)) {
    let &Refusal { status, code, is, advice, .. } = refusal;
    let name = format!("{is:?}-{folder}-{nth}");
    let place = Place::new(server, &name);
    let store = place.store_at(proxy.address);
    let (mut begun, refused) = (HashSet::new(), Arc::new(Mutex::new(0)));
    let count = Arc::clone(&refused);
    proxy.does(move |asked| {
        if *count.lock().unwrap() == 0 {
            if asked.method == "PUT" && asked.path.contains(&format!("/{folder}/")) {
                begun.insert(asked.path.clone());
            }
            if begun.len() <= nth {
                return Action::Pass;
            }
        }
        *count.lock().unwrap() += 1;
        Action::Refuse(status, code)
    });
    let error = bench.replicate_with(&store, 1).unwrap_err();
    let told = without_secrets(&error, &store);
    assert_eq!(told.kind, is, "{name}: {error}");
    assert!(error.to_string().contains(code) && error.to_string().contains(advice), "{name}: {error}");
    let first = confirmed(&proxy.asked(), *refused.lock().unwrap());
    assert_eq!(first.len(), if folder == "objects" { nth } else { 4 }, "{name}: {:#?}", proxy.asked());
    assert!(place.keys().iter().all(|key| !key.starts_with("commits/")), "{name}");
    proxy.does(|_| Action::Pass);
    let made = bench.replicate_with(&place.store_at(proxy.address), 1).unwrap();
    assert_eq!((made.outcome, made.commit, made.missing), (CopyOutcome::Committed, 1, 0), "{name}");
    let both = [first, confirmed(&proxy.asked(), 0)].concat();
    let once: HashSet<&String> = both.iter().collect();
    assert_eq!((both.len(), once.len()), (4, 4), "{name}: {both:#?}");
    place.complete_of(&bench);
}

#[test]
fn a_night_that_failed_goes_on_too() {
    let Some((server, proxy)) = behind(Kind::S3s) else { return };
    let (place, bench) = (Place::new(&server, "copy"), small());
    bench.replicate(&place.store()).unwrap();
    bench.add(&[("B/e.pdf", b"five"), ("B/f.pdf", b"six"), ("B/g.pdf", b"seven")]);
    let mut puts = 0;
    proxy.does(move |asked| {
        puts += usize::from(asked.is("PUT", "/objects/"));
        if puts == 2 { Action::Refuse(403, "AccessDenied") } else { Action::Pass }
    });
    bench.replicate_with(&place.store_at(proxy.address), 1).unwrap_err();
    assert_eq!(place.complete().unwrap().commit.number, 1);
    proxy.does(|_| Action::Pass);
    let made = bench.replicate(&place.store_at(proxy.address)).unwrap();
    assert_eq!((made.commit, made.transferred.sent, made.transferred.known), (2, 2, 0));
    place.complete_of(&bench);
}

#[test]
fn what_was_uploaded_to_a_copy_that_is_gone_does_not_count() {
    let Some((server, proxy)) = behind(Kind::S3s) else { return };
    let (place, bench) = (Place::new(&server, "copy"), small());
    proxy.does(|asked| if asked.is("PUT", "/manifests/") { Action::Refuse(403, "AccessDenied") } else { Action::Pass });
    bench.replicate(&place.store_at(proxy.address)).unwrap_err();
    assert_eq!(place.keys().len(), 4);
    // Another place looks the same: nothing is there.
    let other = Place::new(&server, "other");
    assert_eq!(bench.replicate(&other.store()).unwrap().transferred.sent, 4);
    other.complete_of(&bench);
}

#[test]
fn after_an_error_nothing_more_is_tried() {
    let Some((server, proxy)) = behind(Kind::S3s) else { return };
    let (place, bench) = (Place::new(&server, "copy"), Bench::new());
    let documents: Vec<(String, String)> = (0..40).map(|n| (format!("B/{n}.pdf"), format!("content {n}"))).collect();
    let documents: Vec<(&str, &[u8])> = documents.iter().map(|(path, text)| (&**path, text.as_bytes())).collect();
    bench.add(&documents);
    proxy.does(|asked| if asked.method == "PUT" { Action::Refuse(403, "AccessDenied") } else { Action::Pass });
    bench.replicate_with(&place.store_at(proxy.address), 3).unwrap_err();
    let puts = proxy.asked().iter().filter(|asked| asked.method == "PUT").count();
    assert!((1..=3).contains(&puts), "{puts}");
}

#[test]
fn a_bucket_that_vanishes_is_no_file_that_is_missing() {
    for (kind, code) in [(Kind::S3s, "NoSuchBucket"), (Kind::Azurite, "ContainerNotFound")] {
        let Some((server, proxy)) = behind(kind) else { continue };
        let (place, mut bench) = (Place::new(&server, "copy"), small());
        bench.replicate(&place.store()).unwrap();
        bench.lose_record();
        for folder in ["commits/0", "manifests/"] {
            proxy.does(move |asked| if asked.path.contains(folder) { Action::Refuse(404, code) } else { Action::Pass });
            let store = place.store_at(proxy.address);
            let error = bench.replicate(&store).unwrap_err();
            assert_eq!(without_secrets(&error, &store).kind, ErrorKind::NoBucket, "{error}");
        }
    }
}

#[test]
fn no_secret_is_shown_when_nobody_answers() {
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let by_sas = |server: &Server| {
        let mut variables = server.env_at(address);
        variables.retain(|(name, _)| *name != "AZURE_STORAGE_ACCOUNT_KEY");
        variables.push(("AZURE_STORAGE_SAS_TOKEN", sas::administers()));
        variables
    };
    for kind in [Kind::S3s, Kind::Azurite] {
        let Some(server) = Server::start(kind) else { continue };
        let (place, bench) = (Place::new(&server, "copy"), small());
        let all = if kind == Kind::Azurite {
            vec![server.env_at(address), by_sas(&server)]
        } else {
            vec![server.env_at(address)]
        };
        for variables in all {
            let store = place.open(variables);
            let error = bench.replicate(&store).unwrap_err();
            assert_eq!(without_secrets(&error, &store).kind, ErrorKind::Unavailable, "{error}");
        }
    }
}

#[test]
fn wrong_credentials_are_not_shown_either() {
    let key = "b2ZzZWNyZXRz".to_owned();
    for (kind, name) in [
        (Kind::S3s, "AWS_SECRET_ACCESS_KEY"),
        (Kind::Azurite, "AZURE_STORAGE_ACCOUNT_KEY"),
        (Kind::Azurite, "AZURE_STORAGE_SAS_TOKEN"),
    ] {
        let Some(server) = Server::start(kind) else { continue };
        let (place, bench) = (Place::new(&server, "copy"), small());
        let mut variables = server.env();
        variables.retain(|(known, _)| *known != name && *known != "AZURE_STORAGE_ACCOUNT_KEY");
        let is_link = name.contains("SAS");
        variables.push((name, if is_link { format!("{}{key}", sas::administers()) } else { key.clone() }));
        let store = place.open(variables);
        let error = bench.replicate(&store).unwrap_err();
        let told = without_secrets(&error, &store);
        assert!(matches!(told.kind, ErrorKind::Credentials | ErrorKind::Forbidden), "{error}");
        assert!(!format!("{error}\n{error:?}\n{store:?}").contains(&key), "{name}: {error:?}");
        assert!(place.keys().is_empty());
    }
}
