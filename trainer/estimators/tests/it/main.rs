//! Parity: what a fitted classifier says, and what its exported graph says through the predictor that ships. And what
//! weights of rows change.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod blended;
mod calibrated;
mod engines;
mod odd_tables;
mod parity;
mod problem;
mod weighted;
