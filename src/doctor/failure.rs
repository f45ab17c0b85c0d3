use crate::{
    remote::Error,
    report::{Area, Check},
};

/// A failed request; the advice follows the last semicolon of its error.
pub(super) fn failure(area: Area, error: &Error) -> Check {
    let text = error.to_string();
    match text.rsplit_once("; ") {
        Some((found, next)) if !next.is_empty() => Check::failure(area, found, next),
        _ => Check::failure(area, text, "see docs/troubleshooting.md"),
    }
}
