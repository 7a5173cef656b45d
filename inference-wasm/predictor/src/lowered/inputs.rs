//! Imputing, scaling, pieces of numbers, indicators of missing values and one-hot encoding, as numbers.
//!
//! A row of inputs is mostly zeros, as of a column's levels one is 1 at most, so rows are kept as the inputs that are not 0.

use super::Reader;
use super::pattern::{AXIS, Constants, Known, unknown};
use super::trees::level;
use super::vector::Term;
use crate::FEATURES;
use crate::onnx::FLOAT;

/// How feature rows become inputs, which come in this order: `plain`, `hinges`, `missing`, then those of `levels`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    /// Numbers that are imputed and scaled.
    pub(crate) numeric: Vec<Numeric>,
    /// Indices into `numeric` of those that are inputs themselves.
    pub(crate) plain: Vec<usize>,
    /// Pieces of numbers.
    pub(crate) hinges: Vec<Hinge>,
    /// Features whose absence is an input.
    pub(crate) missing: Vec<usize>,
    /// Features whose levels are inputs.
    pub(crate) levels: Vec<Levels>,
    pub(crate) n_inputs: usize,
}

/// `(x - mean) * inverse_std`, where a missing x is `impute`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Numeric {
    pub(crate) feature: usize,
    pub(crate) impute: f32,
    pub(crate) mean: f32,
    pub(crate) inverse_std: f32,
}

/// `(z - knot) * inverse_width` kept within 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hinge {
    /// Index into [`Inputs::numeric`].
    pub(crate) input: usize,
    pub(crate) knot: f32,
    pub(crate) inverse_width: f32,
}

/// The inputs of a feature's levels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Levels {
    pub(crate) feature: usize,
    /// The index of each level's input, or [`NO_INPUT`].
    pub(crate) inputs: Vec<u32>,
}

/// Of a level that has no input.
pub(crate) const NO_INPUT: u32 = u32::MAX;

/// A row's inputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    standardised: Vec<f32>,
    /// The inputs that are not 0, by index, and their values.
    pub(crate) terms: Vec<Term<f32>>,
}

impl Inputs {
    /// How many inputs are not of levels; these come first.
    pub(crate) fn n_dense(&self) -> usize {
        self.plain.len() + self.hinges.len() + self.missing.len()
    }

    /// Encodes a feature row, as long as the trainer's.
    pub(crate) fn encode(&self, features: &[f32], row: &mut Row) {
        row.standardised.clear();
        row.standardised.extend(self.numeric.iter().map(|numeric| numeric.of(features[numeric.feature])));
        let z = &row.standardised;
        let plain = self.plain.iter().map(|&input| z[input]);
        let hinges = self.hinges.iter().map(|hinge| hinge.of(z[hinge.input]));
        let missing = self.missing.iter().map(|&feature| f32::from(features[feature].is_nan()));
        let dense = (0..).zip(plain.chain(hinges).chain(missing)).filter(|(_, value)| *value != 0.0);
        let ones = self.levels.iter().filter_map(|levels| Some((levels.input(features[levels.feature])?, 1.0)));
        row.terms.clear();
        row.terms.extend(dense.chain(ones));
    }

    /// The inputs that are of one feature, with what it makes of them, also where that is 0.
    pub(crate) fn terms_of(&self, feature: usize, value: f32) -> Vec<Term<f32>> {
        let mut terms = Vec::new();
        let mut input = 0;
        let mut next = |is_own: bool, value: f32| {
            if is_own {
                terms.push((input, value));
            }
            input += 1;
        };
        let numeric = |input: usize| (self.numeric[input].feature == feature, self.numeric[input].of(value));
        for &plain in &self.plain {
            let (is_own, z) = numeric(plain);
            next(is_own, z);
        }
        for hinge in &self.hinges {
            let (is_own, z) = numeric(hinge.input);
            next(is_own, hinge.of(z));
        }
        for &missing in &self.missing {
            next(missing == feature, f32::from(value.is_nan()));
        }
        for levels in self.levels.iter().filter(|levels| levels.feature == feature) {
            let own = levels.input(value);
            for &input in levels.inputs.iter().filter(|input| **input != NO_INPUT) {
                terms.push((input, f32::from(own == Some(input))));
            }
        }
        terms
    }

