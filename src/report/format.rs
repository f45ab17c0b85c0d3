//! Numbers for people.

/// A size.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(count: u64) -> String {
    let mut size = count as f64;
    let mut units = ["kB", "MB", "GB", "TB"].into_iter();
    let mut unit = "bytes";
    while size >= 1000.0
        && let Some(next) = units.next()
    {
        size /= 1000.0;
        unit = next;
    }
    if unit == "bytes" { number_of(count, "byte", "bytes") } else { format!("{size:.1} {unit}") }
}

/// A number: `12,034`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 document`, `2 documents`.
pub fn number_of(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A duration.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run takes no negative time")]
pub fn time(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        for (count, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (5_000_000_000_000, "5.0 TB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn digits_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(number_of(1, "document", "documents"), "1 document");
        assert_eq!(number_of(0, "document", "documents"), "0 documents");
    }

    #[test]
    fn times_for_people() {
        for (seconds, text) in [
            (0.04, "0.0 s"),
            (59.9, "59.9 s"),
            (59.96, "1 min 0 s"),
            (3599.6, "1 h 0 min"),
            (90.0, "1 min 30 s"),
            (90_000.0, "25 h 0 min"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
