//! Models that our trainer wrote, as flat arrays.
//!
//! A graph is taken apart from its outputs; one in which anything is not exactly as the trainer writes it is [`Unknown`], and another
//! engine's to run. What was understood is kept as numbers: trees as nodes of 16 bytes, preprocessing and the first linear map as one.
//!
//! ```text
//! feature row --Inputs--> active inputs --Network | Kernel--> logits --link-+
//!             --Columns--> codes --Trees--> sums of leaves --link-----------+--Calibration--> probabilities --Decision--> label
//! ```
//!
//! Every stage has its numbers behind crate-visible fields, documented with shapes, so that explanations can be computed from them:
//! [`Body`] tells the family of computation, [`Link`] what makes probabilities of its logits. A blend is several such models, each with its
//! weight; what they say is added up before the decision.

mod calibration;
mod exponential;
mod inputs;
mod kernel;
mod network;
mod pattern;
mod separable;
mod trees;
mod vector;

use crate::link::{largest, logistic, softmax};
use crate::onnx::Model;
use crate::{FEATURES, LABEL, PROBABILITIES};
pub(crate) use calibration::Calibration;
pub(crate) use kernel::Kernel;
pub(crate) use network::Network;
pub(crate) use pattern::Unknown;
use pattern::{AXIS, KEPT, Known, Pattern, unknown};
pub(crate) use separable::{Parts, PartsRoom, parts};
pub(crate) use trees::{Code, Trees};

/// Rows that are computed together; what they need fits the second cache.
const BLOCK: usize = 256;
/// Of a blend; the trainer writes one of each family. A file may name the same trees any number of times.
const MOST_MEMBERS: usize = 16;
/// The versions of the operators that the trainer names: the default ones, and those of the ML domain.
const OPSETS: [(&str, i64); 2] = [("", 15), ("ai.onnx.ml", 3)];

/// A classifier as numbers.
#[derive(Clone, Debug)]
pub(crate) struct Lowered {
    /// One model, or those of a blend, the last one first.
    pub(crate) members: Vec<Member>,
    pub(crate) decision: Decision,
}

/// A model.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// What its probabilities are multiplied by; 1 where it is alone.
    pub(crate) weight: f32,
    pub(crate) n_features: usize,
    pub(crate) n_classes: usize,
    pub(crate) body: Body,
    pub(crate) link: Link,
    pub(crate) calibration: Option<Calibration>,
}

/// What computes the logits.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// A sum of leaves.
    Trees(Trees),
    /// A linear map, or networks of several layers.
    Network(Network),
    /// A weighted sum of Gaussian kernels.
    Kernel(Kernel),
}

/// What makes probabilities of logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// One logit for two classes: the second's probability is its sigmoid.
    Sigmoid,
    /// One logit for two classes: softmax of 0 and it, which is the sigmoid with another rounding.
    SoftmaxOfOne,
    /// One logit per class.
    Softmax,
    /// One probability per class already.
    Identity,
    /// One logit per class: its sigmoid and this much, divided by their sum.
    OneAgainstRest,
}

/// What makes a label of probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Decision {
    /// With two classes: the second, where its probability is above this.
    Above(f32),
    /// The likeliest, the first of equals.
    Likeliest,
}

/// What keeps several probabilities of [`Link::OneAgainstRest`] from all being 0, as the trainer writes it.
const LEAST_SIGMOID: f32 = 1e-9;

impl Lowered {
    /// Takes a graph apart whose interface was checked.
    pub(crate) fn recognise(model: &Model, n_features: usize, n_classes: usize) -> Known<Self> {
        let opsets = &model.opsets;
        if opsets.len() != OPSETS.len() || !OPSETS.iter().all(|set| opsets.contains(set)) {
            return unknown("these versions of operators");
        }
        let reader = Reader { pattern: Pattern::new(&model.graph)?, n_features, n_classes };
        Ok(Self { decision: reader.decision()?, members: reader.members()? })
    }

    /// The model, where it is one and speaks with its whole weight.
    pub(crate) fn only(&self) -> Option<&Member> {
        match &self.members[..] {
            [only] if only.weight == 1.0 => Some(only),
            _ => None,
        }
    }

    /// Writes the labels and the row-major probabilities of feature rows, `[n_rows, n_features]`, into empty lists.
    pub(crate) fn scores(&self, features: &[f32], labels: &mut Vec<i64>, probabilities: &mut Vec<f32>) {
        for member in self.members.iter().rev() {
            let own = member.probabilities(features);
            probabilities.resize(own.len(), 0.0);
            probabilities.iter_mut().zip(&own).for_each(|(sum, p)| *sum += p * member.weight);
        }
        labels.extend(probabilities.chunks_exact(self.members[0].n_classes).map(|row| self.decision.label(row)));
    }
}