    /// Takes apart what makes a matrix of inputs.
    pub(super) fn recognise(reader: &Reader, name: &str) -> Known<Self> {
        let parts = match reader.pattern.any_inputs(name, "Concat", &[AXIS]) {
            Ok(parts) => parts,
            Err(_) => &[name],
        };
        let mut rest = parts.iter().copied().peekable();
        let mut inputs = Self::default();
        let mut standardised = None;
        if let Some(part) = rest.next_if(|part| reader.pattern.is(part, "Gather") || reader.pattern.is(part, "Mul")) {
            standardised = Some(inputs.read_plain(reader, part)?);
        }
        if let Some(part) = rest.next_if(|part| reader.pattern.is(part, "Min")) {
            inputs.read_hinges(reader, part, standardised)?;
        }
        if let Some(part) = rest.next_if(|part| is_cast_of(reader, part, "IsNaN")) {
            inputs.read_missing(reader, part)?;
        }
        inputs.n_inputs = inputs.n_dense();
        if let Some(part) = rest.next_if(|part| is_cast_of(reader, part, "Equal")) {
            inputs.read_levels(reader, part)?;
        }
        match rest.next() {
            None if inputs.n_inputs > 0 => Ok(inputs),
            _ => unknown("the inputs"),
        }
    }

    /// All numbers, or a choice of them; gives the name of all.
    fn read_plain<'a>(&mut self, reader: &Reader<'_, 'a>, part: &'a str) -> Known<&'a str> {
        if reader.pattern.is(part, "Mul") {
            self.read_numeric(reader, part)?;
            self.plain = (0..self.numeric.len()).collect();
            return Ok(part);
        }
        let [all, indices] = reader.pattern.op(part, "Gather", &[AXIS])?;
        self.read_numeric(reader, all)?;
        self.plain = reader.pattern.indices(indices, self.numeric.len())?;
        Ok(all)
    }

    fn read_numeric(&mut self, reader: &Reader, name: &str) -> Known<()> {
        let pattern = &reader.pattern;
        let [centred, inverse_std] = pattern.op(name, "Mul", &[])?;
        let [filled, mean] = pattern.op(centred, "Sub", &[])?;
        let [is_missing, impute, columns] = pattern.op(filled, "Where", &[])?;
        let [asked] = pattern.op(is_missing, "IsNaN", &[])?;
        let features = reader.feature_columns(columns)?;
        let list = |name| pattern.floats(name).and_then(Constants::row);
        let (impute, mean, inverse_std) = (list(impute)?, list(mean)?, list(inverse_std)?);
        if asked != columns || [&impute, &mean, &inverse_std].iter().any(|list| list.len() != features.len()) {
            return unknown("the scaling");
        }
        let numeric = features.iter().enumerate().map(|(at, &feature)| Numeric {
            feature,
            impute: impute[at],
            mean: mean[at],
            inverse_std: inverse_std[at],
        });
        self.numeric = numeric.collect();
        Ok(())
    }

    fn read_hinges<'a>(&mut self, reader: &Reader<'_, 'a>, part: &str, standardised: Option<&'a str>) -> Known<()> {
        let pattern = &reader.pattern;
        let [from_zero, one] = pattern.op(part, "Min", &[])?;
        let [share] = pattern.op(from_zero, "Relu", &[])?;
        let [above, inverse_widths] = pattern.op(share, "Mul", &[])?;
        let [columns, knots] = pattern.op(above, "Sub", &[])?;
        let [all, indices] = pattern.op(columns, "Gather", &[AXIS])?;
        pattern.expect_float(one, 1.0)?;
        match standardised {
            Some(name) if name == all => {}
            Some(_) => return unknown("the pieces"),
            None => self.read_numeric(reader, all)?,
        }
        let inputs = pattern.indices(indices, self.numeric.len())?;
        let (knots, inverse_widths) = (pattern.floats(knots)?.row()?, pattern.floats(inverse_widths)?.row()?);
        if knots.len() != inputs.len() || inverse_widths.len() != inputs.len() {
            return unknown("the pieces");
        }
        let pieces = inputs.iter().zip(knots).zip(inverse_widths);
        self.hinges = pieces.map(|((&input, knot), inverse_width)| Hinge { input, knot, inverse_width }).collect();
        Ok(())
    }

    fn read_missing(&mut self, reader: &Reader, part: &str) -> Known<()> {
        let [is_missing] = reader.pattern.op(part, "Cast", &[("to", FLOAT)])?;
        let [columns] = reader.pattern.op(is_missing, "IsNaN", &[])?;
        self.missing = reader.feature_columns(columns)?;
        Ok(())
    }

    fn read_levels(&mut self, reader: &Reader, part: &str) -> Known<()> {
        let [equal] = reader.pattern.op(part, "Cast", &[("to", FLOAT)])?;
        let [columns, levels] = reader.pattern.op(equal, "Equal", &[])?;
        let features = reader.feature_columns(columns)?;
        let values = reader.pattern.floats(levels)?.row()?;
        if values.len() != features.len() {
            return unknown("the levels");
        }
        let mut counts = vec![0; reader.n_features];
        features.iter().for_each(|&feature| counts[feature] += 1);
        let mut places = vec![0; reader.n_features];
        for feature in (0..reader.n_features).filter(|&feature| counts[feature] > 0) {
            places[feature] = self.levels.len();
            self.levels.push(Levels { feature, inputs: Vec::new() });
        }
        for (&feature, value) in features.iter().zip(values) {
            // Gaps among the levels would make the table longer than the file.
            let most = 4 * counts[feature] + 64;
            let level = level(value).map(|level| level as usize).filter(|level| *level < most);
            let input = self.n_inputs as u32;
            if !level.is_some_and(|level| self.levels[places[feature]].add(level, input)) {
                return unknown("a level");
            }
            self.n_inputs += 1;
        }
        Ok(())
    }
}

