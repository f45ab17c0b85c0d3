//! Pings by the convention of healthchecks.io, which others keep as well: the URL alone means success,
//! `/start` a beginning, and `/<exit code>` anything else.

use std::{thread::JoinHandle, time::Duration};

use url::Url;

use super::web::{Undelivered, post};

/// How long a ping may take. With two of them a run is never held up for more than twice that.
const LIMIT: Duration = Duration::from_secs(5);

/// Longest body that is sent; services cut longer ones off, or refuse them.
const LONGEST: usize = 10_000;

/// A ping at the start that is on its way, and the one at the end that follows it.
#[derive(Debug)]
pub struct Pings {
    url: Url,
    start: Option<JoinHandle<Result<(), Undelivered>>>,
}

impl Pings {
    /// Pings of a URL.
    pub fn new(url: Url) -> Self {
        Self { url, start: None }
    }

    /// It begins. Nobody waits for that.
    pub fn start(&mut self) {
        let url = below(&self.url, "start");
        self.start = Some(std::thread::spawn(move || post(&url, "text/plain; charset=utf-8", "", LIMIT)));
    }

    /// It ended with an exit code; the text says how. The start, if there was one, arrives first.
    pub fn end(self, exit: u8, text: &str) -> Result<(), Undelivered> {
        if let Some(Err(error)) = self.start.and_then(|start| start.join().ok()) {
            tracing::debug!("the ping at the start was not delivered: {error}");
        }
        let url = if exit == 0 { self.url } else { below(&self.url, &exit.to_string()) };
        post(&url, "text/plain; charset=utf-8", cut(text), LIMIT)
    }
}

/// A URL with one more step in its path, and the same query.
fn below(url: &Url, step: &str) -> Url {
    let mut url = url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(step);
    }
    url
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_goes_behind_the_path_and_before_the_query() {
        for (url, expected) in [
            ("https://hc-ping.com/uuid", "https://hc-ping.com/uuid/start"),
            ("https://hc-ping.com/uuid/", "https://hc-ping.com/uuid/start"),
            ("https://hc-ping.com/key/slug?create=1", "https://hc-ping.com/key/slug/start?create=1"),
            ("http://localhost:8000", "http://localhost:8000/start"),
        ] {
            assert_eq!(below(&Url::parse(url).unwrap(), "start").as_str(), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "å".repeat(LONGEST);
        assert_eq!(cut(&text).len(), LONGEST);
        assert_eq!(cut(&text[2..].replacen('å', "a", 1)).len(), LONGEST - 1);
        assert_eq!(cut("short"), "short");
    }
}
