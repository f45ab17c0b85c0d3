//! Progress and speed of a run, in words.

use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    report::{Progress, count},
    ui::{
        bytes,
        eta::{Countdown, RateEstimator, about},
        outlook::Outlook,
        waiting::{Waiting, note},
    },
};

/// Nobody can say how much less than this is left.
const SOON: Duration = Duration::from_secs(3);

/// The kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Reading binders and downloading documents, or checking files.
    Mirror,
    /// Writing files that are not downloads.
    Files,
    /// Uploading contents to a copy.
    Copy,
}

/// The speed of the work.
#[derive(Debug)]
pub(super) struct Throughput {
    now: Duration,
    /// What the progress was, and since when it has not changed.
    moves: u64,
    still: Duration,
    listed: RateEstimator,
    downloads: RateEstimator,
    bytes: RateEstimator,
    checked: RateEstimator,
    countdown: Countdown,
}

impl Default for Throughput {
    fn default() -> Self {
        Self {
            now: Duration::ZERO,
            moves: 0,
            still: Duration::ZERO,
            listed: RateEstimator::lasting(),
            downloads: RateEstimator::lasting(),
            bytes: RateEstimator::default(),
            checked: RateEstimator::lasting(),
            countdown: Countdown::default(),
        }
    }
}

impl Throughput {
    pub(super) fn add_sample(&mut self, progress: &Progress, now: Duration) {
        self.now = now;
        if std::mem::replace(&mut self.moves, progress.moves()) != self.moves {
            self.still = now;
        }
        self.listed.add_sample(now, Outlook::of(progress).listed);
        self.downloads.add_sample(now, Progress::get(&progress.downloads_done));
        self.bytes.add_sample(now, Progress::get(&progress.bytes));
        self.checked.add_sample(now, Progress::get(&progress.checked));
    }

    /// How long listing and downloading will still take.
    pub(super) fn remaining(&mut self, outlook: &Outlook) -> Option<Duration> {
        let (listing, downloads) =
            (self.listed.remaining(outlook.documents), self.downloads.remaining(outlook.downloads));
        self.countdown.show(self.now, outlook.remaining(listing, downloads))
    }

    /// What is waited for, if nothing happens.
    pub(super) fn note(&self, waiting: &Waiting) -> Option<String> {
        let clock = |rest: Duration| {
            let at = Timestamp::now().saturating_add(rest).unwrap_or(Timestamp::MAX);
            at.to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string()
        };
        note(waiting, self.now.saturating_sub(self.still), clock)
    }

    /// How long all files or bytes will still take.
    fn rest(&mut self, left: Option<Duration>) -> String {
        self.countdown.show(self.now, left).map(|left| format!(", {}", remaining(left))).unwrap_or_default()
    }
}

/// Whether files are checked.
pub(super) fn checks(progress: &Progress) -> bool {
    Progress::get(&progress.to_check) > 0
}

/// Whether nothing but checking is done.
pub(super) fn checks_only(progress: &Progress) -> bool {
    checks(progress) && Progress::get(&progress.binders) == 0
}

/// A status line on request.
#[derive(Debug)]
pub struct StatusLine {
    started: Instant,
    pace: Throughput,
}

impl Default for StatusLine {
    fn default() -> Self {
        Self { started: Instant::now(), pace: Throughput::default() }
    }
}

impl StatusLine {
    /// The present status line.
    pub fn line(&mut self, progress: &Progress, waiting: &Waiting) -> String {
        self.pace.add_sample(progress, self.started.elapsed());
        line(progress, &mut self.pace, (Subject::Mirror, waiting))
    }
}

pub(super) fn line(progress: &Progress, pace: &mut Throughput, (subject, waiting): (Subject, &Waiting)) -> String {
    let mut text = work(progress, pace, subject);
    if let Some(note) = pace.note(waiting) {
        text.push_str(&format!(" · {note}"));
    }
    text
}

fn work(progress: &Progress, pace: &mut Throughput, subject: Subject) -> String {
    match (subject, checks(progress), checks_only(progress)) {
        (Subject::Files, ..) => format!("files {}", written(progress, pace)),
        (Subject::Copy, ..) => format!("copied {}", written(progress, pace)),
        (_, true, true) => check(progress, pace),
        (_, true, false) => format!("{}, {}", mirror(progress, pace), check(progress, pace)),
        (_, false, _) => mirror(progress, pace),
    }
}

