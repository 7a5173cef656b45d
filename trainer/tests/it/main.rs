//! The real program in temporary folders: what people type, what they read, and what is left on disk.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may stop at the first surprise, and says what it skips")]

mod bad_input;
mod checks;
mod churn;
mod dates;
mod desk;
mod disk;
mod families;
mod fetch;
mod import;
mod json;
mod kill;
mod predict;
mod real;
mod retrain;
mod search;
mod snapshot;
mod splits;
mod start;
mod tables;
