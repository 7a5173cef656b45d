//! The families of classifiers, and the line each of them goes down: `Params -> ValidParams -> Fitted -> Exported`.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use trainer_onnx::{Calendar, Head};

use crate::calendar::Dated;
use crate::link::Scaling;
use crate::{Data, Error, Matrix, gradient_boosting, logistic_regression, multilayer_perceptron, random_forest, support_vector};

/// A way to learn a classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// [`logistic_regression`].
    LogisticRegression,
    /// [`support_vector`].
    SupportVector,
    /// [`multilayer_perceptron`].
    MultilayerPerceptron,
    /// [`random_forest`].
    RandomForest,
    /// [`gradient_boosting`].
    GradientBoosting,
}

impl Family {
    /// Every family, the simplest first.
    pub const ALL: [Family; 5] = [
        Family::LogisticRegression,
        Family::SupportVector,
        Family::MultilayerPerceptron,
        Family::RandomForest,
        Family::GradientBoosting,
    ];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Family::LogisticRegression => "logistic-regression",
            Family::SupportVector => "support-vector",
            Family::MultilayerPerceptron => "multilayer-perceptron",
            Family::RandomForest => "random-forest",
            Family::GradientBoosting => "gradient-boosting",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|family| family.name() == name);
        found.ok_or_else(|| Error::UnknownFamily { name: name.to_owned(), known: known() })
    }
}

/// How far a fit is. It may end before `done` reaches `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Steps taken.
    pub done: usize,
    /// Steps at most.
    pub total: usize,
}

/// Told after each step of a fit; may ask it to stop, and then there is no model.
pub type OnStep<'a> = &'a mut dyn FnMut(Step) -> ControlFlow<()>;

/// Lets a fit go on to its end.
pub fn to_the_end(_: Step) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Settings of one family, as read from a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Params {
    /// Of [`logistic_regression`].
    LogisticRegression(logistic_regression::Params),
    /// Of [`support_vector`].
    SupportVector(support_vector::Params),
    /// Of [`multilayer_perceptron`].
    MultilayerPerceptron(multilayer_perceptron::Params),
    /// Of [`random_forest`].
    RandomForest(random_forest::Params),
    /// Of [`gradient_boosting`].
    GradientBoosting(gradient_boosting::Params),
}

impl Params {
    /// The settings a family starts from.
    pub fn default_for(family: Family) -> Self {
        match family {
            Family::LogisticRegression => Self::LogisticRegression(logistic_regression::Params::default()),
            Family::SupportVector => Self::SupportVector(support_vector::Params::default()),
            Family::MultilayerPerceptron => Self::MultilayerPerceptron(multilayer_perceptron::Params::default()),
            Family::RandomForest => Self::RandomForest(random_forest::Params::default()),
            Family::GradientBoosting => Self::GradientBoosting(gradient_boosting::Params::default()),
        }
    }

    /// The family they belong to.
    pub fn family(&self) -> Family {
        match self {
            Self::LogisticRegression(_) => Family::LogisticRegression,
            Self::SupportVector(_) => Family::SupportVector,
            Self::MultilayerPerceptron(_) => Family::MultilayerPerceptron,
            Self::RandomForest(_) => Family::RandomForest,
            Self::GradientBoosting(_) => Family::GradientBoosting,
        }
    }

    /// The same with what the settings leave to the rows and several fits have to agree on, as whether gradient boosting combines columns.
    ///
    /// # Errors
    /// Settings out of range or that these rows do not allow, and [`Error::Stopped`].
    pub fn settled(self, train: &Data, seed: u64, on_step: OnStep) -> Result<Self, Error> {
        self.clone().check()?;
        match self {
            Self::GradientBoosting(params) => Dated::settled(params, train, seed, on_step).map(Self::GradientBoosting),
            others => Ok(others),
        }
    }

    /// The settings that a search found, for a version of so many rows: gradient boosting averages two ensembles where one is the default,
    /// as long as that takes no more than minutes. Of trials one ensemble tells enough.
    #[must_use]
    pub fn for_version(self, n_rows: usize) -> Self {
        match self {
            Self::GradientBoosting(params) => Self::GradientBoosting(params.for_version(n_rows)),
            others => others,
        }
    }

    /// Refuses what is out of range.
    pub fn check(self) -> Result<ValidParams, Error> {
        match self {
            Self::LogisticRegression(params) => params.check().map(ValidParams::LogisticRegression),
            Self::SupportVector(params) => params.check().map(ValidParams::SupportVector),
            Self::MultilayerPerceptron(params) => params.check().map(ValidParams::MultilayerPerceptron),
            Self::RandomForest(params) => params.check().map(ValidParams::RandomForest),
            Self::GradientBoosting(params) => params.check().map(ValidParams::GradientBoosting),
        }
    }
}