impl Member {
    /// The row-major probabilities of feature rows.
    fn probabilities(&self, features: &[f32]) -> Vec<f32> {
        let (mut room, mut probabilities) = (Room::default(), Vec::new());
        for rows in features.chunks(BLOCK * self.n_features) {
            self.logits_of_block(rows, &mut room);
            for logits in room.logits.chunks_exact(self.n_logits()) {
                self.append_probabilities(logits, &mut probabilities);
            }
        }
        probabilities
    }

    /// Appends the probabilities of a row's logits and gives them.
    pub(crate) fn append_probabilities<'a>(&self, logits: &[f32], probabilities: &'a mut Vec<f32>) -> &'a [f32] {
        let start = probabilities.len();
        self.link.append(logits, probabilities);
        let row = &mut probabilities[start..];
        if let Some(calibration) = &self.calibration {
            calibration.apply(row);
        }
        row
    }

    /// What the model says of feature rows before link and calibration, `[n_rows, n_logits]`.
    pub(crate) fn logits(&self, features: &[f32]) -> Vec<f32> {
        let mut room = Room::default();
        let mut logits = Vec::new();
        for rows in features.chunks(BLOCK * self.n_features) {
            self.logits_of_block(rows, &mut room);
            logits.extend_from_slice(&room.logits);
        }
        logits
    }

    /// How many logits a row has: 1 for two classes with one score between them, else one per class.
    pub(crate) fn n_logits(&self) -> usize {
        match self.link {
            Link::Sigmoid | Link::SoftmaxOfOne => 1,
            Link::Softmax | Link::Identity | Link::OneAgainstRest => self.n_classes,
        }
    }

    /// Writes what the model says before link and calibration, `[n_rows, n_logits]`, of up to [`BLOCK`] rows.
    fn logits_of_block(&self, rows: &[f32], room: &mut Room) {
        let n_rows = rows.len() / self.n_features;
        room.logits.clear();
        match &self.body {
            Body::Trees(trees) => {
                trees.code(rows, self.n_features, &mut room.codes);
                trees.sums(&room.codes, n_rows, &mut room.logits);
            }
            Body::Network(network) => {
                let rows = rows.chunks_exact(self.n_features);
                rows.for_each(|row| network.logits(row, &mut room.network, &mut room.logits));
            }
            Body::Kernel(kernel) => {
                let rows = rows.chunks_exact(self.n_features);
                rows.for_each(|row| kernel.logits(row, &mut room.kernel, &mut room.logits));
            }
        }
    }
}

/// What a block's computation needs room for.
#[derive(Default)]
struct Room {
    codes: Vec<u32>,
    logits: Vec<f32>,
    network: network::Room,
    kernel: kernel::Room,
}

impl Link {
    /// Appends a row of probabilities.
    pub(crate) fn append(self, logits: &[f32], probabilities: &mut Vec<f32>) {
        let start = probabilities.len();
        match self {
            Self::Sigmoid => {
                let second = logistic(logits[0]);
                probabilities.extend([1.0 - second, second]);
            }
            Self::SoftmaxOfOne => {
                probabilities.extend([0.0, logits[0]]);
                softmax(&mut probabilities[start..]);
            }
            Self::Softmax => {
                probabilities.extend_from_slice(logits);
                softmax(&mut probabilities[start..]);
            }
            Self::Identity => probabilities.extend_from_slice(logits),
            Self::OneAgainstRest => {
                probabilities.extend(logits.iter().map(|logit| logistic(*logit) + LEAST_SIGMOID));
                let sum: f32 = probabilities[start..].iter().sum();
                probabilities[start..].iter_mut().for_each(|share| *share /= sum);
            }
        }
    }
}

impl Decision {
    fn label(self, probabilities: &[f32]) -> i64 {
        match self {
            Self::Above(threshold) => i64::from(probabilities[1] > threshold),
            Self::Likeliest => largest(probabilities) as i64,
        }
    }
}

/// A graph that is taken apart, and the widths that it must have.
struct Reader<'g, 'a> {
    pattern: Pattern<'g, 'a>,
    n_features: usize,
    n_classes: usize,
}

