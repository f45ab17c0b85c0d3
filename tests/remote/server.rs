use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// The server's reaction to a request.
pub(crate) enum Reply {
    /// Writes these bytes and waits for the next request.
    Send(Vec<u8>),
    /// Writes these bytes and closes the connection.
    Close(Vec<u8>),
    /// Writes these bytes and then nothing, until the client disconnects.
    Hang(Vec<u8>),
    /// Writes the first bytes, then repeats the second ones with pauses, until the client disconnects.
    Drip(Vec<u8>, Vec<u8>),
    /// Writes the first bytes, then repeats the second ones until the client disconnects.
    Endless(Vec<u8>, Vec<u8>),
}

type Script = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

/// A server on this machine. It ends with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server; the script gets a request and the number of earlier ones for the same path.
    pub(crate) fn start(script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let counts = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, counts, log) = (Arc::clone(&script), Arc::clone(&counts), Arc::clone(&log));
                thread::spawn(move || {
                    let _ = serve(stream, |seen| {
                        log.lock().unwrap().push(seen.clone());
                        let nth = {
                            let mut counts = counts.lock().unwrap();
                            let count = counts.entry(seen.path().to_owned()).or_default();
                            *count += 1;
                            *count - 1
                        };
                        script(&seen, nth)
                    });
                });
            }
        });
        Self { address, seen }
    }

    /// A server with a working token endpoint: `tok-1`, `tok-2` and so on.
    pub(crate) fn api(script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(move |seen, nth| if seen.path() == "/token" { token(nth + 1) } else { script(seen, nth) })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests for a path.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path() == path).cloned().collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen(path).len()
    }

    pub(crate) fn total(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

fn serve(stream: TcpStream, mut answer: impl FnMut(Seen) -> Reply) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some(seen) = request(&mut reader)? {
        match answer(seen) {
            Reply::Send(bytes) => writer.write_all(&bytes)?,
            Reply::Close(bytes) => return writer.write_all(&bytes),
            Reply::Hang(bytes) => {
                writer.write_all(&bytes)?;
                let _ = reader.read(&mut [0])?;
                return Ok(());
            }
            Reply::Drip(head, drop) => {
                writer.write_all(&head)?;
                loop {
                    writer.write_all(&drop)?;
                    thread::sleep(std::time::Duration::from_millis(10));
                }
            }
            Reply::Endless(head, more) => {
                writer.write_all(&head)?;
                loop {
                    writer.write_all(&more)?;
                }
            }
        }
    }
    Ok(())
}

fn request(reader: &mut impl BufRead) -> std::io::Result<Option<Seen>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { method, target, headers, body: String::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    seen.body = String::from_utf8(body).unwrap();
    Ok(Some(seen))
}

/// A response with these headers, one a line, and the right length.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    head(status, &format!("content-length: {}\n{headers}", body.len()), body)
}

/// A response with exactly these headers.
pub(crate) fn head(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\n");
    for line in headers.lines() {
        text.push_str(line.trim());
        text.push_str("\r\n");
    }
    (text + "\r\n" + body).into_bytes()
}

pub(crate) fn json(body: &str) -> Reply {
    Reply::Send(answer(200, "content-type: application/json", body))
}

pub(crate) fn status(status: u16) -> Reply {
    Reply::Send(answer(status, "", ""))
}

pub(crate) fn problem(status: u16, title: &str) -> Reply {
    let body = format!(r#"{{"type":"t","title":"{title}","status":{status},"traceId":"00-trace"}}"#);
    Reply::Send(answer(status, "content-type: application/problem+json", &body))
}

pub(crate) fn token(number: usize) -> Reply {
    json(&format!(r#"{{"access_token":"tok-{number}","expires_in":3600,"token_type":"Bearer"}}"#))
}
