use super::*;
use crate::Matrix;
use crate::random::Random;

const LEVELS: FeatureKind = FeatureKind::Categorical { n_levels: 4 };
const NUMERIC: FeatureKind = FeatureKind::Numeric;

fn data(columns: &[(FeatureKind, Vec<f32>)], classes: Vec<u32>, n_classes: usize) -> Data {
    let values = (0..classes.len()).flat_map(|row| columns.iter().map(move |(_, column)| column[row])).collect();
    let kinds = columns.iter().map(|(kind, _)| *kind).collect();
    Data::new(Matrix::new(classes.len(), columns.len(), values).unwrap(), kinds, classes, n_classes, None).unwrap()
}

/// Each of 100 things is in six rows, and has a class of its own. Three columns together tell which thing it is: its number modulo 4, 5 and 7,
/// the first as a level. A fourth says nothing.
fn things(n_classes: usize) -> Data {
    let mut random = Random::new(3);
    let class_of: Vec<u32> = (0..100).map(|_| random.below(n_classes) as u32).collect();
    let rows: Vec<usize> = (0..600).map(|row| row % 100).collect();
    let modulo = |n: usize| rows.iter().map(|thing| (thing % n) as f32).collect::<Vec<_>>();
    let noise = (0..600).map(|_| random.below(3) as f32).collect();
    let columns = [(LEVELS, modulo(4)), (NUMERIC, modulo(5)), (NUMERIC, noise), (NUMERIC, modulo(7))];
    data(&columns, rows.iter().map(|&thing| class_of[thing]).collect(), n_classes)
}

fn fit(n_most: usize, data: &Data) -> Combinations {
    Combinations::fit(&Params { combinations: Some(n_most), ..Params::default() }, data, 1)
}

/// What the trees of an output add up to.
fn value(combinations: &Combinations, output: usize, row: &[f32]) -> f32 {
    combinations.rounds.iter().map(|round| round[output].value(row)).sum()
}

#[test]
fn rows_are_one_group_where_all_columns_agree() {
    let columns = [(NUMERIC, vec![1.0, 1.0, 2.0, 1.0, 2.0]), (NUMERIC, vec![5.0, 6.0, 5.0, 5.0, 5.0])];
    let data = data(&columns, vec![0, 1, 0, 1, 0], 2);
    let binned = Binning::fit(&data, MAX_VALUES).apply(data.features());
    let groups = Groups::of_columns(&[0, 1], &binned);
    assert_eq!((groups.of_row, groups.n_groups), (vec![0, 1, 2, 0, 2], 3));
}

#[test]
fn columns_that_tell_only_together_are_found() {
    let data = things(2);
    let binned = Binning::fit(&data, MAX_VALUES).apply(data.features());
    let rates = Rates::new(&data, 1);
    assert_eq!(choice::choose(1, &[0, 1, 2, 3], &binned, &rates), [[0, 1, 3]]);
    assert!(choice::choose(9, &[2], &binned, &rates).is_empty(), "one column is no combination");
}

#[test]
fn a_row_is_not_judged_by_its_own_class() {
    // A group per row: what others say is nothing.
    let alone = data(&[(NUMERIC, (0..40).map(|row| row as f32).collect())], (0..40).map(|row| row % 2).collect(), 2);
    let binned = Binning::fit(&alone, MAX_VALUES).apply(alone.features());
    let rates = Rates::new(&alone, 1);
    let groups = Groups::of_columns(&[0], &binned);
    assert!(rates.held_out(&groups).iter().all(|value| *value == 0.0));
    assert!((rates.loss(&groups) / 40.0 - 2.0_f64.ln()).abs() < 1e-9);
    assert!(rates.log_odds(&groups).iter().all(|value| value.abs() > 0.5));
}

