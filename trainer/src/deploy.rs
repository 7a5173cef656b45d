//! Ranking the versions and putting the best into production.

use chrono::{NaiveDate, Utc};
use data_contract::{Contract, Home, Part, Prepared, Stage};
use inference_predictor::Predictor;
use polars::prelude::DataFrame;
use trainer_estimators::metrics::Selection;
use trainer_registry::{Move, Registry, Slots, Version, promote};

use crate::args::Place;
use crate::contest::Contest;
use crate::output::{self, Shown, table};
use crate::{encode, failure, prepare};

/// Fewer rows than this do not tell two versions apart.
pub(crate) const MIN_JUDGES: usize = 100;

/// What `deploy` prints.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Outcome {
    /// The version in production now.
    pub(crate) production: u32,
    /// Whether a generator made the rows that it learned from.
    synthetic: bool,
    moves: Vec<Step>,
}

#[derive(Debug, serde::Serialize)]
struct Step {
    version: u32,
    from: Stage,
    to: Stage,
    reason: String,
}

/// Deploys and prints the moves.
pub(crate) fn execute(place: &Place) -> anyhow::Result<()> {
    output::show(&deploy(place)?, place.json);
    Ok(())
}

/// Ranks the versions that were trained on the prepared rows, and the one in production, on rows that they were held back from.
pub(crate) fn deploy(place: &Place) -> anyhow::Result<Outcome> {
    let home = place.home();
    let prepared = prepare::read(&home)?;
    let mut writer = Registry::new(&home).write(Utc::now())?;
    let versions = writer.registry().versions()?;
    let (fresh, others): (Vec<&Version>, Vec<&Version>) = versions.iter().partition(|version| is_of(version, &prepared));
    let contest = Contest::of(&fresh, &prepared)?;
    let (mut candidates, mut metric) = contest.candidates();
    let mut moves: Vec<Move> =
        fresh.iter().filter(|version| !contest.has(version)).filter_map(|version| unjudged(version)).collect();
    for other in others.into_iter().filter(|version| matches!(version.stage, Stage::Production | Stage::Staging)) {
        let judged = match other.stage {
            Stage::Production => judges(&home, other, &prepared)?,
            _ => Err("it was trained on other rows".into()),
        };
        match judged {
            Ok(rows) => match contest.with_champion(other, &rows)? {
                Some(all) => (candidates, metric) = (all, Selection::LogLoss),
                None => {
                    let reason = format!("fewer than {MIN_JUDGES} rows judged all of the versions");
                    moves.push(Move { version: other.manifest.version, from: other.stage, to: Stage::Archived, reason });
                }
            },
            Err(reason) => moves.push(Move { version: other.manifest.version, from: other.stage, to: Stage::Archived, reason }),
        }
    }
    let hint = "its metrics are not numbers: look at `trainer leaderboard`";
    if candidates.iter().all(|candidate| !candidate.loss.is_finite()) {
        return Err(failure::failure("no version can be served", hint));
    }
    moves.extend(promote(&candidates, &metric.name().replace('_', " "), Slots::default()));
    writer.apply(&moves, Utc::now())?;
    let served = writer.registry().production()?.ok_or_else(|| failure::failure("no version can be served", hint))?;
    let moves = moves.into_iter().map(|m| Step { version: m.version, from: m.from, to: m.to, reason: m.reason }).collect();
    Ok(Outcome { production: served.manifest.version, synthetic: served.manifest.data.synthetic, moves })
}

/// A version that was made before evaluations were, and stands where others are to stand.
fn unjudged(version: &Version) -> Option<Move> {
    let stands = matches!(version.stage, Stage::Production | Stage::Staging);
    let reason = "it has no evaluation to be compared by".to_owned();
    stands.then_some(Move { version: version.manifest.version, from: version.stage, to: Stage::Archived, reason })
}

/// Whether a version was trained on just these prepared rows.
fn is_of(version: &Version, prepared: &Prepared) -> bool {
    let data = &version.manifest.data;
    version.manifest.name == prepared.dataset && data.digest == prepared.digest && data.n_logged == 0
}

/// Validation rows, by their number among them.
pub(crate) struct Judges {
    pub(crate) rows: DataFrame,
    pub(crate) numbers: Vec<usize>,
}

/// The validation rows that may judge the version in production beside the new ones; or why it cannot be compared.
///
/// A version trained on other rows is judged by those that are newer than all it learned from. One that was retrained from these rows
/// is judged by all of them: it has learned from some, so the comparison favours it, and it is not replaced lightly.
fn judges(home: &Home, served: &Version, prepared: &Prepared) -> anyhow::Result<Result<Judges, String>> {
    let data = &served.manifest.data;
    if served.manifest.name != prepared.dataset || data.synthetic != prepared.synthetic {
        return Ok(Err("it was trained on other data".into()));
    }
    let validation = prepare::read_part(home, Part::Validation)?;
    if !fits(Predictor::load(&served.model()?)?.contract(), &validation) {
        return Ok(Err("its contract does not fit the prepared rows".into()));
    }
    if data.digest == prepared.digest {
        return Ok(Ok(Judges { numbers: (0..validation.height()).collect(), rows: validation }));
    }
    let is_newer = is_newer_than(&validation, data.last_date)?;
    let numbers: Vec<usize> = (0..is_newer.len()).filter(|&row| is_newer[row]).collect();
    if numbers.len() >= MIN_JUDGES {
        return Ok(Ok(Judges { rows: validation.filter(&is_newer.into_iter().map(Some).collect())?, numbers }));
    }
    Ok(Err(format!("it may have learned from the rows that judge: {} of them are newer, {MIN_JUDGES} are needed", numbers.len())))
}

/// The rows dated after a day; none where either has no date.
pub(crate) fn newer_than(rows: &DataFrame, day: Option<NaiveDate>) -> anyhow::Result<DataFrame> {
    Ok(rows.filter(&is_newer_than(rows, day)?.into_iter().map(Some).collect())?)
}

fn is_newer_than(rows: &DataFrame, day: Option<NaiveDate>) -> anyhow::Result<Vec<bool>> {
    Ok(encode::dates(rows)?.into_iter().map(|date| date.zip(day).is_some_and(|(date, day)| date > day)).collect())
}

/// Whether a frame of prepared rows has every column of a contract, of the right type.
pub(crate) fn fits(contract: &Contract, frame: &DataFrame) -> bool {
    encode::features(frame, contract).is_ok() && encode::classes(frame, contract).is_ok()
}

impl Shown for Outcome {
    fn text(&self) -> String {
        let cells = |m: &Step| vec![m.version.to_string(), m.from.to_string(), m.to.to_string(), m.reason.clone()];
        let rows: Vec<_> = self.moves.iter().map(cells).collect();
        let label = if self.synthetic { " (TRAINED ON SYNTHETIC ROWS)" } else { "" };
        let head = format!("version {}{label} is in production", self.production);
        if rows.is_empty() {
            format!("{head}; nothing moved")
        } else {
            format!("{head}\n{}", table(&["version", "from", "to", "why"], 4, rows))
        }
    }
}
