//! A receipt as text.

use super::Receipt;
use crate::mail::wrapped;

/// The text of a receipt.
pub(crate) fn text(receipt: &Receipt) -> String {
    let pick = |english, swedish| receipt.language.pick(english, swedish);
    let mut text = format!("{}\n\n{}\n", receipt.title, receipt.headline.to_uppercase());
    text.push_str(&wrapped(&receipt.sentence, ""));
    text.push('\n');
    for fact in &receipt.facts {
        text.push_str(&format!("{}:\n  {}\n", fact.label, fact.value));
    }
    heading(&mut text, pick("Binders", "Pärmar"));
    let titles = &receipt.binders.0;
    for [name, id, documents, size, certified] in &receipt.binders.1 {
        text.push_str(&format!("{name} ({id})\n  {}: {documents}, {size}\n  {}: {certified}\n", titles[2], titles[4]));
    }
    heading(&mut text, pick("What is missing, and why", "Vad som saknas, och varför"));
    if receipt.missing.is_empty() {
        text.push_str(pick("Nothing.\n", "Ingenting.\n"));
    }
    for list in &receipt.missing {
        text.push_str(&wrapped(&list.sentence, ""));
        list.lines.iter().for_each(|line| text.push_str(&format!("  - {line}\n")));
    }
    heading(&mut text, pick("Notes", "Att veta"));
    receipt.notes.iter().for_each(|note| text.push_str(&wrapped(note, "")));
    heading(&mut text, pick("How to check this folder", "Så kontrolleras mappen"));
    text.push_str(&wrapped(receipt.check.0, ""));
    receipt.check.1.iter().for_each(|command| text.push_str(&format!("  {command}\n")));
    heading(&mut text, pick("What is in it", "Vad som finns i den"));
    for (path, what) in &receipt.contents {
        text.push_str(&format!("{path}\n{}", wrapped(what, "  ")));
    }
    text
}

fn heading(text: &mut String, title: &str) {
    text.push_str(&format!("\n{title}\n{}\n", "-".repeat(title.chars().count())));
}
