//! `monitor report`: measures every window, writes the page and its data, and raises alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use data_contract::{Alert, Event, HistoryLine, Home, Rules};
use inference_predictor::Predictor;
use monitor_drift::Discoveries;

use crate::alerts::{AlertBook, Entry, Receivers};
use crate::args::{ReportArgs, ReportCommand};
use crate::by_segment::by_segment;
use crate::causes::causes;
use crate::counting::Counter;
use crate::distributions::distributions;
use crate::engine::Engine;
use crate::failure::{ALERT_FIRED, DONE, Failure};
use crate::hold::Hold;
use crate::journal::Journal;
use crate::measure::{Measure, followed_class, measure_next, performance};
use crate::partitions::prediction_parts;
use crate::promise::threshold;
use crate::quality::{fell_silent, late_sources, silent_since};
use crate::report_model::{AlertReport, Answer, REPORT_FORMAT, Report, VersionSummary, WindowReport, newest};
use crate::rules::{self, judge, predictions_drifted};
use crate::tally::NotCounted;
use crate::tenants::tenants;
use crate::versions::{Version, Versions};
use crate::{files, metrics_table, page, report_compare, report_text, schema, versions};

/// How long Alertmanager holds an alert: a report by hand or by cron is made once a day at least.
const HOLD: TimeDelta = TimeDelta::days(3);
/// Windows of which is told what moved their predictions; it takes some thousands of predictions each.
const N_EXPLAINED: usize = 6;
/// How long one report waits for another.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a report needs besides the counts.
pub(crate) struct Plan<'a> {
    /// The home folder.
    pub(crate) home: &'a Home,
    /// Writes tables.
    pub(crate) engine: &'a Engine,
    /// Where the report goes.
    pub(crate) output: PathBuf,
    /// Where alerts go.
    pub(crate) receivers: Receivers<'a>,
    /// Whether the window that is still filling is judged.
    pub(crate) include_open: bool,
    /// The column by whose values the report is told too.
    pub(crate) segment: Option<String>,
    /// The time.
    pub(crate) now: DateTime<Utc>,
}

/// A report, and the alerts that had not fired before.
pub(crate) struct Reported {
    /// The report as written.
    pub(crate) report: Report,
    /// New alerts.
    pub(crate) new_alerts: Vec<Alert>,
}

/// Reports once, or compares two sides, or tells what a report looks like.
pub(crate) fn run(home: &Home, command: &ReportCommand, json: bool) -> Result<u8> {
    if let Some(file) = command.schema {
        report_text::json(&schema::of(file));
        return Ok(DONE);
    }
    if let Some(sides) = &command.compare {
        return report_compare::run(home, sides, &command.report, json);
    }
    let engine = Engine::open(&home.monitor())?;
    once(home, &engine, &command.report, HOLD, json)
}

/// Reports once; Alertmanager holds an alert that is not posted again for so long.
pub(crate) fn once(home: &Home, engine: &Engine, args: &ReportArgs, hold: TimeDelta, json: bool) -> Result<u8> {
    let model = model(home, engine, args.model.as_deref())?;
    let clickhouse = args.count.clickhouse(home)?;
    let counter = Counter::new(engine, home, &model, args.by);
    let mut counter = match &clickhouse {
        Some(clickhouse) => counter.counting_by(clickhouse),
        None => counter,
    };
    let plan = Plan {
        home,
        engine,
        output: args.output.clone().unwrap_or_else(|| home.monitor()),
        receivers: Receivers { hold, ..args.receivers() },
        include_open: args.include_open,
        segment: args.segment.clone(),
        now: Utc::now(),
    };
    let mut versions = Versions::default();
    let (reported, posted) = report(&plan, &mut counter, &mut versions)?;
    report_text::report(&reported.report, &plan.output, json);
    posted?;
    Ok(if reported.new_alerts.is_empty() { DONE } else { ALERT_FIRED })
}

/// Brings the counts up to date, writes the report and the alerts, and posts what is to be posted.
/// The second answer is that of the webhook, with the alerts it took now: the report is written whatever it says.
pub(crate) fn report(
    plan: &Plan,
    counter: &mut Counter,
    versions: &mut Versions,
) -> Result<(Reported, Result<Vec<Alert>, Failure>)> {
    let _hold = Hold::take(&plan.home.monitor().join(".lock"), "report", PATIENCE)?;
    counter.refresh(versions)?;
    let mut report = build(plan, counter, versions)?;
    let mut book = AlertBook::load(plan.home)?;
    let judgements = judge(&report.windows, &report.model, &report.rules, plan.include_open);
    let new_alerts = book.update(&judgements, &report.model, plan.receivers.webhook.is_some());
    book.save(plan.home)?;
    report.alerts = alert_reports(&book, &report, &versions::history(plan.home)?);
    report.verdict = page::verdict(&report);
    write(&report, plan)?;
    let posted = book.tell(&plan.receivers, plan.now);
    if plan.receivers.any() {
        book.save(plan.home)?;
    }
    Ok((Reported { report, new_alerts }, posted))
}