/// Settings of one family, in range.
#[derive(Clone, Debug, PartialEq)]
pub enum ValidParams {
    /// Of [`logistic_regression`].
    LogisticRegression(logistic_regression::ValidParams),
    /// Of [`support_vector`].
    SupportVector(support_vector::ValidParams),
    /// Of [`multilayer_perceptron`].
    MultilayerPerceptron(multilayer_perceptron::ValidParams),
    /// Of [`random_forest`].
    RandomForest(random_forest::ValidParams),
    /// Of [`gradient_boosting`].
    GradientBoosting(gradient_boosting::ValidParams),
}

impl ValidParams {
    /// Learns from the training rows. A family that can stop early watches the validation rows for it.
    /// The same data, settings and seed give the same model, whatever the number of threads.
    ///
    /// # Errors
    /// [`Error::Stopped`] when `on_step` asks for it.
    pub fn fit(&self, train: &Data, validation: Option<&Data>, seed: u64, on_step: OnStep) -> Result<Fitted, Error> {
        match Dated::fit(self, train, validation, seed, on_step) {
            Some(dated) => dated.map(|dated| Fitted::Dated(Box::new(dated))),
            None => self.fit_columns(train, validation, seed, on_step),
        }
    }

    /// Learns from columns as they are.
    pub(crate) fn fit_columns(
        &self,
        train: &Data,
        validation: Option<&Data>,
        seed: u64,
        on_step: OnStep,
    ) -> Result<Fitted, Error> {
        match self {
            Self::LogisticRegression(params) => params.fit(train, on_step).map(Fitted::LogisticRegression),
            Self::SupportVector(params) => params.fit(train, seed, on_step).map(Fitted::SupportVector),
            Self::MultilayerPerceptron(params) => params.fit(train, validation, seed, on_step).map(Fitted::MultilayerPerceptron),
            Self::RandomForest(params) => params.fit(train, seed, on_step).map(Fitted::RandomForest),
            Self::GradientBoosting(params) => params.fit(train, validation, seed, on_step).map(Fitted::GradientBoosting),
        }
    }
}

impl ValidParams {
    /// Whether rows held out tell when to stop.
    pub fn stops_early(&self) -> bool {
        match self {
            Self::GradientBoosting(_) | Self::MultilayerPerceptron(_) => true,
            Self::LogisticRegression(_) | Self::SupportVector(_) | Self::RandomForest(_) => false,
        }
    }

    /// The same settings for a fit that is only held against others. Of few rows several models are averaged, which makes all settings better
    /// by much the same; here as few are as of many rows, unless the settings say how many.
    #[must_use]
    pub fn for_trial(self) -> Self {
        match self {
            Self::GradientBoosting(params) => Self::GradientBoosting(params.for_trial()),
            Self::MultilayerPerceptron(params) => Self::MultilayerPerceptron(params.for_trial()),
            Self::RandomForest(params) => Self::RandomForest(params.for_trial()),
            Self::LogisticRegression(_) | Self::SupportVector(_) => self,
        }
    }

    /// The same settings for a fit that takes just this many steps (rounds or epochs) and stops at no earlier one: for fitting anew on all
    /// rows what was stopped by validation rows before. A family that looks for a minimum is not changed.
    pub fn with_steps(self, n_steps: usize) -> Self {
        match self {
            Self::GradientBoosting(params) => Self::GradientBoosting(params.with_steps(n_steps)),
            Self::MultilayerPerceptron(params) => Self::MultilayerPerceptron(params.with_steps(n_steps)),
            Self::LogisticRegression(_) | Self::SupportVector(_) | Self::RandomForest(_) => self,
        }
    }
}

/// A fitted classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Fitted {
    /// Of [`logistic_regression`].
    LogisticRegression(logistic_regression::Fitted),
    /// Of [`support_vector`].
    SupportVector(support_vector::Fitted),
    /// Of [`multilayer_perceptron`].
    MultilayerPerceptron(multilayer_perceptron::Fitted),
    /// Of [`random_forest`].
    RandomForest(random_forest::Fitted),
    /// Of [`gradient_boosting`].
    GradientBoosting(gradient_boosting::Fitted),
    /// Of any of them, on rows with dates.
    Dated(Box<Dated>),
}

impl Fitted {
    /// The family.
    pub fn family(&self) -> Family {
        match self {
            Self::LogisticRegression(_) => Family::LogisticRegression,
            Self::SupportVector(_) => Family::SupportVector,
            Self::MultilayerPerceptron(_) => Family::MultilayerPerceptron,
            Self::RandomForest(_) => Family::RandomForest,
            Self::GradientBoosting(_) => Family::GradientBoosting,
            Self::Dated(dated) => dated.family(),
        }
    }

