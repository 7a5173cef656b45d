//! The quality of a window's data: what no statistic of drift sees, told from counts alone. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use data_contract::{Column, ColumnKind};
use monitor_drift::Counts;
use serde::{Deserialize, Serialize};

use crate::counting::Served;
use crate::measure::{Measure, share};
use crate::replay::REPLAY;
use crate::sides;
use crate::tally::WindowCounts;
use crate::versions::Version;
use crate::window::Window;

/// Shares of repeated rows from which on the page says so.
pub(crate) const MANY_REPEATED: f64 = 0.1;
/// A column holds one value only when that is less likely than this among rows of the reference.
const CHANCE: f64 = 0.001;
/// A silence is one when it is longer than so many times the longest one before, and than two days.
const LONGER: u64 = 2;
/// Days by which a source's habits are known.
const MIN_DAYS: usize = 3;
/// Windows in one of which a late source predicted; before them it is gone, which its last window tells.
const N_RECENT: usize = 2;

/// What a window's rows are like, beside their values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Quality {
    /// Rows whose features all equal those of an earlier row of their day; none where another engine than DuckDB counted.
    pub(crate) n_repeated: Option<u64>,
    /// Share of those rows.
    pub(crate) share_repeated: Option<f64>,
    /// Rows by who predicted.
    pub(crate) sources: BTreeMap<String, u64>,
    /// Who predicted in the window before and does no more; empty while the window is filling.
    pub(crate) silent_sources: Vec<String>,
    /// Days of the window with a prediction.
    pub(crate) n_days: usize,
    /// Columns with one value only, where the reference has several and chance would hardly do it; none that follow the calendar.
    pub(crate) constant: Vec<String>,
}

/// A source that has been silent for far longer than ever before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct LateSource {
    /// Who predicts.
    pub(crate) source: String,
    /// Its silence.
    #[serde(flatten)]
    pub(crate) silence: Silence,
}

/// Time without a prediction, far longer than any before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Silence {
    /// The last day with a prediction.
    pub(crate) last_day: NaiveDate,
    /// Days without a prediction by now.
    pub(crate) silent_days: u64,
    /// Days from one with a prediction to the next, at most, before.
    pub(crate) longest_gap_days: u64,
}

impl Quality {
    /// What there is to say, in words; nothing where all is well.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.share_repeated.is_some_and(|share| share >= MANY_REPEATED) {
            problems.push(format!("{} rows repeat an earlier one of their day", self.n_repeated.unwrap_or(0)));
        }
        problems.extend(self.constant.iter().map(|column| format!("“{column}” holds one value only")));
        problems.extend(self.silent_sources.iter().map(|source| format!("source “{source}” fell silent")));
        problems
    }
}

/// The quality of one window.
pub(crate) fn quality(counts: &WindowCounts, version: &Version, by: &Measure) -> Quality {
    let Some(traffic) = &counts.traffic else { return Quality::default() };
    let columns = version.contract.columns.iter().zip(&version.reference.columns).zip(&traffic.columns);
    let judged = columns.filter(|((column, _), _)| !by.rules.calendar.contains(&column.name));
    let constant = judged.filter(|((_, reference), current)| is_constant(&sides::reference(&reference.counts), current));
    Quality {
        n_repeated: traffic.n_repeated,
        share_repeated: traffic.n_repeated.map(|n| share(n, traffic.n_rows)),
        sources: traffic.sources.clone(),
        silent_sources: by.fell_silent.iter().cloned().collect(),
        n_days: counts.n_days(),
        constant: constant.map(|((column, _), _)| column.name.clone()).collect(),
    }
}

/// Whether all values are one, which by chance would hardly be.
fn is_constant(reference: &Counts, current: &Counts) -> bool {
    let share = match (reference, current) {
        (Counts::Numeric(r), Counts::Numeric(c)) => {
            let [(value, _)] = c.pairs() else { return false };
            share(r.pairs().iter().find(|(other, _)| other == value).map_or(0, |(_, n)| *n), r.n())
        }
        (Counts::Categorical(r), Counts::Categorical(c)) if c.n_distinct() == 1 => {
            let level = c.levels().keys().next().expect("there is one");
            share(r.levels().get(level).copied().unwrap_or(0), r.n())
        }
        _ => return false,
    };
    let by_chance = share.powf(current.n() as f64 - 1.0);
    current.n_missing() == 0 && reference.n_distinct() > 1 && by_chance < CHANCE
}

