//! The models of this isolate: a champion that answers, perhaps a challenger on trial, and how a pointer replaces them.
//!
//! A model is staged first: its digest, its graph, its version and its golden records are checked. Only then does [`Fleet::commit`]
//! put what the pointer names into service, between two requests. Whatever fails on the way leaves what serves in service.

use std::cell::OnceCell;
use std::rc::Rc;

use data_contract::{Golden, Prediction, sha256_hex, short};
use inference_predictor::{Predictor, Refusal};
use serde::Serialize;

use crate::pointer::{File, Pointer, Role};
use crate::refusal::refusal;
use crate::traffic::{Purpose, falls_into};

/// How far a probability may be from its golden one.
const TOLERANCE: f64 = 1e-6;

/// A model that was checked.
pub(crate) struct Loaded {
    /// What predicts.
    pub(crate) predictor: Predictor,
    /// Digest of its file, once it is asked for.
    sha256: OnceCell<String>,
    /// Gives the file, where its digest is not known yet.
    file: fn() -> Vec<u8>,
}

impl Loaded {
    fn with_digest(predictor: Predictor, sha256: String) -> Self {
        Self { predictor, sha256: sha256.into(), file: Vec::new }
    }

    /// Digest of its file. That of the model that came with the worker takes as long as loading it, and few ask: it is found when one does.
    pub(crate) fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| sha256_hex(&(self.file)()))
    }
}

/// A model that was loaded before the worker was deployed.
pub(crate) struct Preloaded {
    loaded: Rc<Loaded>,
    fingerprint: u64,
}

impl Preloaded {
    /// Loads a file; else tells why it cannot serve.
    pub(crate) fn load(file: &[u8]) -> Result<Self, String> {
        let predictor = Predictor::load(file).map_err(|error| error.to_string())?;
        Ok(Self { loaded: Rc::new(Loaded::with_digest(predictor, sha256_hex(file))), fingerprint: fingerprint(file) })
    }

    fn is_of(&self, file: &[u8]) -> bool {
        self.fingerprint == fingerprint(file)
    }
}

/// Tells files apart that one person deploys, a word at a time (the hash of Firefox and rustc): a digest takes longer than a start may.
fn fingerprint(file: &[u8]) -> u64 {
    const FACTOR: u64 = 0x517c_c1b7_2722_0a95;
    let (words, rest) = file.as_chunks();
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let hash = words.iter().fold(file.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}

/// A model on trial.
pub(crate) struct OnTrial {
    /// The model.
    pub(crate) loaded: Rc<Loaded>,
    /// What it does.
    pub(crate) role: Role,
    /// Of which share of the requests.
    pub(crate) share: f64,
}

/// The models in service, and those about to be.
#[derive(Default)]
pub(crate) struct Fleet {
    champion: Option<Rc<Loaded>>,
    trial: Option<OnTrial>,
    staged: Vec<Rc<Loaded>>,
    /// Whether the champion came with the worker rather than from its store.
    pub(crate) embedded: bool,
    /// Why the newest pointer, or a file that it names, is not in service.
    pub(crate) refused: Option<Refused>,
}

/// What was not put into service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// The version, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
    /// What is wrong.
    pub(crate) error: String,
}

impl Fleet {
    /// The model that a request's id leads to.
    pub(crate) fn of(&self, id: &str) -> Result<&Rc<Loaded>, Refusal> {
        match &self.trial {
            Some(trial) if trial.role == Role::Canary && falls_into(id, Purpose::Model, trial.share) => Ok(&trial.loaded),
            _ => self.champion(),
        }
    }

    /// The model that is asked beside the champion for this id.
    pub(crate) fn shadow_of(&self, id: &str) -> Option<&Rc<Loaded>> {
        let trial =
            self.trial.as_ref().filter(|trial| trial.role == Role::Shadow && falls_into(id, Purpose::Model, trial.share))?;
        Some(&trial.loaded)
    }

    /// The model in service with a version.
    pub(crate) fn of_version(&self, version: u32) -> Option<&Rc<Loaded>> {
        let trial = self.trial.iter().map(|trial| &trial.loaded);
        self.champion.iter().chain(trial).find(|loaded| loaded.predictor.version() == version)
    }

    /// The champion, or why there is none.
    pub(crate) fn champion(&self) -> Result<&Rc<Loaded>, Refusal> {
        self.champion.as_ref().ok_or_else(|| {
            let error = self.refused.as_ref().map_or("this worker has no model", |refused| refused.error.as_str());
            refusal(503, error, "deploy the worker with a bundle's model.onnx, or publish one to its store")
        })
    }

    /// The model on trial.
    pub(crate) fn trial(&self) -> Option<&OnTrial> {
        self.trial.as_ref()
    }

