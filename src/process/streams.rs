//! Where standard output and standard error lead.

use std::io;

use rustix::fs::fstat;

/// Whether both lead to the same place, such as a terminal or cron's mail.
pub fn output_is_one() -> bool {
    let [out, err] = [fstat(io::stdout()), fstat(io::stderr())];
    matches!((out, err), (Ok(out), Ok(err)) if (out.st_dev, out.st_ino) == (err.st_dev, err.st_ino))
}
