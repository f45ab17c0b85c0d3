//! `catalogue`.

use std::path::PathBuf;

use clap::Args;

/// Write the catalogue that opens in a browser.
#[derive(Debug, Args)]
#[command(
    after_help = "The catalogue is index.html and the folder index-data beside it, which open from a disk or a share without a \
    server. With `catalogue = true` each run keeps it up to date beside the tree; this command writes it now, or somewhere \
    else. It shows what is in the tree to everybody who may read it.\n\nExamples:\n  \
    ibinder-sync catalogue --dest /srv/mirror\n  \
    ibinder-sync catalogue --dest /srv/mirror --to /srv/catalogue"
)]
pub struct Catalogue {
    /// Write it into this folder outside of the mirror, with links to the mirror's files [default: beside the tree]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}