    /// Probabilities `[N, C]`.
    ///
    /// # Panics
    /// When the rows have another width than the training rows.
    pub fn probabilities(&self, features: &Matrix) -> Matrix {
        self.classifier().probabilities(features)
    }

    /// Steps that led to it: iterations, rounds or epochs.
    pub fn n_steps(&self) -> usize {
        self.classifier().n_steps()
    }

    /// Whether the fit reached what it was looking for. False for a minimum that the allowed steps did not reach; a family that looks for
    /// none has always converged.
    pub fn converged(&self) -> bool {
        self.classifier().converged()
    }

    /// The same classifier as plain numbers, from which a graph is written.
    pub fn to_onnx(&self) -> Exported {
        self.classifier().to_onnx()
    }

    /// The same with its log-odds scaled; none where a classifier has no log-odds but probabilities alone.
    pub(crate) fn scaled(&self, scaling: &Scaling) -> Option<Self> {
        match self {
            Self::LogisticRegression(fitted) => Some(Self::LogisticRegression(fitted.clone().scaled(scaling))),
            Self::SupportVector(fitted) => fitted.clone().scaled(scaling).map(Self::SupportVector),
            Self::MultilayerPerceptron(fitted) => Some(Self::MultilayerPerceptron(fitted.clone().scaled(scaling))),
            Self::RandomForest(_) => None,
            Self::GradientBoosting(fitted) => Some(Self::GradientBoosting(fitted.clone().scaled(scaling))),
            Self::Dated(dated) => dated.scaled(scaling).map(|dated| Self::Dated(Box::new(dated))),
        }
    }

    fn classifier(&self) -> &dyn Classifier {
        match self {
            Self::LogisticRegression(fitted) => fitted,
            Self::SupportVector(fitted) => fitted,
            Self::MultilayerPerceptron(fitted) => fitted,
            Self::RandomForest(fitted) => fitted,
            Self::GradientBoosting(fitted) => fitted,
            Self::Dated(dated) => &**dated,
        }
    }
}

/// What every fitted classifier can tell.
pub(crate) trait Classifier {
    /// Probabilities `[N, C]`.
    fn probabilities(&self, features: &Matrix) -> Matrix;

    /// Steps that led to it.
    fn n_steps(&self) -> usize;

    /// Whether the fit reached what it was looking for.
    fn converged(&self) -> bool;

    /// The same classifier as plain numbers.
    fn to_onnx(&self) -> Exported;
}

/// A classifier as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// What the classifier's rows are made of, where features are dates.
    pub calendar: Option<Calendar>,
    /// The classifier.
    pub classifier: trainer_onnx::Classifier,
}

impl Exported {
    /// Refuses numbers that are no classifier, as of a fit that left the finite ones.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check(&self) -> Result<(), trainer_onnx::Error> {
        self.classifier.check()
    }

    /// The ONNX file.
    ///
    /// # Panics
    /// When [`Exported::check`] refuses the classifier.
    pub fn to_model(&self, head: &Head) -> Vec<u8> {
        self.classifier.to_model(&Head { calendar: self.calendar.clone(), ..head.clone() })
    }
}

impl From<trainer_onnx::Classifier> for Exported {
    fn from(classifier: trainer_onnx::Classifier) -> Self {
        Self { calendar: None, classifier }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_one_name_everywhere() {
        for family in Family::ALL {
            assert_eq!(family.to_string().parse::<Family>().unwrap(), family);
            assert_eq!(serde_json::to_string(&family).unwrap(), format!("\"{family}\""));
            assert_eq!(Params::default_for(family).family(), family);
        }
        let error = "bayes".parse::<Family>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown family `bayes`; the families are logistic-regression, support-vector, multilayer-perceptron, random-forest, gradient-boosting"
        );
    }

    #[test]
    fn settings_name_their_family_and_fill_in_defaults() {
        let params: Params = serde_json::from_str(r#"{"family": "gradient-boosting", "rounds": 7}"#).unwrap();
        let expect = gradient_boosting::Params { rounds: 7, ..Default::default() };
        assert_eq!(params, Params::GradientBoosting(expect));
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        let result: Result<Params, _> = serde_json::from_str(r#"{"family": "gradient-boosting", "trees": 7}"#);
        assert!(result.unwrap_err().to_string().contains("unknown field `trees`"));
    }

    #[test]
    fn defaults_are_in_range() {
        for family in Family::ALL {
            Params::default_for(family).check().unwrap();
        }
    }
}
