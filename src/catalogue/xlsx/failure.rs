//! Errors and panics of the library, as errors of a catalogue.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use rust_xlsxwriter::XlsxError;

use crate::catalogue::error::Error;

/// How the library's panic message begins if a file can't be written.
const WRITE_ERROR: &str = "Couldn't write to";

/// Too many open files.
const EMFILE: i32 = 24;

/// Builds a workbook. The library panics if its temporary file can't be written; that becomes a disk error.
pub(crate) fn catching_panics<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let (here, usual) = (std::thread::current().id(), Arc::new(panic::take_hook()));
    let others = Arc::clone(&usual);
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != here {
            others(info);
        }
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(Box::new(move |info| usual(info)));
    result.unwrap_or_else(|panic| Err(panic_error(panic.downcast_ref::<String>().map_or("", String::as_str))))
}

fn panic_error(message: &str) -> Error {
    if message.contains(WRITE_ERROR) {
        let error = io::Error::new(io::ErrorKind::StorageFull, "its disk is full");
        return Error::Temporary(std::env::temp_dir(), error);
    }
    Error::Workbook(message.to_owned())
}

/// Finds an I/O error among the causes of a workbook's error, so that it counts as a disk error.
pub(super) fn failed(error: XlsxError) -> Error {
    let error = match error {
        XlsxError::IoError(error) => return Error::Write(error),
        XlsxError::TempFileError(_, error) if error.raw_os_error() == Some(EMFILE) => {
            let why = "each sheet needs an open file, and no more may be open; use --sheets one, or raise `ulimit -n`";
            return Error::Workbook(why.to_owned());
        }
        XlsxError::TempFileError(folder, error) => return Error::Temporary(folder, error),
        other => other,
    };
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    match causes.find_map(|cause| cause.downcast_ref::<io::Error>()) {
        Some(cause) => Error::Write(io::Error::new(cause.kind(), error.to_string())),
        None => Error::Workbook(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_of_the_temporary_folder() {
        let panic_error = |message: &str| catching_panics::<()>(|| std::panic::panic_any(message.to_owned()));
        let error = panic_error("Couldn't write to xml file: No space left on device").unwrap_err();
        assert!(matches!(&error, Error::Temporary(_, e) if e.kind() == io::ErrorKind::StorageFull), "{error}");
        assert!(matches!(panic_error("a fault").unwrap_err(), Error::Workbook(text) if text.contains("a fault")));
        assert_eq!(catching_panics(|| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn too_many_sheets_are_no_error_of_the_disk() {
        let error = |number| failed(XlsxError::TempFileError("/tmp".into(), io::Error::from_raw_os_error(number)));
        assert!(error(EMFILE).to_string().contains("--sheets one"));
        assert!(matches!(error(28), Error::Temporary(..)));
    }
}
