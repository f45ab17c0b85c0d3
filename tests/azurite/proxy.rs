//! A proxy in front of Azurite for faults that Azurite can't be made to have.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc::Sender},
    thread,
};

/// What happens to a request.
pub(crate) enum Action {
    /// Azurite answers it.
    Pass,
    /// Azurite answers it with this query in place of its own.
    Query(String),
    /// This many bytes of the body pass, the closure runs, and the connection breaks.
    Cut(usize, Box<dyn FnOnce() + Send>),
    /// This many bytes of the body pass, a message is sent, and nothing more comes.
    Hold(usize, Sender<()>),
    /// The store refuses the request with this status, because it is busy.
    Busy(u16, Option<&'static str>),
}

/// A request for a blob.
struct Asked {
    path: String,
    range: Option<String>,
}

type Script = Box<dyn FnMut(usize) -> Action + Send>;

/// A proxy that ends with the test's process.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    asked: Vec<Asked>,
    script: Script,
    /// The number of requests for each path since the script began.
    counts: HashMap<String, usize>,
}

impl Proxy {
    /// Starts a proxy that lets everything pass.
    pub(crate) fn start(azurite: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Inner { asked: Vec::new(), script: Box::new(|_| Action::Pass), counts: HashMap::new() };
        let inner = Arc::new(Mutex::new(inner));
        let shared = Arc::clone(&inner);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let inner = Arc::clone(&shared);
                thread::spawn(move || {
                    let head = head(&client);
                    let Some(asked) = read(&head) else { return };
                    let action = inner.lock().unwrap().next(asked);
                    // The client may have disconnected.
                    let _ = serve(client, &head, azurite, action);
                });
            }
        });
        Self { address, inner }
    }

    /// From now on the script decides about each request for a blob, by the number of earlier requests for it. The root
    /// of the store is always answered: a store that refuses even that is down, and then documents wait and ask for
    /// another link.
    pub(crate) fn does(&self, script: impl FnMut(usize) -> Action + Send + 'static) {
        let mut inner = self.inner.lock().unwrap();
        inner.script = Box::new(script);
        inner.counts.clear();
        inner.asked.clear();
    }

    /// The ranges requested of a blob since the script began.
    pub(crate) fn ranges(&self, blob: &str) -> Vec<Option<String>> {
        let inner = self.inner.lock().unwrap();
        inner.asked.iter().filter(|asked| asked.path.ends_with(blob)).map(|asked| asked.range.clone()).collect()
    }
}

impl Inner {
    fn next(&mut self, asked: Asked) -> Action {
        if asked.path == "/" {
            return Action::Pass;
        }
        let count = self.counts.entry(asked.path.clone()).or_default();
        *count += 1;
        let nth = *count - 1;
        self.asked.push(asked);
        (self.script)(nth)
    }
}

fn serve(mut client: TcpStream, head: &str, azurite: SocketAddr, action: Action) -> std::io::Result<()> {
    if let Action::Busy(status, retry_after) = action {
        let body = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ServerBusy</Code><Message>The server \
            is busy.</Message></Error>";
        let wait = retry_after.map_or(String::new(), |value| format!("retry-after: {value}\r\n"));
        return write!(
            client,
            "HTTP/1.1 {status} The server is busy.\r\nx-ms-error-code: ServerBusy\r\ncontent-type: application/xml\r\n\
             {wait}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
    }
    let mut azurite = TcpStream::connect(azurite)?;
    azurite.write_all(forwarded(head, &action).as_bytes())?;
    let answer = self::head(&azurite);
    client.write_all(answer.as_bytes())?;
    match action {
        Action::Cut(bytes, then) => {
            std::io::copy(&mut azurite.take(bytes as u64), &mut client)?;
            then();
            client.shutdown(Shutdown::Both)
        }
        Action::Hold(bytes, told) => {
            std::io::copy(&mut azurite.take(bytes as u64), &mut client)?;
            let _ = told.send(());
            // Until the client disconnects.
            client.read(&mut [0]).map(drop)
        }
        _ => std::io::copy(&mut azurite, &mut client).map(drop),
    }
}

/// The request for Azurite, on a separate connection.
fn forwarded(head: &str, action: &Action) -> String {
    let (line, headers) = head.split_once("\r\n").unwrap();
    let line = match action {
        Action::Query(query) => format!("{}?{query} HTTP/1.1", line.split('?').next().unwrap()),
        _ => line.to_owned(),
    };
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
    let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let range = headers.find(|(name, _)| name.eq_ignore_ascii_case("range")).map(|(_, value)| value.to_owned());
    Some(Asked { path, range })
}
