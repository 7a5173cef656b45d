//! `ai.onnx.ml.TreeEnsembleClassifier` for tract: reads the attributes, checks them, and runs [`Trees`].
//!
//! tract's own operator of this name walks all leaves before a tree's first, reads `BRANCH_GTE` as a leaf,
//! and refuses two classes with one base value; this one takes its place.

use std::collections::HashMap;

use tract_hir::internal::*;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;

use super::trees::{Layout, Link, Mode, Node, Trees, Vote};

pub(crate) const NAME: &str = "TreeEnsembleClassifier";

/// Builds the operator from a node of the file.
pub(crate) fn build(_context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(TreeOp(Arc::new(read(node)?))), vec![]))
}

#[derive(Clone, Debug)]
struct TreeOp(Arc<Trees>);

impl PartialEq for TreeOp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TreeOp {}

impl Expansion for TreeOp {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(2)
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 2)?;
        solver.equals(&inputs[0].datum_type, f32::datum_type())?;
        solver.equals(&inputs[0].rank, 2)?;
        solver.equals(&outputs[0].datum_type, i64::datum_type())?;
        solver.equals(&outputs[0].rank, 1)?;
        solver.equals(&outputs[0].shape[0], &inputs[0].shape[0])?;
        solver.equals(&outputs[1].datum_type, f32::datum_type())?;
        solver.equals(&outputs[1].rank, 2)?;
        solver.equals(&outputs[1].shape[0], &inputs[0].shape[0])?;
        solver.equals(&outputs[1].shape[1], self.0.n_classes().to_dim())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

impl Op for TreeOp {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    op_as_typed_op!();
}

impl EvalOp for TreeOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = args_1!(inputs);
        let (n_rows, width) = (input.shape()[0], input.shape()[1]);
        ensure!(width >= self.0.n_features, "the trees read {} features, a row has {width}", self.0.n_features);
        let view = input.try_as_plain_ram()?;
        let rows = view.as_slice::<f32>()?.chunks_exact(width);
        let mut probabilities = vec![0.0; n_rows * self.0.n_classes()];
        let outputs = probabilities.chunks_exact_mut(self.0.n_classes());
        let labels: Vec<i64> = rows.zip(outputs).map(|(row, output)| self.0.row(row, output)).collect();
        let labels = Tensor::from_shape(&[n_rows], &labels)?;
        let probabilities = Tensor::from_shape(&[n_rows, self.0.n_classes()], &probabilities)?;
        Ok(tvec!(labels.into_tvalue(), probabilities.into_tvalue()))
    }
}

impl TypedOp for TreeOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let rows = &inputs[0].shape[0];
        Ok(tvec!(i64::fact(std::slice::from_ref(rows)), f32::fact(&[rows.clone(), self.0.n_classes().to_dim()])))
    }

    as_op!();
}

fn read(node: &NodeProto) -> TractResult<Trees> {
    let Some(labels) = node.get_attr_opt_vec::<i64>("classlabels_int64s")? else {
        bail!("its class labels are not whole numbers")
    };
    ensure!(labels.len() >= 2, "it has {} classes", labels.len());
    let (mut nodes, index) = read_nodes(node)?;
    check_acyclic(&nodes)?;
    let votes = read_votes(node, &mut nodes, &index, labels.len())?;
    let roots = roots(&node.get_attr_vec("nodes_treeids")?);
    let n_features = nodes.iter().filter(|node| node.mode != Mode::Leaf).map(|node| node.feature as usize + 1).max().unwrap_or(0);
    let layout = read_layout(node, &votes, labels.len())?;
    Ok(Trees { nodes, roots, votes, labels, n_features, layout, link: read_link(node)? })
}

/// Position of a node by its tree's and its own id.
type Index = HashMap<(i64, i64), u32>;

fn read_nodes(node: &NodeProto) -> TractResult<(Vec<Node>, Index)> {
    let trees: Vec<i64> = node.get_attr_vec("nodes_treeids")?;
    let n_nodes = trees.len();
    let ids: Vec<i64> = list(node, "nodes_nodeids", n_nodes)?;
    let features: Vec<i64> = list(node, "nodes_featureids", n_nodes)?;
    let values: Vec<f32> = list(node, "nodes_values", n_nodes)?;
    let yes: Vec<i64> = list(node, "nodes_truenodeids", n_nodes)?;
    let no: Vec<i64> = list(node, "nodes_falsenodeids", n_nodes)?;
    let modes: Vec<&str> = list(node, "nodes_modes", n_nodes)?;
    let missing: Vec<i64> = node.get_attr_opt_vec("nodes_missing_value_tracks_true")?.unwrap_or_default();
    ensure!(n_nodes > 0 && n_nodes < u32::MAX as usize, "it has {n_nodes} nodes");
    ensure!(missing.is_empty() || missing.len() == n_nodes, "nodes_missing_value_tracks_true has length {}", missing.len());

    let index: Index = trees.iter().copied().zip(ids.iter().copied()).zip(0..).collect();
    ensure!(index.len() == n_nodes, "a node id occurs twice");
    let child = |tree: i64, id: i64| index.get(&(tree, id)).copied().with_context(|| format!("tree {tree} has no node {id}"));
    let read = |at: usize| {
        let mode = mode(modes[at])?;
        let (yes, no) = if mode == Mode::Leaf { (0, 0) } else { (child(trees[at], yes[at])?, child(trees[at], no[at])?) };
        let feature = u32::try_from(features[at]).with_context(|| format!("feature {}", features[at]))?;
        Ok(Node { value: values[at], feature, yes, no, mode, missing_yes: missing.get(at) == Some(&1) })
    };
    let nodes = (0..n_nodes).map(read).collect::<TractResult<_>>()?;
    Ok((nodes, index))
}

