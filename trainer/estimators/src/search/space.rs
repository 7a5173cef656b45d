//! Which settings of a family a search changes, and between which limits.
//!
//! A point of the unit cube stands for settings: one coordinate per axis.

use serde_json::{Value as Json, json};

use crate::{Family, Params};

/// From this many rows on, larger steps and trees are tried first.
const ROWS_FOR_LARGE_STEPS: usize = 15_000;

/// One setting.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) name: &'static str,
    range: Range,
}

/// The values of a setting, along a coordinate from 0 to 1.
#[derive(Clone, Debug)]
enum Range {
    Linear(f64, f64),
    Logarithmic(f64, f64),
    /// Whole numbers along their logarithm.
    Whole(f64, f64),
    OneOf(Vec<Json>),
}

impl Axis {
    /// The setting's value at a coordinate.
    fn value(&self, at: f64) -> Json {
        let between = |low: f64, high: f64| low + at * (high - low);
        match &self.range {
            Range::Linear(low, high) => rounded(between(*low, *high)).into(),
            Range::Logarithmic(low, high) => rounded(between(low.ln(), high.ln()).exp()).into(),
            Range::Whole(low, high) => (between(low.ln(), high.ln()).exp().round() as u64).into(),
            Range::OneOf(values) => values[((at * values.len() as f64) as usize).min(values.len() - 1)].clone(),
        }
    }

    /// Where a value lies; at the nearer end where it is beyond the limits, and nowhere when it is none of a list's.
    fn coordinate(&self, value: &Json) -> Option<f64> {
        let share = |low: f64, high: f64| value.as_f64().map(|value| (value - low) / (high - low));
        let at = match &self.range {
            Range::Linear(low, high) => share(*low, *high),
            Range::Logarithmic(low, high) | Range::Whole(low, high) => {
                value.as_f64().map(|value| (value.ln() - low.ln()) / (high.ln() - low.ln()))
            }
            Range::OneOf(values) => {
                let place = values.iter().position(|other| other == value);
                place.map(|place| (place as f64 + 0.5) / values.len() as f64)
            }
        };
        at.map(|at| at.clamp(0.0, 1.0))
    }
}

/// The point of the settings that a family has by default for so many rows; what they leave open is put in the middle.
pub(super) fn defaults(family: Family, axes: &[Axis], n_rows: usize) -> Vec<f64> {
    let params = match Params::default_for(family) {
        Params::GradientBoosting(params) => Params::GradientBoosting(params.resolved(n_rows)),
        params => params,
    };
    let json = serde_json::to_value(params).expect("settings are plain values");
    axes.iter().map(|axis| axis.coordinate(&json[axis.name]).unwrap_or(0.5)).collect()
}

/// Points that did well on many tables, to be tried after the defaults, of which they keep all they do not name.
pub(super) fn portfolio(family: Family, axes: &[Axis], defaults: &[f64], n_rows: usize) -> Vec<Vec<f64>> {
    let settings = match family {
        Family::GradientBoosting => settings_of_boosting(n_rows),
        Family::RandomForest => vec![
            json!({"max_leaves": 1024, "min_leaf_rows": 1, "column_share": 0.4, "leaf_smoothing": 0.3}),
            // Where several rows are about one thing.
            json!({"max_leaves": 1024, "min_leaf_rows": 1, "column_share": 0.15, "leaf_smoothing": 0.1}),
            json!({"max_leaves": 1024, "min_leaf_rows": 3, "column_share": 0.5}),
        ],
        Family::LogisticRegression => vec![
            json!({"n_knots": 0, "l2": 1.0}),
            json!({"bend": 100.0, "l2": 3.0}),
            json!({"n_knots": 4, "bend": 1.0, "l2": 10.0}),
            json!({"n_knots": 30, "bend": 3.0, "l2": 0.5}),
        ],
        Family::SupportVector => vec![json!({"c": 10.0, "gamma_factor": 0.1}), json!({"n_landmarks": 800, "ridge": 0.1})],
        Family::MultilayerPerceptron => {
            vec![json!({"hidden": [64], "n_knots": 0}), json!({"hidden": [256, 128], "weight_decay": 0.15})]
        }
    };
    settings.iter().map(|settings| with(axes, defaults, settings)).collect()
}

