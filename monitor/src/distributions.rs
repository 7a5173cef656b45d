//! A column's distribution as bars: the reference's beside a window's. Pure.

use data_contract::{ColumnKind, Moment};
use monitor_drift::{Counts, Kind, compare};

use crate::measure::share;
use crate::report_model::{Bar, Distribution, WindowReport};
use crate::sides;
use crate::tally::Tally;
use crate::versions::Version;

/// Each column's distribution at training and in a window, which was measured.
pub(crate) fn distributions(traffic: &Tally, version: &Version, measured: &WindowReport) -> Vec<Distribution> {
    let columns = version.contract.columns.iter().zip(&version.reference.columns).zip(&traffic.columns).zip(&measured.columns);
    columns
        .map(|(((column, reference), current), measured)| {
            let reference = sides::reference(&reference.counts);
            let dates = matches!(column.kind, ColumnKind::Date { .. });
            let drift = if dates { None } else { compare(&reference, current, None).ok() };
            let bars = bars_of(&reference, current, dates);
            Distribution { name: column.name.clone(), kind: reference.kind(), dates, drift, verdict: measured.verdict, bars }
        })
        .collect()
}

/// The bars of both sides of a column.
pub(crate) fn bars_of(reference: &Counts, current: &Counts, dates: bool) -> Vec<Bar> {
    if dates { date_bars(reference, current) } else { bars(reference, current) }
}

/// The word for what a column's bars are of.
pub(crate) fn kind_word(distribution: &Distribution) -> &'static str {
    match distribution.kind {
        Kind::Numeric if distribution.dates => "dates",
        Kind::Numeric => "numbers",
        Kind::Categorical => "levels",
    }
}

const MAX_BARS: usize = 8;
const N_BINS: usize = 12;

fn bars(reference: &Counts, current: &Counts) -> Vec<Bar> {
    match (reference, current) {
        (Counts::Categorical(r), Counts::Categorical(c)) => {
            let mut levels: Vec<(&String, u64)> = r.levels().iter().map(|(level, n)| (level, *n)).collect();
            levels.extend(c.levels().keys().filter(|level| !r.levels().contains_key(*level)).map(|level| (level, 0)));
            let weight = |level: &str| {
                share(r.levels().get(level).copied().unwrap_or(0), r.n())
                    + share(c.levels().get(level).copied().unwrap_or(0), c.n())
            };
            levels.sort_by(|a, b| weight(b.0).total_cmp(&weight(a.0)));
            level_bars(&levels.iter().map(|(level, _)| level.as_str()).collect::<Vec<_>>(), r.levels(), c.levels())
        }
        (Counts::Numeric(r), Counts::Numeric(c)) => number_bars(r.pairs(), c.pairs(), range(r.pairs()), short_number),
        _ => Vec::new(),
    }
}

/// Bars of dates lie over both sides, as the current one is often later than all of the reference.
fn date_bars(reference: &Counts, current: &Counts) -> Vec<Bar> {
    let (Counts::Numeric(r), Counts::Numeric(c)) = (reference, current) else { return Vec::new() };
    let both = match (range(r.pairs()), range(c.pairs())) {
        (Some(r), Some(c)) => Some((r.0.min(c.0), r.1.max(c.1))),
        (r, c) => r.or(c),
    };
    number_bars(r.pairs(), c.pairs(), both, |days| Moment::from_days(days.floor()).to_string())
}

/// The 1st and the 99th percentile.
fn range(pairs: &[(f64, u64)]) -> Option<(f64, f64)> {
    quantile(pairs, 0.01).zip(quantile(pairs, 0.99))
}

type Levels = std::collections::BTreeMap<String, u64>;

