//! A web server on loopback with scripted answers that records requests.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// A request: its path and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) body: String,
}

/// The server. It ends with the test.
pub(crate) struct Listener {
    address: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Listener {
    /// Answers with these statuses, then with 200.
    pub(crate) fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (kept, mut statuses) = (Arc::clone(&heard), VecDeque::from(statuses.to_vec()));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let status = statuses.pop_front().unwrap_or(200);
                let Some(request) = stream.ok().and_then(|stream| serve(stream, status, &kept)) else { continue };
                drop(request);
            }
        });
        Self { address, heard }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.path).collect()
    }
}

/// Records a request before answering it, so that it is there once the client has the answer.
fn serve(stream: TcpStream, status: u16, kept: &Mutex<Vec<Heard>>) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let heard = Heard { path, body: String::from_utf8(body).ok()? };
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
    let mut stream = reader.into_inner();
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok()?;
    Some(stream)
}
