//! Progress bars on a terminal.
//!
//! A bar appears when it is first set. Texts are cut to the width of the terminal and not padded, because a
//! narrower terminal would wrap them.

use std::time::Duration;

use console::{Term, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    report::{Download, Progress, count},
    ui::{
        bytes, escape,
        eta::about,
        outlook::Outlook,
        throughput::{
            Subject, Throughput, check, checks, checks_only, downloaded, listed, remaining, transferred, written,
        },
        waiting::Waiting,
    },
};

/// The most downloads shown by name.
const NAMED: usize = 3;

/// The columns of a bar, and of the text around it.
const BAR: usize = 20;
const BESIDE: usize = 14;

/// A download is shown by name after this time.
const LONG: Duration = Duration::from_secs(2);

pub(super) struct Bars {
    subject: Subject,
    crawl: ProgressBar,
    transfer: ProgressBar,
    check: ProgressBar,
    /// What is waited for, and the remaining time.
    left: ProgressBar,
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
        let bar = |what| add(&format!("{what:<10} {{bar:{BAR}.cyan}} {{msg}}"));
        let crawl = bar("listed");
        let transfer = bar(match subject {
            Subject::Mirror => "downloaded",
            Subject::Files => "files",
            Subject::Copy => "copied",
        });
        let (check, left) = (bar("checked"), add("{msg}"));
        Self { subject, crawl, transfer, check, left, slow: [(); NAMED].map(|()| add("{msg:.dim}")) }
    }

    pub(super) fn draw(&self, progress: &Progress, pace: &mut Throughput, waiting: &Waiting) {
        let width = usize::from(Term::stderr().size().1);
        let get = Progress::get;
        if checks(progress) {
            set(&self.check, (get(&progress.checked), get(&progress.to_check)), &check(progress, pace), width);
        }
        if checks_only(progress) {
            return;
        }
        if self.subject == Subject::Mirror {
            self.draw_mirror(progress, pace, waiting, width);
        } else {
            let counts = (get(&progress.downloads_done), progress.downloads());
            set(&self.transfer, counts, &written(progress, pace), width);
        }
        self.name_slow(&progress.active.longest(NAMED, LONG), width);
    }

    fn draw_mirror(&self, progress: &Progress, pace: &mut Throughput, waiting: &Waiting, width: usize) {
        let outlook = Outlook::of(progress);
        let binders = [&progress.binders_done, &progress.binders].map(|binders| count(Progress::get(binders)));
        let text = format!("{} · {} of {} binders", listed(&outlook), binders[0], binders[1]);
        set(&self.crawl, (outlook.listed, outlook.documents), &text, width);
        if progress.downloads() > 0 {
            let text = format!("{} · {}", downloaded(&outlook), transferred(progress, pace));
            set(&self.transfer, (outlook.downloaded, outlook.downloads), &text, width);
        }
        let texts = [pace.note(waiting), pace.remaining(&outlook).map(remaining)];
        say(&self.left, &texts.into_iter().flatten().collect::<Vec<_>>().join(" · "), width);
    }

    fn name_slow(&self, downloads: &[Download], width: usize) {
        let texts = downloads.iter().map(Some).chain(std::iter::repeat(None));
        for (line, download) in self.slow.iter().zip(texts) {
            let text = download.map(slow).unwrap_or_default();
            say(line, &text, width);
        }
    }

    pub(super) fn clear(&self) {
        for bar in [&self.crawl, &self.transfer, &self.check, &self.left].into_iter().chain(&self.slow) {
            bar.finish_and_clear();
        }
    }
}

fn set(bar: &ProgressBar, (done, all): (u64, u64), text: &str, width: usize) {
    bar.set_length(all);
    bar.set_position(done);
    bar.set_message(truncate_str(text, width.saturating_sub(BAR + BESIDE), "…").into_owned());
}

/// A line that was never needed takes no space.
fn say(line: &ProgressBar, text: &str, width: usize) {
    if !text.is_empty() || !line.message().is_empty() {
        line.set_message(truncate_str(text, width.saturating_sub(1), "…").into_owned());
    }
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
        assert_eq!(slow(&download), "  since 40 s: 12.3 MB of 80.0 MB, 1.0 MB/s  a\\u{1b}[2J .pdf");
        assert!(!slow(&Download { total: None, ..download }).contains("of"));
    }
}
