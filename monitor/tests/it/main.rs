//! The commands, run for real in temporary folders.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod alerts;
mod compare;
mod counts;
mod disk;
mod home;
mod ingest;
mod kills;
mod metrics;
mod metrics_table;
mod replay;
mod report;
mod report_compare;
mod schema;
mod serve;
mod server;
mod texts;
mod watch;
