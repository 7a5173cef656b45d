//! Both engines on files that were tampered with: what ours takes for one of the trainer's means the same to tract.

use inference_predictor::Predictor;

use crate::{LINEAR, TREES};

const ROWS: [[f32; 7]; 3] = [
    [41.0, 3.0, 49.95, 4.0, 1.0, -1.0, 1.0],
    [f32::NAN, 60.0, 12.5, 0.0, 0.0, 6.0, 0.0],
    [93.0, f32::NAN, 99.0, 12.0, -1.0, 3.0, -1.0],
];

/// How many of the changed files ours runs and tract runs, too.
fn check(model: &[u8], places: impl Iterator<Item = usize>, change: u8) -> usize {
    let both = places.filter(|&at| {
        let mut changed = model.to_vec();
        changed[at] ^= change;
        let Some(own) = Predictor::load(&changed).ok().filter(|predictor| predictor.engine() == "lowered") else { return false };
        let Ok(other) = Predictor::load_in_tract(&changed) else { return false };
        let scores = |predictor: &Predictor| predictor.scores(&ROWS.concat(), ROWS.len()).map(|scores| scores.probabilities);
        if let (Ok(own), Ok(other)) = (scores(&own), scores(&other)) {
            let near = own.iter().zip(&other).all(|(own, other)| (own - other).abs() < 1e-5);
            assert!(near, "byte {at}: {own:?}, in tract {other:?}");
        }
        true
    });
    both.count()
}

#[test]
fn a_flipped_byte_means_the_same_to_both() {
    assert!(check(LINEAR, 0..LINEAR.len(), 0x01) > 500);
    assert!(check(LINEAR, 0..LINEAR.len(), 0x40) > 100);
    assert!(check(TREES, (0..TREES.len()).step_by(11), 0x01) > 200);
}
