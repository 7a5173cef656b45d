//! Two sides of the log on one page: what moved from one to the other.

use maud::{Markup, html};

use super::axes::px;
use super::figures::{count, distance, metric, p_value, percent, signed};
use super::panels::{Names, key, panel};
use super::titles::capital;
use crate::figure::Figure;
use crate::report_compare::{ColumnOutcome, Metric, Outcome, SideReport, interval};

const WIDTH: f64 = 1000.0;
const NAMES: f64 = 170.0;
const FIGURES: f64 = 120.0;
const ROW: f64 = 22.0;
/// So many limits away is the end of a bar.
const MAX_RATIO: f64 = 10.0;
/// More bars and panels than this make a page that no one reads; those that moved most are shown.
const MAX_COLUMNS: usize = 30;

/// The page.
pub(crate) fn render(outcome: &Outcome) -> String {
    let ranked = ranked(outcome);
    let body = html! {
        (head(outcome))
        main {
            (columns(outcome, &ranked))
            (prediction(outcome))
            (performance(outcome))
            (missing(outcome))
            (distributions(outcome, &ranked))
            (left_out(outcome))
            (terms(outcome))
        }
        footer { p {
            "Made by " code { "monitor report --compare " (outcome.reference.name) " " (outcome.current.name) } " on "
            (outcome.generated.format("%-d %B %Y at %H:%M UTC")) "; the same content as data: " a href="compare.json" { "compare.json" } "."
        } }
    };
    super::document(&outcome.model, &outcome.verdict, &body)
}

/// The columns, those that moved most first.
fn ranked(outcome: &Outcome) -> Vec<(&ColumnOutcome, Option<Figure>)> {
    let mut ranked: Vec<_> = outcome.columns.iter().map(|column| (column, outcome.figure(column))).collect();
    let ratio = |figure: &Option<Figure>| figure.map_or(-1.0, |figure| figure.ratio);
    ranked.sort_by(|a, b| ratio(&b.1).total_cmp(&ratio(&a.1)));
    ranked
}

fn head(outcome: &Outcome) -> Markup {
    html! {
        header {
            p.brand { b { "Tidemark" } span { "comparison for " (outcome.model) } }
            h1 { (outcome.verdict) }
            @for note in &outcome.notes { p.banner role="note" { (note) } }
            dl.facts {
                (side_fact("Reference", &outcome.reference))
                (side_fact("Current", &outcome.current))
                @if let Some(figure) = outcome.prediction_figure() {
                    div { dt { "Predictions" } dd { (distance(figure.value)) " " small { (if figure.drifted { "drifted" } else { "not drifted" }) ", limit " (figure.limit) } } }
                }
                div { dt { "Columns that drifted" } dd { (outcome.n_drifted) " " small { "of " (outcome.n_judged) " judged" } } }
            }
        }
    }
}

fn side_fact(name: &str, side: &SideReport) -> Markup {
    html! { div { dt { (name) ": " (side.title) } dd { (count(side.n_rows)) " " small { "predictions, " (count(side.n_labelled)) " labelled" } } } }
}

fn columns(outcome: &Outcome, ranked: &[(&ColumnOutcome, Option<Figure>)]) -> Markup {
    let shown: Vec<(&str, Figure)> = ranked
        .iter()
        .filter_map(|(column, figure)| Some((column.distribution.name.as_str(), (*figure)?)))
        .take(MAX_COLUMNS)
        .collect();
    html! {
        section {
            h2 {
                @match ranked.first() {
                    Some((column, Some(figure))) if figure.drifted => { "“" (column.distribution.name) "” moved most" }
                    _ => "No column moved far enough to tell",
                }
            }
            p.lead { "How many limits each column is away; from 1 on it is far enough to matter, and coloured where it is more than chance too." }
            @if !shown.is_empty() { (bars(&shown)) }
            details { summary { "Columns in numbers" } (column_table(outcome, ranked)) }
        }
    }
}

