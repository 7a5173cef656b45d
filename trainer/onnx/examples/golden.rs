//! Writes the golden bundles that the predictor, the page and the worker are held against.
//!
//! Two made-up models about churn over one contract: boosted trees with sets of levels and directions for missing values,
//! and a linear classifier, and their blend; and the same with three classes. The probabilities come from the plain numbers, in float64,
//! not from any reader of the graph.
//!
//! `cargo run -p trainer-onnx --example golden` replaces `inference-wasm/predictor/tests/{golden,golden-classes}/*/`;
//! the output depends on nothing else.

use std::fs;
use std::path::Path;

use trainer_onnx::{
    Blend, Classifier, Head, Inputs, LinearClassifier, Link, Member, Node, NumericInput, OneHotInput, Test, Tree, TreeEnsemble,
};

const COLUMNS_JSON: &str = concat!(
    r#"{"format":1,"dataset":"churn","columns":["#,
    r#"{"name":"age","about":"in years","kind":"numeric","integer":true,"minimum":18.0,"maximum":95.0,"median":39.0},"#,
    r#"{"name":"tenure","about":"months since the contract began","kind":"numeric","integer":true,"minimum":0.0,"maximum":120.0,"median":24.0},"#,
    r#"{"name":"monthly_fee","kind":"numeric","integer":false,"minimum":9.9,"maximum":99.5,"median":29.95},"#,
    r#"{"name":"calls_to_support","kind":"numeric","integer":true,"minimum":0.0,"maximum":12.0,"median":1.0},"#,
    r#"{"name":"plan","kind":"categorical","levels":["basic","plus","premium"]},"#,
    r#"{"name":"region","kind":"categorical","levels":["north","west","south","east","centre","coast","islands","mountains"]},"#,
    r#"{"name":"paperless","kind":"categorical","levels":["yes","no"]}],"#,
);
/// `digest` is the SHA-256 of the contract; the predictor's tests compute it.
const TWO_CLASSES: Problem = Problem {
    folder: "golden",
    classes: &["stays", "leaves"],
    target: r#""target":{"name":"churn","classes":["stays","leaves"],"positive":1},"missing_tokens":["","unknown"]}"#,
    digest: "d2a9664989aa86f12490ab7b1ec9bfd95a29bac7318a5de33ffc4166eaf6ffa0",
    threshold: Some(0.35),
};
const THREE_CLASSES: Problem = Problem {
    folder: "golden-classes",
    classes: &["stays", "pauses", "leaves"],
    target: r#""target":{"name":"churn","classes":["stays","pauses","leaves"],"positive":null},"missing_tokens":["","unknown"]}"#,
    digest: "77bf058b4faceb2665650a5477d482e5e7454f8321515efdf4ac331dcca64865",
    threshold: None,
};
const TOKENS: [&str; 2] = ["", "unknown"];
const COLUMNS: [Column; 7] = [
    Column::Numeric { name: "age", low: 18.0, high: 95.0, step: 1.0 },
    Column::Numeric { name: "tenure", low: 0.0, high: 120.0, step: 1.0 },
    Column::Numeric { name: "monthly_fee", low: 9.9, high: 99.5, step: 0.05 },
    Column::Numeric { name: "calls_to_support", low: 0.0, high: 12.0, step: 1.0 },
    Column::Levels { name: "plan", levels: &["basic", "plus", "premium"] },
    Column::Levels { name: "region", levels: &["north", "west", "south", "east", "centre", "coast", "islands", "mountains"] },
    Column::Levels { name: "paperless", levels: &["yes", "no"] },
];
const N_ROWS: usize = 24;
/// Weight of the trees in the blend; the linear classifier has the rest.
const OF_TREES: f32 = 0.625;

struct Problem {
    folder: &'static str,
    classes: &'static [&'static str],
    target: &'static str,
    digest: &'static str,
    threshold: Option<f32>,
}