/// Sorts the votes by leaf, in the file's order within each, and tells every leaf its own.
fn read_votes(node: &NodeProto, nodes: &mut [Node], index: &Index, n_classes: usize) -> TractResult<Vec<Vote>> {
    let classes: Vec<i64> = node.get_attr_vec("class_ids")?;
    let trees: Vec<i64> = list(node, "class_treeids", classes.len())?;
    let ids: Vec<i64> = list(node, "class_nodeids", classes.len())?;
    let weights: Vec<f32> = list(node, "class_weights", classes.len())?;
    let mut votes = Vec::with_capacity(classes.len());
    for at in 0..classes.len() {
        let leaf = *index.get(&(trees[at], ids[at])).with_context(|| format!("tree {} has no node {}", trees[at], ids[at]))?;
        ensure!(nodes[leaf as usize].mode == Mode::Leaf, "node {} of tree {} votes and is no leaf", ids[at], trees[at]);
        ensure!((0..n_classes as i64).contains(&classes[at]), "class {} is beyond {n_classes}", classes[at]);
        votes.push((leaf, Vote { class: classes[at] as u32, weight: weights[at] }));
    }
    votes.sort_by_key(|(leaf, _)| *leaf);
    for (start, run) in
        votes.chunk_by(|a, b| a.0 == b.0).scan(0, |start, run| Some((std::mem::replace(start, *start + run.len()), run)))
    {
        let leaf = &mut nodes[run[0].0 as usize];
        (leaf.yes, leaf.no) = (start as u32, (start + run.len()) as u32);
    }
    Ok(votes.into_iter().map(|(_, vote)| vote).collect())
}

/// The first node of each tree, in the file's order.
fn roots(trees: &[i64]) -> Vec<u32> {
    let mut seen = std::collections::HashSet::new();
    trees.iter().zip(0..).filter(|(tree, _)| seen.insert(**tree)).map(|(_, root)| root).collect()
}

/// Runtimes disagree on base values for two classes that both have votes, so those are refused.
fn read_layout(node: &NodeProto, votes: &[Vote], n_classes: usize) -> TractResult<Layout> {
    let base: Vec<f32> = node.get_attr_opt_vec("base_values")?.unwrap_or_default();
    if n_classes == 2 && votes.iter().all(|vote| vote.class == 0) {
        ensure!(base.len() <= 1, "two classes with one vote per leaf have {} base values", base.len());
        let all_positive = votes.iter().all(|vote| vote.weight >= 0.0);
        return Ok(Layout::Single { base: base.first().copied().unwrap_or(0.0), all_positive });
    }
    let expected = if n_classes == 2 { 0 } else { n_classes };
    ensure!(base.is_empty() || base.len() == expected, "{n_classes} classes have {} base values", base.len());
    Ok(Layout::PerClass { base })
}

fn read_link(node: &NodeProto) -> TractResult<Link> {
    match node.get_attr_opt("post_transform")?.unwrap_or("NONE") {
        "NONE" => Ok(Link::None),
        "SOFTMAX" => Ok(Link::Softmax),
        "LOGISTIC" => Ok(Link::Logistic),
        other => bail!("post_transform {other} cannot run here"),
    }
}

fn mode(text: &str) -> TractResult<Mode> {
    match text {
        "LEAF" => Ok(Mode::Leaf),
        "BRANCH_LEQ" => Ok(Mode::AtMost),
        "BRANCH_LT" => Ok(Mode::Below),
        "BRANCH_GTE" => Ok(Mode::AtLeast),
        "BRANCH_GT" => Ok(Mode::Above),
        "BRANCH_EQ" => Ok(Mode::Equal),
        "BRANCH_NEQ" => Ok(Mode::NotEqual),
        other => bail!("node mode {other} cannot run here"),
    }
}

fn list<'a, T: tract_onnx::pb_helpers::AttrTVecType<'a>>(node: &'a NodeProto, name: &str, length: usize) -> TractResult<Vec<T>> {
    let list = node.get_attr_vec(name)?;
    ensure!(list.len() == length, "{name} has length {}, expected {length}", list.len());
    Ok(list)
}

/// A walk must end: repeatedly takes away nodes without parents, and what stays is a circle.
fn check_acyclic(nodes: &[Node]) -> TractResult<()> {
    let children = |node: &Node| if node.mode == Mode::Leaf { [None; 2] } else { [Some(node.yes), Some(node.no)] };
    let mut n_parents = vec![0u32; nodes.len()];
    for child in nodes.iter().flat_map(children).flatten() {
        n_parents[child as usize] += 1;
    }
    let mut free: Vec<usize> = (0..nodes.len()).filter(|&node| n_parents[node] == 0).collect();
    let mut n_free = 0;
    while let Some(node) = free.pop() {
        n_free += 1;
        for child in children(&nodes[node]).into_iter().flatten() {
            n_parents[child as usize] -= 1;
            if n_parents[child as usize] == 0 {
                free.push(child as usize);
            }
        }
    }
    ensure!(n_free == nodes.len(), "its nodes go in circles");
    Ok(())
}

#[cfg(test)]
mod tests;
