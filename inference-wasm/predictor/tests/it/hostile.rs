//! Files that claim more than they hold: refused, or loaded, within memory in proportion to the file.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use inference_predictor::Predictor;

use crate::onnx::{
    FLOAT, Fields, INT64, attribute, bytes, file, floats, integer, integers, node, number, tensor, text, texts, value, varint,
    whole, zeros,
};

/// What loading may take beside what it takes by the file's size.
const MOST_BYTES: usize = 64 << 20;
/// What each byte of a file may take: two bytes are an empty text in a list, of which there are several.
const MOST_PER_BYTE: usize = 64;
/// So many parts of two bytes, where a classifier has some dozens.
const MANY: usize = 300_000;

/// Counts what this thread has taken, and the most of it at a time.
struct Counting;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.set(TAKEN.get().wrapping_add(layout.size()));
        // What was taken elsewhere and given back here is below 0, which counts for nothing.
        MOST.set(MOST.get().max(TAKEN.get().cast_signed().max(0).cast_unsigned()));
        // SAFETY: the caller's layout.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        TAKEN.set(TAKEN.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's block and layout.
        unsafe { System.dealloc(place, layout) }
    }
}

/// The most that this thread took at a time.
fn most_taken<T>(work: impl FnOnce() -> T) -> (T, usize) {
    TAKEN.set(0);
    MOST.set(0);
    let result = work();
    (result, MOST.get())
}

/// Loads a file in either engine; what they say.
#[track_caller]
fn load(what: &str, model: &[u8]) -> [Result<Predictor, String>; 2] {
    let within = |load: fn(&[u8]) -> Result<Predictor, inference_predictor::LoadError>| {
        let (loaded, most) = most_taken(|| load(model));
        let allowed = MOST_BYTES + MOST_PER_BYTE * model.len();
        assert!(most <= allowed, "{what}: {most} bytes were taken to load {}", model.len());
        loaded.map_err(|error| error.to_string())
    };
    [within(Predictor::load), within(Predictor::load_in_tract)]
}

/// Whatever they say.
#[track_caller]
fn check(what: &str, model: &[u8]) {
    drop(load(what, model));
}

#[track_caller]
fn check_refused(what: &str, model: &[u8]) {
    for loaded in load(what, model) {
        assert!(loaded.is_err(), "{what} is loaded");
    }
}

fn contract() -> String {
    crate::predictor().contract().to_json()
}

/// A graph of these parts whose probabilities are 1, and the sum of the value `x`.
fn with_sum(parts: &[Fields]) -> Vec<u8> {
    let cast = |from: &str, to: &str| node("Cast", &[from], &[to], &[integer("to", FLOAT as i64)]);
    let rest = [
        node("IsNaN", &["features"], &["is_missing"], &[]),
        cast("is_missing", "ones"),
        whole("first_two", &[0, 1]),
        node("Gather", &["ones", "first_two"], &["raw"], &[integer("axis", 1)]),
        cast("x", "numbers"),
        node("ReduceSum", &["numbers"], &["sum"], &[integer("keepdims", 0)]),
        node("Add", &["raw", "sum"], &["probabilities"], &[]),
        node("ArgMax", &["probabilities"], &["label"], &[integer("axis", 1), integer("keepdims", 0)]),
        interface(),
    ];
    file(&[parts, &rest].concat(), &contract())
}

fn interface() -> Fields {
    [value(11, "features", FLOAT), value(12, "label", INT64), value(12, "probabilities", FLOAT)].concat()
}

/// A graph of these parts alone.
fn with_parts(parts: &[Fields]) -> Vec<u8> {
    file(&[parts, &[interface()]].concat(), &contract())
}

/// Claims a value of these dimensions by an operator that makes one.
fn of_shape(name: &str, dims: &[i64]) -> Fields {
    let shape = format!("{name}_shape");
    [whole(&shape, dims), node("ConstantOfShape", &[&shape], &[name], &[])].concat()
}

const HUGE: i64 = i32::MAX as i64;

#[test]
fn a_graph_that_claims_little_is_loaded() {
    let [loaded, _] = load("little", &with_sum(&[of_shape("x", &[3, 4])]));
    assert_eq!(loaded.unwrap().engine(), "tract");
    let [loaded, _] =
        load("little", &with_sum(&[zeros("a", &[300, 1]), node("MatMul", &["a", "b"], &["x"], &[]), zeros("b", &[1, 200])]));
    assert!(loaded.is_ok());
}

