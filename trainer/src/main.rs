//! Trains classifiers on a table and keeps them in a registry.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may stop at the first surprise"))]

mod args;
mod background;
mod blend;
mod budget;
mod bundle;
mod candidate;
mod card;
mod checks;
mod contest;
mod contract;
mod csv_rows;
mod dataset;
mod dates;
mod deploy;
mod dialect;
mod encode;
mod evaluation;
mod failure;
mod fetch;
mod frame;
mod golden;
mod import;
mod inbox;
mod init;
mod interrupt;
mod labelled;
mod leaderboard;
mod lock;
mod material;
mod model;
mod output;
mod own_drift;
mod page;
mod parquet_rows;
mod predict;
mod prepare;
mod progress;
mod reference;
mod report;
mod retrain;
mod rows;
mod run;
mod sample;
mod search;
mod split;
mod table_writer;
mod test;
mod train;
mod webhook;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;

fn main() -> ExitCode {
    let args = Args::parse();
    progress::start_logging(args.place.quiet);
    match execute(&args) {
        Ok(()) => ExitCode::from(failure::DONE),
        Err(error) => {
            output::failure(&error, args.place.json);
            ExitCode::from(failure::FAILED)
        }
    }
}

fn execute(args: &Args) -> anyhow::Result<()> {
    let place = &args.place;
    match &args.command {
        Command::Init(init) => init::execute(place, init),
        Command::Fetch(fetch) => fetch::execute(place, fetch),
        Command::Prepare(prepare) => prepare::execute(place, prepare),
        Command::Train(train) => train::execute(place, train),
        Command::Import(import) => import::execute(place, import),
        Command::Deploy => deploy::execute(place),
        Command::Test => test::execute(place),
        Command::Predict(predict) => predict::execute(place, predict),
        Command::Retrain(retrain) => retrain::execute(place, retrain),
        Command::Run(run) => run::execute(place, run),
        Command::Leaderboard => leaderboard::execute(place),
        Command::Report(report) => report::execute(place, report),
    }
}
