//! What a first run will cost, in words.

use crate::report::{
    FirstRun, SizeEstimate, bytes, count,
    format::{number_of, time},
};

pub(super) fn first_run(run: &FirstRun) -> String {
    let least = match (run.seconds, run.rate) {
        (Some(seconds), Some(rate)) => format!(", at least {} at {rate:.1} a second", time(seconds)),
        _ => String::new(),
    };
    let size = match &run.sample {
        None => "The size is unknown until links are opened; `plan --sample 50` estimates it.".to_owned(),
        Some(sample) => sampled(sample, run.downloads),
    };
    format!("First run: about {}{least}.\n{size}\n", number_of(run.requests, "request", "requests"))
}

fn sampled(sample: &SizeEstimate, downloads: u64) -> String {
    let failed =
        if sample.failed > 0 { format!("; {} could not be opened", count(sample.failed)) } else { String::new() };
    if sample.documents == 0 {
        return format!("No document was opened{failed}.");
    }
    format!(
        "Size: about {} ({} to {}), {} on disk, from {} of {}{failed}. It takes at least {}.",
        bytes(sample.bytes),
        bytes(sample.bytes_at_least),
        bytes(sample.bytes_at_most),
        bytes(sample.disk_bytes),
        count(sample.documents),
        number_of(downloads, "document", "documents"),
        time(sample.seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_a_first_run() {
        const REQUESTS: &str = "First run: about 3,211 requests, at least 1 min 20 s at 40.0 a second.\n";
        let run = FirstRun::new(3000, 3211, Some(40.0));
        let sample = SizeEstimate {
            documents: 50,
            failed: 0,
            bytes: 4_900_000_000,
            bytes_at_least: 3_900_000_000,
            bytes_at_most: 5_900_000_000,
            disk_bytes: 5_000_000_000,
            seconds: 750.0,
        };
        let with = |sample| FirstRun { sample: Some(sample), ..run };
        #[rustfmt::skip]
        let table = [
            (run, "The size is unknown until links are opened; `plan --sample 50` estimates it.\n"),
            (with(sample), "Size: about 4.9 GB (3.9 GB to 5.9 GB), 5.0 GB on disk, from 50 of 3,000 documents. It takes at least 12 min 30 s.\n"),
            (with(SizeEstimate { documents: 0, failed: 2, ..sample }), "No document was opened; 2 could not be opened.\n"),
        ];
        for (run, size) in table {
            assert_eq!(first_run(&run), format!("{REQUESTS}{size}"));
        }
        assert!(first_run(&FirstRun::new(3, 9, None)).starts_with("First run: about 9 requests.\n"));
    }
}