fn settings_of_boosting(n_rows: usize) -> Vec<Json> {
    // Where so much is to be learned that a thousand small steps do not reach it; also the soonest done.
    let large_steps = json!({"learning_rate": 0.08, "max_leaves": 31});
    let of_any = [
        // Where several rows are about one thing.
        json!({"combinations": 4}),
        // Where classes change smoothly.
        json!({"symmetric": true, "max_leaves": 32, "min_leaf_rows": 2, "l2": 2.0, "column_share": 0.8}),
        // Where classes follow from the columns with little chance.
        json!({"max_leaves": 31, "min_leaf_rows": 3, "l2": 0.5, "row_share": 1.0, "column_share": 0.8, "random_strength": 0.0}),
        // Much as CatBoost judges questions.
        json!({
            "learning_rate": 0.03, "min_leaf_rows": 2, "random_strength": 1.0, "category_l2": 0.5, "max_set_levels": 1,
            "even_curvature": true,
        }),
        // The same where there is less of chance.
        json!({
            "max_leaves": 31, "min_leaf_rows": 2, "l2": 0.1, "random_strength": 0.0, "category_l2": 0.5, "max_set_levels": 1,
            "even_curvature": true,
        }),
        json!({"learning_rate": 0.02, "max_leaves": 31}),
        json!({"learning_rate": 0.03, "max_leaves": 6}),
        json!({"symmetric": true, "learning_rate": 0.07, "max_leaves": 64, "min_leaf_rows": 2, "l2": 1.0}),
        json!({"learning_rate": 0.02, "max_leaves": 20}),
    ];
    // Of so many rows small steps and large trees learn what is no chance, while rare levels still mislead.
    let small_steps = json!({"learning_rate": 0.02, "max_leaves": 64, "random_strength": 0.0, "category_smoothing": 150.0});
    match n_rows >= ROWS_FOR_LARGE_STEPS {
        true => [large_steps, small_steps].into_iter().chain(of_any).collect(),
        false => of_any.to_vec(),
    }
}

/// The point of the defaults with some settings changed.
fn with(axes: &[Axis], defaults: &[f64], settings: &Json) -> Vec<f64> {
    let mut point = defaults.to_vec();
    for (at, axis) in point.iter_mut().zip(axes).filter(|(_, axis)| !settings[axis.name].is_null()) {
        *at = axis.coordinate(&settings[axis.name]).unwrap_or(*at);
    }
    point
}

/// Three significant digits are enough for a setting, and easier to read.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// The axes of a family; limits on rows follow the number of rows.
pub(super) fn axes(family: Family, n_rows: usize) -> Vec<Axis> {
    let most_leaf_rows = (n_rows as f64 / 30.0).clamp(4.0, 300.0);
    match family {
        Family::GradientBoosting => of_boosting(most_leaf_rows),
        Family::RandomForest => vec![
            axis("max_leaves", Range::Whole(32.0, 1024.0)),
            axis("min_leaf_rows", Range::Whole(1.0, most_leaf_rows.min(60.0))),
            axis("column_share", Range::Linear(0.1, 0.9)),
            axis("leaf_smoothing", Range::Logarithmic(0.1, 10.0)),
            axis("category_smoothing", Range::Logarithmic(1.0, 100.0)),
        ],
        Family::LogisticRegression => {
            vec![
                axis("n_knots", Range::OneOf([0, 2, 4, 7, 9, 14, 20, 30].map(Json::from).to_vec())),
                axis("l2", Range::Logarithmic(0.02, 300.0)),
                axis("bend", Range::Logarithmic(0.3, 300.0)),
            ]
        }
        Family::SupportVector => vec![
            axis("n_landmarks", Range::OneOf([200, 300, 500, 800].map(Json::from).to_vec())),
            axis("gamma_factor", Range::Logarithmic(0.02, 4.0)),
            axis("c", Range::Logarithmic(0.02, 500.0)),
            axis("ridge", Range::Logarithmic(0.03, 3.0)),
            axis("balanced", Range::OneOf(vec![true.into(), false.into()])),
        ],
        Family::MultilayerPerceptron => vec![
            axis("hidden", Range::OneOf(hidden_layers())),
            axis("learning_rate", Range::Logarithmic(5e-4, 1e-2)),
            axis("weight_decay", Range::Logarithmic(1e-3, 1.0)),
            axis("n_knots", Range::OneOf([0, 4, 9, 16].map(Json::from).to_vec())),
        ],
    }
}

