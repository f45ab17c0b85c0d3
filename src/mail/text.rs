//! A mail as text.

use super::Letter;

/// Longest line, in characters.
const WIDTH: usize = 76;

/// The text of a mail.
pub fn text(letter: &Letter) -> String {
    let pick = |english, swedish| letter.language.pick(english, swedish);
    let mut text = wrapped(&capital(&letter.headline), "");
    text.push('\n');
    text.push_str(&wrapped(&letter.sentence, ""));
    if let Some(quote) = &letter.quote {
        text.push_str(&format!(
            "\n{}\n{}",
            pick("The program says:", "Programmet säger (på engelska):"),
            wrapped(quote, "  ")
        ));
    }
    if let Some(advice) = letter.advice {
        text.push_str(&format!("\n{}\n{}", pick("What to do:", "Att göra:"), wrapped(advice, "  ")));
    }
    for (title, lines) in &letter.lists {
        text.push_str(&format!("\n{title}:\n"));
        for line in lines {
            text.push_str(&format!("  - {line}\n"));
        }
    }
    if !letter.facts.is_empty() {
        text.push('\n');
    }
    let width = letter.facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
    for (label, value) in &letter.facts {
        text.push_str(&format!("{label:<width$}  {value}\n"));
    }
    text.push_str(&format!("\n-- \n{}", wrapped(&letter.foot, "")));
    text
}

/// The first letter large.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A text in lines of limited length.
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > indent.len() && line + 1 + word.chars().count() > WIDTH {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