#[test]
fn a_value_of_any_size_is_refused() {
    check_refused("a shape", &with_sum(&[of_shape("x", &[HUGE])]));
    check_refused("a shape beyond all numbers", &with_sum(&[of_shape("x", &[1 << 20; 6])]));
    // tract keeps the lower half of a length, so these are empty to it.
    check("a shape that is 0 in 64 bits", &with_sum(&[of_shape("x", &[1 << 32, 1 << 32])]));
    check("a shape that is 0 in 32 bits", &with_sum(&[of_shape("x", &[1 << 40])]));
    check_refused("a negative shape", &with_sum(&[of_shape("x", &[-HUGE, -HUGE])]));
    let from_one =
        |operator, how: &[i64]| with_sum(&[zeros("a", &[1]), whole("how", how), node(operator, &["a", "how"], &["x"], &[])]);
    check_refused("an expansion", &from_one("Expand", &[HUGE]));
    check_refused("a tile", &from_one("Tile", &[HUGE]));
    check_refused("a pad", &from_one("Pad", &[HUGE, HUGE]));
    let scalar = |name: &str, value: i64| bytes(5, &tensor(name, &[], INT64, &value.to_le_bytes()));
    let range = [scalar("a", 0), scalar("b", HUGE), scalar("c", 1), node("Range", &["a", "b", "c"], &["x"], &[])];
    check_refused("a range", &with_sum(&range));
    let one_hot = [whole("a", &[1]), scalar("b", HUGE), whole("c", &[0, 1]), node("OneHot", &["a", "b", "c"], &["x"], &[])];
    check_refused("a one-hot encoding", &with_sum(&one_hot));
    check_refused("random numbers", &with_sum(&[node("RandomUniform", &[], &["x"], &[integers("shape", &[HUGE])])]));
}

#[test]
fn values_that_grow_step_by_step_are_refused() {
    let n = 1 << 16;
    let outer = |operator| with_sum(&[zeros("a", &[n, 1]), zeros("b", &[1, n]), node(operator, &["a", "b"], &["x"], &[])]);
    check_refused("a product", &outer("MatMul"));
    check_refused("a sum", &outer("Add"));
    let einsum = node("Einsum", &["a", "b"], &["x"], &[text("equation", "ij,kl->ijkl")]);
    check_refused("an Einstein sum", &with_sum(&[zeros("a", &[n, 1]), zeros("b", &[1, n]), einsum]));
    let mut doubled = vec![zeros("a0", &[1, 1])];
    for step in 0..40 {
        let (from, to) = (format!("a{step}"), format!("a{}", step + 1));
        doubled.push(node("Concat", &[&from, &from], &[&to], &[integer("axis", 1)]));
    }
    doubled.push(node("Identity", &["a40"], &["x"], &[]));
    check_refused("a value that is doubled", &with_sum(&doubled));
    let mut many = vec![of_shape("x", &[2, 2])];
    many.extend((0..5_000).map(|at| of_shape(&format!("a{at}"), &[1 << 18])));
    check_refused("many values that are not large", &with_sum(&many));
}

#[test]
fn a_value_that_grows_with_the_rows_is_computed_for_fewer_at_a_time() {
    let grown = [zeros("a", &[1, 1 << 14]), whole("c", &[0]), node("Gather", &["features", "c"], &["b"], &[integer("axis", 1)])];
    let x = [
        node("IsNaN", &["b"], &["d"], &[]),
        node("Cast", &["d"], &["e"], &[integer("to", 1)]),
        node("Mul", &["e", "a"], &["x"], &[]),
    ];
    let [loaded, _] = load("a value that grows", &with_sum(&[&grown[..], &x].concat()));
    let predictor = loaded.unwrap();
    let (scores, most) = most_taken(|| predictor.scores(&vec![1.0; 7 * 5_000], 5_000));
    assert_eq!(scores.unwrap().labels.len(), 5_000);
    assert!(most < 2 * MOST_BYTES, "{most} bytes were taken");
}

#[test]
fn a_constant_that_claims_more_than_it_has_is_refused() {
    for dims in [&[HUGE][..], &[1 << 32, 1 << 32], &[1 << 62, 4], &[-1], &[i64::MIN, 2], &[1 << 21, 1 << 21, 1 << 22]] {
        for raw in [&[][..], &[0; 4], &[0; 400]] {
            check_refused("a constant", &with_sum(&[bytes(5, &tensor("x", dims, FLOAT, raw))]));
            let constant = attribute("value", 4, bytes(5, &tensor("", dims, FLOAT, raw)));
            check_refused("an operator's constant", &with_sum(&[node("Constant", &[], &["x"], &[constant])]));
        }
    }
    check("nothing, of any length", &with_sum(&[bytes(5, &tensor("x", &[0, 1 << 62], FLOAT, &[]))]));
    check_refused("a length beyond the end", &[&number(1, 8)[..], &[7 << 3 | 2], &varint(1 << 60), &[0; 50]].concat());
}

