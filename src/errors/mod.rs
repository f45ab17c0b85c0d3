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
    use std::{fmt, io};

    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("error sending request")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn only_the_root_is_told() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(root_cause(&Outer(refused())), "connection refused");
        assert_eq!(root_cause(&Outer(io::Error::other(Outer(refused())))), "connection refused");
        assert_eq!(root_cause(&refused()), "connection refused");
    }
}
