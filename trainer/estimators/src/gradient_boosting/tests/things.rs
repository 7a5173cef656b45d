//! Rows that are about one of several things, which no single column names.

use super::*;

/// Of each of 80 things, ten rows; numbers modulo 3, 5 and 7 together tell which. A thing's class is its own, but for one row in ten.
fn things(seed: u64, n_classes: usize) -> Data {
    let class_of: Vec<u32> = {
        let mut random = Random::new(99);
        (0..80).map(|_| random.below(n_classes) as u32).collect()
    };
    let mut random = Random::new(seed);
    let (mut values, mut classes) = (vec![], vec![]);
    for row in 0..800 {
        let thing = row % 80;
        values.extend([(thing % 3) as f32, (thing % 5) as f32, (thing % 7) as f32]);
        classes.push(if random.unit() < 0.9 { class_of[thing] } else { random.below(n_classes) as u32 });
    }
    let kinds = vec![LEVELS, NUMERIC, NUMERIC];
    Data::new(Matrix::new(800, 3, values).unwrap(), kinds, classes, n_classes, None).unwrap()
}

fn params(combinations: Option<usize>) -> Params {
    Params { combinations, ..Params::default() }
}

#[test]
fn combinations_tell_what_a_thing_is() {
    for n_classes in [2, 3] {
        let losses = [0, 4].map(|combinations| {
            let fitted =
                params(Some(combinations)).check().unwrap().fit(&things(1, n_classes), None, 7, &mut to_the_end).unwrap();
            check_export(&fitted, things(2, n_classes).features());
            loss(&fitted, &things(2, n_classes))
        });
        assert!(losses[1] < 0.9 * losses[0], "{n_classes} classes: {losses:?}");
    }
}

#[test]
fn a_fit_combines_columns_where_that_helps() {
    let settled = |data: &Data| params(None).settled(data, 7, &mut to_the_end).unwrap().combinations;
    assert_eq!(settled(&things(1, 2)), Some(4));
    let mut random = Random::new(5);
    let classes = (0..800).map(|_| random.below(2) as u32).collect();
    let of_chance = Data::new(things(1, 2).features().clone(), things(1, 2).kinds().to_vec(), classes, 2, None).unwrap();
    assert_eq!(settled(&of_chance), Some(0));
    assert_eq!(settled(&rows(800, 1, 2)), None, "there is one column of few values");
    assert_eq!(params(Some(2)).settled(&things(1, 2), 7, &mut to_the_end).unwrap(), params(Some(2)), "what is given is kept");
    let fit = |combinations| params(combinations).check().unwrap().fit(&things(1, 2), None, 7, &mut to_the_end).unwrap();
    assert_eq!(fit(None), fit(Some(4)));
}

#[test]
fn a_class_without_weight_does_not_hide_what_things_are() {
    let data = things(1, 3);
    // The third class is there by name alone.
    let weights = data.classes().iter().map(|&class| if class == 2 { 0.0 } else { 1.0 }).collect();
    let weighted = Data::new(data.features().clone(), data.kinds().to_vec(), data.classes().to_vec(), 3, Some(weights)).unwrap();
    let settled = params(None).settled(&weighted, 7, &mut to_the_end).unwrap();
    assert_eq!(settled.combinations, Some(4));
}

#[test]
fn a_model_with_combinations_survives_json_and_is_scaled_as_a_whole() {
    let fitted = fit(Params { combinations: Some(2), ..small() }, &things(1, 3), None);
    assert!(!fitted.combinations.is_empty());
    let again: Fitted = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
    assert_eq!(again, fitted);
    let row = things(1, 3).features().row(0).to_vec();
    let halved = fitted.clone().scaled(&Scaling { slope: 0.5, bias: vec![0.0; 3] });
    assert!(fitted.raw(&row).iter().zip(halved.raw(&row)).all(|(whole, half)| (half - whole / 2.0).abs() < 1e-5));
}
