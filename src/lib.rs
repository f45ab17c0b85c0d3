//! Mirrors every document of an iBinder organisation into a local folder tree.
pub mod model;