enum Column {
    Numeric { name: &'static str, low: f64, high: f64, step: f64 },
    Levels { name: &'static str, levels: &'static [&'static str] },
}

#[derive(Clone)]
enum Cell {
    Null,
    Number(f64),
    Text(String),
}

fn main() -> std::io::Result<()> {
    TWO_CLASSES.write(&mut Random(20_260_101))?;
    THREE_CLASSES.write(&mut Random(20_260_102))
}

impl Problem {
    fn write(&self, random: &mut Random) -> std::io::Result<()> {
        let rows: Vec<Vec<Cell>> = (0..N_ROWS).map(|index| row(index, random)).collect();
        let trees = self.boosted_trees(random);
        let linear = self.linear_classifier(random);
        let (boosting, regression) = ("gradient-boosting", "logistic-regression");
        let by_trees = |features: &[f32]| probabilities(&tree_sums(&trees, features));
        let by_map = |features: &[f32]| probabilities(&logits(&linear, features));
        let mean = |features: &[f32]| {
            let pairs = by_trees(features).into_iter().zip(by_map(features));
            pairs.map(|(a, b)| a * f64::from(OF_TREES) + b * f64::from(1.0 - OF_TREES)).collect()
        };
        self.write_bundle(boosting, trees.to_model(&self.head(boosting)), &rows, by_trees)?;
        self.write_bundle(regression, linear.to_model(&self.head(regression)), &rows, by_map)?;
        let member = |weight, classifier| Member { weight, classifier, calibration: None };
        let members =
            vec![member(OF_TREES, Classifier::Trees(trees.clone())), member(1.0 - OF_TREES, Classifier::Linear(linear.clone()))];
        self.write_bundle("blend", Classifier::Blend(Blend { members }).to_model(&self.head("blend")), &rows, mean)
    }

    fn n_outputs(&self) -> usize {
        if self.classes.len() == 2 { 1 } else { self.classes.len() }
    }

    fn head(&self, family: &str) -> Head {
        let pairs = [
            ("tidemark.format", "1".to_owned()),
            ("tidemark.name", "churn".into()),
            ("tidemark.version", "3".into()),
            ("tidemark.family", family.into()),
            ("tidemark.contract", format!("{COLUMNS_JSON}{}", self.target)),
            ("tidemark.synthetic", "true".into()),
        ];
        let threshold = self.threshold.map(|threshold| ("tidemark.threshold", threshold.to_string()));
        let metadata = pairs.into_iter().chain(threshold).map(|(key, value)| (key.to_owned(), value)).collect();
        Head { threshold: self.threshold, metadata, name: "churn".into(), ..Head::default() }
    }

    fn boosted_trees(&self, random: &mut Random) -> TreeEnsemble {
        let tree = |random: &mut Random| {
            let mut tree = Tree::default();
            grow(&mut tree, 4, self.n_outputs(), random);
            tree
        };
        let mut trees: Vec<Tree> = (0..24).map(|_| tree(random)).collect();
        for node in &mut trees[0].nodes {
            if let Node::Leaf { values } = node {
                values[0] -= 0.4;
            }
        }
        let link = if self.classes.len() == 2 { Link::Sigmoid } else { Link::Softmax };
        TreeEnsemble { n_features: COLUMNS.len(), n_classes: self.classes.len(), trees, link }
    }

    fn linear_classifier(&self, random: &mut Random) -> LinearClassifier {
        let (numeric, one_hot) = linear_inputs();
        let n_weights = (numeric.len() + one_hot.len()) * self.n_outputs();
        let weights = (0..n_weights).map(|_| random.between(-0.9, 0.9) as f32).collect();
        let bias = vec![-0.3; self.n_outputs()];
        LinearClassifier {
            n_features: COLUMNS.len(),
            n_classes: self.classes.len(),
            inputs: Inputs { numeric, one_hot, ..Inputs::default() },
            weights,
            bias,
        }
    }

    fn write_bundle(
        &self,
        family: &str,
        model: Vec<u8>,
        rows: &[Vec<Cell>],
        says: impl Fn(&[f32]) -> Vec<f64>,
    ) -> std::io::Result<()> {
        let lines: Vec<String> = rows.iter().map(|row| self.line(row, &says)).collect();
        let golden = format!("{{\"format\":1,\"contract\":\"{}\",\"rows\":[\n{}\n]}}\n", self.digest, lines.join(",\n"));
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../inference-wasm/predictor/tests").join(self.folder).join(family);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("model.onnx"), model)?;
        fs::write(folder.join("golden.json"), golden)
    }

    fn line(&self, row: &[Cell], says: impl Fn(&[f32]) -> Vec<f64>) -> String {
        let features: Vec<f32> = COLUMNS.iter().zip(row).map(|(column, cell)| column.feature(cell)).collect();
        let probabilities = says(&features);
        let fields: Vec<String> =
            COLUMNS.iter().zip(row).map(|(column, cell)| format!("\"{}\":{}", column.name(), cell.json())).collect();
        let pairs: Vec<String> =
            self.classes.iter().zip(&probabilities).map(|(class, probability)| format!("\"{class}\":{probability}")).collect();
        let label = self.classes[self.label(&probabilities)];
        format!(r#"{{"record":{{{}}},"label":"{label}","probabilities":{{{}}}}}"#, fields.join(","), pairs.join(","))
    }

    /// The probabilities keep clear of the border between two labels, so that none hangs on the last digit.
    fn label(&self, probabilities: &[f64]) -> usize {
        let clear = |a: f64, b: f64| assert!((a - b).abs() > 1e-4, "choose another seed");
        match self.threshold {
            Some(threshold) => {
                clear(probabilities[1], threshold.into());
                usize::from(probabilities[1] > threshold.into())
            }
            None => {
                let mut order: Vec<usize> = (0..probabilities.len()).collect();
                order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
                clear(probabilities[order[0]], probabilities[order[1]]);
                order[0]
            }
        }
    }
}

/// A third of the rows holds something unusual: nothing known, a missing token, a level or a number that training never saw.
fn row(index: usize, random: &mut Random) -> Vec<Cell> {
    let mut row: Vec<Cell> = COLUMNS.iter().map(|column| column.cell(random)).collect();
    match index {
        2 => row = vec![Cell::Null; COLUMNS.len()],
        5 => row[4] = Cell::Text("platinum".into()),
        8 => row[5] = Cell::Text("unknown".into()),
        11 => row[0] = Cell::Number(17.5),
        14 => row[2] = Cell::Null,
        17 => row[6] = Cell::Null,
        20 => (row[1], row[5]) = (Cell::Number(-3.0), Cell::Text("Ålesund \"north\"".into())),
        _ => {}
    }
    row
}

impl Column {
    fn name(&self) -> &'static str {
        match self {
            Self::Numeric { name, .. } | Self::Levels { name, .. } => name,
        }
    }

    fn cell(&self, random: &mut Random) -> Cell {
        match self {
            Self::Numeric { low, high, step, .. } => {
                Cell::Number(round(low + random.below(((high - low) / step) as usize) as f64 * step))
            }
            Self::Levels { levels, .. } => Cell::Text(levels[random.below(levels.len())].into()),
        }
    }

    fn feature(&self, cell: &Cell) -> f32 {
        match (self, cell) {
            (_, Cell::Number(number)) => *number as f32,
            (Self::Levels { levels, .. }, Cell::Text(text)) if !TOKENS.contains(&text.as_str()) => {
                levels.iter().position(|level| level == text).map_or(-1.0, |index| index as f32)
            }
            (Self::Levels { .. }, _) => -1.0,
            (Self::Numeric { .. }, _) => f32::NAN,
        }
    }
}

/// Adds a node and what is below it; gives its index.
fn grow(tree: &mut Tree, depth: usize, n_outputs: usize, random: &mut Random) -> usize {
    let index = tree.nodes.len();
    tree.nodes.push(Node::Leaf { values: (0..n_outputs).map(|_| random.between(-0.4, 0.4) as f32).collect() });
    if depth > 0 && (depth > 2 || random.below(4) > 0) {
        let feature = random.below(COLUMNS.len());
        let (test, missing_yes) = question(&COLUMNS[feature], random);
        let yes = grow(tree, depth - 1, n_outputs, random);
        let no = grow(tree, depth - 1, n_outputs, random);
        tree.nodes[index] = Node::Split { feature, test, yes, no, missing_yes };
    }
    index
}

fn question(column: &Column, random: &mut Random) -> (Test, bool) {
    match column {
        Column::Numeric { low, high, .. } => (Test::AtMost(random.between(*low, *high) as f32), random.below(2) == 1),
        Column::Levels { levels, .. } => {
            let one = random.below(levels.len()) as u32;
            let set = (0..levels.len() as u32).filter(|&level| level == one || random.below(3) == 0);
            (Test::OneOf(set.collect()), false)
        }
    }
}

fn linear_inputs() -> (Vec<NumericInput>, Vec<OneHotInput>) {
    let numeric = COLUMNS.iter().enumerate().filter_map(|(feature, column)| match column {
        Column::Numeric { low, high, .. } => {
            let (mean, inverse_std) = ((low + high) as f32 / 2.0, 4.0 / (high - low) as f32);
            Some(NumericInput { feature, impute: (low + (high - low) / 3.0) as f32, mean, inverse_std })
        }
        Column::Levels { .. } => None,
    });
    let one_hot = COLUMNS.iter().enumerate().flat_map(|(feature, column)| match column {
        Column::Numeric { .. } => vec![],
        Column::Levels { levels, .. } => (0..levels.len() as u32).map(|level| OneHotInput { feature, level }).collect(),
    });
    (numeric.collect(), one_hot.collect())
}

fn tree_sums(ensemble: &TreeEnsemble, features: &[f32]) -> Vec<f64> {
    let leaves: Vec<&[f32]> = ensemble.trees.iter().map(|tree| leaf(tree, features)).collect();
    (0..leaves[0].len()).map(|output| leaves.iter().map(|leaf| f64::from(leaf[output])).sum()).collect()
}

fn leaf<'a>(tree: &'a Tree, features: &[f32]) -> &'a [f32] {
    let mut node = 0;
    loop {
        match &tree.nodes[node] {
            Node::Leaf { values } => return values,
            Node::Split { feature, test, yes, no, missing_yes } => {
                let value = features[*feature];
                let holds = match test {
                    Test::AtMost(threshold) => value <= *threshold || (value.is_nan() && *missing_yes),
                    Test::OneOf(levels) => levels.iter().any(|&level| level as f32 == value),
                };
                node = if holds { *yes } else { *no };
            }
        }
    }
}

fn logits(linear: &LinearClassifier, features: &[f32]) -> Vec<f64> {
    let numeric = linear.inputs.numeric.iter().map(|input| {
        let value = features[input.feature];
        let value = if value.is_nan() { input.impute } else { value };
        (f64::from(value) - f64::from(input.mean)) * f64::from(input.inverse_std)
    });
    let one_hot = linear.inputs.one_hot.iter().map(|input| f64::from(u8::from(features[input.feature] == input.level as f32)));
    let inputs: Vec<f64> = numeric.chain(one_hot).collect();
    let n_outputs = linear.bias.len();
    let logit = |output: usize| {
        let weights = linear.weights.iter().skip(output).step_by(n_outputs);
        inputs.iter().zip(weights).map(|(input, weight)| input * f64::from(*weight)).sum::<f64>() + f64::from(linear.bias[output])
    };
    (0..n_outputs).map(logit).collect()
}

/// Sigmoid of one raw value, softmax of several.
fn probabilities(raw: &[f64]) -> Vec<f64> {
    let exponents: Vec<f64> = if let [one] = raw { vec![1.0, one.exp()] } else { raw.iter().map(|raw| raw.exp()).collect() };
    let sum: f64 = exponents.iter().sum();
    exponents.iter().map(|exponent| exponent / sum).collect()
}

impl Cell {
    fn json(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("\"{}\"", text.replace('"', "\\\"")),
        }
    }
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (self.next() >> 11) as f64 / (1u64 << 53) as f64 * (high - low)
    }
}
