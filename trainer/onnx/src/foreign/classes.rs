//! Which classes a converted model gives its probabilities for, by what the file says.
//!
//! Converters write them as attributes of the classifier, or as a constant from which `ArrayFeatureExtractor` picks the label.

use super::fault::ForeignError;
use super::raw::{RawGraph, RawTensor};

const PICKER: &str = "ArrayFeatureExtractor";
const TEXT_LABELS: [&str; 2] = ["classlabels_strings", "class_labels_strings"];
const NUMBER_LABELS: [&str; 2] = ["classlabels_int64s", "classlabels_ints"];

/// For each class of the contract its column among the graph's probabilities; none when they are in the same order.
///
/// A file that names no classes is taken to have the contract's, in its order; so is one that numbers them from 0.
pub(crate) fn order(graph: &RawGraph, contract: &[String]) -> Result<Option<Vec<i64>>, ForeignError> {
    let Some(names) = names(graph) else { return Ok(None) };
    if names.len() != contract.len() {
        return Err(ForeignError::Width { what: "classes", contract: contract.len(), graph: names.len() });
    }
    let place = |class: &String| names.iter().position(|name| name == class).map(|place| place as i64);
    let in_order = |order: &[i64]| order.iter().zip(0..).all(|(place, index)| *place == index);
    match contract.iter().map(place).collect::<Option<Vec<i64>>>() {
        Some(order) => Ok(Some(order).filter(|order| !in_order(order))),
        None if names.iter().enumerate().all(|(index, name)| *name == index.to_string()) => Ok(None),
        None => Err(ForeignError::Classes { graph: names, contract: contract.to_vec() }),
    }
}

/// The classes by the most telling source that does not contradict itself: texts before numbers, the label's constant before a part's attribute.
fn names(graph: &RawGraph) -> Option<Vec<String>> {
    let sources =
        [picked(graph, texts), attributes(graph, &TEXT_LABELS), picked(graph, numbers), attributes(graph, &NUMBER_LABELS)];
    sources.into_iter().find_map(|mut lists| {
        lists.dedup();
        (lists.len() == 1).then(|| lists.swap_remove(0))
    })
}

fn picked(graph: &RawGraph, read: fn(&RawTensor) -> Option<Vec<String>>) -> Vec<Vec<String>> {
    let constants = graph.node.iter().filter(|node| node.op_type == PICKER).filter_map(|node| node.input.first());
    constants.filter_map(|name| read(graph.initializer.iter().find(|tensor| tensor.name == *name)?)).collect()
}

fn attributes(graph: &RawGraph, named: &[&str]) -> Vec<Vec<String>> {
    let labels =
        graph.node.iter().flat_map(|node| node.attributes()).filter(|attribute| named.contains(&attribute.name.as_str()));
    let texts = labels.map(|labels| {
        let texts = labels.strings.iter().map(|text| String::from_utf8_lossy(text).into_owned());
        texts.chain(labels.ints.iter().map(i64::to_string)).collect::<Vec<_>>()
    });
    texts.filter(|names| !names.is_empty()).collect()
}

fn texts(tensor: &RawTensor) -> Option<Vec<String>> {
    let texts: Vec<String> = tensor.string_data.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    (texts.len() > 1).then_some(texts)
}

fn numbers(tensor: &RawTensor) -> Option<Vec<String>> {
    let numbers = tensor.integers()?;
    (numbers.len() > 1).then(|| numbers.iter().map(i64::to_string).collect())
}
