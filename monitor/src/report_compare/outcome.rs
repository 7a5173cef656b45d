//! What a comparison of two sides came to: `compare.json`, and what the page is drawn from. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use data_contract::{Rules, WindowRule};
use monitor_drift::{
    Counts, DATASET_DRIFT_SHARE, Drift, Shift, Statistic, Verdict, compare, distance_shift, missing_per_row,
    missing_share_of_cells, shift,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::compare::LeftOut;
use crate::distributions::bars_of;
use crate::figure::Figure;
use crate::judging::judge_shifts;
use crate::measure::{DATES_MOVE_ON, FOLLOWS_THE_CALENDAR, mean, share};
use crate::report_compare::performance::{Metric, metrics};
use crate::report_compare::side::{Common, Side, common_class, common_columns};
use crate::report_compare::words;
use crate::report_model::Distribution;
use crate::rules::too_far;
use crate::tally::Tally;

/// Version of the format of `compare.json`.
const FORMAT: u32 = 1;

/// The outcome.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "Comparison of two sides of the log")]
pub(crate) struct Outcome {
    /// Version of this format.
    #[schemars(extend("const" = FORMAT))]
    pub(crate) format: u32,
    /// When it was made, UTC.
    pub(crate) generated: DateTime<Utc>,
    /// The model's name.
    pub(crate) model: String,
    /// The outcome in a sentence.
    pub(crate) verdict: String,
    /// Whether the predictions drifted, or the columns did.
    pub(crate) drifted: bool,
    /// What the sides were judged by.
    pub(crate) rules: Rules,
    /// The class whose probability is followed; none where versions follow different ones.
    pub(crate) followed_class: Option<String>,
    /// What is compared with.
    pub(crate) reference: SideReport,
    /// What is compared.
    pub(crate) current: SideReport,
    /// What is to be known of these sides, in words.
    pub(crate) notes: Vec<String>,
    /// The probability of the followed class; none where versions follow different ones.
    pub(crate) prediction: Option<Distribution>,
    /// Columns that the rule in force judges.
    pub(crate) n_judged: usize,
    /// Columns that drifted, by the rule in force.
    pub(crate) n_drifted: usize,
    /// Each column that both sides have.
    pub(crate) columns: Vec<ColumnOutcome>,
    /// Each column that was not compared.
    pub(crate) left_out: Vec<LeftOut>,
    /// How good the predictions were; empty before labels have come on both sides.
    pub(crate) performance: Vec<Metric>,
}

/// What there is to know of one side.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct SideReport {
    /// As it was asked for.
    pub(crate) name: String,
    /// The name as people say it.
    pub(crate) title: String,
    /// Its first day.
    pub(crate) first_day: NaiveDate,
    /// Its last day.
    pub(crate) last_day: NaiveDate,
    /// The versions that served.
    pub(crate) versions: Vec<u32>,
    /// Predictions.
    pub(crate) n_rows: u64,
    /// Predictions whose label is known.
    pub(crate) n_labelled: u64,
    /// Share of rows predicted to be of the followed class.
    pub(crate) share_predicted: Option<f64>,
    /// Mean probability of the followed class.
    pub(crate) mean_probability: Option<f64>,
    /// Missing cells over all cells of the compared columns, 0 to 1.
    pub(crate) missing_share_of_cells: f64,
    /// Missing cells of the compared columns over rows.
    pub(crate) missing_cells_per_row: f64,
}

/// One column on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ColumnOutcome {
    /// Its figures and the shares of its values on both sides.
    #[serde(flatten)]
    pub(crate) distribution: Distribution,
    /// Why drift cannot be told, or is not judged.
    pub(crate) problem: Option<String>,
    /// Share of the reference's rows without a value.
    pub(crate) missing_reference: f64,
    /// Share of the current side's rows without a value.
    pub(crate) missing_current: f64,
}

/// Compares two sides.
pub(crate) fn compare_sides(sides: &[Side; 2], model: &str, rules: &Rules, now: DateTime<Utc>) -> Outcome {
    let (common, left_out) = common_columns(sides);
    let class = common_class(sides);
    let wholes = sides.each_ref().map(Side::whole);
    let moved = class.and_then(|_| distance_shift(&wholes[0].prediction, &wholes[1].prediction).ok());
    let shifts = common.iter().map(|column| Some((shift_of(column, rules)?, rules.column_drift))).collect();
    let judged = judge_shifts(shifts, moved.map(|shift| (shift, rules.prediction_drift)), |_| rules.false_alarms);
    let columns = common.iter().zip(judged.columns).map(|(column, verdict)| of_column(column, verdict, rules)).collect();
    let values: [Vec<&Counts>; 2] =
        [common.iter().map(|column| &column.reference).collect(), common.iter().map(|column| &column.current).collect()];
    let mut outcome = Outcome {
        format: FORMAT,
        generated: now,
        model: model.to_owned(),
        verdict: String::new(),
        drifted: false,
        rules: rules.clone(),
        followed_class: class.map(str::to_owned),
        reference: of_side(&sides[0], &wholes[0], class, &values[0]),
        current: of_side(&sides[1], &wholes[1], class, &values[1]),
        notes: words::notes(sides, rules, now),
        prediction: class.map(|class| of_prediction(class, &wholes, judged.prediction, rules)),
        n_judged: 0,
        n_drifted: 0,
        columns,
        left_out: left_out.into_iter().map(|(column, reason)| LeftOut { column, reason }).collect(),
        performance: class.map(|_| metrics(sides, &wholes)).unwrap_or_default(),
    };
    outcome.judge();
    outcome
}

