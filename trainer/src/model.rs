//! What a version is made of: one model, or the blend of several.

use serde::{Deserialize, Serialize};
use trainer_estimators::blend::Blend;
use trainer_estimators::calibration::Calibrated;
use trainer_estimators::{Exported, Matrix, Params};
use trainer_onnx::Calibration;

/// What stands for the family of a blend.
pub(crate) const BLEND: &str = "blend";

/// The settings of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Settings {
    /// Of one family.
    One(Params),
    /// Of several, whose mean is taken.
    Blend(Members),
}

/// The members of a blend, as in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Members {
    family: Tag,
    members: Vec<Member>,
}

/// The name of a blend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tag {
    Blend,
}

/// A family in a blend; its weight is found anew wherever the blend is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    weight: f64,
    params: Params,
}

/// A fitted model.
#[expect(clippy::large_enum_variant, reason = "there are a handful of models, not a list")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Model {
    /// Of one family.
    One(Calibrated),
    /// The weighted mean of several.
    Blend(Blend),
}

impl Settings {
    /// Of each family.
    pub(crate) fn of_families(self) -> Vec<Params> {
        match self {
            Self::One(params) => vec![params],
            Self::Blend(members) => members.of_families(),
        }
    }

    /// The same with each family's settings changed.
    pub(crate) fn map(self, change: impl Fn(Params) -> Params) -> Self {
        match self {
            Self::One(params) => Self::One(change(params)),
            Self::Blend(Members { family, members }) => {
                let changed = members.into_iter().map(|member| Member { params: change(member.params), ..member });
                Self::Blend(Members { family, members: changed.collect() })
            }
        }
    }
}

impl Members {
    /// Takes the settings of models with their weights.
    pub(crate) fn new(members: impl IntoIterator<Item = (f64, Params)>) -> Self {
        let members = members.into_iter().map(|(weight, params)| Member { weight, params });
        Self { family: Tag::Blend, members: members.collect() }
    }

    /// The settings of each.
    pub(crate) fn of_families(self) -> Vec<Params> {
        self.with_weights().map(|(_, params)| params).collect()
    }

    /// The settings of each, with its weight.
    pub(crate) fn with_weights(self) -> impl Iterator<Item = (f64, Params)> {
        self.members.into_iter().map(|member| (member.weight, member.params))
    }
}

impl Model {
    /// The family's name; a blend has one of its own.
    pub(crate) fn family(&self) -> &'static str {
        match self {
            Self::One(model) => model.fitted.family().name(),
            Self::Blend(_) => BLEND,
        }
    }

    /// The model of one family, if it is that.
    pub(crate) fn single(&self) -> Option<&Calibrated> {
        match self {
            Self::One(model) => Some(model),
            Self::Blend(_) => None,
        }
    }

    /// Probabilities `[N, C]`.
    ///
    /// # Panics
    /// When the rows have another width than the training rows.
    pub(crate) fn probabilities(&self, features: &Matrix) -> Matrix {
        match self {
            Self::One(model) => model.probabilities(features),
            Self::Blend(blend) => blend.probabilities(features),
        }
    }

    /// The same as plain numbers, and what is done to their probabilities.
    pub(crate) fn to_onnx(&self) -> (Exported, Option<Calibration>) {
        match self {
            Self::One(model) => (model.fitted.to_onnx(), model.calibration.to_onnx()),
            Self::Blend(blend) => (blend.to_onnx(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainer_estimators::Family;

    #[test]
    fn settings_are_read_as_they_are_written() {
        let of = Params::default_for;
        let members = [(0.25, of(Family::LogisticRegression)), (0.75, of(Family::GradientBoosting))];
        let blend = Settings::Blend(Members::new(members));
        let json = serde_json::to_value(&blend).unwrap();
        assert_eq!(json["family"], BLEND);
        assert_eq!(json["members"][1]["params"]["family"], "gradient-boosting");
        for settings in [blend, Settings::One(of(Family::SupportVector))] {
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        }
    }
}