fn bars(shown: &[(&str, Figure)]) -> Markup {
    let height = ROW * shown.len() as f64;
    let room = WIDTH - NAMES - FIGURES;
    let most = shown.iter().map(|(_, figure)| figure.ratio.min(MAX_RATIO)).fold(1.5, f64::max);
    let length = |figure: &Figure| px((figure.ratio.min(MAX_RATIO) / most * room).max(0.5));
    let limit = px(NAMES + room / most);
    html! {
        div.scroll { svg.wide viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="How far each column moved" {
            @for (row, (name, figure)) in shown.iter().enumerate() {
                @let y = ROW * row as f64;
                text.name x=(px(NAMES - 10.0)) y=(px(y + 15.0)) text-anchor="end" { (name) }
                rect.bar.hot[figure.drifted] x=(px(NAMES)) y=(px(y + 4.0)) width=(length(figure)) height=(px(ROW - 8.0)) {
                    title { (name) ": " (figure.name) " " (distance(figure.value)) ", limit " (figure.limit) }
                }
                text x=(px(WIDTH)) y=(px(y + 15.0)) text-anchor="end" { (distance(figure.value)) @if figure.drifted { " drifted" } }
            }
            line.limit x1=(limit) x2=(limit) y1="0" y2=(px(height)) {}
        } }
    }
}

fn column_table(outcome: &Outcome, ranked: &[(&ColumnOutcome, Option<Figure>)]) -> Markup {
    let tidemark = outcome.by_tidemark();
    html! {
        div.scroll { table {
            thead { tr {
                th { "Column" } th.text { "Statistic" } th { "Value" } th { "Limit" }
                @if tidemark { th { "p-value" } th { "Sure from" } th.text { "Evidently’s statistic" } th { "Value" } }
                th.text { "Drifted" }
            } }
            tbody { @for (column, figure) in ranked {
                tr {
                    td { (column.distribution.name) }
                    @match figure {
                        Some(figure) => { td.text { (figure.name) } td.hot[figure.drifted] { (distance(figure.value)) } td { (figure.limit) } }
                        None => { td.text { "–" } td { "–" } td { "–" } }
                    }
                    @if tidemark {
                        td { (outcome.p_value(&column.distribution).map_or_else(|| "–".into(), p_value)) }
                        td { (column.distribution.verdict.map_or_else(|| "–".into(), |verdict| p_value(verdict.sure_from))) }
                        td.text { (column.distribution.drift.map_or("–", |drift| drift.statistic.evidently_name())) }
                        td { (column.distribution.drift.map_or_else(|| "–".into(), |drift| distance(drift.value))) }
                    }
                    td class="text wrap" {
                        @match (figure, &column.problem) {
                            (Some(figure), _) => (if figure.drifted { "yes" } else { "no" }),
                            (None, problem) => { "not judged" @if let Some(problem) = problem { ": " (problem) } }
                        }
                    }
                }
            } }
        } }
    }
}

fn prediction(outcome: &Outcome) -> Markup {
    let Some((prediction, class)) = outcome.prediction.as_ref().zip(outcome.followed_class.as_ref()) else { return html! {} };
    let shares = [&outcome.reference, &outcome.current].map(|side| (side.mean_probability, side.share_predicted));
    html! {
        section {
            h2 {
                @match (shares[0].0, shares[1].0) {
                    (Some(before), Some(now)) => { "“" (class) "” is given " (percent(now)) " on average, after " (percent(before)) }
                    _ => "The probabilities",
                }
            }
            @if let [(_, Some(before)), (_, Some(now))] = shares { p.lead { "It is predicted for " (percent(now)) " of rows, after " (percent(before)) "." } }
            (key(&names(outcome)))
            div.wide-panel { (panel(prediction, outcome.prediction_figure(), None, &names(outcome))) }
        }
    }
}

fn performance(outcome: &Outcome) -> Markup {
    if outcome.performance.is_empty() {
        let without: Vec<&str> = [&outcome.reference, &outcome.current]
            .into_iter()
            .filter(|side| side.n_labelled == 0)
            .map(|side| side.title.as_str())
            .collect();
        return html! { @if !without.is_empty() { section {
            h2 { "How good the predictions were cannot be compared yet" }
            p.lead { "No labels have come for " (without.join(" and ")) "." }
        } } };
    }
    html! {
        section {
            h2 { (performance_title(&outcome.performance)) }
            p.lead { "On the rows whose label is known: " (count(outcome.reference.n_labelled)) " before and " (count(outcome.current.n_labelled)) " after. "
                "The range holds the difference in 95 of 100 cases, by chance in the rows; a difference is coloured where the range leaves out zero." }
            div.scroll { table {
                thead { tr { th { "Metric" } th { (capital(&outcome.reference.title)) } th { (capital(&outcome.current.title)) } th { "Difference" } th { "95 in 100" } } }
                tbody { @for each in &outcome.performance {
                    tr {
                        td { (capital(each.title)) } td { (metric(each.reference)) } td { (metric(each.current)) }
                        td.hot[each.is_sure()] { (each.difference.map_or_else(|| "–".into(), signed)) } td { (interval(each)) }
                    }
                } }
            } }
        }
    }
}