fn level_bars(levels: &[&str], reference: &Levels, current: &Levels) -> Vec<Bar> {
    let total = |side: &Levels| side.values().sum::<u64>();
    let of = |side: &Levels, level: &str| share(side.get(level).copied().unwrap_or(0), total(side));
    let bar = |level: &&str| Bar { label: (*level).to_owned(), reference: of(reference, level), current: of(current, level) };
    let (shown, rest) = levels.split_at(if levels.len() > MAX_BARS { MAX_BARS - 1 } else { levels.len() });
    let mut bars: Vec<Bar> = shown.iter().map(bar).collect();
    if !rest.is_empty() {
        let others: Vec<Bar> = rest.iter().map(bar).collect();
        let sum = |side: fn(&Bar) -> f64| others.iter().map(side).sum();
        bars.push(Bar {
            label: format!("{} others", rest.len()),
            reference: sum(|bar| bar.reference),
            current: sum(|bar| bar.current),
        });
    }
    bars
}

/// Bars of equal width over a range; the outermost take what lies beyond.
fn number_bars(reference: &[(f64, u64)], current: &[(f64, u64)], range: Option<(f64, f64)>, text: fn(f64) -> String) -> Vec<Bar> {
    let Some((low, high)) = range else { return Vec::new() };
    let mut values: Vec<f64> = reference.iter().chain(current).map(|pair| pair.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    if values.len() <= N_BINS {
        let mut names: Vec<String> = values.iter().map(|value| text(*value)).collect();
        names.dedup();
        return level_bars_in_order(&names, &named(reference, text), &named(current, text));
    }
    let width = if high > low { (high - low) / N_BINS as f64 } else { 1.0 };
    let bin = |value: f64| (((value - low) / width).floor().max(0.0) as usize).min(N_BINS - 1);
    let shares = |side: &[(f64, u64)]| {
        let mut bins = [0; N_BINS];
        side.iter().for_each(|&(value, n)| bins[bin(value)] += n);
        let total: u64 = bins.iter().sum();
        bins.map(|n| share(n, total))
    };
    let (r, c) = (shares(reference), shares(current));
    let edge = |index: usize| text(low + width * index as f64);
    let label = |index: usize| match index {
        0 => format!("below {}", edge(1)),
        index if index == N_BINS - 1 => format!("{} and above", edge(index)),
        index => format!("{} to {}", edge(index), edge(index + 1)),
    };
    (0..N_BINS).map(|index| Bar { label: label(index), reference: r[index], current: c[index] }).collect()
}

/// Counts by name: values of one name are counted together.
fn named(side: &[(f64, u64)], text: fn(f64) -> String) -> Levels {
    let mut levels = Levels::new();
    side.iter().for_each(|(value, n)| *levels.entry(text(*value)).or_default() += n);
    levels
}

fn level_bars_in_order(names: &[String], reference: &Levels, current: &Levels) -> Vec<Bar> {
    let total = |side: &Levels| side.values().sum::<u64>();
    let of = |side: &Levels, name: &str| share(side.get(name).copied().unwrap_or(0), total(side));
    names.iter().map(|name| Bar { label: name.clone(), reference: of(reference, name), current: of(current, name) }).collect()
}

fn quantile(pairs: &[(f64, u64)], at: f64) -> Option<f64> {
    let total: u64 = pairs.iter().map(|pair| pair.1).sum();
    let wanted = at * total as f64;
    let mut seen = 0.0;
    pairs
        .iter()
        .find(|pair| {
            seen += pair.1 as f64;
            seen >= wanted
        })
        .map(|pair| pair.0)
}

fn short_number(value: f64) -> String {
    match value.abs() {
        size if size >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::{tally, version_of, window_report};

    #[test]
    fn distributions_add_up_to_one() {
        let many = (0..400).map(|n| (f64::from(n) / 3.0, 5));
        for distribution in
            distributions(&tally(many, [("basic", 1000), ("gold", 1000)]), &version_of(7), &window_report("2009-03", 7, 2000))
        {
            for side in [|bar: &Bar| bar.reference, |bar: &Bar| bar.current] {
                assert!((distribution.bars.iter().map(side).sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
}
