//! The crate from outside: golden values of Evidently, and the laws every statistic keeps.
#![allow(clippy::unwrap_used, reason = "tests")]

mod alarms;
mod dice;
mod estimate;
mod golden;
mod laws;
mod shift;
mod verdicts;
