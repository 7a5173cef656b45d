//! A family, fitted: judged on rows that it was held back from, calibrated by them, then fitted anew on all.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use chrono::NaiveDate;
use data_contract::ThresholdChoice;
use polars::prelude::DataFrame;
use trainer_estimators::calibration::{self, Calibrated, Method};
use trainer_estimators::cross_validation::{self, Folds, cross_validate, cross_validate_with_steps, typical_steps};
use trainer_estimators::metrics::Truth;
use trainer_estimators::{Data, Error, Fitted, Matrix, OnStep, Params, Step, ValidParams, threshold};

use crate::blend::Candidates;
use crate::encode;
use crate::failure::{Hint, failure};
use crate::material::Material;
use crate::model::{Model, Settings};
use crate::prepare;

/// A fitted model that is not registered yet.
#[derive(Debug)]
pub(crate) struct Candidate {
    /// The settings it was fitted with.
    pub(crate) settings: Settings,
    /// The model, fitted on all rows.
    pub(crate) model: Model,
    /// How it does on rows that it was held back from.
    pub(crate) judgement: Judgement,
    /// CPU seconds of all its fits, all threads together.
    pub(crate) fit_cpu_secs: f64,
}

/// What models say about rows that they were held back from.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// In how many folds rows were held out; 1 for the validation part.
    pub(crate) n_folds: usize,
    /// The rows.
    pub(crate) features: Rc<Matrix>,
    /// Their classes.
    pub(crate) classes: Vec<u32>,
    /// How much they count by their own weights, where they have some.
    pub(crate) weights: Option<Vec<f32>>,
    /// Their dates, where they have some.
    pub(crate) dates: Vec<Option<NaiveDate>>,
    /// Their probabilities `[N, C]`, calibrated without them.
    pub(crate) probabilities: Matrix,
    /// The same of each further time that they were held out, in other folds.
    pub(crate) repeats: Vec<Matrix>,
    /// The way probabilities are calibrated.
    pub(crate) calibration: Method,
    /// Log loss of each way to calibrate, by name.
    pub(crate) calibrations: BTreeMap<String, f64>,
    /// With two classes, where the decision is made.
    pub(crate) choice: Option<ThresholdChoice>,
    /// The model that was held back from the rows, where there is one for all of them.
    pub(crate) unseen: Option<Model>,
}

impl Judgement {
    /// What came true of the rows, and how much they count.
    pub(crate) fn truth(&self) -> Truth<'_> {
        Truth::new(&self.classes, self.weights.as_deref())
    }
}

/// Rows held out, before calibration.
struct HeldOut {
    n_folds: usize,
    /// Row numbers among all rows, ascending.
    rows: Vec<usize>,
    probabilities: Matrix,
    /// The same of each further time, in other folds.
    repeats: Vec<Matrix>,
    /// Of each fit.
    n_steps: Vec<usize>,
    fitted: Option<Fitted>,
}

/// Fits what settings ask for: one family, or several and their blend.
///
/// # Errors
/// As of [`fit`], of any of them.
pub(crate) fn fit_settings(settings: Settings, material: &Material, on_step: OnStep) -> anyhow::Result<Candidate> {
    match settings {
        Settings::One(params) => fit(params, material, on_step),
        Settings::Blend(members) => {
            let mut candidates = Candidates::default();
            for params in members.of_families() {
                candidates.add(fit(params, material, on_step)?);
            }
            let nothing = || failure("the blend in production has no members", "`trainer train` makes other versions");
            candidates.blend_or_best(material)?.ok_or_else(nothing)
        }
    }
}

/// Fits one family with some settings.
///
/// # Errors
/// Settings out of range, rows that cannot be learned from, and a threshold's goal that is out of reach.
pub(crate) fn fit(params: Params, material: &Material, on_step: OnStep) -> anyhow::Result<Candidate> {
    let before = cpu_secs();
    let rows = material.rows()?;
    let all = material.data(&rows)?;
    // What rows of one group have in common does not tell of other groups, and is not to be found by folds that part a group.
    let params = match prepare::group_numbers(&rows)? {
        Some(_) => params,
        None => params.settled(&all, material.seed, on_step)?,
    };
    let valid = params.clone().check()?;
    let n_done = Cell::new(0);
    let mut progress = Progress { n_done: &n_done, n_fits: n_fits(&valid, material), on_step };
    let held_out = hold_out(&valid, material, &rows, &all, &mut progress)?;
    let classes: Vec<u32> = held_out.rows.iter().map(|&row| all.classes()[row]).collect();
    let weights = encode::weights(&rows)?.map(|weights| held_out.rows.iter().map(|&row| weights[row]).collect::<Vec<_>>());
    let dates = encode::dates(&rows)?;
    let truth = Truth::new(&classes, weights.as_deref());
    let choice = calibration::choose(material.calibrations(), &held_out.probabilities, truth, material.seed)?;
    let calibrate = |again: &Matrix| calibration::choose(&[choice.method], again, truth, material.seed);
    let repeats = held_out.repeats.iter().map(|again| Ok(calibrate(again)?.probabilities)).collect::<Result<_, Error>>()?;
    let n_steps = typical_steps(&held_out.n_steps);
    let fitted = progress.fit(|on_step| valid.clone().with_steps(n_steps).fit(&all, None, material.seed, on_step))?;
    let calibrated = |fitted| Model::One(Calibrated::new(fitted, choice.calibration.clone()));
    let judgement = Judgement {
        n_folds: held_out.n_folds,
        features: Rc::new(all.features().select(&held_out.rows)),
        dates: held_out.rows.iter().map(|&row| dates[row]).collect(),
        choice: choose_threshold(material, &choice.probabilities, truth)?,
        unseen: held_out.fitted.map(calibrated),
        probabilities: choice.probabilities,
        repeats,
        calibration: choice.method,
        calibrations: choice.log_losses,
        classes,
        weights,
    };
    Ok(Candidate { settings: Settings::One(params), model: calibrated(fitted), judgement, fit_cpu_secs: cpu_secs() - before })
}

