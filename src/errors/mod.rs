//! Errors in words.

use std::error::Error;

/// What went wrong: the innermost cause. The errors around it name layers of the program, which tell nobody anything.
pub fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("error sending request")]
    struct Outer(#[source] io::Error);

    #[test]
    fn only_the_root_is_told() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(root_cause(&Outer(refused())), "connection refused");
        assert_eq!(root_cause(&Outer(io::Error::other(Outer(refused())))), "connection refused");
        assert_eq!(root_cause(&refused()), "connection refused");
    }
}
