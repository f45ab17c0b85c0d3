//! Questions at the terminal.

use std::io::{self, BufRead as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

/// Asks, and returns the line that is typed; `None` if the input ends.
pub fn ask_line(question: &str) -> io::Result<Option<String>> {
    Ok(read(question)?.map(|line| line.trim().to_owned()))
}

/// The same for a secret, which the terminal doesn't show.
pub fn ask_secret(question: &str) -> io::Result<Option<SecretString>> {
    let hidden = Hidden::start()?;
    let line = read(question);
    drop(hidden);
    // The end of the line was not shown either.
    super::print("\n");
    Ok(line?.map(SecretString::from))
}

fn read(question: &str) -> io::Result<Option<String>> {
    super::print(question);
    io::stdout().flush()?;
    let mut line = String::new();
    let count = io::stdin().lock().read_line(&mut line)?;
    Ok((count > 0).then_some(line))
}

/// While it lives, the terminal doesn't show what is typed.
struct Hidden(Termios);

impl Hidden {
    fn start() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
