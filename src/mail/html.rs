//! A mail as HTML: one table, styles in the elements, nothing that is fetched, as mail programs want it.

use maud::{DOCTYPE, Markup, html};

use super::{Letter, text::capital};

const PAGE: &str = "margin:0;padding:24px 12px;background:#f3f4f6;color:#1f2937;font:15px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const CARD: &str =
    "max-width:600px;margin:0 auto;background:#ffffff;border-radius:8px;padding:24px;border-top:4px solid ";
const QUOTE: &str =
    "margin:8px 0;padding:10px 12px;background:#f3f4f6;border-radius:6px;font-size:14px;overflow-wrap:anywhere";
const CODE: &str = "font-family:ui-monospace,Consolas,monospace;font-size:13px;background:#f3f4f6;padding:1px 4px;border-radius:4px;overflow-wrap:anywhere";
const TITLE: &str = "margin:20px 0 4px;font-size:15px";

/// The HTML of a mail.
pub fn html(letter: &Letter) -> String {
    let colour = if letter.is_bad { "#b91c1c" } else { "#15803d" };
    let pick = |english, swedish| letter.language.pick(english, swedish);
    let page = html! {
        (DOCTYPE)
        html lang=(letter.language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (letter.subject) }
            }
            body style=(PAGE) {
                div style={ (CARD) (colour) } {
                    h1 style={ "margin:0 0 8px;font-size:20px;line-height:1.3;color:" (colour) } { (capital(&letter.headline)) }
                    p style="margin:0" { (letter.sentence) }
                    @if let Some(quote) = &letter.quote {
                        h2 style=(TITLE) { (pick("The program says", "Programmet säger (på engelska)")) }
                        p style=(QUOTE) lang="en" { (quote) }
                    }
                    @if let Some(advice) = letter.advice {
                        h2 style=(TITLE) { (pick("What to do", "Att göra")) }
                        p style="margin:0" { (coded(advice)) }
                    }
                    @for (title, lines) in &letter.lists {
                        h2 style=(TITLE) { (title) }
                        ul style="margin:0;padding-left:20px" { @for line in lines { li style="overflow-wrap:anywhere" { (line) } } }
                    }
                    (facts(letter))
                    p style="margin:20px 0 0;color:#6b7280;font-size:13px;overflow-wrap:anywhere" { (letter.foot) }
                }
            }
        }
    };
    page.into_string()
}

fn facts(letter: &Letter) -> Markup {
    html! {
        @if !letter.facts.is_empty() {
            table style="margin-top:20px;border-collapse:collapse" {
                @for (label, value) in &letter.facts {
                    tr {
                        td style="padding:2px 16px 2px 0;color:#6b7280" { (label) }
                        td style="padding:2px 0" { (value) }
                    }
                }
            }
        }
    }
}

/// A text with its commands in backquotes.
fn coded(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code style=(CODE) { (part) } } @else { (part) }
        }
    }
}