fn performance_title(metrics: &[Metric]) -> String {
    let auc = metrics.iter().find(|metric| metric.metric == "roc_auc");
    let told = auc.and_then(|auc| Some((auc.reference?, auc.current?, auc.is_sure())));
    match told {
        Some((before, now, true)) => format!("AUC went from {before:.2} to {now:.2}, which is more than chance"),
        Some((before, now, false)) => format!("AUC went from {before:.2} to {now:.2}, which may be chance"),
        None => "How good the predictions were".into(),
    }
}

fn missing(outcome: &Outcome) -> Markup {
    let gaps: Vec<&ColumnOutcome> =
        outcome.columns.iter().filter(|column| column.missing_reference > 0.0 || column.missing_current > 0.0).collect();
    let (before, now) = (outcome.reference.missing_share_of_cells, outcome.current.missing_share_of_cells);
    html! {
        section {
            h2 { (percent(now)) " of cells are missing, after " (percent(before)) }
            @if gaps.is_empty() { p.lead { "No column that both sides have lacks a value." } } @else {
                p.lead { "Rows without a value in each column that lacks some." }
                div.scroll { table {
                    thead { tr { th { "Column" } th { (capital(&outcome.reference.title)) } th { (capital(&outcome.current.title)) } } }
                    tbody { @for column in gaps {
                        tr { td { (column.distribution.name) } td { (percent(column.missing_reference)) } td { (percent(column.missing_current)) } }
                    } }
                } }
            }
        }
    }
}

fn distributions(outcome: &Outcome, ranked: &[(&ColumnOutcome, Option<Figure>)]) -> Markup {
    let names = names(outcome);
    let shown = ranked.iter().filter(|(column, _)| !column.distribution.bars.is_empty()).take(MAX_COLUMNS);
    html! {
        section {
            h2 { "What changed inside the columns" }
            p.lead { "Shares of the rows that have a value." }
            (key(&names))
            div.panels { @for (column, figure) in shown { (panel(&column.distribution, *figure, column.problem.as_deref(), &names)) } }
        }
    }
}

fn left_out(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.left_out.is_empty() {
            section {
                h2 { "What was not compared" }
                div.scroll { table {
                    thead { tr { th { "Column" } th.text { "Why" } } }
                    tbody { @for column in &outcome.left_out { tr { td { (column.column) } td class="text wrap" { (capital(&column.reason)) } } } }
                } }
            }
        }
    }
}

fn terms(outcome: &Outcome) -> Markup {
    let rules = &outcome.rules;
    html! {
        section {
            h2 { "What the words mean" }
            dl.terms {
                dt { "Drifted" } dd {
                    @if outcome.by_tidemark() {
                        "More than chance and large enough to matter. More than chance: of comparisons in which nothing changed, at most " (percent(rules.false_alarms))
                        " show any drift, judged over all columns by Benjamini and Hochberg. Large enough: predictions moved by at least " (rules.prediction_drift)
                        " standard deviations of the reference’s (Wasserstein distance), columns by Cohen’s w of at least " (rules.column_drift) "."
                    } @else {
                        "By the defaults of Evidently 0.7: with more than 1000 reference rows a distance of 0.1 or more, else a p-value below 0.05; predictions by the limit "
                        (rules.prediction_drift) "."
                    }
                }
                dt { "Reference" } dd { "The first of the two sides, " (outcome.reference.title) ": it stands where training rows stand in a report." }
                dt { "AUC" } dd { "The chance that a row of the followed class gets a higher probability than another row. 0.5 is chance, higher is better; of log loss and Brier score lower is better." }
            }
        }
    }
}

fn names(outcome: &Outcome) -> Names<'_> {
    Names { then: &outcome.reference.title, now: &outcome.current.title }
}
