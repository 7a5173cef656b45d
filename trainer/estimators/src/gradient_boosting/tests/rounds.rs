//! When a fit stops.

use super::*;

#[test]
fn fitting_stops_at_the_best_round_on_the_validation_rows() {
    let (train, validation) = (rows(400, 5, 2), rows(400, 6, 2));
    let params = Params { rounds: 500, patience: 10, learning_rate: 0.3, min_leaf_rows: Some(1), l2: Some(0.0), ..small() };
    let mut steps = 0;
    let fitted = params
        .check()
        .unwrap()
        .fit(&train, Some(&validation), 7, &mut |step| {
            steps = step.done;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(fitted.n_steps() < 490 && steps == fitted.n_steps() + 10, "{} of {steps}", fitted.n_steps());
    let mut shorter = fitted.clone();
    shorter.rounds.pop();
    assert!(loss(&shorter, &validation) > loss(&fitted, &validation));
}

#[test]
fn few_rows_find_out_on_folds_when_to_stop() {
    let (data, test) = (rows(300, 17, 2), rows(2000, 18, 2));
    let alone = Params { n_models: Some(1), ..Params::default() };
    let params = Params { rounds: 400, learning_rate: 0.2, patience: 20, random_strength: Some(0.0), ..alone };
    let mut last = Step { done: 0, total: 0 };
    let folded = params
        .clone()
        .check()
        .unwrap()
        .fit(&data, None, 7, &mut |step| {
            assert!(step.done > last.done && step.done <= step.total);
            last = step;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!((1..400).contains(&folded.n_steps()) && last == Step { done: 400 + folded.n_steps(), total: 800 });
    let (folded, all) = (loss(&folded, &test), loss(&fit(params, &data, None), &test));
    assert!(folded < 0.8 * all, "{folded} {all}");
}

#[test]
fn many_rows_find_out_on_one_fold_unless_few_rounds_are_given() {
    let data = rows(6000, 19, 2);
    let n_steps = |rounds| {
        let params = Params { rounds, learning_rate: 0.3, patience: 10, random_strength: Some(0.0), ..small() };
        params.check().unwrap().fit(&data, None, 7, &mut to_the_end).unwrap().n_steps()
    };
    assert_eq!(n_steps(150), 150);
    assert!((5..150).contains(&n_steps(401)), "{}", n_steps(401));
}
