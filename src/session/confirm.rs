//! Asks for confirmation at the terminal.

use std::io::{IsTerminal as _, Write as _};

use crate::{session::Error, ui};

/// Whether somebody sees the question and can answer it.
pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Whether an answer means yes.
pub(crate) fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.eq_ignore_ascii_case(yes))
}

/// Asks, and returns the answer, if any. Fails without a terminal.
pub(crate) fn ask(question: &str, command: &'static str) -> Result<Option<String>, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::NotConfirmed(command));
    }
    ui::print(question);
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(Error::Runtime)?;
    let answer = answer.trim();
    Ok((!answer.is_empty()).then(|| answer.to_owned()))
}
