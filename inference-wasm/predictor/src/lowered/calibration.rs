//! What turns a model's probabilities into calibrated ones, in float32.

use super::Reader;
use super::pattern::{AXIS, KEPT, Known, unknown};
use crate::link::softmax;

/// How a model's probabilities are calibrated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Calibration {
    /// `softmax(slope * ln max(p, least) + bias)`.
    Sigmoid {
        least: f32,
        slope: f32,
        /// One per class.
        bias: Vec<f32>,
    },
    /// The second class's probability through a curve; the first class has the rest.
    Second(Curve),
    /// Each class's probability through its curve, then divided by their sum.
    Shares(Vec<Curve>),
}

/// `start + Σ slope * clamp(p - knot, 0, width)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) start: f32,
    /// By ascending knot.
    pub(crate) pieces: Vec<Piece>,
    /// What the pieces before each add up to where they are complete.
    before: Vec<f64>,
}

/// A straight piece of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) knot: f32,
    pub(crate) width: f32,
    pub(crate) slope: f32,
}

impl Calibration {
    /// Calibrates a row of probabilities.
    pub(crate) fn apply(&self, row: &mut [f32]) {
        match self {
            Self::Sigmoid { least, slope, bias } => {
                row.iter_mut().zip(bias).for_each(|(p, bias)| *p = p.max(*least).ln() * slope + bias);
                softmax(row);
            }
            Self::Second(curve) => {
                let second = curve.of(row[1]);
                row.copy_from_slice(&[1.0 - second, second]);
            }
            Self::Shares(curves) => {
                row.iter_mut().zip(curves).for_each(|(p, curve)| *p = curve.of(*p));
                let sum: f32 = row.iter().sum();
                row.iter_mut().for_each(|p| *p /= sum);
            }
        }
    }
}

impl Curve {
    fn new(start: f32, pieces: Vec<Piece>) -> Self {
        let rise = |sum: &mut f64, piece: &Piece| {
            let before = *sum;
            *sum += f64::from(piece.slope * piece.width);
            Some(before)
        };
        let before = pieces.iter().scan(0.0, rise).collect();
        Self { start, pieces, before }
    }

    /// Whether at every probability no more than the last two pieces that began are incomplete.
    fn is_in_order(&self) -> bool {
        self.pieces.is_sorted_by(|a, b| a.knot <= b.knot)
            && self.pieces.windows(3).all(|three| three[2].knot - three[0].knot >= three[0].width)
    }

    /// The curve at a probability.
    pub(crate) fn of(&self, probability: f32) -> f32 {
        let n_begun = self.pieces.partition_point(|piece| piece.knot <= probability);
        let incomplete = n_begun.saturating_sub(2)..n_begun;
        let before = self.before.get(incomplete.start).map_or(0.0, |before| *before as f32);
        let rise = |piece: &Piece| (probability - piece.knot).min(piece.width) * piece.slope;
        self.pieces[incomplete].iter().map(rise).fold(before, |sum, rise| sum + rise) + self.start
    }
}

/// The calibration between the model's own probabilities and those of this name, if there is one, and the name of the model's own.
pub(super) fn recognise<'a>(reader: &Reader<'_, 'a>, probabilities: &'a str) -> Known<(Option<Calibration>, &'a str)> {
    let pattern = &reader.pattern;
    if let Ok([logits]) = pattern.op(probabilities, "Softmax", &[AXIS])
        && let Ok([scaled, bias]) = pattern.op(logits, "Add", &[])
        && pattern.is(scaled, "Mul")
    {
        return sigmoid(reader, scaled, bias);
    }
    if let Ok([first, second]) = pattern.op(probabilities, "Concat", &[AXIS])
        && pattern.is(second, "Add")
    {
        let [one, same] = pattern.op(first, "Sub", &[])?;
        pattern.expect_float(one, 1.0)?;
        let (curve, raw) = curve(reader, second, 1)?;
        return if same == second { Ok((Some(Calibration::Second(curve)), raw)) } else { unknown("a value") };
    }
    if let Ok([all, sum]) = pattern.op(probabilities, "Div", &[])
        && pattern.is(all, "Concat")
    {
        return shares(reader, all, sum);
    }
    Ok((None, probabilities))
}

