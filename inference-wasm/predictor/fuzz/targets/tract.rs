//! Any bytes as a model in tract, also one that the trainer wrote.
#![no_main]

use inference_predictor::Predictor;
use inference_predictor_fuzz::{forgive_others, load_and_ask, mutate::mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(init: forgive_others(), |bytes: &[u8]| load_and_ask(|| Predictor::load_in_tract(bytes).ok()));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { mutate(data, size, max_size, seed) });
