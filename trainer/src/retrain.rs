//! Answering an alert: train on what is known by then, and promote only what is better.
//!
//! The newest labelled rows are kept from the challenger and judge both models; both are read through the same predictor.
//! A challenger is better when its mean log loss on those rows is lower by more than one standard error of the paired difference.
//!
//! A retrained model carries the newest rows known as its reference, so that the monitor then speaks of what changes from here on.

use std::sync::mpsc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use data_contract::{
    Alert, Contract, DataOrigin, Dataset, Event, Part, Prepared, RetrainOutcome, Stage, Training, prepared_column,
};
use inference_predictor::Predictor;
use polars::prelude::*;
use trainer_estimators::metrics::{PairedDifference, Truth, mean, paired_log_loss_difference, row_losses};
use trainer_estimators::{Family, Matrix, Params, to_the_end};
use trainer_registry::{Move, Registry, Version, Writer};

use crate::args::{Place, Retrain};
use crate::candidate::{self, Candidate};
use crate::inbox::Inbox;
use crate::material::{self, Material, Reference, Weighting};
use crate::model::Settings;
use crate::output::{self, Shown};
use crate::{bundle, contract, dataset, encode, labelled, prepare, split, test, train, webhook};

/// Fewer newly labelled rows than this tell nothing.
const MIN_NEW_ROWS: usize = 100;
/// The most rows that judge.
const MAX_JUDGES: usize = 2_000;
/// Days after which a row counts half, for the challenger that prefers recent rows.
const HALF_LIFE_DAYS: f64 = 60.0;
/// Rows that a retrained model's reference counts.
const REFERENCE_ROWS: usize = 2_000;

/// What came of a retrain.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Outcome {
    outcome: RetrainOutcome,
    champion: u32,
    challenger: Option<u32>,
    reason: String,
}

/// Listens for alerts, or retrains once.
pub(crate) fn execute(place: &Place, args: &Retrain) -> anyhow::Result<()> {
    let Some(address) = args.listen else {
        let outcome = answer(place, "none", None, Utc::now())?;
        output::show(&outcome, place.json);
        return Ok(());
    };
    dataset::read(place)?;
    let inbox = Inbox::new(&place.home());
    let (sender, receiver) = mpsc::channel();
    inbox.read()?.into_iter().for_each(|alert| sender.send(alert).expect("the receiver is at hand"));
    let worker = place.clone();
    // The thread ends with the process: a retrain that is interrupted leaves the registry as it was, and its alert in the inbox.
    std::thread::spawn(move || receiver.into_iter().for_each(|alert: Alert| take(&worker, &alert)));
    webhook::listen(address, inbox, sender)
}

fn take(place: &Place, alert: &Alert) {
    let fingerprint = if alert.fingerprint.is_empty() { Alert::fingerprint_of(&alert.labels) } else { alert.fingerprint.clone() };
    if was_answered(place, &fingerprint, alert.starts_at) {
        return tracing::info!("alert {fingerprint} was answered before");
    }
    tracing::info!("alert {fingerprint}: {}", alert.annotations.get("summary").map_or("no summary", String::as_str));
    match answer(place, &fingerprint, Some(alert.starts_at), known_by(alert)) {
        Ok(outcome) => tracing::info!("{}", outcome.text()),
        Err(error) => {
            tracing::error!("retrain failed: {error:#}");
            note_failure(place, fingerprint, alert.starts_at, &error);
        }
    }
}

/// Whether this firing of the alert was answered; a retrain that failed is no answer.
fn was_answered(place: &Place, fingerprint: &str, since: DateTime<Utc>) -> bool {
    let is_answer = |event: &Event| match event {
        Event::Retrained { alert, starts_at, outcome, .. } => {
            alert == fingerprint && starts_at.is_none_or(|start| start == since) && *outcome != RetrainOutcome::Failed
        }
        _ => false,
    };
    Registry::new(&place.home()).history().unwrap_or_default().iter().any(|line| is_answer(&line.event))
}

/// The end of the day until which labels count, as the alert's `known_until` says; else its start.
fn known_by(alert: &Alert) -> DateTime<Utc> {
    let date = alert.annotations.get("known_until").and_then(|text| text.parse::<NaiveDate>().ok());
    let next_day = date.and_then(|date| date.checked_add_days(Days::new(1)));
    next_day.map_or(alert.starts_at, |day| day.and_time(NaiveTime::MIN).and_utc())
}

/// Trains, compares, promotes what is better, and records it.
fn answer(
    place: &Place,
    fingerprint: &str,
    starts_at: Option<DateTime<Utc>>,
    known_by: DateTime<Utc>,
) -> anyhow::Result<Outcome> {
    let (dataset, _) = dataset::read(place)?;
    let mut writer = Registry::new(&place.home()).write_waiting(Utc::now())?;
    let champion = test::production(place)?;
    let outcome = challenge(place, &dataset, &champion, known_by, &mut writer)?;
    let event = Event::Retrained {
        alert: fingerprint.to_owned(),
        starts_at,
        outcome: outcome.outcome,
        champion: outcome.champion,
        challenger: outcome.challenger,
        reason: outcome.reason.clone(),
    };
    writer.note(event, Utc::now())?;
    Ok(outcome)
}