fn sigmoid<'a>(reader: &Reader<'_, 'a>, scaled: &str, bias: &str) -> Known<(Option<Calibration>, &'a str)> {
    let [logarithm, slope] = reader.pattern.op(scaled, "Mul", &[])?;
    let [above] = reader.pattern.op(logarithm, "Log", &[])?;
    let [raw, least] = reader.pattern.op(above, "Max", &[])?;
    let (least, slope) = (reader.pattern.float(least)?, reader.pattern.float(slope)?);
    let bias = reader.pattern.floats(bias)?.row()?;
    match bias.len() == reader.n_classes && least > 0.0 {
        true => Ok((Some(Calibration::Sigmoid { least, slope, bias }), raw)),
        false => unknown("the calibration"),
    }
}

fn shares<'a>(reader: &Reader<'_, 'a>, all: &str, sum: &str) -> Known<(Option<Calibration>, &'a str)> {
    let columns = reader.pattern.any_inputs(all, "Concat", &[AXIS])?;
    let [same, axes] = reader.pattern.op(sum, "ReduceSum", &[KEPT])?;
    reader.pattern.expect_integer(axes, 1)?;
    let curves: Vec<(Curve, &str)> =
        columns.iter().enumerate().map(|(class, column)| curve(reader, column, class)).collect::<Known<_>>()?;
    match curves.first() {
        Some((_, raw)) if same == all && curves.len() == reader.n_classes && curves.iter().all(|(_, other)| other == raw) => {
            let raw = *raw;
            Ok((Some(Calibration::Shares(curves.into_iter().map(|(curve, _)| curve).collect())), raw))
        }
        _ => unknown("the calibration"),
    }
}

/// A curve of one class's probability, and the name of the probabilities.
fn curve<'a>(reader: &Reader<'_, 'a>, name: &str, class: usize) -> Known<(Curve, &'a str)> {
    let pattern = &reader.pattern;
    let [rise, start] = pattern.op(name, "Add", &[])?;
    let [piece, slopes] = pattern.op(rise, "MatMul", &[])?;
    let [from_zero, widths] = pattern.op(piece, "Min", &[])?;
    let [above] = pattern.op(from_zero, "Relu", &[])?;
    let [probability, knots] = pattern.op(above, "Sub", &[])?;
    let (raw, column) = pattern.columns(probability, reader.n_classes)?;
    let (knots, widths) = (pattern.floats(knots)?.row()?, pattern.floats(widths)?.row()?);
    let slopes = pattern.floats(slopes)?;
    if column != [class] || slopes.n_columns != 1 || [knots.len(), widths.len()] != [slopes.n_rows; 2] {
        return unknown("the curve");
    }
    let pieces = knots.into_iter().zip(widths).zip(slopes.values);
    let pieces = pieces.map(|((knot, width), slope)| Piece { knot, width, slope }).collect();
    let curve = Curve::new(pattern.float(start)?, pieces);
    if curve.is_in_order() { Ok((curve, raw)) } else { unknown("the curve") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_the_sum_of_its_pieces() {
        let piece = |knot, width, slope| Piece { knot, width, slope };
        let pieces = vec![piece(0.1, 0.2, 1.0), piece(0.3, 0.1, 2.0), piece(0.5, 0.25, 0.5), piece(0.9, 0.05, 3.0)];
        let curve = Curve::new(0.05, pieces.clone());
        assert!(curve.is_in_order());
        for probability in (0..=100).map(|percent| percent as f32 / 100.0) {
            let sum: f32 = pieces.iter().map(|p| (probability - p.knot).clamp(0.0, p.width) * p.slope).sum();
            assert!((curve.of(probability) - (sum + 0.05)).abs() < 1e-6, "{probability}");
        }
    }

    #[test]
    fn pieces_that_overlap_are_not_in_order() {
        let piece = |knot| Piece { knot, width: 0.5, slope: 1.0 };
        assert!(!Curve::new(0.0, [0.1, 0.2, 0.3].map(piece).to_vec()).is_in_order());
    }
}
