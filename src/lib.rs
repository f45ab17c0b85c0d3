//! Mirrors every document of an iBinder organisation into a local folder tree.
pub mod mirror;
pub mod model;
pub mod naming;
pub mod pace;
pub mod plan;
pub mod state;
