//! The blend of fitted models: a weighted mean of what they say, by weights that are found on the rows they were held back from.

use std::collections::BTreeMap;
use std::rc::Rc;

use trainer_estimators::Matrix;
use trainer_estimators::blend::{self, Blend};
use trainer_estimators::calibration::{Calibrated, Method};
use trainer_estimators::metrics::{mean, row_losses};

use crate::candidate::{self, Candidate, Judgement};
use crate::material::Material;
use crate::model::{Members, Model, Settings};

/// Models of several families, judged on the same rows.
#[derive(Debug, Default)]
pub(crate) struct Candidates(Vec<Candidate>);

impl Candidates {
    /// Takes a model. All are judged on the same rows, which are kept once; one that was not is left out.
    pub(crate) fn add(&mut self, mut candidate: Candidate) {
        if let Some(Candidate { judgement: rows, .. }) = self.0.first() {
            let other = &mut candidate.judgement;
            if other.classes != rows.classes || other.repeats.len() != rows.repeats.len() {
                tracing::warn!("{} was judged on other rows and takes no part in the blend", candidate.model.family());
                return;
            }
            other.features = Rc::clone(&rows.features);
        }
        self.0.push(candidate);
    }

    /// Their blend; none where one of them has all the weight.
    ///
    /// # Errors
    /// A threshold's goal that is out of reach.
    pub(crate) fn blend(&self, material: &Material) -> anyhow::Result<Option<Candidate>> {
        let Some(Candidate { judgement: rows, .. }) = self.0.first() else { return Ok(None) };
        weighted_mean(&self.0, rows, material)
    }

    /// Their blend, or the best of them where they have none; nothing where there are none.
    ///
    /// # Errors
    /// As of [`Candidates::blend`].
    pub(crate) fn blend_or_best(self, material: &Material) -> anyhow::Result<Option<Candidate>> {
        let loss = |candidate: &Candidate| {
            let Judgement { probabilities, classes, weights, .. } = &candidate.judgement;
            mean(&row_losses(probabilities, classes), weights.as_deref()).value
        };
        match self.blend(material)? {
            Some(blend) => Ok(Some(blend)),
            None => Ok(self.0.into_iter().min_by(|a, b| loss(a).total_cmp(&loss(b)))),
        }
    }
}

fn weighted_mean(candidates: &[Candidate], rows: &Judgement, material: &Material) -> anyhow::Result<Option<Candidate>> {
    let choose = |of: &dyn Fn(&Judgement) -> &Matrix| {
        let held_out: Vec<&Matrix> = candidates.iter().map(|candidate| of(&candidate.judgement)).collect();
        blend::choose(&held_out, rows.truth(), material.seed)
    };
    let blend::Choice { weights, probabilities } = choose(&|judgement| &judgement.probabilities)?;
    let members: Vec<(f64, &Candidate)> = weights.into_iter().zip(candidates).filter(|(weight, _)| *weight > 0.0).collect();
    let of_members = |model: &dyn Fn(&Candidate) -> Option<Calibrated>| {
        let weighted: Option<Vec<_>> = members.iter().map(|(weight, member)| Some((*weight as f32, model(member)?))).collect();
        weighted.filter(|weighted| weighted.len() > 1).map(|weighted| Model::Blend(Blend::new(weighted)))
    };
    let Some(model) = of_members(&|member| member.model.single().cloned()) else { return Ok(None) };
    let with_weight = |(weight, member): &(f64, &Candidate)| {
        let weight = *weight;
        member.settings.clone().of_families().into_iter().map(move |params| (weight, params))
    };
    let settings = Members::new(members.iter().flat_map(with_weight));
    let repeats = (0..rows.repeats.len()).map(|time| Ok(choose(&|judgement| &judgement.repeats[time])?.probabilities));
    let judgement = Judgement {
        n_folds: rows.n_folds,
        features: Rc::clone(&rows.features),
        classes: rows.classes.clone(),
        weights: rows.weights.clone(),
        dates: rows.dates.clone(),
        repeats: repeats.collect::<anyhow::Result<_>>()?,
        calibration: Method::None,
        calibrations: BTreeMap::new(),
        choice: candidate::choose_threshold(material, &probabilities, rows.truth())?,
        unseen: of_members(&|member| member.judgement.unseen.as_ref()?.single().cloned()),
        probabilities,
    };
    let fit_cpu_secs = candidates.iter().map(|candidate| candidate.fit_cpu_secs).sum();
    Ok(Some(Candidate { settings: Settings::Blend(settings), model, judgement, fit_cpu_secs }))
}