/// Values outside the range of the training rows, infinite ones among them; of texts none, which are unseen instead.
pub(crate) fn n_out_of_range(current: &Counts, column: &Column) -> u64 {
    match (current, &column.kind) {
        (Counts::Numeric(counts), ColumnKind::Numeric { minimum, maximum, .. }) => {
            let outside = counts.pairs().iter().filter(|(value, _)| value < minimum || value > maximum);
            outside.map(|(_, n)| n).sum::<u64>() + counts.n_infinite()
        }
        _ => 0,
    }
}

/// Who predicted in the window before each and in it no more, whatever the version; only of windows that are complete.
pub(crate) fn fell_silent(windows: &BTreeMap<Served, WindowCounts>, now: DateTime<Utc>) -> BTreeMap<Window, BTreeSet<String>> {
    let mut sources: BTreeMap<Window, BTreeSet<String>> = BTreeMap::new();
    for ((window, _), counts) in windows {
        let own = counts.traffic.iter().flat_map(|traffic| traffic.sources.keys().cloned());
        sources.entry(*window).or_default().extend(own);
    }
    let later = sources.iter().skip(1).filter(|(window, _)| window.end_time() <= now);
    let before = sources.values();
    later.zip(before).map(|((window, own), before)| (*window, before.difference(own).cloned().collect())).collect()
}

/// The last day with a prediction, where none has come for far longer than ever before. History that was replayed is not expected to go on.
pub(crate) fn silent_since(windows: &BTreeMap<Served, WindowCounts>, now: DateTime<Utc>) -> Option<NaiveDate> {
    let days = live_days(windows).into_values().flatten().collect();
    overdue(&days, now).map(|silence| silence.last_day)
}

/// Who predicted lately and has not for far longer than ever before.
pub(crate) fn late_sources(windows: &BTreeMap<Served, WindowCounts>, now: DateTime<Utc>) -> Vec<LateSource> {
    let all: BTreeSet<Window> = windows.keys().map(|(window, _)| *window).collect();
    let recent = all.iter().rev().nth(N_RECENT - 1).or(all.first()).map(|window| window.start);
    let late = |(source, days): (&str, BTreeSet<NaiveDate>)| {
        let silence = overdue(&days, now).filter(|silence| days.len() >= MIN_DAYS && Some(silence.last_day) >= recent)?;
        Some(LateSource { source: source.to_owned(), silence })
    };
    live_days(windows).into_iter().filter_map(late).collect()
}

/// Days with traffic, by who predicted.
fn live_days(windows: &BTreeMap<Served, WindowCounts>) -> BTreeMap<&str, BTreeSet<NaiveDate>> {
    let mut live: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    for (source, days) in windows.values().flat_map(|counts| &counts.days).filter(|(source, _)| *source != REPLAY) {
        live.entry(source).or_default().extend(days);
    }
    live
}