/// Writes the page, its data, and their figures as a table.
fn write(report: &Report, plan: &Plan) -> Result<()> {
    let file = |name: &str| plan.output.join(name);
    files::replace(&file("report.json"), &files::to_json(report))?;
    let tables = ["metrics.parquet", "metrics.csv"].map(file);
    plan.engine.write_table(&tables, &metrics_table::columns(), metrics_table::rows(report))?;
    Ok(files::replace(&file("report.html"), page::render(report).as_bytes())?)
}

fn build(plan: &Plan, counter: &mut Counter, versions: &mut Versions) -> Result<Report> {
    let rules = dataset_rules(plan, counter, versions)?;
    let mut windows = measure_all(plan, counter, versions, &rules)?;
    find_causes(plan, counter, versions, &rules, &mut windows)?;
    compare_rows(counter, versions, &rules, &mut windows)?;
    let column = plan.segment.as_deref();
    let segments = column.map(|column| by_segment(plan, counter, versions, &rules, column)).transpose()?;
    let production = versions::production(plan.home)?;
    let number_of = |window: &WindowReport| (window.window, window.version);
    let newest = newest(&windows, &rules);
    let of_newest = newest.and_then(|window| known(versions, window.version));
    let shown = |window: &WindowReport| {
        let traffic = counter.windows()[&number_of(window)].traffic.as_ref()?;
        Some(distributions(traffic, of_newest?, window))
    };
    let distributions = newest.and_then(shown).unwrap_or_default();
    Ok(Report {
        format: REPORT_FORMAT,
        generated: plan.now,
        model: counter.model().into(),
        production: production.map(|manifest| manifest.version),
        by: counter.by(),
        synthetic: versions.known().any(|version| version.manifest.data.synthetic),
        verdict: String::new(),
        rules,
        followed_class: of_newest.map(|version| followed_class(&version.contract).to_owned()).unwrap_or_default(),
        versions: versions.known().map(summary).collect(),
        distributions,
        windows,
        segments,
        alerts: Vec::new(),
        not_counted: not_counted(counter),
        damaged_files: counter.damaged().iter().map(|path| path.display().to_string()).collect(),
        silent_since: silent_since(counter.windows(), plan.now),
        late_sources: late_sources(counter.windows(), plan.now),
        n_set_aside: Journal::new(plan.home).n_set_aside()?,
    })
}

fn known(versions: &Versions, number: u32) -> Option<&Version> {
    versions.known().find(|version| version.manifest.version == number)
}

/// The rules of the dataset of the newest version that served.
fn dataset_rules(plan: &Plan, counter: &Counter, versions: &mut Versions) -> Result<Rules> {
    let mut dataset = String::new();
    for &(_, number) in counter.windows().keys() {
        if let Some(version) = versions.get(plan.home, number)? {
            dataset.clone_from(&version.manifest.data.dataset);
        }
    }
    Ok(versions::rules(plan.home, &dataset)?)
}

fn measure_all(plan: &Plan, counter: &Counter, versions: &mut Versions, rules: &Rules) -> Result<Vec<WindowReport>> {
    let mut reports = Vec::new();
    let fell_silent = fell_silent(counter.windows(), plan.now);
    let mut discoveries = Discoveries::at_rate(rules.false_discovery_rate);
    for (&(window, number), counts) in counter.windows() {
        let importance = versions.importance(plan.home, number)?;
        if let Some(version) = versions.get(plan.home, number)? {
            let none = BTreeSet::new();
            let fell_silent = fell_silent.get(&window).unwrap_or(&none);
            let by = Measure { rules, importance: &importance, fell_silent, now: plan.now };
            reports.extend(measure_next((window, number), counts, version, &by, &mut discoveries));
        }
    }
    for (&(window, number), counts) in counter.windows() {
        let Some(tally) = &counts.shadow else { continue };
        let threshold = versions.get(plan.home, number)?.and_then(threshold);
        let Some(shadow) = performance(tally, number, threshold) else { continue };
        for report in reports.iter_mut().filter(|report| report.window == window) {
            report.shadow = Some(shadow.clone());
        }
    }
    Ok(reports)
}

