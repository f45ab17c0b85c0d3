//! Progress bars on a terminal.
//!
//! A bar appears when it is first set. Texts are cut to the width of the terminal and not padded, because a
//! narrower terminal would wrap them.

use std::time::Duration;

use console::{Term, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    report::{Download, Progress},
    ui::{
        bytes, escape,
        eta::about,
        throughput::{Subject, Throughput, check, checks, checks_only, transfer},
    },
};

/// The most downloads shown by name.
const NAMED: usize = 3;

/// The columns of a bar, and of the text around it.
const BAR: usize = 24;
const BESIDE: usize = 13;

/// A download is shown by name after this time.
const LONG: Duration = Duration::from_secs(2);

pub(super) struct Bars {
    /// `None` if nothing is listed.
    crawl: Option<ProgressBar>,
    transfer: ProgressBar,
    check: ProgressBar,
    /// One line for each slow download.
    slow: [ProgressBar; NAMED],
}

impl Bars {
    pub(super) fn new(all: &MultiProgress, subject: Subject) -> Self {
        all.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        let add = |template: &str| {
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = all.add(ProgressBar::new(0));
            bar.set_style(style.progress_chars("━╸─"));
            bar
        };
        let listed = subject == Subject::Mirror;
        let bar = |what| add(&format!("{what:<9} {{bar:{BAR}.cyan}} {{msg}}"));
        let crawl = listed.then(|| bar("binders"));
        let transfer = bar(if listed { "downloads" } else { "files" });
        Self { crawl, transfer, check: bar("checked"), slow: [(); NAMED].map(|()| add("{msg:.dim}")) }
    }

    pub(super) fn draw(&self, progress: &Progress, pace: &mut Throughput) {
        let width = usize::from(Term::stderr().size().1);
        let get = Progress::get;
        if checks(progress) {
            set(&self.check, (get(&progress.checked), get(&progress.to_check)), &check(progress, pace), width);
        }
        if checks_only(progress) {
            return;
        }
        if let Some(crawl) = &self.crawl {
            let (done, all) = (get(&progress.binders_done), get(&progress.binders));
            set(crawl, (done, all), &format!("{done}/{all}, {} documents listed", get(&progress.listed)), width);
        }
        let (done, all) = (get(&progress.downloads_done), get(&progress.downloads));
        if all > 0 {
            set(&self.transfer, (done, all), &format!("{done}/{all}, {}", transfer(progress, pace)), width);
        }
        self.name_slow(&progress.active.longest(NAMED, LONG), width);
    }

    fn name_slow(&self, downloads: &[Download], width: usize) {
        let texts = downloads.iter().map(Some).chain(std::iter::repeat(None));
        for (line, download) in self.slow.iter().zip(texts) {
            let text = download.map(slow).unwrap_or_default();
            // A line that was never needed takes no space.
            if !text.is_empty() || !line.message().is_empty() {
                line.set_message(truncate_str(&text, width.saturating_sub(1), "…").into_owned());
            }
        }
    }

    pub(super) fn clear(&self) {
        for bar in self.crawl.iter().chain([&self.transfer, &self.check]).chain(&self.slow) {
            bar.finish_and_clear();
        }
    }
}

fn set(bar: &ProgressBar, (done, all): (u64, u64), text: &str, width: usize) {
    bar.set_length(all);
    bar.set_position(done);
    bar.set_message(truncate_str(text, width.saturating_sub(BAR + BESIDE), "…").into_owned());
}

/// A slow download. The name comes last, because it may be cut.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate for people"
)]
fn slow(download: &Download) -> String {
    let rate = (download.came as f64 / download.since.as_secs_f64().max(0.001)) as u64;
    let of = download.total.map(|total| format!(" of {}", bytes(total))).unwrap_or_default();
    let name = escape(&download.name).replace('\n', " ");
    format!("  since {}: {}{of}, {}/s  {name}", about(download.since), bytes(download.bytes), bytes(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_slow_downloads_are_escaped() {
        let download = Download {
            name: "a\u{1b}[2J\n.pdf".into(),
            bytes: 12_300_000,
            total: Some(80_000_000),
            came: 41_000_000,
            since: Duration::from_secs(41),
        };
        assert_eq!(slow(&download), "  since 45 s: 12.3 MB of 80.0 MB, 1.0 MB/s  a\\u{1b}[2J .pdf");
        assert!(!slow(&Download { total: None, ..download }).contains("of"));
    }
}
