//! Keeps what a graph asks for within bounds, before tract takes memory for it.
//!
//! A few bytes of a file may claim a value of any size, and what can be computed of constants is computed while the file is read. So every
//! operator tells the shapes of its results first, by tract's own rules, and only where all of the graph's fit is anything computed.

use std::sync::atomic::{AtomicU64, Ordering};

use tract_hir::infer::{Factoid, InferenceOp};
use tract_hir::internal::*;
use tract_onnx::pb::{GraphProto, TensorProto};

/// What all values of a graph may take for the rows that go through it at once.
const MOST_BYTES: u64 = 32 << 20;
/// What an element takes whose type is not known yet.
const ANY_TYPE: u64 = 8;

/// Refuses a constant that claims more elements than the file has for it.
pub(super) fn check_tensors(graph: &GraphProto) -> TractResult<()> {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let of_attributes = attributes.flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
    graph.initializer.iter().chain(of_attributes).try_for_each(check_tensor)
}

fn check_tensor(tensor: &TensorProto) -> TractResult<()> {
    let lists = [
        tensor.raw_data.len(),
        tensor.float_data.len(),
        tensor.int32_data.len(),
        tensor.string_data.len(),
        tensor.int64_data.len(),
        tensor.double_data.len(),
        tensor.uint64_data.len(),
    ];
    let most = lists.into_iter().max().unwrap_or(0) as u64;
    let dims = tensor.dims.iter().map(|dim| u64::try_from(*dim).ok());
    let claimed = dims.reduce(|product, dim| product?.checked_mul(dim?)).unwrap_or(Some(1));
    ensure!(claimed.is_some_and(|claimed| claimed <= most), "the constant `{}` claims more values than it has", tensor.name);
    Ok(())
}

/// Makes every operator of a graph tell the size of its results before it computes any.
pub(super) fn bind(model: &mut InferenceModel, rows: &Symbol) {
    let ledger = Arc::new(Ledger { bytes: AtomicU64::new(0), one_row: SymbolValues::default().with(rows, 1) });
    for node in model.nodes_mut() {
        let op: Box<dyn InferenceOp> = Box::new(tract_hir::ops::source::Source::new());
        let op = std::mem::replace(&mut node.op, op);
        node.op = Box::new(Bounded { op, bytes: 0, ledger: ledger.clone() });
    }
}

/// The most rows, of these choices, for which all values of a graph are within bounds.
pub(super) fn rows_at_once(model: &TypedModel, rows: &Symbol, choices: &[usize]) -> TractResult<usize> {
    let fits = |n_rows: usize| bytes_for(model, rows, n_rows).is_some_and(|bytes| bytes <= MOST_BYTES);
    choices.iter().copied().find(|n_rows| fits(*n_rows)).context("its values take too much memory")
}

/// What the values of a graph take for so many rows; none where that depends on what is in them.
fn bytes_for(model: &TypedModel, rows: &Symbol, n_rows: usize) -> Option<u64> {
    let symbols = SymbolValues::default().with(rows, n_rows as i64);
    let facts = model.nodes().iter().flat_map(|node| &node.outputs).map(|output| &output.fact);
    let bytes = |fact: &TypedFact| claimed(fact.shape.iter(), fact.datum_type.size_of() as u64, &symbols);
    facts.map(bytes).try_fold(0_u64, |sum, bytes| Some(sum.saturating_add(bytes?)))
}

fn claimed<'a>(dims: impl IntoIterator<Item = &'a TDim>, size: u64, symbols: &SymbolValues) -> Option<u64> {
    let length = |dim: &TDim| dim.eval_to_i64(symbols).ok().map(|length| u64::try_from(length).unwrap_or(0));
    dims.into_iter().map(length).try_fold(size, |bytes, length| Some(bytes.saturating_mul(length?)))
}

/// What the operators of a graph have claimed so far.
#[derive(Debug)]
struct Ledger {
    bytes: AtomicU64,
    one_row: SymbolValues,
}

/// An operator whose results are paid for before they are made.
#[derive(Clone, Debug)]
struct Bounded {
    op: Box<dyn InferenceOp>,
    /// What its results take.
    bytes: u64,
    ledger: Arc<Ledger>,
}

impl Bounded {
    /// Enters what is known of the results; whether all of it is.
    fn claim(&mut self, outputs: &[InferenceFact]) -> TractResult<bool> {
        let bytes = |fact: &InferenceFact| {
            let size = fact.datum_type.concretize().map_or(ANY_TYPE, |datum| datum.size_of() as u64);
            claimed(&fact.shape.concretize()?, size, &self.ledger.one_row)
        };
        let known: Vec<Option<u64>> = outputs.iter().map(bytes).collect();
        let bytes = known.iter().flatten().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
        ensure!(bytes <= MOST_BYTES, "the operator {} asks for {bytes} bytes", self.op.name());
        self.ledger.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
        let all = self.ledger.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        ensure!(all <= MOST_BYTES, "its values take too much memory");
        Ok(known.iter().all(Option::is_some))
    }
}

type Facts = TVec<InferenceFact>;

impl InferenceOp for Bounded {
    fn infer(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(Facts, Facts, Facts)> {
        let found = self.op.infer_facts(inputs.clone(), outputs.clone(), observed.clone())?;
        if self.claim(&found.1)? { self.op.infer(inputs, outputs, observed) } else { Ok(found) }
    }

    fn observe_outlets(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Vec<OutletId>> {
        self.op.observe_outlets(model, node)
    }

    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(Facts, Facts, Facts)> {
        self.op.infer_facts(inputs, outputs, observed)
    }

    fn incorporate(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Option<InferenceModelPatch>> {
        self.op.incorporate(model, node)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.op.nboutputs()
    }

    fn as_op(&self) -> &dyn Op {
        self.op.as_op()
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self.op.as_op_mut()
    }

    fn to_typed(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        self.op.to_typed(source, node, target, mapping)
    }
}

impl Op for Bounded {
    fn name(&self) -> StaticName {
        self.op.name()
    }

    fn mints_runtime_symbols(&self) -> bool {
        self.op.mints_runtime_symbols()
    }

    fn as_typed(&self) -> Option<&dyn TypedOp> {
        self.op.as_typed()
    }
}

impl EvalOp for Bounded {
    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.op.eval(context, inputs)
    }

    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.op.eval_out_of_plan(inputs)
    }

    fn state(&self, context: &EvalContext) -> TractResult<Option<Box<dyn OpState>>> {
        self.op.state(context)
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.op.as_op() == other.op.as_op()
    }
}

impl Eq for Bounded {}