fn of_boosting(most_leaf_rows: f64) -> Vec<Axis> {
    vec![
        axis("learning_rate", Range::Logarithmic(0.015, 0.2)),
        axis("max_leaves", Range::Whole(4.0, 96.0)),
        axis("min_leaf_rows", Range::Whole(2.0, most_leaf_rows)),
        axis("l2", Range::Logarithmic(0.1, 60.0)),
        axis("row_share", Range::Linear(0.5, 1.0)),
        axis("column_share", Range::Linear(0.25, 1.0)),
        axis("random_strength", Range::Linear(0.0, 6.0)),
        axis("category_smoothing", Range::Logarithmic(2.0, 150.0)),
        axis("category_l2", Range::Logarithmic(0.5, 50.0)),
        axis("max_set_levels", Range::OneOf([1, 32].map(Json::from).to_vec())),
        axis("symmetric", Range::OneOf(vec![false.into(), true.into()])),
        axis("even_curvature", Range::OneOf(vec![false.into(), true.into()])),
        axis("combinations", Range::OneOf([0, 4, 12].map(Json::from).to_vec())),
    ]
}

fn axis(name: &'static str, range: Range) -> Axis {
    Axis { name, range }
}

fn hidden_layers() -> Vec<Json> {
    [&[32][..], &[64], &[64, 32], &[128, 64], &[256, 128]].map(|layers| Json::from(layers.to_vec())).to_vec()
}

/// The family's default settings with those of the axes at a point.
pub(super) fn params(family: Family, axes: &[Axis], point: &[f64]) -> Params {
    let mut json = serde_json::to_value(Params::default_for(family)).expect("settings are plain values");
    for (axis, at) in axes.iter().zip(point) {
        json[axis.name] = axis.value(*at);
    }
    serde_json::from_value(json).expect("an axis gives values of its setting's type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_corner_of_every_space_is_in_range() {
        for family in Family::ALL {
            for n_rows in [10, 1_000, 1_000_000] {
                let axes = axes(family, n_rows);
                for at in [0.0, 0.5, 1.0] {
                    let params = params(family, &axes, &vec![at; axes.len()]);
                    assert_eq!(params.family(), family);
                    params.check().unwrap();
                }
            }
        }
    }

    #[test]
    fn a_portfolio_holds_the_settings_it_names_and_the_defaults_beside() {
        for family in Family::ALL {
            let axes = axes(family, 30_000);
            let points = portfolio(family, &axes, &defaults(family, &axes, 30_000), 30_000);
            assert!(points.len() >= 2 && points.iter().all(|point| point.len() == axes.len()));
            assert!(points.windows(2).all(|pair| pair[0] != pair[1]), "{family}");
        }
        let axes = axes(Family::GradientBoosting, 14_999);
        let defaults = defaults(Family::GradientBoosting, &axes, 14_999);
        let points = portfolio(Family::GradientBoosting, &axes, &defaults, 14_999);
        let of_many = portfolio(Family::GradientBoosting, &axes, &defaults, 15_000);
        assert_eq!(of_many[2..], points);
        let json = |at: usize| serde_json::to_value(params(Family::GradientBoosting, &axes, &points[at])).unwrap();
        let setting = |at: usize, name: &str| json(at)[name].as_f64().unwrap();
        assert_eq!([setting(1, "learning_rate"), setting(1, "max_leaves"), setting(1, "column_share")], [0.04, 32.0, 0.8]);
        assert_eq!([0, 1].map(|at| setting(at, "combinations")), [4.0, 0.0]);
        assert_eq!([1, 2].map(|at| json(at)["symmetric"].clone()), [true, false]);
        assert_eq!([setting(2, "learning_rate"), setting(2, "max_leaves"), setting(2, "min_leaf_rows")], [0.04, 31.0, 3.0]);
        assert_eq!([setting(5, "learning_rate"), setting(5, "l2"), setting(5, "min_leaf_rows")], [0.02, 5.0, 28.0]);
        assert!((setting(5, "random_strength") - 4.0 * 0.2_f64.sqrt()).abs() < 0.01);
    }

    #[test]
    fn a_value_lies_where_it_came_from() {
        for family in Family::ALL {
            for axis in axes(family, 10_000) {
                for at in [0.1, 0.5, 0.9] {
                    let value = axis.value(at);
                    let again = axis.value(axis.coordinate(&value).unwrap());
                    assert_eq!(again, value, "{}", axis.name);
                }
            }
        }
    }
}
