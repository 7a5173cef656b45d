//! Any text as a contract, alone and in a model's metadata.
#![no_main]

use data_contract::{Contract, metadata};
use inference_predictor::Predictor;
use inference_predictor_fuzz::{LINEAR, TREES, load_and_ask, with_metadata};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Contract::from_json_schema(text);
    for model in [TREES, LINEAR] {
        load_and_ask(|| Predictor::load(&with_metadata(model, metadata::CONTRACT, text)).ok());
    }
    let Ok(contract) = Contract::from_json(text) else { return };
    let again = Contract::from_json(&contract.to_json()).expect("a written contract is read");
    assert_eq!(again.digest(), contract.digest());
    let schema = contract.to_json_schema().to_string();
    assert_eq!(Contract::from_json_schema(&schema).map(|contract| contract.digest()), Ok(contract.digest()));
    let _ = contract.record_from_json("{}");
    let _ = contract.record_from_texts(contract.columns.iter().map(|column| Some(column.name.as_str())));
});
