//! Ensembles that are averaged.

use std::borrow::Cow;

use super::*;

#[test]
fn few_rows_have_several_ensembles_but_for_a_trial() {
    let train = rows(300, 3, 2);
    let n_rounds = |params: ValidParams| params.with_steps(5).fit(&train, None, 7, &mut to_the_end).unwrap().rounds.len();
    let (open, given) = (Params::default(), Params { n_models: Some(2), ..Params::default() });
    assert_eq!(n_rounds(open.clone().check().unwrap()), 20);
    assert_eq!(n_rounds(open.clone().check().unwrap().for_trial()), 5);
    assert_eq!(n_rounds(given.check().unwrap().for_trial()), 10);
    assert_eq!([1000, 2500, 2501, 20_000, 20_001, 1_000_000].map(|n_rows| open.n_models(n_rows, 2)), [4, 4, 2, 2, 1, 1]);
    assert_eq!([3, 4, 5, 50].map(|n_classes| open.n_models(1000, n_classes)), [3, 2, 1, 1]);
}

#[test]
fn averaged_ensembles_give_the_mean_of_their_log_odds() {
    let train = rows(400, 3, 2);
    let fit = |n_models: usize, seed: u64| {
        let params = Params { rounds: 20, n_models: Some(n_models), min_leaf_rows: Some(5), ..Default::default() };
        params.check().unwrap().with_steps(20).fit(&train, None, seed, &mut to_the_end).unwrap()
    };
    let (one, other, both) = (fit(1, 7), fit(1, 7 + SEED_STEP), fit(2, 7));
    assert_eq!((both.n_steps(), both.rounds.len()), (20, 40));
    let log_odds = |fitted: &Fitted| {
        let probabilities = fitted.probabilities(train.features());
        probabilities.column(1).map(|p| (p / (1.0 - p)).ln()).collect::<Vec<_>>()
    };
    for ((one, other), both) in log_odds(&one).iter().zip(log_odds(&other)).zip(log_odds(&both)) {
        assert!(((one + other) / 2.0 - both).abs() < 1e-4, "{one} {other} {both}");
    }
}

#[test]
fn every_second_ensemble_of_few_rows_grows_symmetric_trees() {
    let params = Params::default();
    let other = params.of_ensemble(1, 300);
    assert_eq!([params.of_ensemble(0, 300), params.of_ensemble(2, 300)].map(Cow::into_owned), [params.clone(), params.clone()]);
    assert!(other.symmetric && other.learning_rate > params.learning_rate);
    assert_eq!((other.max_leaves, other.min_leaf_rows, other.l2, other.column_share), (32, Some(2), Some(2.0), 0.8));
    let told = Params { min_leaf_rows: Some(9), l2: Some(7.0), column_share: 1.0, max_leaves: 96, learning_rate: 0.9, ..params };
    let other = told.of_ensemble(1, 300);
    assert_eq!((other.max_leaves, other.min_leaf_rows, other.l2, other.column_share), (64, Some(9), Some(7.0), 1.0));
    assert_eq!(other.learning_rate, 1.0);
    for of_one_kind in [Params { symmetric: true, ..told.clone() }, Params { n_models: Some(3), ..told }] {
        assert_eq!(of_one_kind.of_ensemble(1, 300).into_owned(), of_one_kind);
    }
}

#[test]
fn a_fit_of_few_rows_is_the_mean_of_both_kinds() {
    let train = rows(300, 3, 2);
    let fit =
        |params: &Params, seed: u64| params.clone().check().unwrap().with_steps(10).fit(&train, None, seed, &mut to_the_end);
    let open = Params::default();
    let alone = |number: usize| {
        let params = Params { n_models: Some(1), ..open.of_ensemble(number, 300).into_owned() };
        fit(&params, 7 + number as u64 * SEED_STEP).unwrap()
    };
    let row = train.features().row(0);
    let mean = (0..4).map(|number| alone(number).raw(row)[0]).sum::<f32>() / 4.0;
    assert!((fit(&open, 7).unwrap().raw(row)[0] - mean).abs() < 1e-5);
}

#[test]
fn a_search_of_many_rows_ends_with_two_ensembles() {
    let n_models = |n_rows| Params::default().for_version(n_rows).n_models;
    assert_eq!([20_000, 20_001, 200_000, 200_001].map(n_models), [None, Some(2), Some(2), None]);
    assert_eq!(Params { n_models: Some(3), ..Params::default() }.for_version(50_000).n_models, Some(3));
}