impl Outcome {
    /// How far the probabilities are apart, by the rule in force; none where they cannot be compared.
    pub(crate) fn prediction_figure(&self) -> Option<Figure> {
        let prediction = self.prediction.as_ref()?;
        let figure = Figure::of(self.rules.rule, prediction.drift.as_ref(), prediction.verdict.as_ref())?;
        Some(if self.by_tidemark() { Figure { name: Statistic::Wasserstein.evidently_name(), ..figure } } else { figure })
    }

    /// How far a column is apart, by the rule in force; none where it is not judged.
    pub(crate) fn figure(&self, column: &ColumnOutcome) -> Option<Figure> {
        let Distribution { drift, verdict, .. } = &column.distribution;
        let figure = Figure::of(self.rules.rule, drift.as_ref(), verdict.as_ref())?;
        Some(if self.by_tidemark() { Figure { name: "Cohen's w", ..figure } } else { figure })
    }

    /// Whether the rule `tidemark` is in force.
    pub(crate) fn by_tidemark(&self) -> bool {
        self.rules.rule == WindowRule::Tidemark
    }

    /// The p-value of a column, or of the probabilities, by the rule `tidemark`; none where it is not in force, or does not judge.
    pub(crate) fn p_value(&self, distribution: &Distribution) -> Option<f64> {
        distribution.verdict.filter(|_| self.by_tidemark()).map(|verdict| verdict.p_value)
    }

    fn judge(&mut self) {
        let figures: Vec<Figure> = self.columns.iter().filter_map(|column| self.figure(column)).collect();
        self.n_judged = figures.len();
        self.n_drifted = figures.iter().filter(|figure| figure.drifted).count();
        let least = if self.by_tidemark() { 0.0 } else { DATASET_DRIFT_SHARE };
        let columns_drifted = self.n_drifted > 0 && self.n_drifted as f64 >= least * self.n_judged as f64;
        self.drifted = columns_drifted || self.prediction_figure().is_some_and(|figure| figure.drifted);
        self.verdict = words::verdict(self);
    }
}

/// Why a column is not judged by the rule `tidemark`, or by any.
fn testable(column: &Common, rules: &Rules) -> Result<(), &'static str> {
    match column {
        column if column.dates => Err(DATES_MOVE_ON),
        column if rules.rule == WindowRule::Tidemark && rules.calendar.contains(&column.name) => Err(FOLLOWS_THE_CALENDAR),
        _ => Ok(()),
    }
}

fn shift_of(column: &Common, rules: &Rules) -> Option<Shift> {
    testable(column, rules).ok()?;
    shift(&column.reference, &column.current).ok()
}

fn of_column(column: &Common, verdict: Option<Verdict>, rules: &Rules) -> ColumnOutcome {
    let Common { name, dates, reference, current } = column;
    let compared =
        if *dates { Err(DATES_MOVE_ON.to_owned()) } else { compare(reference, current, None).map_err(|error| error.to_string()) };
    let not_judged = testable(column, rules).err().map(str::to_owned);
    ColumnOutcome {
        problem: not_judged.or_else(|| compared.as_ref().err().cloned()),
        missing_reference: share(reference.n_missing(), reference.n_rows()),
        missing_current: share(current.n_missing(), current.n_rows()),
        distribution: Distribution {
            name: name.clone(),
            kind: reference.kind(),
            dates: *dates,
            drift: compared.ok(),
            verdict,
            bars: bars_of(reference, current, *dates),
        },
    }
}

fn of_prediction(class: &str, wholes: &[Tally; 2], verdict: Option<Verdict>, rules: &Rules) -> Distribution {
    let held_against = |drift: Drift| match (rules.rule, drift.statistic.is_p_value()) {
        (WindowRule::Evidently, false) => Drift { threshold: rules.prediction_drift, drifted: too_far(&drift, rules), ..drift },
        _ => drift,
    };
    let [reference, current] = wholes.each_ref().map(|whole| &whole.prediction);
    Distribution {
        name: format!("probability of “{class}”"),
        kind: reference.kind(),
        dates: false,
        drift: compare(reference, current, None).ok().map(held_against),
        verdict,
        bars: bars_of(reference, current, false),
    }
}

fn of_side(side: &Side, whole: &Tally, class: Option<&str>, columns: &[&Counts]) -> SideReport {
    let (first_day, last_day) = side.days();
    let n_predicted = |class: &str| whole.labels.get(class).copied().unwrap_or(0);
    SideReport {
        name: side.asked.name.clone(),
        title: side.asked.title(),
        first_day,
        last_day,
        versions: side.versions().into_iter().collect(),
        n_rows: whole.n_rows,
        n_labelled: whole.outcomes.n(),
        share_predicted: class.map(|class| share(n_predicted(class), whole.n_rows)),
        mean_probability: class.and_then(|_| mean(&whole.prediction)),
        missing_share_of_cells: missing_share_of_cells(columns.iter().copied()),
        missing_cells_per_row: missing_per_row(columns.iter().copied()),
    }
}
