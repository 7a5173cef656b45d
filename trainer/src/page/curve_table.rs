//! Curves as tables, for those who cannot see them or want the number.

use maud::{Markup, html};

use super::figures::percent;

/// Shares of the others that are let through, and of the class that is found, at which the curves are read.
const OTHERS: [f64; 5] = [0.01, 0.05, 0.1, 0.2, 0.5];
const RECALLS: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// A curve with its name.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) points: &'a [[f64; 2]],
}

/// ROC curves: how much of the class is found for so many of the others.
pub(super) fn roc(curves: &[Named]) -> Markup {
    table("Found, where of the others come along", curves, OTHERS)
}

/// Precision-recall curves: what share is right when so much is found.
pub(super) fn precision_recall(curves: &[Named]) -> Markup {
    table("Right, where of the class is found", curves, RECALLS)
}

fn table(title: &str, curves: &[Named], at: [f64; 5]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) { table {
            thead { tr { th { (title) } @for across in at { th { (percent(across)) } } } }
            tbody { @for curve in curves {
                tr { td { (curve.name) } @for across in at { td { (height(curve.points, across).map_or("–".into(), percent)) } } }
            } }
        } }
    }
}

/// The height of a curve, between its points on a straight line.
fn height(points: &[[f64; 2]], across: f64) -> Option<f64> {
    let after = points.iter().position(|point| point[0] >= across)?;
    let [x, y] = points[after];
    let Some(&[left, low]) = after.checked_sub(1).and_then(|before| points.get(before)) else { return Some(y) };
    Some(if x > left { low + (y - low) * (across - left) / (x - left) } else { y })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_read_between_its_points() {
        let points = [[0.0, 0.0], [0.1, 0.5], [0.1, 0.6], [1.0, 1.0]];
        assert_eq!(height(&points, 0.0), Some(0.0));
        assert_eq!(height(&points, 0.05), Some(0.25));
        assert_eq!(height(&points, 0.1), Some(0.5));
        assert!((height(&points, 0.55).unwrap() - 0.8).abs() < 1e-9);
        assert_eq!(height(&[], 0.5), None);
    }
}
