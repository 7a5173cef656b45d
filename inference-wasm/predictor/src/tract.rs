//! Any ONNX file in tract's reach: from its bytes to a graph that runs, with the checks on the way.
//!
//! tract is entered here alone, with an operator for tree ensembles of our own.

mod bounds;
mod tree_op;
mod trees;

use tract_hir::internal::*;
use tract_onnx::Onnx;
use tract_onnx::pb::ModelProto;

use crate::error::LoadError;
use crate::onnx::{self, Graph, Model};
use crate::predictor::Scores;
use crate::{FEATURES, LABEL, PROBABILITIES};

/// Rows that go through the graph at once: more than the first gain no speed, and a graph whose values are large takes fewer.
const ROWS_AT_ONCE: [usize; 4] = [4096, 256, 16, 1];

/// An optimised graph for any number of rows; its outputs are the label and the probabilities.
#[derive(Clone)]
pub(crate) struct Plan {
    graph: Arc<TypedRunnableModel>,
    rows_at_once: usize,
    n_features: usize,
    n_classes: usize,
}

impl Plan {
    /// Prepares the graph of a file whose interface was checked.
    pub(crate) fn new(bytes: &[u8], model: &Model, n_features: usize, n_classes: usize) -> Result<Self, LoadError> {
        let onnx = engine();
        check_operators(&model.graph, &onnx)?;
        check_gathers(&model.graph, n_features, n_classes)?;
        let refuse = |error: TractError| LoadError::Graph { reason: format!("{error:#}") };
        let proto = onnx.proto_model_for_read(&mut &onnx::bare(bytes)[..]).map_err(refuse)?;
        let (graph, rows_at_once) = prepare(&onnx, &proto, n_features).map_err(refuse)?;
        let outputs = graph.model().output_fact(1).map_err(refuse)?;
        match outputs.shape.get(1).and_then(|dim| dim.to_i64().ok()) {
            Some(found) if found != n_classes as i64 => {
                Err(LoadError::Disagree { what: "classes", contract: n_classes, graph: found })
            }
            _ => Ok(Self { graph, rows_at_once, n_features, n_classes }),
        }
    }

    /// Appends the scores of feature rows.
    pub(crate) fn scores(&self, features: &[f32], scores: &mut Scores) -> TractResult<()> {
        let mut chunks = features.chunks(self.rows_at_once * self.n_features);
        chunks.try_for_each(|rows| self.scores_of_chunk(rows, scores))
    }

    fn scores_of_chunk(&self, features: &[f32], scores: &mut Scores) -> TractResult<()> {
        let n_rows = features.len() / self.n_features;
        let input = Tensor::from_shape(&[n_rows, self.n_features], features)?;
        let outputs = self.graph.run(tvec!(input.into_tvalue()))?;
        let labels = outputs[0].cast_to::<i64>()?;
        let labels = labels.try_as_plain_ram()?;
        let (labels, probabilities) = (labels.as_slice::<i64>()?, outputs[1].try_as_plain_ram()?);
        let probabilities = probabilities.as_slice::<f32>()?;
        ensure!(labels.len() == n_rows, "{n_rows} rows have {} labels", labels.len());
        ensure!(probabilities.len() == n_rows * self.n_classes, "{n_rows} rows have {} probabilities", probabilities.len());
        scores.labels.extend_from_slice(labels);
        scores.probabilities.extend_from_slice(probabilities);
        Ok(())
    }
}

/// tract, with our operator for tree ensembles.
fn engine() -> Onnx {
    let mut onnx = tract_onnx::onnx();
    onnx.op_register.insert(tree_op::NAME, tree_op::build);
    onnx
}

/// The graph, and how many rows may go through it at once.
fn prepare(onnx: &Onnx, model: &ModelProto, n_features: usize) -> TractResult<(Arc<TypedRunnableModel>, usize)> {
    model.graph.iter().try_for_each(bounds::check_tensors)?;
    let mut model = onnx.model_for_proto_model(model)?;
    let rows = model.symbols.sym("N");
    model.set_input_fact(0, f32::fact([rows.to_dim(), n_features.to_dim()]).into())?;
    let mut model = model.with_outputs_by_name([LABEL, PROBABILITIES])?;
    bounds::bind(&mut model, &rows);
    let model = model.into_typed()?;
    bounds::rows_at_once(&model, &rows, &ROWS_AT_ONCE)?;
    let model = model.into_optimized()?;
    let rows_at_once = bounds::rows_at_once(&model, &rows, &ROWS_AT_ONCE)?;
    Ok((model.into_runnable()?, rows_at_once))
}

fn check_operators(graph: &Graph, onnx: &Onnx) -> Result<(), LoadError> {
    if let Some(node) = graph.nodes.iter().find(|node| node.attributes.iter().any(|attribute| attribute.is_nested)) {
        return Err(LoadError::Graph { reason: format!("node `{}` holds graphs or lists of tensors", node.name) });
    }
    match graph.nodes.iter().find(|node| !onnx.op_register.0.contains_key(node.operator)) {
        Some(node) => Err(LoadError::Operator { operator: node.operator.into(), node: node.name.into() }),
        None => Ok(()),
    }
}

/// tract panics where a column beyond the last is picked.
fn check_gathers(graph: &Graph, n_features: usize, n_classes: usize) -> Result<(), LoadError> {
    for node in graph.nodes.iter().filter(|node| node.operator == "Gather") {
        let width = match node.inputs.first().copied() {
            Some(FEATURES) => n_features as i64,
            Some(PROBABILITIES) => n_classes as i64,
            _ => continue,
        };
        let indices = graph.constants.iter().find(|tensor| Some(&tensor.name) == node.inputs.get(1));
        let beyond = |index: &i64| !(-width..width).contains(index);
        if let Some(index) = indices.and_then(|tensor| tensor.to_integers()).into_iter().flatten().find(beyond) {
            return Err(LoadError::Graph { reason: format!("node `{}` picks column {index} of {width}", node.name) });
        }
    }
    Ok(())
}
