//! Columns with a direction.

use super::*;

#[test]
fn a_column_with_a_direction_never_turns_the_other_way() {
    let mut random = Random::new(5);
    let (mut values, mut classes) = (vec![], vec![]);
    for _ in 0..3000 {
        let [a, b, c] = [(); 3].map(|()| random.unit() as f32);
        let lean = (9.0 * a).sin() + a - (7.0 * b).cos() - b + c * a + 2.0 * random.unit() as f32 - 1.0;
        values.extend([if random.unit() < 0.05 { f32::NAN } else { a }, b, c, random.below(5) as f32 - 1.0]);
        classes.push(u32::from(lean > 0.5));
    }
    let features = Matrix::new(3000, 4, values).unwrap();
    let data = Data::new(features, vec![NUMERIC, NUMERIC, NUMERIC, LEVELS], classes, 2, None).unwrap();
    let turns = |fitted: &Fitted, column: usize, direction: f32, random: &mut Random| {
        (0..500).any(|_| {
            let mut row: Vec<f32> = data.features().row(random.below(3000)).to_vec();
            let raw = (0..=40).map(|step| {
                row[column] = step as f32 / 40.0;
                fitted.raw(&row)[0] * direction
            });
            !raw.collect::<Vec<_>>().is_sorted()
        })
    };
    for symmetric in [false, true] {
        let params = Params { monotone: vec![1, -1, 0, 0], rounds: 60, max_leaves: 16, symmetric, ..small() };
        let fitted = fit(params.clone(), &data, None);
        assert!(!turns(&fitted, 0, 1.0, &mut random) && !turns(&fitted, 1, -1.0, &mut random));
        let free = fit(Params { monotone: vec![], ..params.clone() }, &data, None);
        assert!(turns(&free, 0, 1.0, &mut random) && turns(&free, 1, -1.0, &mut random));
        assert!(loss(&free, &data) < loss(&fitted, &data) && loss(&fitted, &data) < 0.68);
        assert_eq!(fit(Params { monotone: vec![0; 4], ..params }, &data, None), free);
    }
}

#[test]
fn a_direction_that_makes_no_sense_is_refused_with_its_column() {
    let message = |monotone: Vec<i8>, n_classes: usize| {
        let params = Params { monotone, ..small() }.check().unwrap();
        params.fit(&rows(100, 1, n_classes), None, 1, &mut to_the_end).unwrap_err().to_string()
    };
    assert_eq!(message(vec![0, 0, 1], 2), "column 2 cannot be monotone: its levels have no order");
    assert_eq!(message(vec![0, -1, 0], 3), "column 1 cannot be monotone: there are more than two classes");
    assert_eq!(message(vec![1], 2), "expected 3 monotone directions, found 1");
    let error = Params { monotone: vec![0, 2], ..small() }.check().unwrap_err();
    assert_eq!(error.to_string(), "gradient-boosting parameter `monotone` is 2, but should be 1, -1 or 0");
}