    /// Puts the model that came with the worker into service; `file` gives its bytes. What was loaded of the same bytes is taken as it is.
    pub(crate) fn embed(&mut self, file: fn() -> Vec<u8>, preloaded: Option<Preloaded>) -> Result<(), Refused> {
        let bytes = file();
        let loaded = match preloaded.filter(|preloaded| preloaded.is_of(&bytes)) {
            Some(preloaded) => preloaded.loaded,
            None => {
                let predictor = Predictor::load(&bytes).map_err(|error| Refused { version: None, error: error.to_string() })?;
                Rc::new(Loaded { predictor, sha256: OnceCell::new(), file })
            }
        };
        self.champion = Some(loaded);
        self.embedded = true;
        Ok(())
    }

    /// Whether a file is loaded already.
    pub(crate) fn has(&self, sha256: &str) -> bool {
        self.find(sha256).is_some()
    }

    /// Checks a file, and keeps the model for the coming [`Self::commit`].
    pub(crate) fn stage(&mut self, file: &File, bytes: &[u8], golden: Option<&str>) -> Result<(), Refused> {
        let loaded = checked(file, bytes, golden).map_err(|error| Refused { version: Some(file.version), error })?;
        self.staged.push(Rc::new(loaded));
        Ok(())
    }

    /// Puts what a pointer names into service, where all of it is loaded. A challenger that is not loaded is left out.
    pub(crate) fn commit(&mut self, pointer: &Pointer) -> Result<(), Refused> {
        let missing = |version| Refused { version: Some(version), error: "the model is not loaded".into() };
        let champion = self.find(&pointer.champion.sha256).ok_or_else(|| missing(pointer.champion.version))?;
        let trial = pointer.challenger.as_ref().and_then(|challenger| {
            let loaded = self.find(&challenger.file().sha256)?;
            Some(OnTrial { loaded, role: challenger.role, share: challenger.share })
        });
        self.champion = Some(champion);
        self.trial = trial;
        self.embedded = false;
        self.staged.clear();
        Ok(())
    }

    /// Forgets models that were staged and are not wanted.
    pub(crate) fn forget_staged(&mut self) {
        self.staged.clear();
    }

    fn find(&self, sha256: &str) -> Option<Rc<Loaded>> {
        let trial = self.trial.iter().map(|trial| &trial.loaded);
        self.staged.iter().chain(&self.champion).chain(trial).find(|loaded| loaded.sha256() == sha256).cloned()
    }
}

fn checked(file: &File, bytes: &[u8], golden: Option<&str>) -> Result<Loaded, String> {
    let sha256 = sha256_hex(bytes);
    if sha256 != file.sha256 {
        return Err(format!("the file's SHA-256 begins with {}, the pointer says {}", short(&sha256), short(&file.sha256)));
    }
    let predictor = Predictor::load(bytes).map_err(|error| error.to_string())?;
    // 0 is a model that no registry has numbered.
    if predictor.version() != 0 && predictor.version() != file.version {
        return Err(format!("the file is version {}, the pointer says {}", predictor.version(), file.version));
    }
    if let Some(golden) = golden {
        reproduce(&predictor, golden)?;
    }
    Ok(Loaded::with_digest(predictor, sha256))
}

fn reproduce(predictor: &Predictor, golden: &str) -> Result<(), String> {
    let golden: Golden = serde_json::from_str(golden).map_err(|error| format!("the golden records cannot be read: {error}"))?;
    for (index, row) in golden.rows.iter().enumerate() {
        let record = predictor.contract().record(&row.record).map_err(|error| format!("golden record {index}: {error}"))?;
        let found = predictor.predict(&record).map_err(|error| format!("golden record {index}: {error}"))?;
        if found.label != row.label || !is_near(&found, &row.probabilities.0) {
            return Err(format!("golden record {index} is not reproduced"));
        }
    }
    Ok(())
}

