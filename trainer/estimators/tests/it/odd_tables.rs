//! Tables that are legal and unusual: every family learns something from them, and its graph says the same.

use inference_predictor::Predictor;
use trainer_estimators::{Data, Family, FeatureKind, Matrix, Params, to_the_end};

use crate::engines;
use crate::parity::{compare, export, tolerance};
use crate::problem::{Random, Shape};

const NUMERIC: FeatureKind = FeatureKind::Numeric;

/// A table by a rule for each value and each class.
struct Table {
    n_rows: usize,
    kinds: Vec<FeatureKind>,
    n_classes: usize,
    value: fn(usize, usize, f64) -> f32,
    class: fn(usize) -> u32,
    weight: Option<fn(usize) -> f32>,
}

impl Table {
    fn new(n_rows: usize, kinds: &[FeatureKind], n_classes: usize, value: fn(usize, usize, f64) -> f32) -> Self {
        Self { n_rows, kinds: kinds.to_vec(), n_classes, value, class: |row| row as u32 % 2, weight: None }
    }

    fn data(&self) -> Data {
        let mut random = Random(9);
        let places = (0..self.n_rows).flat_map(|row| (0..self.kinds.len()).map(move |column| (row, column)));
        let values = places.map(|(row, column)| (self.value)(row, column, random.unit())).collect();
        let features = Matrix::new(self.n_rows, self.kinds.len(), values).unwrap();
        let classes = (0..self.n_rows).map(self.class).collect();
        let weights = self.weight.map(|weight| (0..self.n_rows).map(weight).collect());
        Data::new(features, self.kinds.clone(), classes, self.n_classes, weights).unwrap()
    }

    /// Rows with nothing known, and with a level and a number that did not occur.
    fn other_rows(&self) -> Matrix {
        let row = |number: f32, level: f32| {
            self.kinds.iter().map(move |kind| if *kind == NUMERIC { number } else { level }).collect::<Vec<f32>>()
        };
        let values = [row(f32::NAN, -1.0), row(0.37, 1e6), row(-1e3, f32::NAN)].concat();
        Matrix::new(3, self.kinds.len(), values).unwrap()
    }
}

#[track_caller]
fn check(name: &str, table: &Table) {
    let data = table.data();
    let shape = Shape { kinds: table.kinds.clone(), n_rows: 0, n_classes: table.n_classes, weighted: false, unit: 1.0 };
    for family in Family::ALL {
        let params = Params::default_for(family);
        let fitted = params.clone().check().unwrap().fit(&data, None, 1, &mut to_the_end).unwrap();
        let model = export(&fitted, &shape);
        let predictor = Predictor::load(&model).unwrap();
        for rows in [data.features(), &table.other_rows()] {
            engines::check(&model, rows, family, name);
            let probabilities = fitted.probabilities(rows);
            for p in probabilities.rows() {
                let is_sound = p.iter().all(|p| (0.0..=1.0).contains(p)) && (p.iter().sum::<f32>() - 1.0).abs() < 1e-5;
                assert!(is_sound, "{p:?} of {family} on {name}");
            }
            let scores = predictor.scores(rows.values(), rows.n_rows()).unwrap();
            compare(&probabilities, &scores, rows, tolerance(&params), &format!("{family} on {name}"));
        }
    }
}

fn levels(n_levels: usize) -> FeatureKind {
    FeatureKind::Categorical { n_levels }
}

/// Known everywhere, and close to the class.
fn telling(row: usize, noise: f64) -> f32 {
    (row % 2) as f32 + noise as f32
}

#[test]
fn columns_that_are_missing_throughout() {
    let kinds = [NUMERIC, levels(3), NUMERIC];
    check("missing", &Table::new(80, &kinds, 2, |row, column, noise| [f32::NAN, -1.0, telling(row, noise)][column]));
}

#[test]
fn columns_that_never_vary() {
    let kinds = [NUMERIC, levels(3), NUMERIC];
    check("constant", &Table::new(80, &kinds, 2, |row, column, noise| [1e6, 2.0, telling(row, noise)][column]));
}

#[test]
fn nothing_but_columns_without_information() {
    let kinds = [NUMERIC, NUMERIC, levels(2)];
    check("no information", &Table::new(60, &kinds, 2, |_, column, _| [f32::NAN, 3.0, 1.0][column]));
}

#[test]
fn a_level_for_every_row() {
    check("levels", &Table::new(300, &[levels(300), NUMERIC], 2, |row, column, noise| [row as f32, telling(row, noise)][column]));
}

#[test]
fn one_row_per_class() {
    let table = Table::new(5, &[NUMERIC, levels(5)], 5, |row, column, noise| [noise as f32, row as f32][column]);
    check("one row per class", &Table { class: |row| row as u32, ..table });
}

#[test]
fn two_rows() {
    check("two rows", &Table::new(2, &[NUMERIC, levels(2)], 2, |row, column, noise| [noise as f32, row as f32][column]));
}

#[test]
fn a_single_row_of_one_class() {
    let table = Table::new(40, &[NUMERIC], 2, |row, _, noise| telling(row, noise));
    check("a single row of a class", &Table { class: |row| u32::from(row == 7), ..table });
}

#[test]
fn rows_without_weight() {
    let table = Table::new(90, &[NUMERIC, levels(3)], 2, |row, column, noise| [telling(row, noise), (row % 3) as f32][column]);
    check("weights", &Table { weight: Some(|row| (row % 3) as f32 * 100.0), ..table });
}

#[test]
fn weights_of_very_different_size() {
    let table = Table::new(60, &[NUMERIC], 2, |row, _, noise| telling(row, noise));
    check("uneven weights", &Table { weight: Some(|row| if row % 5 == 0 { 1e6 } else { 1e-6 }), ..table });
}

#[test]
fn equal_rows_of_different_classes() {
    let table = Table::new(120, &[NUMERIC, levels(2)], 3, |_, column, _| [0.5, 1.0][column]);
    check("contradictions", &Table { class: |row| row as u32 % 3, ..table });
}

#[test]
fn huge_numbers() {
    check(
        "huge",
        &Table::new(80, &[NUMERIC, NUMERIC], 2, |row, column, noise| match column {
            0 => 1e38 * (telling(row, noise) - 1.0),
            _ => noise as f32,
        }),
    );
}

#[test]
fn tiny_numbers() {
    check(
        "tiny",
        &Table::new(80, &[NUMERIC, NUMERIC], 2, |row, column, noise| match column {
            0 => 1e-38 * telling(row, noise),
            _ => noise as f32,
        }),
    );
}

#[test]
fn more_columns_than_rows() {
    check(
        "wide",
        &Table::new(100, &[NUMERIC; 300], 2, |row, column, noise| if column == 7 { telling(row, noise) } else { noise as f32 }),
    );
}

#[test]
fn a_single_column() {
    check("one column", &Table::new(50, &[levels(2)], 2, |row, _, noise| if noise < 0.2 { 0.0 } else { (row % 2) as f32 }));
}

#[test]
fn fifty_classes() {
    let table = Table::new(400, &[NUMERIC, levels(7)], 50, |row, column, noise| {
        [(row % 50) as f32 + noise as f32, (row % 7) as f32][column]
    });
    check("fifty classes", &Table { class: |row| row as u32 % 50, ..table });
}

#[test]
fn classes_that_never_occur() {
    let table = Table::new(60, &[NUMERIC], 5, |row, _, noise| telling(row, noise));
    check("absent classes", &Table { class: |row| 1 + 2 * (row as u32 % 2), ..table });
}