fn note_failure(place: &Place, alert: String, starts_at: DateTime<Utc>, error: &anyhow::Error) {
    let champion = test::production(place).map_or(0, |version| version.manifest.version);
    let event = Event::Retrained {
        alert,
        starts_at: Some(starts_at),
        outcome: RetrainOutcome::Failed,
        champion,
        challenger: None,
        reason: format!("{error:#}"),
    };
    let noted = Registry::new(&place.home()).write_waiting(Utc::now()).and_then(|mut writer| writer.note(event, Utc::now()));
    if let Err(error) = noted {
        tracing::error!("cannot record the failure: {error}");
    }
}

fn challenge(
    place: &Place,
    dataset: &Dataset,
    champion: &Version,
    known_by: DateTime<Utc>,
    writer: &mut Writer,
) -> anyhow::Result<Outcome> {
    let served = Predictor::load(&champion.model()?)?;
    let kept = |reason| Outcome { outcome: RetrainOutcome::Kept, champion: champion.manifest.version, challenger: None, reason };
    let prepared_rows = prepare::read_part(&place.home(), Part::Train)?;
    let logged = labelled::like(&prepared_rows, labelled::read(&place.home(), served.contract(), known_by)?)?;
    let logged = sorted(&logged)?;
    let n_new = count_after(&logged, champion.manifest.data.last_date)?;
    if n_new < MIN_NEW_ROWS {
        return Ok(kept(format!(
            "{n_new} rows were labelled since version {} was trained, {MIN_NEW_ROWS} are needed",
            champion.manifest.version
        )));
    }
    let n_judges = (n_new / 2).min(MAX_JUDGES);
    let judges = logged.tail(Some(n_judges));
    let n_logged = logged.height() - n_judges;
    let pool = pool(place, &logged.head(Some(n_logged)))?;
    let newest = sorted(&pool.vstack(&judges)?)?.tail(Some(REFERENCE_ROWS));
    let settings = settings_of(champion).map(|params| train::directed(params, dataset));
    let mut material = material(dataset, &prepare::read(&place.home())?, &pool, newest, n_logged)?;
    let candidate = best_challenger(&settings, &mut material)?;
    let challenger = bundle::register(writer, &candidate, &material.borrow(), Utc::now())?;
    let difference = compare(&Predictor::load(&challenger.model()?)?, &served, &judges)?;
    let is_better = difference.mean + difference.standard_error.unwrap_or(f64::INFINITY) < 0.0;
    let reason = describe(&difference, is_better);
    if is_better {
        promote(writer, champion, &challenger, &reason)?;
    }
    let outcome = if is_better { RetrainOutcome::Promoted } else { RetrainOutcome::Kept };
    Ok(Outcome { outcome, champion: champion.manifest.version, challenger: Some(challenger.manifest.version), reason })
}

/// Material that owns its rows.
struct OwnMaterial {
    contract: Contract,
    train: DataFrame,
    validation: DataFrame,
    newest: DataFrame,
    weighting: Weighting,
    origin: DataOrigin,
    training: Training,
    seed: u64,
}

impl OwnMaterial {
    fn borrow(&self) -> Material<'_> {
        Material {
            contract: &self.contract,
            train: &self.train,
            validation: &self.validation,
            weighting: self.weighting,
            reference: Reference::Rows(&self.newest),
            origin: self.origin.clone(),
            training: &self.training,
            explain: false,
            quiet: true,
            seed: self.seed,
        }
    }
}

/// The champion's settings; those that boosting starts from where it was trained elsewhere, or by settings of another format.
fn settings_of(champion: &Version) -> Settings {
    let read = serde_json::from_value(champion.manifest.params.clone()).ok();
    let family = champion.manifest.family.parse().unwrap_or(Family::GradientBoosting);
    read.unwrap_or_else(|| Settings::One(Params::default_for(family)))
}

/// Fits the champion's settings, with rows alike and with recent rows preferred, and takes the lowest recency-weighted log loss on held-out rows.
fn best_challenger(settings: &Settings, material: &mut OwnMaterial) -> anyhow::Result<Candidate> {
    let alike = candidate::fit_settings(settings.clone(), &material.borrow(), &mut to_the_end)?;
    material.weighting = recency;
    let preferring = candidate::fit_settings(settings.clone(), &material.borrow(), &mut to_the_end)?;
    if recent_log_loss(&preferring, material)? < recent_log_loss(&alike, material)? {
        return Ok(preferring);
    }
    material.weighting = material::alike;
    Ok(alike)
}