fn is_near(found: &Prediction, expected: &[(String, f64)]) -> bool {
    let found = &found.probabilities.0;
    let near = |((name, found), (expected_name, expected)): (&(String, f64), &(String, f64))| {
        name == expected_name && (found - expected).abs() <= TOLERANCE
    };
    found.len() == expected.len() && found.iter().zip(expected).all(near)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    pub(crate) const MODEL: &[u8] = include_bytes!("../../predictor/tests/golden/gradient-boosting/model.onnx");
    pub(crate) const OTHER: &[u8] = include_bytes!("../../predictor/tests/golden/logistic-regression/model.onnx");
    pub(crate) const GOLDEN: &str = include_str!("../../predictor/tests/golden/gradient-boosting/golden.json");

    /// The champion [`MODEL`] and the challenger [`OTHER`].
    pub(crate) fn pointer(role: &str, share: f64) -> Pointer {
        let file = |bytes| json!({ "version": version(bytes), "file": "model.onnx", "sha256": sha256_hex(bytes) });
        let mut challenger = file(OTHER);
        challenger["role"] = json!(role);
        challenger["share"] = json!(share);
        parse(&json!({ "format": 1, "champion": file(MODEL), "challenger": challenger }))
    }

    /// A fleet with both models in service.
    pub(crate) fn fleet(role: &str, share: f64) -> Fleet {
        let (mut fleet, pointer) = (Fleet::default(), pointer(role, share));
        let [champion, challenger] = &pointer.files()[..] else { unreachable!() };
        fleet.stage(champion, MODEL, Some(GOLDEN)).unwrap();
        fleet.stage(challenger, OTHER, None).unwrap();
        fleet.commit(&pointer).unwrap();
        fleet
    }

    fn parse(json: &Json) -> Pointer {
        Pointer::parse(&json.to_string()).unwrap()
    }

    fn version(bytes: &[u8]) -> u32 {
        Predictor::load(bytes).unwrap().version()
    }

    fn family(loaded: Result<&Rc<Loaded>, Refusal>) -> String {
        loaded.unwrap().predictor.family().to_owned()
    }

    #[test]
    fn a_canary_answers_its_share() {
        let fleet = fleet("canary", 0.25);
        let champion = family(fleet.champion());
        let others = (0..1000).filter(|id| family(fleet.of(&id.to_string())) != champion).count();
        assert!((200..300).contains(&others), "{others}");
        assert!((0..100).all(|id| fleet.shadow_of(&id.to_string()).is_none()));
    }

    #[test]
    fn a_shadow_never_answers() {
        let fleet = fleet("shadow", 1.0);
        let champion = family(fleet.champion());
        assert!((0..100).all(|id| family(fleet.of(&id.to_string())) == champion));
        assert!((0..100).all(|id| fleet.shadow_of(&id.to_string()).is_some()));
    }

    #[track_caller]
    fn check_refused(change: impl Fn(&mut File), bytes: &[u8], golden: Option<&str>, message: &str) {
        let mut fleet = fleet("canary", 0.0);
        let before = family(fleet.champion());
        let mut file = pointer("canary", 0.0).champion;
        change(&mut file);
        let refused = fleet.stage(&file, bytes, golden).unwrap_err();
        assert!(refused.error.contains(message), "{}", refused.error);
        assert_eq!(family(fleet.champion()), before);
    }

    #[test]
    fn what_is_broken_leaves_what_serves() {
        check_refused(|_| {}, OTHER, None, "the pointer says");
        check_refused(|file| file.sha256 = sha256_hex(b"no model"), b"no model", None, "not ONNX");
        check_refused(|_| {}, MODEL, Some("{"), "cannot be read");
        check_refused(|_| {}, MODEL, Some(&altered_golden()), "golden record 0 is not reproduced");
    }

    fn altered_golden() -> String {
        let mut golden: Json = serde_json::from_str(GOLDEN).unwrap();
        let probabilities = golden["rows"][0]["probabilities"].as_object_mut().unwrap();
        probabilities.values_mut().for_each(|probability| *probability = json!(probability.as_f64().unwrap() + 1e-4));
        golden.to_string()
    }

    #[test]
    fn a_pointer_to_what_is_not_loaded_changes_nothing() {
        let mut fleet = Fleet::default();
        fleet.embed(|| OTHER.to_vec(), None).unwrap();
        assert!(fleet.commit(&pointer("canary", 1.0)).is_err());
        assert!(fleet.embedded);
        assert_eq!(fleet.champion().unwrap().sha256(), sha256_hex(OTHER));
    }

    #[track_caller]
    fn check_embedded(file: fn() -> Vec<u8>, preloaded: &[u8], is_taken: bool) {
        let preloaded = Preloaded::load(preloaded).unwrap();
        let loaded = preloaded.loaded.clone();
        let mut fleet = Fleet::default();
        fleet.embed(file, Some(preloaded)).unwrap();
        let champion = fleet.champion().unwrap();
        assert_eq!((Rc::ptr_eq(champion, &loaded), champion.sha256()), (is_taken, sha256_hex(&file()).as_str()));
    }

    #[test]
    fn what_was_loaded_before_serves_only_where_it_is_the_same_file() {
        check_embedded(|| MODEL.to_vec(), MODEL, true);
        check_embedded(|| OTHER.to_vec(), MODEL, false);
        assert!(Preloaded::load(b"no model").err().unwrap().contains("not ONNX"));
    }

    #[test]
    fn a_worker_without_a_model_says_so() {
        assert_eq!(Fleet::default().champion().err().unwrap().status, 503);
    }
}