/// Tells of the newest windows whose predictions drifted what moved them; a version whose model cannot be loaded tells nothing.
fn find_causes(plan: &Plan, counter: &Counter, versions: &Versions, rules: &Rules, windows: &mut [WindowReport]) -> Result<()> {
    let mut predictors: BTreeMap<u32, Option<Predictor>> = BTreeMap::new();
    let drifted = windows.iter_mut().rev().filter(|window| window.enough(rules) && predictions_drifted(window, rules));
    for report in drifted.take(N_EXPLAINED) {
        let number = report.version;
        let predictor = predictors.entry(number).or_insert_with(|| versions::predictor(plan.home, number));
        let traffic = counter.windows()[&(report.window, number)].traffic.as_ref();
        if let (Some(predictor), Some(version), Some(traffic)) = (predictor, known(versions, number), traffic) {
            report.causes = causes(predictor, version, traffic)?;
        }
    }
    Ok(())
}

/// Tells of the newest windows with enough rows how well these can be told from those that the version knew.
fn compare_rows(counter: &mut Counter, versions: &Versions, rules: &Rules, windows: &mut [WindowReport]) -> Result<()> {
    let enough = windows.iter_mut().rev().filter(|window| window.enough(rules) && !window.open);
    for report in enough.take(N_EXPLAINED) {
        if let Some(version) = known(versions, report.version) {
            match counter.domain((report.window, report.version), version, rules)? {
                Ok(domain) => report.domain = Some(domain),
                Err(problem) => report.domain_problem = Some(problem),
            }
        }
    }
    Ok(())
}

fn summary(version: &Version) -> VersionSummary {
    let manifest = &version.manifest;
    VersionSummary {
        version: manifest.version,
        family: manifest.family.clone(),
        n_train: manifest.data.n_train,
        trained_until: manifest.data.last_date,
        validation: manifest.validation.clone(),
    }
}

fn not_counted(counter: &Counter) -> Vec<NotCounted> {
    sums(counter.windows().iter().flat_map(|(&(_, version), counts)| counts.left_out(version)))
}

/// Rows of one version that are not counted for one reason, together.
pub(crate) fn sums(all: impl Iterator<Item = NotCounted>) -> Vec<NotCounted> {
    let mut sums: Vec<NotCounted> = Vec::new();
    for rows in all {
        match sums.iter_mut().find(|sum| sum.version == rows.version && sum.reason == rows.reason) {
            Some(sum) => sum.n_rows += rows.n_rows,
            None => sums.push(rows),
        }
    }
    sums
}

fn alert_reports(book: &AlertBook, report: &Report, history: &[HistoryLine]) -> Vec<AlertReport> {
    let own = book.entries().filter(|entry| entry.is(&report.model, report.by));
    own.map(|entry| alert_report(entry, history)).collect()
}

fn alert_report(entry: &Entry, history: &[HistoryLine]) -> AlertReport {
    let annotation = |name: &str| entry.alert.annotations.get(name).map_or("", String::as_str);
    AlertReport {
        name: entry.label(Alert::NAME).to_owned(),
        severity: annotation(rules::SEVERITY).to_owned(),
        fingerprint: entry.alert.fingerprint.clone(),
        window: entry.label("window").to_owned(),
        version: entry.label("version").parse().unwrap_or_default(),
        summary: annotation("summary").to_owned(),
        value: annotation("value").parse().unwrap_or_default(),
        starts_at: entry.alert.starts_at,
        resolved_at: entry.resolved_at(),
        answer: entry.fingerprints().iter().find_map(|fingerprint| answer(fingerprint, history)),
    }
}

/// What the registry's history says came of an alert.
pub(crate) fn answer(fingerprint: &str, history: &[HistoryLine]) -> Option<Answer> {
    history.iter().rev().find_map(|line| match &line.event {
        Event::Retrained { alert, outcome, challenger, reason, .. } if alert == fingerprint => {
            Some(Answer { outcome: *outcome, challenger: *challenger, reason: reason.clone() })
        }
        _ => None,
    })
}

/// The model to report on: the one asked for, the one in production, or the only one in the log.
pub(crate) fn model(home: &Home, engine: &Engine, asked: Option<&str>) -> Result<String> {
    let production = versions::production(home)?.map(|manifest| manifest.name);
    if let (None, Some(name)) = (asked, production) {
        return Ok(name);
    }
    let tenants = engine.without_damaged(
        || prediction_parts(home),
        |parts| match parts {
            [] => Err(Failure::NoLog { folder: home.predictions() }.into()),
            parts => tenants(engine, &parts.iter().collect::<Vec<_>>()),
        },
    )?;
    let mut found: Vec<String> = tenants.into_iter().map(|tenant| tenant.model).collect();
    found.sort();
    found.dedup();
    match (asked, found.as_slice()) {
        (Some(name), _) if found.iter().any(|model| model == name) => Ok(name.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (asked, _) => Err(Failure::NoModel { model: asked.unwrap_or("(none in production)").to_owned(), found }.into()),
    }
}
