//! What a first run will cost, as far as a plan shows.

use serde::{Deserialize, Serialize};

/// Disk space of a document besides its bytes: half a block of its file, and its rows in the state with their copy.
const OVERHEAD: f64 = 4096.0;

/// What a first run will cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FirstRun {
    /// Documents to download.
    pub downloads: u64,
    /// Requests to the API and for the token.
    pub requests: u64,
    /// The present request rate, per second; `None` without a limit.
    pub rate: Option<f64>,
    /// How long these requests take at that rate, in seconds.
    pub seconds: Option<f64>,
    /// The sizes, estimated from a sample; `None` without `--sample`.
    pub sample: Option<SizeEstimate>,
}

/// Sizes, estimated from a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SizeEstimate {
    /// How many documents were opened.
    pub documents: u64,
    /// How many could not be opened.
    pub failed: u64,
    /// Bytes to download.
    pub bytes: u64,
    /// Between this and `bytes_at_most` in 19 of 20 cases.
    pub bytes_at_least: u64,
    /// See `bytes_at_least`.
    pub bytes_at_most: u64,
    /// Disk space, in bytes.
    pub disk_bytes: u64,
    /// The least time in seconds: that of the requests, of opening the documents, and of the bytes at `--bandwidth`.
    pub seconds: f64,
}

/// What limits the speed of a first run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// How many downloads run at once.
    pub concurrency: usize,
    /// Bytes per second.
    pub bandwidth: Option<u64>,
}

impl FirstRun {
    /// A first run with these downloads and requests.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn new(downloads: u64, requests: u64, rate: Option<f64>) -> Self {
        let seconds = rate.map(|rate| requests as f64 / rate.max(f64::MIN_POSITIVE));
        Self { downloads, requests, rate, seconds, sample: None }
    }

    /// Adds an estimate from the sizes of some documents, which took so many seconds each to be opened.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    #[must_use]
    pub fn sampled(self, sizes: &[u64], failed: u64, each: f64, limits: Limits) -> Self {
        let (count, all) = (sizes.len() as f64, self.downloads as f64);
        let sum: f64 = sizes.iter().map(|size| *size as f64).sum();
        let mean = sum / count.max(1.0);
        let bytes = mean * all;
        let squares: f64 = sizes.iter().map(|size| (*size as f64 - mean).powi(2)).sum();
        // The standard error of the mean; of a single document it is unknown.
        let error = if sizes.len() > 1 { (squares / (count - 1.0) / count).sqrt() } else { mean };
        let unseen = (1.0 - count / all.max(1.0)).max(0.0).sqrt();
        let spread = 2.0 * error * unseen * all;
        let times = [
            self.seconds.unwrap_or_default(),
            all * each / limits.concurrency.max(1) as f64,
            limits.bandwidth.map_or(0.0, |bandwidth| bytes / bandwidth.max(1) as f64),
        ];
        let sample = SizeEstimate {
            documents: sizes.len() as u64,
            failed,
            bytes: whole(bytes),
            bytes_at_least: whole((bytes - spread).max(sum)),
            bytes_at_most: whole(bytes + spread),
            disk_bytes: whole(bytes + all * OVERHEAD),
            seconds: times.into_iter().fold(0.0, f64::max),
        };
        Self { sample: Some(sample), ..self }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_take_a_time_at_least() {
        for (requests, rate, seconds) in [(600, Some(10.0), Some(60.0)), (600, None, None), (0, Some(10.0), Some(0.0))]
        {
            assert_eq!(FirstRun::new(500, requests, rate).seconds, seconds);
        }
    }

    #[test]
    fn sizes_are_estimated_from_a_sample() {
        #[rustfmt::skip]
        let table: [(&[u64], u64, [u64; 3]); 5] = [
            // sizes               downloads  bytes, at least, at most
            (&[100, 100, 100],     300,       [30_000, 30_000, 30_000]),
            (&[50, 150],           2,         [200, 200, 200]),             // all of them
            (&[0, 200],            10_000,    [1_000_000, 200, 2_999_800]),
            (&[100],               10_000,    [1_000_000, 100, 2_999_900]),
            (&[],                  300,       [0, 0, 0]),
        ];
        for (sizes, downloads, [bytes, least, most]) in table {
            let run = FirstRun::new(downloads, 0, None).sampled(sizes, 0, 0.0, Limits::default());
            let found = run.sample.unwrap();
            assert_eq!((found.bytes, found.bytes_at_least, found.bytes_at_most), (bytes, least, most), "{sizes:?}");
            assert_eq!(found.disk_bytes, bytes + 4096 * downloads);
        }
    }

    #[test]
    fn the_slowest_limit_decides_the_time() {
        #[rustfmt::skip]
        let table = [
            // rate        each  concurrency  bandwidth   seconds
            (Some(10.0),   0.1,  8,           None,       60.0),
            (Some(10.0),   4.0,  8,           None,       250.0),
            (None,         0.1,  8,           Some(100),  500.0),
            (None,         0.1,  0,           None,       50.0),
        ];
        for (rate, each, concurrency, bandwidth, seconds) in table {
            let run = FirstRun::new(500, 600, rate).sampled(&[100], 0, each, Limits { concurrency, bandwidth });
            assert!((run.sample.unwrap().seconds - seconds).abs() < 0.01, "{rate:?} {each}");
        }
    }
}