/// The silence after some days, where it is far longer than any between them.
fn overdue(days: &BTreeSet<NaiveDate>, now: DateTime<Utc>) -> Option<Silence> {
    let since = |day: &NaiveDate, next: NaiveDate| (next - *day).num_days();
    let gaps = days.iter().zip(days.iter().skip(1)).map(|(day, next)| since(day, *next));
    let longest = gaps.max().unwrap_or(1).max(1).unsigned_abs();
    let last_day = *days.last()?;
    let silent_days = u64::try_from(since(&last_day, now.date_naive())).unwrap_or(0);
    (silent_days > LONGER * longest).then_some(Silence { last_day, silent_days, longest_gap_days: longest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::{tally, version_of};
    use crate::versions::Importance;
    use crate::window::By;
    use data_contract::Rules;

    fn window(month: &str) -> Window {
        Window::of(format!("{month}-01").parse().unwrap(), By::Month)
    }

    fn counts(source: &str, days: &[&str]) -> WindowCounts {
        let mut tally = tally([(41.0, 10)], [("basic", 5), ("plus", 5)]);
        (tally.sources, tally.n_repeated) = ([(source.to_owned(), 10)].into(), Some(4));
        let days = days.iter().map(|day| day.parse().unwrap()).collect();
        WindowCounts { traffic: Some(tally), days: [(source.to_owned(), days)].into(), ..WindowCounts::default() }
    }

    #[test]
    fn a_window_tells_of_repeats_of_constants_and_of_who_fell_silent() {
        let fell_silent = BTreeSet::from(["batch".to_owned()]);
        let (rules, importance) = (Rules::default(), Importance::default());
        let by = Measure { rules: &rules, importance: &importance, fell_silent: &fell_silent, now: Utc::now() };
        let quality = quality(&counts("edge", &["2009-03-04"]), &version_of(7), &by);
        assert_eq!(quality.share_repeated, Some(0.4));
        assert_eq!(
            quality.problems(),
            ["4 rows repeat an earlier one of their day", "“age” holds one value only", "source “batch” fell silent"]
        );
    }

    #[test]
    fn one_value_is_no_constant_where_chance_may_do_it() {
        let reference: Counts = monitor_drift::CategoricalCounts::from_pairs([("no", 980), ("yes", 20)]).into();
        let all = |level: &str, n: u64| monitor_drift::CategoricalCounts::from_pairs([(level, n)]).into();
        for (current, constant) in
            [(all("no", 200), false), (all("no", 400), true), (all("yes", 10), true), (all("other", 2), true)]
        {
            assert_eq!(is_constant(&reference, &current), constant, "{current:?}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_counted() {
        let column = &version_of(7).contract.columns[0];
        let ages = monitor_drift::NumericCounts::from_pairs([(17.0, 1), (18.0, 2), (95.0, 4), (96.0, 8), (f64::INFINITY, 16)]);
        assert_eq!(n_out_of_range(&ages.into(), column), 25);
    }

    #[test]
    fn a_source_fell_silent_when_no_version_has_it_any_more() {
        let windows = BTreeMap::from([
            ((window("2009-02"), 6), counts("edge", &[])),
            ((window("2009-02"), 7), counts("batch", &[])),
            ((window("2009-04"), 7), counts("edge", &[])),
            ((window("2009-05"), 7), counts("page", &[])),
        ]);
        let silent = fell_silent(&windows, "2009-05-20T00:00:00Z".parse().unwrap());
        assert_eq!(silent, BTreeMap::from([(window("2009-04"), BTreeSet::from(["batch".to_owned()]))]), "May is not over");
    }

    #[test]
    fn a_silence_is_longer_than_any_before() {
        let days = ["2009-03-02", "2009-03-03", "2009-03-06"];
        let windows = BTreeMap::from([((window("2009-03"), 7), counts("edge", &days))]);
        let silent = |now: &str| silent_since(&windows, format!("{now}T12:00:00Z").parse().unwrap()).is_some();
        assert!(!silent("2009-03-12"));
        assert!(silent("2009-03-13"));
        let replayed = BTreeMap::from([((window("2009-03"), 7), counts(REPLAY, &days))]);
        assert_eq!(silent_since(&replayed, Utc::now()), None, "history has an end");
        assert_eq!(silent_since(&BTreeMap::new(), Utc::now()), None);
    }

    #[test]
    fn a_source_is_late_while_others_go_on() {
        let often = ["2009-03-01", "2009-03-02", "2009-03-04", "2009-03-05"];
        let windows = BTreeMap::from([
            ((window("2009-01"), 6), counts("gone", &["2009-01-01", "2009-01-02", "2009-01-03"])),
            ((window("2009-02"), 6), counts("batch", &["2009-02-01"])),
            ((window("2009-03"), 6), counts("page", &["2009-03-05"])),
            ((window("2009-03"), 7), counts("edge", &often)),
        ]);
        let late = |now: &str| late_sources(&windows, format!("{now}T12:00:00Z").parse().unwrap());
        assert_eq!(late("2009-03-09"), [], "it was silent for two days before");
        let silence = Silence { last_day: "2009-03-05".parse().unwrap(), silent_days: 5, longest_gap_days: 2 };
        let edge = LateSource { source: "edge".into(), silence };
        assert_eq!(late("2009-03-10"), [edge], "of the others too little is known, or they are gone for long");
    }
}
