//! Trees whose leaves of a level are asked the same.

use super::*;

fn symmetric() -> Params {
    Params { symmetric: true, max_leaves: 16, ..small() }
}

/// The questions of each level, from the root on, each once.
fn questions_by_level(tree: &Tree) -> Vec<Vec<(u32, Test)>> {
    let (mut levels, mut nodes) = (vec![], vec![0]);
    while !nodes.is_empty() {
        let (mut questions, mut below): (Vec<(u32, Test)>, Vec<u32>) = (vec![], vec![]);
        for node in nodes {
            if let Node::Split { feature, test, yes, no } = &tree.nodes[node as usize] {
                questions.push((*feature, test.clone()));
                below.extend([yes, no]);
            }
        }
        questions.dedup();
        levels.push(questions);
        nodes = below;
    }
    levels
}

#[test]
fn all_leaves_of_a_level_are_asked_the_same() {
    for n_classes in [2, 3] {
        let fitted = fit(Params { min_leaf_rows: Some(1), ..symmetric() }, &rows(2000, 1, n_classes), None);
        let trees: Vec<&Tree> = fitted.rounds.iter().flatten().collect();
        assert!(trees.iter().any(|tree| questions_by_level(tree).iter().filter(|questions| questions.len() == 1).count() == 4));
        // A leaf that stayed whole may be split by the question of a later level, but no question is of one leaf alone.
        let n_different = |tree: &Tree| {
            let mut different: Vec<(u32, Test)> = vec![];
            for question in questions_by_level(tree).concat() {
                if !different.contains(&question) {
                    different.push(question);
                }
            }
            different.len()
        };
        assert!(trees.iter().all(|tree| n_different(tree) <= 4) && trees.iter().any(|tree| tree.nodes.len() >= 15));
    }
}

#[test]
fn a_first_question_is_the_one_that_a_tree_grown_leaf_by_leaf_asks() {
    for (seed, n_classes) in [(1, 2), (2, 3), (3, 2)] {
        let data = rows(800, seed, n_classes);
        for max_set_levels in [1, 32] {
            let alike = Params { max_leaves: 2, max_set_levels, random_strength: Some(0.0), ..small() };
            let leaf_by_leaf = fit(alike.clone(), &data, None);
            assert_eq!(fit(Params { symmetric: true, ..alike }, &data, None), leaf_by_leaf);
        }
    }
}

/// Classes that follow from two columns together: either alone says little.
#[test]
fn a_question_is_worth_what_it_gains_over_all_leaves() {
    let values: Vec<f32> = (0..400).flat_map(|row| [(row % 20) as f32, (row / 20) as f32]).collect();
    let classes = (0..400).map(|row| u32::from((row % 20 < 10) == (row / 20 < 8))).collect();
    let data = Data::new(Matrix::new(400, 2, values).unwrap(), vec![NUMERIC, NUMERIC], classes, 2, None).unwrap();
    let params =
        Params { column_share: 1.0, row_share: 1.0, random_strength: Some(0.0), max_leaves: 4, rounds: 1, ..symmetric() };
    let fitted = fit(params, &data, None);
    let levels = questions_by_level(&fitted.rounds[0][0]);
    assert_eq!(levels.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0], "{levels:?}");
    assert_eq!(levels.iter().flatten().map(|(feature, _)| *feature).sum::<u32>(), 1, "{levels:?}");
    let reached: Vec<f32> = data.features().rows().map(|row| fitted.raw(row)[0]).collect();
    let right = reached.iter().zip(data.classes()).filter(|(raw, class)| (**raw > 0.0) == (**class == 1)).count();
    assert!(right > 380, "{right} of 400");
}

#[test]
fn the_exported_numbers_give_exactly_the_same_sums() {
    let fitted = fit(Params { max_leaves: 64, ..symmetric() }, &rows(1000, 13, 2), None);
    check_export(&fitted, rows(300, 2, 2).features());
}