#[test]
fn thousands_of_parts_take_no_more_than_their_share() {
    let empty = |key: u64| bytes(key, &[]).repeat(MANY);
    let names = |key: u64| bytes(1, &bytes(key, b"a").repeat(MANY));
    for (what, part) in [("operators", 1), ("constants", 5), ("inputs", 11), ("outputs", 12), ("declared values", 13)] {
        check(what, &with_parts(&[empty(part)]));
    }
    check_refused("attributes", &with_sum(&[of_shape("x", &[1]), bytes(1, &empty(5))]));
    let beside = |parts: &[Fields]| with_sum(&[&[of_shape("x", &[1])], parts].concat());
    check("names that are read", &beside(&[names(1)]));
    check("names that are made", &beside(&[names(2)]));
    check("both", &beside(&[names(1), names(2)]));
    check("dimensions", &beside(&[bytes(5, &number(1, 1).repeat(MANY))]));
    let attribute_of =
        |fields: Fields| with_sum(&[bytes(1, &[bytes(4, b"Identity"), bytes(5, &fields)].concat()), of_shape("x", &[1])]);
    for (what, key) in [("numbers", 8), ("texts", 9), ("tensors", 10), ("graphs", 11)] {
        check(what, &attribute_of(empty(key)));
    }
    for (what, key) in [("versions", 8), ("metadata", 14), ("training", 20), ("functions", 25)] {
        check(what, &[with_sum(&[of_shape("x", &[1])]), empty(key)].concat());
    }
    let outputs: Vec<Fields> = (0..15_000).map(|at| value(12, &format!("a{at}"), FLOAT)).collect();
    let made: Vec<Fields> = (0..15_000).map(|at| node("Identity", &["features"], &[&format!("a{at}")], &[])).collect();
    check("outputs that are made", &with_sum(&[&[of_shape("x", &[1])], &made[..], &outputs].concat()));
}

#[test]
fn circles_are_refused() {
    let circle = [node("Relu", &["b"], &["a"], &[]), node("Relu", &["a"], &["b"], &[]), node("Identity", &["a"], &["x"], &[])];
    check_refused("a circle", &with_sum(&circle));
    check_refused("a value made of itself", &with_sum(&[node("Relu", &["x"], &["x"], &[])]));
    for yes in [[0, 0, 0], [1, 1, 0], [2, 0, 0], [1, 0, 0]] {
        check_refused("a tree in a circle", &with_parts(&[tree(yes, [1, 2, 2], ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"])]));
    }
    check_refused("a tree beyond its end", &with_parts(&[tree([1, HUGE, 0], [1, 2, 2], ["BRANCH_LEQ", "BRANCH_EQ", "LEAF"])]));
}

/// A tree of three nodes with these children.
fn tree(yes: [i64; 3], no: [i64; 3], modes: [&str; 3]) -> Fields {
    let attributes = [
        integers("nodes_treeids", &[0; 3]),
        integers("nodes_nodeids", &[0, 1, 2]),
        integers("nodes_featureids", &[0; 3]),
        floats("nodes_values", &[0.5; 3]),
        texts("nodes_modes", &modes),
        integers("nodes_truenodeids", &yes),
        integers("nodes_falsenodeids", &no),
        integers("nodes_missing_value_tracks_true", &[0; 3]),
        integers("class_treeids", &[0; 2]),
        integers("class_nodeids", &[2; 2]),
        integers("class_ids", &[0, 1]),
        floats("class_weights", &[0.5; 2]),
        integers("classlabels_int64s", &[0, 1]),
        text("post_transform", "NONE"),
    ];
    node("TreeEnsembleClassifier", &["features"], &["label", "probabilities"], &attributes)
}

#[test]
fn a_tree_without_a_circle_is_loaded() {
    let [loaded, in_tract] = load("a tree", &with_parts(&[tree([1, 2, 0], [2, 2, 0], ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"])]));
    assert!(loaded.is_ok() && in_tract.is_ok(), "{loaded:?}, {in_tract:?}");
}

#[test]
fn nesting_of_any_depth_is_refused() {
    let inner_most = bytes(1, &bytes(4, b"Identity"));
    let nested = (0..3_000).fold(inner_most, |graph, _| {
        bytes(1, &[bytes(4, b"If"), bytes(5, &attribute("then_branch", 5, bytes(6, &graph)))].concat())
    });
    check_refused("graphs in graphs", &with_sum(&[nested, of_shape("x", &[1])]));
    check_refused("groups in groups", &[number(1, 8), vec![0x3b; 1 << 20]].concat());
    let contract = ["[".repeat(1 << 20), "]".repeat(1 << 20)].concat();
    check_refused("lists in lists", &file(&[interface()], &contract));
    let name = ["(".repeat(1 << 20), "N".into()].concat();
    let dim = bytes(1, &bytes(2, name.as_bytes()));
    let shape = [number(1, FLOAT), bytes(2, &dim)].concat();
    let input = bytes(11, &[bytes(1, b"features"), bytes(2, &bytes(1, &shape))].concat());
    check("brackets in a dimension", &file(&[input, value(12, "label", INT64), value(12, "probabilities", FLOAT)], &contract));
    let chain: Vec<Fields> = (0..10_000).map(|at| node("Relu", &[&format!("a{at}")], &[&format!("a{}", at + 1)], &[])).collect();
    let ends = [zeros("a0", &[1]), node("Identity", &["a10000"], &["x"], &[])];
    check("a long chain", &with_sum(&[&chain[..], &ends].concat()));
}