fn material(
    dataset: &Dataset,
    prepared: &Prepared,
    pool: &DataFrame,
    newest: DataFrame,
    n_logged: usize,
) -> anyhow::Result<OwnMaterial> {
    let contract = contract::learn(dataset, pool)?;
    let classes = encode::classes(pool, &contract)?;
    let held_out = data_contract::Split { test: dataset.split.validation, ..dataset.split.clone() };
    let groups = prepare::group_numbers(pool)?;
    let keys = split::Keys { classes: &classes, dates: None, groups: groups.as_deref() };
    let parts = split::divide(&held_out, data_contract::SplitKind::Random, keys);
    let of = |test: bool| -> BooleanChunked { parts.iter().map(|part| Some((*part == Part::Test) == test)).collect() };
    let (train, validation) = (pool.filter(&of(false))?, pool.filter(&of(true))?);
    let dates = encode::dates(pool)?;
    let origin = DataOrigin {
        dataset: dataset.name.clone(),
        source: prepared.source.clone(),
        digest: prepared.digest.clone(),
        synthetic: prepared.synthetic,
        n_train: train.height() as u64,
        n_validation: validation.height() as u64,
        n_logged: n_logged as u64,
        first_date: dates.iter().flatten().min().copied(),
        last_date: dates.iter().flatten().max().copied(),
    };
    // A retrain is quick: one part is held out, whatever the dataset asks of a first training.
    let training = Training { folds: 1, ..dataset.training.clone() };
    let seed = dataset.split.seed;
    Ok(OwnMaterial { contract, train, validation, newest, weighting: material::alike, origin, training, seed })
}

/// Prepared train and validation rows with the logged ones.
fn pool(place: &Place, logged: &DataFrame) -> anyhow::Result<DataFrame> {
    let home = place.home();
    let mut pool = prepare::read_part(&home, Part::Train)?;
    pool.vstack_mut(&prepare::read_part(&home, Part::Validation)?)?;
    pool.vstack_mut(logged)?;
    Ok(sorted(&pool)?)
}

fn sorted(rows: &DataFrame) -> PolarsResult<DataFrame> {
    rows.sort([prepared_column::DATE], SortMultipleOptions::default().with_maintain_order(true))
}

fn count_after(rows: &DataFrame, last: Option<NaiveDate>) -> PolarsResult<usize> {
    Ok(encode::dates(rows)?.iter().filter(|date| last.is_none_or(|last| date.is_some_and(|date| date > last))).count())
}

/// A row counts half for every [`HALF_LIFE_DAYS`] that it is older than the newest; all alike where nothing dates them.
fn recency(rows: &DataFrame) -> PolarsResult<Option<Vec<f32>>> {
    let dates = encode::dates(rows)?;
    let newest = dates.iter().flatten().max().copied();
    let age = |date: &Option<NaiveDate>| newest.zip(*date).map_or(0.0, |(newest, date)| (newest - date).num_days() as f64);
    Ok(Some(dates.iter().map(|date| 0.5f64.powf(age(date) / HALF_LIFE_DAYS) as f32).collect()))
}

/// Rows held out are the validation part, so that weights and losses go together.
fn recent_log_loss(candidate: &Candidate, material: &OwnMaterial) -> anyhow::Result<f64> {
    let recency = recency(&material.validation)?;
    let weights = encode::weights_with_own(&material.validation, recency)?;
    let losses = row_losses(&candidate.judgement.probabilities, &candidate.judgement.classes);
    Ok(mean(&losses, weights.as_deref()).value)
}

fn compare(challenger: &Predictor, champion: &Predictor, judges: &DataFrame) -> anyhow::Result<PairedDifference> {
    let (classes, weights) = (encode::classes(judges, champion.contract())?, encode::weights(judges)?);
    let truth = Truth::new(&classes, weights.as_deref());
    Ok(paired_log_loss_difference(&probabilities(challenger, judges)?, &probabilities(champion, judges)?, truth)?)
}

fn probabilities(predictor: &Predictor, rows: &DataFrame) -> anyhow::Result<Matrix> {
    let features = encode::features(rows, predictor.contract())?;
    bundle::probabilities(&predictor.scores(features.values(), features.n_rows())?, predictor.contract())
}

fn describe(difference: &PairedDifference, is_better: bool) -> String {
    let verdict = if is_better { "better" } else { "not better" };
    let error = difference.standard_error.unwrap_or(f64::NAN);
    format!("{verdict} on the {} newest labelled rows: log loss {:+.4} ± {error:.4}", difference.n_rows, difference.mean)
}

fn promote(writer: &mut Writer, champion: &Version, challenger: &Version, reason: &str) -> anyhow::Result<()> {
    let moves = [
        Move {
            version: champion.manifest.version,
            from: champion.stage,
            to: Stage::Archived,
            reason: "its challenger is better".into(),
        },
        Move { version: challenger.manifest.version, from: challenger.stage, to: Stage::Production, reason: reason.into() },
    ];
    Ok(writer.apply(&moves, Utc::now())?)
}

impl Shown for Outcome {
    fn text(&self) -> String {
        match (self.outcome, self.challenger) {
            (RetrainOutcome::Promoted, Some(challenger)) => {
                format!("version {challenger} replaces {}: {}", self.champion, self.reason)
            }
            (_, Some(challenger)) => format!("version {} stays, {challenger} is {}", self.champion, self.reason),
            (_, None) => format!("version {} stays: {}", self.champion, self.reason),
        }
    }
}
