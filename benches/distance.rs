//! A distant service: a proxy that delays bytes and limits how many come through.
//!
//! `distance MILLISECONDS MEGABITS UPSTREAM…` listens on a port of its own for each upstream address, prints those
//! ports, and forwards TCP connections. All connections share one link: each way it takes that many milliseconds
//! and carries that many megabits a second, first come, first served. A new connection costs one round trip first,
//! as the handshake does. Lost packets and a slow start are not modelled.
//!
//! A slice of bytes gets its time of arrival when it is read. Timers that are late therefore waste no capacity, and
//! since a link delivers in order, one thread with an exact clock delivers for all connections.

use std::{
    env,
    error::Error,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::sleep,
};

/// Bytes that a connection puts on the link at once, about three packets.
const SLICE: usize = 4096;

/// How much of the link's time may be taken before the next slice is read.
const AHEAD: Duration = Duration::from_millis(5);

/// One direction of the link.
struct Link {
    delay: Duration,
    bytes_per_second: f64,
    queue: Mutex<Queue>,
}

struct Queue {
    free_at: Instant,
    sent: mpsc::Sender<Slice>,
}

/// Bytes on their way; none at the end of a connection.
struct Slice {
    arrival: Instant,
    bytes: Vec<u8>,
    to: UnboundedSender<Vec<u8>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [milliseconds, megabits, upstreams @ ..] = arguments.as_slice() else {
        return Err("usage: distance MILLISECONDS MEGABITS UPSTREAM…".into());
    };
    let (delay, megabits) = (Duration::from_millis(milliseconds.parse()?), megabits.parse()?);
    let (up, down) = (Link::new(delay, megabits), Link::new(delay, megabits));
    let mut listeners = Vec::new();
    for upstream in upstreams {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        listeners.push(tokio::spawn(listen(listener, upstream.parse()?, up.clone(), down.clone())));
    }
    for listener in listeners {
        listener.await??;
    }
    Ok(())
}

async fn listen(listener: TcpListener, upstream: SocketAddr, up: Arc<Link>, down: Arc<Link>) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let (up, down) = (up.clone(), down.clone());
        tokio::spawn(async move {
            if let Err(error) = connection(client, upstream, up, down).await {
                eprintln!("{upstream}: {error}");
            }
        });
    }
}

async fn connection(client: TcpStream, upstream: SocketAddr, up: Arc<Link>, down: Arc<Link>) -> io::Result<()> {
    sleep(up.delay + down.delay).await;
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(forward(up, from_client, to_server), forward(down, from_server, to_client));
    Ok(())
}

async fn forward(link: Arc<Link>, from: OwnedReadHalf, to: OwnedWriteHalf) {
    let (send, receive) = unbounded_channel();
    let sender = tokio::spawn(send_all(link, from, send));
    receive_all(receive, to).await;
    sender.abort();
}

async fn send_all(link: Arc<Link>, mut from: OwnedReadHalf, to: UnboundedSender<Vec<u8>>) {
    loop {
        let mut bytes = vec![0; SLICE];
        let length = from.read(&mut bytes).await.unwrap_or(0);
        bytes.truncate(length);
        let free_at = link.carry(bytes, to.clone());
        if length == 0 {
            return;
        }
        let ahead = free_at.saturating_duration_since(Instant::now());
        // Even the shortest sleep takes a millisecond.
        if ahead > AHEAD {
            sleep(ahead.saturating_sub(AHEAD)).await;
        }
    }
}

/// Dropping `to` at the end closes this direction.
async fn receive_all(mut receive: UnboundedReceiver<Vec<u8>>, mut to: OwnedWriteHalf) {
    while let Some(bytes) = receive.recv().await {
        if bytes.is_empty() || to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

impl Link {
    fn new(delay: Duration, megabits: f64) -> Arc<Self> {
        let (sent, slices) = mpsc::channel();
        thread::spawn(move || deliver(&slices));
        let queue = Mutex::new(Queue { free_at: Instant::now(), sent });
        Arc::new(Self { delay, bytes_per_second: megabits * 1e6 / 8.0, queue })
    }

    /// Puts bytes on the link; returns when the link is free again.
    fn carry(&self, bytes: Vec<u8>, to: UnboundedSender<Vec<u8>>) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "a slice is small")]
        let taken = Duration::from_secs_f64(bytes.len() as f64 / self.bytes_per_second);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.free_at = queue.free_at.max(Instant::now()) + taken;
        // Fails only at the end of the program.
        let _ = queue.sent.send(Slice { arrival: queue.free_at + self.delay, bytes, to });
        queue.free_at
    }
}

fn deliver(slices: &mpsc::Receiver<Slice>) {
    for slice in slices {
        thread::sleep(slice.arrival.saturating_duration_since(Instant::now()));
        // Fails if that connection has ended.
        let _ = slice.to.send(slice.bytes);
    }
}