#[test]
fn a_tree_looks_up_what_a_group_has_and_nothing_of_unknown_ones() {
    for n_classes in [2, 3] {
        let data = things(n_classes);
        let combinations = fit(1, &data);
        let n_outputs = combinations.rounds[0].len();
        let mut n_right = 0;
        for (row, &class) in data.features().rows().zip(data.classes()) {
            let values: Vec<f32> = (0..n_outputs).map(|output| value(&combinations, output, row)).collect();
            let is_right = match values[..] {
                [log_odds] => (log_odds > 0.0) == (class == 1),
                _ => values.iter().all(|value| *value <= values[class as usize]),
            };
            n_right += usize::from(is_right);
        }
        assert_eq!(n_right, 600, "{n_classes} classes");
        // The thing of 3, 4 and 6 is number 139.
        for unknown in [[3.0, 4.0, 0.0, 6.0], [-1.0, 1.0, 0.0, 1.0], [1.0, f32::NAN, 0.0, 1.0], [1.0, 1.0, 0.0, f32::NAN]] {
            assert_eq!(value(&combinations, 0, &unknown), 0.0, "{unknown:?}");
        }
    }
}

#[test]
fn missing_values_are_a_group_like_any_other() {
    let missing = |of: f32| (0..120).map(|row| if row % 2 == 0 { of } else { 1.0 }).collect::<Vec<_>>();
    let other: Vec<f32> = (0..120).map(|row| (row / 2 % 2) as f32).collect();
    for (kind, none) in [(LEVELS, -1.0), (NUMERIC, f32::NAN)] {
        let classes = (0..120).map(|row| u32::from((row % 2 == 0) == (row / 2 % 2 == 0))).collect();
        let combinations = fit(1, &data(&[(kind, missing(none)), (NUMERIC, other.clone())], classes, 2));
        for (row, is_one) in [([none, 0.0], true), ([none, 1.0], false), ([1.0, 0.0], false), ([1.0, 1.0], true)] {
            let log_odds = value(&combinations, 0, &row);
            assert!(log_odds.abs() > 0.5 && (log_odds > 0.0) == is_one, "{kind:?} {row:?}: {log_odds}");
        }
    }
}

#[test]
fn log_odds_that_hold_count_and_noise_does_not() {
    let mut random = Random::new(8);
    let truth: Vec<f32> = (0..4000).map(|_| random.normal() as f32).collect();
    let noise: Vec<f32> = (0..4000).map(|_| random.normal() as f32).collect();
    let classes = truth.iter().map(|log_odds| u32::from(random.unit() < f64::from(crate::link::sigmoid(*log_odds)))).collect();
    let data = data(&[(NUMERIC, vec![0.0; 4000])], classes, 2);
    let weights = weights::fit(&[truth.clone(), noise.clone()], &data, &[0.0]);
    assert!((weights[0] - 1.0).abs() < 0.1 && weights[1].abs() < 0.1, "{weights:?}");
    // As two outputs of a softmax they are weighed alike.
    let doubled = |values: &[f32]| values.iter().flat_map(|value| [-value / 2.0, value / 2.0]).collect::<Vec<_>>();
    let of_two = weights::fit(&[doubled(&truth), doubled(&noise)], &data, &[0.0, 0.0]);
    assert!(weights.iter().zip(&of_two).all(|(a, b)| (a - b).abs() < 1e-4), "{weights:?} {of_two:?}");
}

#[test]
fn columns_of_many_values_or_with_a_direction_are_left_alone() {
    let many: Vec<f32> = (0..600).map(|row| row as f32 / 600.0).collect();
    let few: Vec<f32> = (0..600).map(|row| (row % 5) as f32).collect();
    let columns = [(NUMERIC, many), (NUMERIC, few.clone()), (LEVELS, few.iter().map(|value| value % 4.0).collect())];
    let data = data(&columns, (0..600).map(|row| row % 2).collect(), 2);
    assert_eq!(free_columns(&Params::default(), &data), [1, 2]);
    assert_eq!(free_columns(&Params { monotone: vec![0, 1, 0], ..Params::default() }, &data), [2]);
}
