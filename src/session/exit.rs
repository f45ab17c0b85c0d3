//! Exit codes (contract: `docs/reference.md`, "Exit codes").

use crate::{
    mirror, remote, replica,
    report::Outcome,
    state,
    sync::{Ended, Fatal, Finished, StopCause},
};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Complete,
    /// 1
    Unexpected,
    /// 2
    Usage,
    /// 3
    Credentials,
    /// 4
    Partial,
    /// 5
    Locked,
    /// 6
    Damaged,
    /// 7
    Withheld,
    /// 8
    Disk,
    /// 9
    NotCopied,
    /// 130
    Interrupted,
    /// 143
    Terminated,
    /// The exit code of a command that ran under the lock.
    Other(u8),
}

impl Exit {
    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Credentials => 3,
            Self::Partial => 4,
            Self::Locked => 5,
            Self::Damaged => 6,
            Self::Withheld => 7,
            Self::Disk => 8,
            Self::NotCopied => 9,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Other(code) => code,
        }
    }

    /// The exit code if a copy can't be written or read.
    pub fn of_copy(error: &replica::Error) -> Self {
        use replica::{Error, ErrorKind};
        match error {
            Error::Store(error) => match error.kind {
                ErrorKind::NoBucket | ErrorKind::Setting | ErrorKind::Conditions => Self::Usage,
                ErrorKind::Credentials | ErrorKind::Forbidden | ErrorKind::Clock => Self::Credentials,
                ErrorKind::Unavailable => Self::Partial,
                ErrorKind::Disk => Self::Disk,
                ErrorKind::Stopped => Self::Interrupted,
                ErrorKind::Other => Self::Unexpected,
            },
            Error::NoCopy(_)
            | Error::OtherOrganisation { .. }
            | Error::NewerCopy(_)
            | Error::Vanished { .. }
            | Error::OtherMirror { .. }
            | Error::NothingMirrored
            | Error::CommitGone { .. }
            | Error::OtherCopy { .. } => Self::Usage,
            Error::BadCommit { .. } | Error::MissingFile(_) | Error::DamagedFile { .. } | Error::Manifest(..) => {
                Self::Damaged
            }
            Error::Clocks { .. } => Self::Credentials,
            Error::Scratch { .. } => Self::Disk,
            Error::Mirror(error) => Self::of_mirror(error),
            Error::State(error) => Self::of_state(error),
            Error::Internal(_) => Self::Unexpected,
        }
    }

    /// The exit code of a run. If several apply: 8, 3, 130/143, 7, 6, 4.
    pub fn of_run(finished: &Finished) -> Self {
        match (&finished.ended, finished.withheld, finished.outcome()) {
            (Ended::Fatal(fatal), ..) => Self::of(fatal),
            (Ended::Early(StopCause::Interrupt), ..) => Self::Interrupted,
            (Ended::Early(StopCause::Terminate), ..) => Self::Terminated,
            (Ended::AnotherOrganisation, ..) | (_, true, _) => Self::Withheld,
            _ if finished.is_damaged() => Self::Damaged,
            (Ended::Through, _, Outcome::Complete) => Self::Complete,
            (Ended::Through | Ended::Early(_), ..) => Self::Partial,
        }
    }

    /// The code of a fatal error.
    pub fn of(fatal: &Fatal) -> Self {
        match fatal {
            Fatal::Remote(error) => match error.kind() {
                remote::ErrorKind::Credentials | remote::ErrorKind::Forbidden => Self::Credentials,
                remote::ErrorKind::Configuration
                | remote::ErrorKind::NotFound { .. }
                | remote::ErrorKind::MethodNotAllowed
                | remote::ErrorKind::Rejected => Self::Usage,
                remote::ErrorKind::Throttled
                | remote::ErrorKind::Unavailable
                | remote::ErrorKind::GivenUp
                | remote::ErrorKind::HostDown
                | remote::ErrorKind::LinkExpired
                | remote::ErrorKind::NotTheRest
                | remote::ErrorKind::Contradicted => Self::Partial,
            },
            Fatal::Mirror(error) => Self::of_mirror(error),
            Fatal::State(error) => Self::of_state(error),
            Fatal::Internal(_) => Self::Unexpected,
        }
    }

    fn of_mirror(error: &mirror::Error) -> Self {
        match error.kind() {
            mirror::ErrorKind::Disk => Self::Disk,
            mirror::ErrorKind::Document => Self::Unexpected,
            mirror::ErrorKind::Destination => Self::Usage,
            mirror::ErrorKind::Locked => Self::Locked,
        }
    }

    fn of_state(error: &state::Error) -> Self {
        match error.kind() {
            state::ErrorKind::Disk => Self::Disk,
            state::ErrorKind::Refused => Self::Usage,
            state::ErrorKind::Busy => Self::Locked,
            state::ErrorKind::Damaged | state::ErrorKind::Internal => Self::Unexpected,
        }
    }
}
