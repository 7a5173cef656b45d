//! Any text as a body of a request and as a record: refused, or predicted and explained.
#![no_main]

use std::sync::LazyLock;

use inference_predictor::{Predictor, answer};
use inference_predictor_fuzz::{LINEAR, TREES, explaining};
use libfuzzer_sys::fuzz_target;

static PREDICTORS: LazyLock<[Predictor; 2]> = LazyLock::new(|| [TREES, LINEAR].map(explaining));

fuzz_target!(|body: &str| {
    for predictor in &*PREDICTORS {
        match answer(predictor, body) {
            Ok(answered) => drop(answered.to_json(predictor)),
            Err(refusal) => assert!(!refusal.error.is_empty() && refusal.status >= 400),
        }
        ask(predictor, body);
    }
});

fn ask(predictor: &Predictor, body: &str) {
    let contract = predictor.contract();
    let record = match contract.record_from_json(body) {
        Ok(record) => record,
        Err(error) => return drop(error.hint(contract)),
    };
    let prediction = predictor.predict(&record).expect("a checked record is predicted");
    let sum: f64 = prediction.probabilities.0.iter().map(|(_, probability)| probability).sum();
    assert!((sum - 1.0).abs() < 1e-5, "probabilities add up to {sum}");
    let explanation = predictor.explain(&record).expect("a checked record is explained");
    let added: f64 = explanation.contributions.iter().map(|column| column.contribution).sum();
    let scale = 1.0 + explanation.value.abs() + explanation.contributions.iter().map(|c| c.contribution.abs()).sum::<f64>();
    assert!((explanation.base + added - explanation.value).abs() < 1e-4 * scale, "{explanation:?}");
    predictor.counterfactual(&record, |_| true).expect("a checked record has a counterfactual, or none");
    // A written record is read as the same.
    let fields = record.to_fields(contract);
    assert_eq!(contract.record(&fields).as_ref(), Ok(&record));
}