impl Numeric {
    fn of(&self, value: f32) -> f32 {
        let known = if value.is_nan() { self.impute } else { value };
        (known - self.mean) * self.inverse_std
    }
}

impl Hinge {
    #[expect(clippy::manual_clamp, reason = "the graph's Relu and Min, in which what is not a number becomes 0")]
    fn of(&self, standardised: f32) -> f32 {
        ((standardised - self.knot) * self.inverse_width).max(0.0).min(1.0)
    }
}

impl Levels {
    /// The index of the input that is 1 for this feature value.
    pub(crate) fn input(&self, value: f32) -> Option<u32> {
        let input = *self.inputs.get(level(value)? as usize)?;
        (input != NO_INPUT).then_some(input)
    }

    /// Gives a level its input; whether it had none.
    fn add(&mut self, level: usize, input: u32) -> bool {
        if self.inputs.len() <= level {
            self.inputs.resize(level + 1, NO_INPUT);
        }
        std::mem::replace(&mut self.inputs[level], input) == NO_INPUT
    }
}

fn is_cast_of(reader: &Reader, name: &str, operator: &str) -> bool {
    let cast = reader.pattern.op(name, "Cast", &[("to", FLOAT)]);
    cast.is_ok_and(|[truths]: [&str; 1]| reader.pattern.is(truths, operator))
}

impl Reader<'_, '_> {
    /// The features of the columns that a part of the inputs is made of.
    ///
    /// Every part begins here. A stage that computes further columns from the features, before everything else, would be read here, too.
    pub(super) fn feature_columns(&self, name: &str) -> Known<Vec<usize>> {
        match self.pattern.columns(name, self.n_features)? {
            (FEATURES, features) => Ok(features),
            _ => unknown("the columns"),
        }
    }
}
