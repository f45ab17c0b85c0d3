//! The last runs as three charts the size of a phone: documents changed, bytes, and time.
//!
//! A mark below each bar says how the run ended, by its shape and by its colour.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::{
    page::{
        data::ChartPoint,
        markup::local_time,
        scale::{Measure, Scale},
    },
    report::{Language, Outcome},
};

const WIDTH: f64 = 320.0;
const LEFT: f64 = 50.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 98.0;
const MARKS: f64 = 110.0;
const DATES: f64 = 130.0;

/// The width of the widest column.
const WIDEST: f64 = 20.0;

const OUTCOMES: [Option<Outcome>; 5] =
    [Some(Outcome::Complete), Some(Outcome::Partial), Some(Outcome::Failed), Some(Outcome::Interrupted), None];

/// The language of a chart, and the time zone of its times.
#[derive(Clone, Copy)]
pub(crate) struct Words<'w> {
    pub(crate) language: Language,
    pub(crate) zone: &'w TimeZone,
}

/// The charts of the last runs, oldest first.
pub(crate) fn charts(points: &[ChartPoint], words: Words<'_>) -> Markup {
    let pick = |english, swedish| words.language.pick(english, swedish);
    html! {
        div.charts {
            (chart(pick("Documents changed", "Ändrade dokument"), Measure::Documents, points, words))
            (chart(pick("Downloaded", "Hämtat"), Measure::Bytes, points, words))
            (chart(pick("Duration", "Tid"), Measure::Seconds, points, words))
        }
        p.legend {
            @for outcome in OUTCOMES.into_iter().filter(|outcome| points.iter().any(|point| point.outcome == *outcome)) {
                span { (small_mark(outcome)) " " (word(outcome, words.language)) } " "
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a chart shows three digits")]
fn value(measure: Measure, point: &ChartPoint) -> Option<f64> {
    match measure {
        Measure::Documents => point.changed.map(|count| count as f64),
        Measure::Bytes => point.bytes.map(|count| count as f64),
        Measure::Seconds => point.seconds,
    }
}

fn shown(measure: Measure, point: &ChartPoint, language: Language) -> String {
    match measure {
        Measure::Documents => point.changed.map(|count| language.number(count)),
        Measure::Bytes => point.bytes.map(|bytes| language.bytes(bytes)),
        Measure::Seconds => point.seconds.map(|seconds| language.time(seconds)),
    }
    .unwrap_or_else(|| language.pick("unknown", "okänt").to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "there are 30 columns")]
fn chart(title: &str, measure: Measure, points: &[ChartPoint], words: Words<'_>) -> Markup {
    let Words { language, zone } = words;
    let largest = points.iter().filter_map(|point| value(measure, point)).fold(0.0, f64::max);
    let scale = Scale::up_to(measure, largest);
    let lines = scale.lines().into_iter().map(|(at, label)| (BOTTOM - scale.height(at) * (BOTTOM - TOP), label));
    let step = ((WIDTH - LEFT) / points.len().max(1) as f64).min(WIDEST);
    let date = |point: &ChartPoint| local_time(point.started_at, zone, language.day_pattern());
    let (first, last) = (points.first().map(date), points.last().map(date));
    html! {
        figure {
            figcaption { (title) " " b { (points.last().map(|point| shown(measure, point, language)).unwrap_or_default()) } }
            svg viewBox={ "0 0 " (WIDTH) " 136" } role="img"
                aria-label={
                    (title) (language.pick(" in the last ", " i de senaste ")) (points.len())
                    (language.pick(" runs; the table below has the numbers", " körningarna; siffrorna står i tabellen nedanför"))
                } {
                @for (y, label) in lines {
                    line.grid x1=(LEFT) x2=(WIDTH) y1=(one(y)) y2=(one(y)) {}
                    text.tick x=(LEFT - 6.0) y=(one(y + 3.5)) { (language.tick(label)) }
                }
                line.base x1=(LEFT) x2=(WIDTH) y1=(BOTTOM) y2=(BOTTOM) {}
                @for (n, point) in points.iter().enumerate() {
                    (column(measure, point, scale, (LEFT + step * (n as f64 + 0.5), step), words))
                }
                @if let Some(first) = &first { text.date x=(LEFT) y=(DATES) { (first) } }
                @if let Some(last) = last.as_ref().filter(|_| first != last) {
                    text.date.end x=(one((LEFT + step * points.len() as f64).max(LEFT + 150.0))) y=(DATES) { (last) }
                }
            }
        }
    }
}

fn column(measure: Measure, point: &ChartPoint, scale: Scale, (middle, step): (f64, f64), words: Words<'_>) -> Markup {
    let Words { language, zone } = words;
    let (width, value) = (step * 0.68, value(measure, point).filter(|value| *value > 0.0));
    let began = local_time(point.started_at, zone, language.time_pattern());
    html! {
        g {
            title { (point.id) ", " (began) ": " (word(point.outcome, language)) "; " (shown(measure, point, language)) }
            @if let Some(height) = value.map(|value| (scale.height(value) * (BOTTOM - TOP)).max(1.5)) {
                rect.bar.(class(point.outcome)) x=(one(middle - width / 2.0)) y=(one(BOTTOM - height))
                    width=(one(width)) height=(one(height)) rx="1" {}
            }
            (mark(point.outcome, middle, MARKS, (step * 0.36).min(4.0)))
        }
    }
}

/// How a run ended, in a word; `None` for a run that was cut off before it could record its end.
pub(crate) fn word(outcome: Option<Outcome>, language: Language) -> &'static str {
    outcome.map_or_else(|| language.pick("cut off", "oavslutad"), |outcome| language.outcome(outcome))
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
pub(crate) fn small_mark(outcome: Option<Outcome>) -> Markup {
    html! { svg.mark viewBox="0 0 12 12" aria-hidden="true" { (mark(outcome, 6.0, 6.0, 5.0)) } }
}

/// A disc, a triangle, a cross, two bars, or a ring: distinct without colour.
fn mark(outcome: Option<Outcome>, x: f64, y: f64, r: f64) -> Markup {
    let (kind, shape) = match outcome {
        Some(Outcome::Complete) => ("m", "M-.9 0a.9.9 0 1 0 1.8 0a.9.9 0 1 0-1.8 0"),
        Some(Outcome::Partial) => ("m", "M0-1L1 .8H-1Z"),
        Some(Outcome::Failed) => ("l", "M-.8-.8L.8 .8M.8-.8L-.8 .8"),
        Some(Outcome::Interrupted) => ("l", "M-.5-.8V.8M.5-.8V.8"),
        None => ("l", "M-.8 0a.8.8 0 1 0 1.6 0a.8.8 0 1 0-1.6 0"),
    };
    let place = format!("translate({x:.1} {y:.1}) scale({r:.1})");
    html! { path.(kind).(class(outcome)) d=(shape) transform=(place) vector-effect="non-scaling-stroke" {} }
}

/// A number with one decimal place.
fn one(number: f64) -> String {
    format!("{number:.1}")
}
