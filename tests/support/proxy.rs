//! A proxy in front of an object store for faults that the store can't be made to have.

use std::{
    io::{Read, Write, copy, sink},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc::Sender},
    thread,
};

/// What happens to a request.
pub(crate) enum Action {
    /// The store answers it.
    Pass,
    /// The store answers it with this query in place of its own.
    Query(String),
    /// The store answers it without this header. A store that verifies signatures refuses it then.
    Strip(&'static str),
    /// The closure runs before the store answers it.
    Before(Box<dyn FnOnce() + Send>),
    /// The connection breaks after this many bytes of the request's body.
    CutRequest(usize),
    /// The store answers it, but the connection breaks before a byte of the answer passes.
    LoseAnswer,
    /// This many bytes of the answer's body pass, the closure runs, and the connection breaks.
    Cut(usize, Box<dyn FnOnce() + Send>),
    /// This many bytes of the answer's body pass, a message is sent, and nothing more comes.
    Hold(usize, Sender<()>),
    /// The proxy refuses it with this status and this code, in the words of S3 and of Azure.
    Refuse(u16, &'static str),
    /// The proxy refuses it as Azure does when it is busy, with this `Retry-After`.
    Busy(u16, Option<&'static str>),
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Percent-encoded, as it was sent.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) range: Option<String>,
    /// How many requests with its method and path came before it, since the script began.
    pub(crate) nth: usize,
    length: u64,
}

impl Asked {
    /// Whether it has this method, and a path or query that contains `part`.
    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && (self.path.contains(part) || self.query.contains(part))
    }
}

type Script = Box<dyn FnMut(&Asked) -> Action + Send>;

/// A proxy that ends with the test's process.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    asked: Vec<Asked>,
    script: Script,
}

impl Proxy {
    /// Starts a proxy that lets everything pass.
    pub(crate) fn start(store: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Mutex::new(Inner { asked: Vec::new(), script: Box::new(|_| Action::Pass) }));
        let shared = Arc::clone(&inner);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let inner = Arc::clone(&shared);
                thread::spawn(move || {
                    let head = head(&client);
                    let Some(asked) = read(&head) else { return };
                    let length = asked.length;
                    let mut action = inner.lock().unwrap().next(asked);
                    if let Action::Before(then) = action {
                        then();
                        action = Action::Pass;
                    }
                    // The client may have disconnected.
                    let _ = serve(client, &head, length, store, action);
                });
            }
        });
        Self { address, inner }
    }

    /// From now on the script decides about each request. The root of the store is always answered: a store that
    /// refuses even that is down, and then documents wait and ask for another link.
    pub(crate) fn does(&self, script: impl FnMut(&Asked) -> Action + Send + 'static) {
        let mut inner = self.inner.lock().unwrap();
        inner.script = Box::new(script);
        inner.asked.clear();
    }

    /// The ranges requested of a blob since the script began.
    pub(crate) fn ranges(&self, blob: &str) -> Vec<Option<String>> {
        self.asked().into_iter().filter(|asked| asked.path.ends_with(blob)).map(|asked| asked.range).collect()
    }

    /// The requests since the script began, in the order in which they came.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner.lock().unwrap().asked.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The script may hold a server, and the threads of the proxy live on.
        if let Ok(mut inner) = self.inner.lock() {
            inner.script = Box::new(|_| Action::Pass);
        }
    }
}

impl Inner {
    fn next(&mut self, mut asked: Asked) -> Action {
        if asked.path == "/" {
            return Action::Pass;
        }
        asked.nth = self.asked.iter().filter(|one| one.method == asked.method && one.path == asked.path).count();
        let action = (self.script)(&asked);
        self.asked.push(asked);
        action
    }
}

/// Each request has a connection of its own to the store, which ends with the answer.
fn serve(mut client: TcpStream, head: &str, length: u64, store: SocketAddr, action: Action) -> std::io::Result<()> {
    if let Some(refusal) = refusal(&action) {
        // Clients read an answer once they have sent everything.
        copy(&mut (&client).take(length), &mut sink())?;
        return client.write_all(refusal.as_bytes());
    }
    let mut store = TcpStream::connect(store)?;
    store.write_all(forwarded(head, &action).as_bytes())?;
    if let Action::CutRequest(bytes) = action {
        copy(&mut (&client).take(length.min(bytes as u64)), &mut store)?;
        return client.shutdown(Shutdown::Both);
    }
    // The store may refuse a request before it has read all of it.
    let _ = copy(&mut (&client).take(length), &mut store);
    if matches!(action, Action::LoseAnswer) {
        copy(&mut store, &mut sink())?;
        return client.shutdown(Shutdown::Both);
    }
    client.write_all(self::head(&store).as_bytes())?;
    match action {
        Action::Cut(bytes, then) => {
            copy(&mut store.take(bytes as u64), &mut client)?;
            then();
            client.shutdown(Shutdown::Both)
        }
        Action::Hold(bytes, told) => {
            copy(&mut store.take(bytes as u64), &mut client)?;
            let _ = told.send(());
            // Until the client disconnects.
            client.read(&mut [0]).map(drop)
        }
        _ => copy(&mut store, &mut client).map(drop),
    }
}

/// The proxy's own answer. Azure's documents begin with a byte order mark.
fn refusal(action: &Action) -> Option<String> {
    let (mark, status, code, more) = match *action {
        Action::Refuse(status, code) => ("", status, code, String::new()),
        Action::Busy(status, None) => ("\u{feff}", status, "ServerBusy", String::new()),
        Action::Busy(status, Some(wait)) => ("\u{feff}", status, "ServerBusy", format!("retry-after: {wait}\r\n")),
        _ => return None,
    };
    let body = format!(
        "{mark}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>The proxy says \
         so.</Message></Error>"
    );
    Some(format!(
        "HTTP/1.1 {status} Refused\r\nx-ms-error-code: {code}\r\ncontent-type: application/xml\r\n{more}\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ))
}

/// The request for the store.
fn forwarded(head: &str, action: &Action) -> String {
    let (line, headers) = head.split_once("\r\n").unwrap();
    let line = match action {
        Action::Query(query) => format!("{}?{query} HTTP/1.1", line.split('?').next().unwrap()),
        _ => line.to_owned(),
    };
    let stripped = |header: &str| match action {
        Action::Strip(name) => header.split(':').next().unwrap().eq_ignore_ascii_case(name),
        _ => false,
    };
    let headers: String = headers.split_inclusive("\r\n").filter(|header| !stripped(header)).collect();
    format!("{line}\r\nconnection: close\r\n{headers}")
}

/// Everything up to the empty line.
fn head(mut stream: &TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn read(head: &str) -> Option<Asked> {
    let header = |name: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let (method, target) = head.split_once(' ')?;
    let target = target.split(' ').next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    assert_eq!(header("transfer-encoding"), None, "the proxy needs a length: {head}");
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    Some(Asked { method, path, query, range: header("range"), nth: 0, length })
}