/// Fits in all: one on all rows, and those without the rows held out, in folds twice where steps are found first.
fn n_fits(params: &ValidParams, material: &Material) -> usize {
    match material.n_folds() {
        1 => 2,
        n_folds => n_folds * material.n_repeats() * if params.stops_early() { 2 } else { 1 } + 1,
    }
}

/// Holds rows out in folds, as often as the dataset says; the validation part where it says so, or where folds would take a class away.
fn hold_out(
    params: &ValidParams,
    material: &Material,
    rows: &DataFrame,
    all: &Data,
    progress: &mut Progress,
) -> anyhow::Result<HeldOut> {
    let n_folds = material.n_folds();
    if n_folds == 1 {
        return Ok(hold_out_validation(params, material, all, progress)?);
    }
    let mut times = Vec::new();
    for repeat in 0..material.n_repeats() {
        let folds = material.folds(rows, n_folds, repeat)?;
        if !folds.leave_two_classes(all.classes()) {
            tracing::warn!("folds number {} would take a class away from training and are left out", repeat + 1);
            continue;
        }
        times.push(hold_out_folds(params, all, &folds, material.seed, progress)?);
    }
    let n_steps = times.iter().flat_map(|(_, n_steps)| n_steps).copied().collect();
    let mut times = times.into_iter().map(|(held_out, _)| held_out);
    let Some(first) = times.next() else { return Ok(hold_out_validation(params, material, all, progress)?) };
    let repeats = times.map(|again| again.probabilities).collect();
    Ok(HeldOut { n_folds, rows: first.rows, probabilities: first.probabilities, repeats, n_steps, fitted: None })
}

/// What models say of the rows that they were held back from, in order, and the steps that are best by the rows themselves.
fn hold_out_folds(
    params: &ValidParams,
    all: &Data,
    folds: &Folds,
    seed: u64,
    progress: &mut Progress,
) -> Result<(cross_validation::HeldOut, Vec<usize>), Error> {
    let n_done = progress.n_done;
    let mut after_fold = |_: &_| {
        n_done.update(|done| done + 1);
        ControlFlow::Continue(())
    };
    let mut on_step = |step: Step| progress.see(step);
    if !params.stops_early() {
        let held_out = cross_validate(params, all, folds, seed, &mut on_step, &mut after_fold)?.in_order();
        return Ok((held_out, vec![]));
    }
    // How many steps are best does not depend on how many models are averaged.
    let n_steps = cross_validate(&params.clone().for_trial(), all, folds, seed, &mut on_step, &mut after_fold)?.n_steps;
    let held_out = cross_validate_with_steps(params, all, folds, &n_steps, seed, &mut on_step, &mut after_fold)?.in_order();
    Ok((held_out, n_steps))
}

fn hold_out_validation(params: &ValidParams, material: &Material, all: &Data, progress: &mut Progress) -> Result<HeldOut, Error> {
    let n_train = material.train.height();
    let train = all.select(&(0..n_train).collect::<Vec<_>>())?;
    let rows: Vec<usize> = (n_train..all.n_rows()).collect();
    // Rows of one class cannot tell a learner when to stop; they still measure it.
    let validation = all.select(&rows).ok();
    let fitted = progress.fit(|on_step| params.fit(&train, validation.as_ref(), material.seed, on_step))?;
    let probabilities = fitted.probabilities(&all.features().select(&rows));
    Ok(HeldOut { n_folds: 1, rows, probabilities, repeats: vec![], n_steps: vec![fitted.n_steps()], fitted: Some(fitted) })
}

/// With two classes, the threshold that reaches the dataset's goal on the rows held out.
pub(crate) fn choose_threshold(
    material: &Material,
    probabilities: &Matrix,
    truth: Truth,
) -> anyhow::Result<Option<ThresholdChoice>> {
    let training = material.training;
    let choose = |_| threshold::choose(training.threshold, training.profit, probabilities, truth);
    let choice = material.contract.target.positive.map(choose).transpose();
    choice.hint("`training.threshold` in the dataset's TOML file says where to decide")
}

/// The steps of several fits as those of one.
struct Progress<'a> {
    n_done: &'a Cell<usize>,
    n_fits: usize,
    on_step: OnStep<'a>,
}

impl Progress<'_> {
    fn fit(&mut self, fit: impl FnOnce(OnStep) -> Result<Fitted, Error>) -> Result<Fitted, Error> {
        let fitted = fit(&mut |step: Step| self.see(step))?;
        self.n_done.update(|done| done + 1);
        Ok(fitted)
    }

    fn see(&mut self, step: Step) -> ControlFlow<()> {
        (self.on_step)(Step { done: self.n_done.get() * step.total + step.done, total: self.n_fits * step.total })
    }
}

/// CPU seconds of this process so far, all threads together.
pub(crate) fn cpu_secs() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
