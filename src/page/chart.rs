//! The last runs as small charts: documents changed, bytes, and how long each took.
//!
//! Three charts of the size of a phone, beside each other where there is room, so that their text
//! never shrinks. Below each bar a mark says how the run ended; its shape tells, and its colour too.

use jiff::tz::TimeZone;

use crate::{
    page::{
        ChartPoint, escape,
        scale::{Measure, Scale},
    },
    report::{Outcome, format},
};

const WIDTH: f64 = 320.0;
const LEFT: f64 = 50.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 98.0;
const MARKS: f64 = 110.0;
const DATES: f64 = 130.0;

/// A column is at most so wide; few runs stand at the left.
const WIDEST: f64 = 20.0;

/// The charts of the last runs, oldest first.
pub(crate) fn charts(points: &[ChartPoint], zone: &TimeZone) -> String {
    let mut out = String::from("<div class=\"charts\">\n");
    for (title, measure) in [
        ("Documents changed", Measure::Documents),
        ("Bytes brought over", Measure::Bytes),
        ("Time taken", Measure::Seconds),
    ] {
        out.push_str(&chart(title, measure, points, zone));
    }
    out.push_str("</div>\n<p class=\"legend\">");
    for outcome in
        [Some(Outcome::Complete), Some(Outcome::Partial), Some(Outcome::Failed), Some(Outcome::Interrupted), None]
    {
        if points.iter().any(|point| point.outcome == outcome) {
            out.push_str(&format!("<span>{} {}</span> ", small_mark(outcome), word(outcome)));
        }
    }
    out.push_str("</p>\n");
    out
}

#[expect(clippy::cast_precision_loss, reason = "a chart shows three digits")]
fn value(measure: Measure, point: &ChartPoint) -> Option<f64> {
    match measure {
        Measure::Documents => point.changed.map(|count| count as f64),
        Measure::Bytes => point.bytes.map(|count| count as f64),
        Measure::Seconds => point.seconds,
    }
}

fn shown(measure: Measure, point: &ChartPoint) -> String {
    match measure {
        Measure::Documents => point.changed.map(format::count),
        Measure::Bytes => point.bytes.map(format::bytes),
        Measure::Seconds => point.seconds.map(format::time),
    }
    .unwrap_or_else(|| "not known".to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "there are 30 columns")]
fn chart(title: &str, measure: Measure, points: &[ChartPoint], zone: &TimeZone) -> String {
    let largest = points.iter().filter_map(|point| value(measure, point)).fold(0.0, f64::max);
    let scale = Scale::up_to(measure, largest);
    let now = points.last().map(|point| shown(measure, point)).unwrap_or_default();
    let mut out = format!(
        "<figure><figcaption>{title} <b>{now}</b></figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} 136\" role=\"img\" aria-label=\"{title} in the last {} runs; the table below has the numbers\">\n",
        points.len()
    );
    let y = |height: f64| BOTTOM - height * (BOTTOM - TOP);
    for (at, label) in scale.lines() {
        let y = y(scale.height(at));
        out.push_str(&format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\">{label}</text>\n",
            LEFT - 6.0,
            y + 3.5
        ));
    }
    out.push_str(&format!("<line class=\"base\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{BOTTOM}\" y2=\"{BOTTOM}\"/>\n"));
    let step = ((WIDTH - LEFT) / points.len().max(1) as f64).min(WIDEST);
    for (n, point) in points.iter().enumerate() {
        let middle = LEFT + step * (n as f64 + 0.5);
        out.push_str(&column(measure, point, scale, (middle, step), zone));
    }
    let date = |point: &ChartPoint| point.started_at.to_zoned_datetime(zone.clone()).strftime("%-d %b %Y").to_string();
    if let (Some(first), Some(last)) = (points.first(), points.last()) {
        let end = (LEFT + step * points.len() as f64).max(LEFT + 150.0);
        out.push_str(&format!("<text class=\"date\" x=\"{LEFT}\" y=\"{DATES}\">{}</text>", date(first)));
        if date(first) != date(last) {
            out.push_str(&format!("<text class=\"date end\" x=\"{end:.1}\" y=\"{DATES}\">{}</text>", date(last)));
        }
    }
    out.push_str("\n</svg></figure>\n");
    out
}

fn column(measure: Measure, point: &ChartPoint, scale: Scale, (middle, step): (f64, f64), zone: &TimeZone) -> String {
    let title = format!(
        "{}, {}: {}",
        escape::text(&point.id),
        point.started_at.to_zoned_datetime(zone.clone()).strftime("%-d %b %Y %H:%M"),
        word(point.outcome)
    );
    let mut out = format!("<g><title>{title}; {}</title>", shown(measure, point));
    if let Some(value) = value(measure, point)
        && value > 0.0
    {
        let (width, height) = (step * 0.68, (scale.height(value) * (BOTTOM - TOP)).max(1.5));
        out.push_str(&format!(
            "<rect class=\"bar {}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"1\"/>",
            class(point.outcome),
            middle - width / 2.0,
            BOTTOM - height
        ));
    }
    out.push_str(&format!("{}</g>\n", mark(point.outcome, middle, MARKS, (step * 0.36).min(4.0))));
    out
}

/// How a run ended, in a word; none: it was cut off, and nobody wrote its end down.
pub(crate) fn word(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("cut off", Outcome::word)
}

pub(crate) fn class(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Complete) => "good",
        Some(Outcome::Partial) => "some",
        Some(Outcome::Failed) => "bad",
        Some(Outcome::Interrupted) | None => "cut",
    }
}

/// The mark of an outcome, as a picture of its own.
pub(crate) fn small_mark(outcome: Option<Outcome>) -> String {
    format!("<svg class=\"mark\" viewBox=\"0 0 12 12\" aria-hidden=\"true\">{}</svg>", mark(outcome, 6.0, 6.0, 5.0))
}

/// A disc, a triangle, a cross, two bars, or a ring: told apart without colour.
fn mark(outcome: Option<Outcome>, x: f64, y: f64, r: f64) -> String {
    let class = class(outcome);
    match outcome {
        Some(Outcome::Complete) => {
            format!("<circle class=\"m {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"/>", r * 0.9)
        }
        Some(Outcome::Partial) => format!(
            "<path class=\"m {class}\" d=\"M{:.1} {:.1}L{:.1} {:.1}H{:.1}Z\"/>",
            x,
            y - r,
            x + r,
            y + r * 0.8,
            x - r
        ),
        Some(Outcome::Failed) => format!(
            "<path class=\"l {class}\" d=\"M{a:.1} {b:.1}L{c:.1} {d:.1}M{c:.1} {b:.1}L{a:.1} {d:.1}\"/>",
            a = x - r * 0.8,
            b = y - r * 0.8,
            c = x + r * 0.8,
            d = y + r * 0.8
        ),
        Some(Outcome::Interrupted) => format!(
            "<path class=\"l {class}\" d=\"M{a:.1} {b:.1}V{d:.1}M{c:.1} {b:.1}V{d:.1}\"/>",
            a = x - r * 0.5,
            b = y - r * 0.8,
            c = x + r * 0.5,
            d = y + r * 0.8
        ),
        None => format!("<circle class=\"l {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"/>", r * 0.8),
    }
}