impl<'a> Reader<'_, 'a> {
    /// The model; of a blend, which is a sum of what models say, each times its weight, the last one first.
    fn members(&self) -> Known<Vec<Member>> {
        let (mut members, mut rest) = (Vec::new(), Some(PROBABILITIES));
        while let Some(sum) = rest.take() {
            let (mut own, mut weight) = (sum, 1.0);
            if let Ok([before, last]) = self.pattern.op(sum, "Add", &[]) {
                (rest, own) = (Some(before), last);
            }
            if let Ok([probabilities, factor]) = self.pattern.op(own, "Mul", &[]) {
                (own, weight) = (probabilities, self.pattern.float(factor)?);
            }
            let (calibration, raw) = calibration::recognise(self, own)?;
            let (body, link) = self.body(raw)?;
            if members.len() == MOST_MEMBERS {
                return unknown("so many models");
            }
            members.push(Member { weight, n_features: self.n_features, n_classes: self.n_classes, body, link, calibration });
        }
        Ok(members)
    }

    fn decision(&self) -> Known<Decision> {
        let pattern = &self.pattern;
        if self.n_classes > 2 {
            let [probabilities] = pattern.op(LABEL, "ArgMax", &[AXIS, ("keepdims", 0)])?;
            return if probabilities == PROBABILITIES { Ok(Decision::Likeliest) } else { unknown("the label") };
        }
        let [column, axes] = pattern.op(LABEL, "Squeeze", &[])?;
        let [is_above, one, zero] = pattern.op(column, "Where", &[])?;
        let [probability, threshold] = pattern.op(is_above, "Greater", &[])?;
        for (name, expected) in [(axes, 1), (one, 1), (zero, 0)] {
            pattern.expect_integer(name, expected)?;
        }
        match pattern.columns(probability, self.n_classes)? {
            (PROBABILITIES, columns) if columns == [1] => Ok(Decision::Above(pattern.float(threshold)?)),
            _ => unknown("the label"),
        }
    }

    /// What makes the probabilities of this name, before any calibration.
    fn body(&self, raw: &'a str) -> Known<(Body, Link)> {
        match self.pattern.maker(raw)?.operator {
            Trees::OPERATOR => self.trees(raw),
            "Softmax" => {
                let [logits] = self.pattern.op(raw, "Softmax", &[AXIS])?;
                Ok((Body::Network(Network::recognise(self, logits, self.n_classes)?), Link::Softmax))
            }
            "Div" => self.one_against_rest(raw),
            _ => self.sigmoid(raw),
        }
    }

    fn trees(&self, raw: &str) -> Known<(Body, Link)> {
        let operator = self.pattern.maker(raw)?;
        if operator.domain != OPSETS[1].0 || operator.inputs != [FEATURES] || operator.outputs.get(1) != Some(&raw) {
            return unknown("the trees");
        }
        let (trees, is_linked) = Trees::read(operator, self.n_features, self.n_classes)?;
        let link = match (is_linked, trees.n_logits) {
            (true, 1) => Link::SoftmaxOfOne,
            (true, _) => Link::Softmax,
            (false, _) => Link::Identity,
        };
        Ok((Body::Trees(trees), link))
    }

    fn sigmoid(&self, raw: &str) -> Known<(Body, Link)> {
        let [first, second] = self.pattern.op(raw, "Concat", &[AXIS])?;
        let [one, same] = self.pattern.op(first, "Sub", &[])?;
        self.pattern.expect_float(one, 1.0)?;
        let [logit] = self.pattern.op(second, "Sigmoid", &[])?;
        let body = match self.pattern.is(logit, "Cast") {
            true => Body::Kernel(Kernel::recognise(self, logit, 1)?),
            false => Body::Network(Network::recognise(self, logit, 1)?),
        };
        if same == second { Ok((body, Link::Sigmoid)) } else { unknown("a value") }
    }

    fn one_against_rest(&self, raw: &str) -> Known<(Body, Link)> {
        let [shares, sum] = self.pattern.op(raw, "Div", &[])?;
        let [same, axes] = self.pattern.op(sum, "ReduceSum", &[KEPT])?;
        let [sigmoids, least] = self.pattern.op(shares, "Add", &[])?;
        let [logits] = self.pattern.op(sigmoids, "Sigmoid", &[])?;
        self.pattern.expect_integer(axes, 1)?;
        self.pattern.expect_float(least, LEAST_SIGMOID)?;
        let kernel = Kernel::recognise(self, logits, self.n_classes)?;
        if same == shares { Ok((Body::Kernel(kernel), Link::OneAgainstRest)) } else { unknown("a value") }
    }
}

#[cfg(test)]
mod tests;
