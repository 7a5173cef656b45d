//! `monitor watch`: ingest, report and alerts at every tick, until it is asked to stop.
//!
//! A tick that fails is told and the next one tries again: what was collected stays, and alerts that no one took are posted then.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::TimeDelta;
use data_contract::Home;

use crate::args::WatchArgs;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::hold::Hold;
use crate::ingest::compact;
use crate::journal::Full;
use crate::known_ids::KnownIds;
use crate::{progress, report, stop};

/// Alertmanager holds an alert for so many ticks, so that one that fails does not end it.
const TICKS_HELD: i32 = 4;
/// And for this long at least.
const SHORTEST_HOLD: TimeDelta = TimeDelta::minutes(5);

/// Watches until it is asked to stop.
pub(crate) fn run(home: &Home, args: &WatchArgs, json: bool) -> Result<()> {
    let _hold = Hold::take(&home.monitor().join(".watch.lock"), "watch", Duration::ZERO)?;
    let told = stop::heard()?;
    let engine = Engine::open(&home.monitor())?;
    let known = KnownIds::default();
    loop {
        let begun = Instant::now();
        if let Err(error) = tick(home, &engine, &known, args, json) {
            progress::print_error(&error);
        }
        let rest = args.every.saturating_sub(begun.elapsed());
        if told.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
            tracing::info!("asked to stop");
            return Ok(());
        }
    }
}

fn tick(home: &Home, engine: &Engine, known: &KnownIds, args: &WatchArgs, json: bool) -> Result<()> {
    let ingested = compact(home, engine, known, Full::ANY)?;
    if !ingested.is_empty() {
        tracing::info!(?ingested, "compacted");
    }
    match report::once(home, engine, &args.report, hold(args.every), json) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.downcast_ref(), Some(Failure::NoLog { .. })) => {
            tracing::info!("there are no predictions yet");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn hold(every: Duration) -> TimeDelta {
    TimeDelta::from_std(every).map_or(SHORTEST_HOLD, |every| (every * TICKS_HELD).max(SHORTEST_HOLD))
}
