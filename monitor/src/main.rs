//! `monitor`: collects predictions and labels, measures drift, raises alerts and replays history as traffic.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod alerts;
mod args;
mod by_segment;
mod causes;
mod collector;
mod compare;
mod contracts;
mod counting;
mod dataset_remedy;
mod distributions;
mod domain;
mod engine;
mod failure;
mod figure;
mod files;
mod grid;
mod hold;
mod ingest;
mod journal;
mod judging;
mod known_ids;
mod label_drift;
mod log;
mod log_rows;
mod measure;
mod metrics_table;
mod page;
mod partitions;
mod progress;
mod promise;
mod quality;
mod query;
mod replay;
mod replay_months;
mod report;
mod report_compare;
mod report_model;
mod report_text;
mod rules;
mod schema;
mod segment_reference;
mod segments;
mod serve;
mod sides;
mod stop;
mod tally;
mod tenants;
mod text_table;
mod versions;
mod watch;
mod webhook;
mod window;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::{ALERT_FIRED, DONE, FAILED};

fn main() -> ExitCode {
    let args = Args::parse();
    progress::start_tracing();
    let home = args.home();
    let outcome = match args.command {
        Command::Serve(command) => serve::run(&home, &command).map(|()| DONE),
        Command::Ingest => ingest::run(&home, args.json).map(|()| DONE),
        Command::Report(command) => report::run(&home, &command, args.json),
        Command::Watch(command) => watch::run(&home, &command, args.json).map(|()| DONE),
        Command::Replay(command) => replay::run(&home, &command, args.json).map(|()| DONE),
        Command::Compare(command) => compare::run(&command, args.json),
        Command::Query(command) => query::run(&home, &command, args.json).map(|()| DONE),
    };
    match outcome {
        Ok(ALERT_FIRED) => ExitCode::from(ALERT_FIRED),
        Ok(_) => ExitCode::from(DONE),
        Err(error) => {
            progress::print_error(&error);
            ExitCode::from(FAILED)
        }
    }
}