/// How much was checked, and how fast, if nothing else was done before.
pub(super) fn check(progress: &Progress, pace: &mut Throughput) -> String {
    let (done, all) = (Progress::get(&progress.checked), Progress::get(&progress.to_check));
    let text = format!("checked {} of {}", bytes(done), bytes(all));
    if checks_only(progress) {
        let left = pace.checked.remaining(all);
        format!("{text}, {}/s{}", rate(&pace.checked), pace.rest(left))
    } else {
        text
    }
}

fn mirror(progress: &Progress, pace: &mut Throughput) -> String {
    let outlook = Outlook::of(progress);
    let (done, all) = (Progress::get(&progress.binders_done), Progress::get(&progress.binders));
    let mut text = format!("binders {}/{}", count(done), count(all));
    if outlook.documents > 0 {
        text.push_str(&format!(" · listed {}", listed(&outlook)));
    }
    if progress.downloads() > 0 {
        text.push_str(&format!(" · downloaded {} · {}", downloaded(&outlook), transferred(progress, pace)));
    }
    if let Some(left) = pace.remaining(&outlook) {
        text.push_str(&format!(" · {}", remaining(left)));
    }
    text
}

/// How many documents were listed, of how many.
pub(super) fn listed(outlook: &Outlook) -> String {
    let more = if outlook.is_counted { "" } else { " or more" };
    format!("{} of {}{more}", count(outlook.listed), count(outlook.documents))
}

/// How many documents were downloaded, of how many.
pub(super) fn downloaded(outlook: &Outlook) -> String {
    let about = if outlook.is_listed() { "" } else { "about " };
    format!("{} of {about}{}", count(outlook.downloaded), count(outlook.downloads))
}

/// How many files were written, how fast, and how long the others will take.
pub(super) fn written(progress: &Progress, pace: &mut Throughput) -> String {
    let (done, all) = (Progress::get(&progress.downloads_done), progress.downloads());
    let left = pace.downloads.remaining(all);
    format!("{}/{}, {}{}", count(done), count(all), transferred(progress, pace), pace.rest(left))
}

/// Bytes and their rate.
pub(super) fn transferred(progress: &Progress, pace: &Throughput) -> String {
    format!("{}, {}/s", bytes(Progress::get(&progress.bytes)), rate(&pace.bytes))
}

/// The remaining time.
pub(super) fn remaining(left: Duration) -> String {
    if left < SOON { "a few seconds left".to_owned() } else { format!("about {} left", about(left)) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate for people")]
fn rate(estimator: &RateEstimator) -> String {
    bytes(estimator.rate() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Share;

    fn share(announced: u64, listed: u64, downloads: u64) -> Share {
        Share { announced: announced.into(), listed: listed.into(), downloads: downloads.into() }
    }

    #[test]
    fn progress_counts_what_is_known() {
        #[rustfmt::skip]
        let table = [
            // binders  new                       mirrored                done  line
            ((0, 4, 6), share(2000, 250, 250),    share(0, 0, 0),         9,
             "binders 0/6 · listed 250 of 2,000 or more · downloaded 9 of about 2,000 · 90 bytes, 9 bytes/s"),
            ((1, 6, 6), share(3000, 1079, 1079),  share(0, 0, 0),         279,
             "binders 1/6 · listed 1,079 of 3,000 · downloaded 279 of about 3,000 · 2.8 kB, 279 bytes/s · about 1 min 40 s left"),
            ((3, 6, 6), share(0, 0, 0),           share(3000, 2000, 0),   0,
             "binders 3/6 · listed 2,000 of 3,000 · about 5 s left"),
            ((6, 6, 6), share(3000, 3000, 3000),  share(0, 0, 0),         1500,
             "binders 6/6 · listed 3,000 of 3,000 · downloaded 1,500 of 3,000 · 15.0 kB, 1.5 kB/s · about 10 s left"),
            ((6, 6, 6), share(3000, 3000, 3000),  share(0, 0, 0),         3000,
             "binders 6/6 · listed 3,000 of 3,000 · downloaded 3,000 of 3,000 · 30.0 kB, 3.0 kB/s"),
        ];
        for ((done, counted, binders), new, mirrored, downloads_done, text) in table {
            let progress = Progress {
                binders: binders.into(),
                binders_done: done.into(),
                binders_counted: counted.into(),
                new,
                mirrored,
                downloads_done: downloads_done.into(),
                bytes: (10 * downloads_done).into(),
                ..Progress::default()
            };
            let mut pace = Throughput::default();
            pace.add_sample(&progress, Duration::from_secs(10));
            assert_eq!(line(&progress, &mut pace, (Subject::Mirror, &Waiting::default())), text);
        }
    }
}
