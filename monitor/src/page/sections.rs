//! The page's sections, from top to bottom; each has a title that says what one sees.

use maud::{Markup, html};

use super::figures::{count, metric, percent, plural, signed};
use super::lines::{Series, lines};
use super::{drift, heat_map, panels, tables, titles, verdict};
use crate::promise::DOUBT;
use crate::report_model::{AlertReport, ColumnReport, Performance, Report, WindowReport, newest};

/// Model, verdict and the figures that matter most.
pub(crate) fn head(report: &Report) -> Markup {
    html! {
        header {
            p.brand { b { "Tidemark" } span { "drift report for " (report.model) } }
            @let (first, rest) = report.verdict.split_once("; ").unwrap_or((&report.verdict, ""));
            h1 { (first) @if !rest.is_empty() { "." } }
            @if !rest.is_empty() { p.rest { (titles::capital(rest)) } }
            @if report.synthetic {
                p.banner role="note" { strong { "Synthetic data." } " A generator made the rows this model learned from; the figures show how the program works and say nothing about the world." }
            }
            (caveats(report))
            dl.facts { @for (name, figure, rest) in facts(report) { div { dt { (name) } dd { (figure) " " small { (rest) } } } } }
        }
    }
}

/// Prediction drift over time.
pub(crate) fn prediction_drift(report: &Report, windows: &[WindowReport]) -> Markup {
    let p_values = windows.iter().any(|window| report.prediction_drift(window).is_some_and(|drift| drift.statistic.is_p_value()));
    html! {
        section {
            h2 { (titles::drift(report, windows)) }
            p.lead { "Distance between the probabilities of “" (report.followed_class) "” in each " (report.by.noun()) " and those in the reference of the version that served." }
            @if p_values {
                p.note { "Where that reference has 1000 rows or fewer, the bar is a p-value: there a low one, below " (drift::P_VALUE_LIMIT) ", means drift." }
            }
            (drift::chart(report, windows))
            details { summary { "Prediction drift in numbers" } (drift::table(report, windows)) }
        }
    }
}

/// Which columns moved.
pub(crate) fn columns(report: &Report, windows: &[WindowReport]) -> Markup {
    let judged = report.judged(windows);
    let names = heat_map::ranked(report, windows, &judged);
    let times = |name: &str| {
        let drifted = |column: &&ColumnReport| report.column_drift(column).is_some_and(|figure| figure.drifted);
        judged.iter().filter(|window| window.columns.iter().filter(drifted).any(|column| column.name == name)).count()
    };
    html! {
        section {
            h2 {
                @match names.first() {
                    Some((name, _)) if times(name) > 0 => { "“" (name) "” moved most: in " (times(name)) " of " (plural(judged.len(), "window")) }
                    _ => "No column moved",
                }
            }
            p.lead { "Each column against the reference of the version that served; columns that moved most stand at the top." }
            @if report.by_tidemark() {
                p.note { "A cell holds how much of the column changed beyond chance (0 nothing, 2 everything; a move of all values by a tenth of a standard deviation gives 0.1). It is coloured where that is more than chance over all columns of the window, and at least " (report.rules.column_drift) " (or what is usual in the reference, up to " (report.rules.usual_drift) ")." }
            } @else if windows.iter().flat_map(|window| &window.columns).any(|column| column.drift.is_some_and(|drift| drift.statistic.is_p_value())) {
                p.note { "Where a version learned from 1000 rows or fewer, its cells hold p-values: there the small ones mean drift." }
            }
            (heat_map::chart(report, windows, &names))
            details { summary { "Column drift in numbers" } (heat_map::tables(report, windows, &names)) }
        }
    }
}

/// AUC and log loss over time.
pub(crate) fn performance(report: &Report, windows: &[WindowReport]) -> Markup {
    if windows.iter().all(|window| window.performance.is_none()) {
        return html! { section { h2 { "No labels have arrived, so no one knows yet how good the predictions were" } p.lead { "Post labels to " code { "/v1/labels" } ", and AUC, log loss, Brier score and accuracy appear here." } } };
    }
    html! {
        section {
            h2 { (titles::performance(report, &report.judged(windows))) }
            p.lead { "Area under the ROC curve: the chance that a row of “" (report.followed_class) "” gets a higher probability than another row. 0.5 is chance, higher is better." }
            (lines(windows, &with_shadow(windows, |performance| performance.roc_auc), "AUC by window", false, two_places))
            p.lead.next { "Log loss: how far the probabilities are from what came true. Lower is better." }
            (lines(windows, &with_shadow(windows, |performance| performance.log_loss), "Log loss by window", false, two_places))
            details { summary { "Performance in numbers" } (tables::performance(windows)) }
        }
    }
}

/// Positives predicted and true.
pub(crate) fn shares(report: &Report, windows: &[WindowReport]) -> Markup {
    let mut series = vec![
        Series::new("predicted", "served", windows.iter().map(|window| Some(window.share_predicted)).collect()),
        Series::new("mean probability", "mean", windows.iter().map(|window| window.mean_probability).collect()),
    ];
    let truth: Vec<Option<f64>> =
        windows.iter().map(|window| window.performance.as_ref().map(|performance| performance.share_true)).collect();
    if truth.iter().any(Option::is_some) {
        series.insert(0, Series::new("true", "truth", truth.clone()));
    }
    html! {
        section {
            h2 { (titles::shares(report, windows)) }
            p.lead { "The title counts each row once, and where labels have come, only windows with labels. A calibrated model's mean probability follows the true share." }
            (lines(windows, &series, "Share of the followed class, predicted and true", true, percent_of_tick))
            @if let Some(sentence) = titles::label_drift(report, windows) { p.note { (sentence) } }
            details { summary { "Shares in numbers" } (tables::shares(report, windows)) }
        }
    }
}

/// What is missing.
pub(crate) fn missing(report: &Report, windows: &[WindowReport]) -> Markup {
    let values: Vec<Option<f64>> = windows.iter().map(|window| Some(window.missing_share_of_cells)).collect();
    let judged = report.judged(windows);
    let (first, last) = (judged[0].missing_share_of_cells, judged[judged.len() - 1].missing_share_of_cells);
    html! {
        section {
            h2 { @if (first - last).abs() < 0.005 { (percent(last)) " of cells are missing, as before" } @else { "Missing cells went from " (percent(first)) " to " (percent(last)) } }
            p.lead { "Missing cells over all cells, rows times columns. The table also holds missing cells per row, which can exceed 1." }
            (lines(windows, &[Series::new("missing", "served", values)], "Share of missing cells by window", true, percent_of_tick))
            details { summary { "Missing cells in numbers" }
                div.scroll { table {
                    thead { tr { th { "Window" } th { "Of all cells" } th { "Per row" } } }
                    tbody { @for window in windows { tr { td { (window.window.title()) } td { (percent(window.missing_share_of_cells)) } td { (format!("{:.3}", window.missing_cells_per_row)) } } } }
                } }
            }
        }
    }
}

/// Each column then and now.
pub(crate) fn distributions(report: &Report, windows: &[WindowReport]) -> Markup {
    let newest = newest(windows, &report.rules).expect("there is a window");
    html! {
        section {
            h2 { "What changed inside the columns: reference and " (newest.window.title()) }
            p.lead { "Shares of rows, in the reference of version " (newest.version) " and in the newest window that can be judged." }
            (panels::panels(report, &heat_map::ranked(report, windows, &report.judged(windows))))
        }
    }
}

/// Alerts and what came of each.
pub(crate) fn alerts(report: &Report) -> Markup {
    let of_predictions: Vec<&AlertReport> = report.prediction_alerts().collect();
    let of_columns: Vec<&AlertReport> = report.alerts.iter().filter(|alert| !alert.of_predictions()).collect();
    html! {
        section {
            h2 { (titles::alerts(&of_predictions)) }
            p.lead { "An alert fires when in a complete " (report.by.noun()) " of at least " (count(report.rules.minimum_rows)) " predictions " (titles::rule(report)) "." }
            @if !of_predictions.is_empty() { (tables::alerts(&of_predictions)) }
            @if !of_columns.is_empty() {
                p.lead.next { "Of columns, " (plural(of_columns.len(), "alert")) " fired. They are posted for people and ask for no retrain; what hurts is a drift of the predictions." }
                details { summary { "Alerts of columns" } (tables::column_alerts(&of_columns)) }
            }
        }
    }
}

/// The versions that served.
pub(crate) fn versions(report: &Report) -> Markup {
    html! {
        section {
            h2 { "The versions that served" }
            div.scroll { table {
                thead { tr { th { "Version" } th.text { "Family" } th { "Rows learned from" } th { "Known until" } th { "Validation AUC" } th { "Validation log loss" } } }
                tbody {
                    @for version in &report.versions {
                        tr {
                            td { (version.version) @if report.production == Some(version.version) { " " span.tag { "in production" } } }
                            td.text { (version.family) }
                            td { (count(version.n_train)) }
                            td { @if let Some(date) = version.trained_until { (date) } @else { "–" } }
                            td { (metric(version.validation.get("roc_auc").copied())) }
                            td { (metric(version.validation.get("log_loss").copied())) }
                        }
                    }
                }
            } }
        }
    }
}

/// What the words mean.
pub(crate) fn terms(report: &Report) -> Markup {
    html! {
        section {
            h2 { "What the words mean" }
            dl.terms {
                dt { "Drift" } dd { (titles::drift_term(report)) }
                @if report.by_tidemark() {
                    dt { "Evidently’s figures" } dd { "Shown beside, for those who know them: for numbers the Wasserstein distance over the reference's standard deviation, for levels the Jensen-Shannon distance; drifted from 0.1. With 1000 reference rows or fewer a test is made instead, and a p-value below 0.05 means drifted." }
                }
                dt { "Reference" } dd { "The rows by which the version that served is judged: its training rows, and for predictions its probabilities on rows that the fit has not seen; of a retrained version, the newest rows known when it was made." }
                dt { "Alert" } dd { "In a complete window of at least " (count(report.rules.minimum_rows)) " predictions, " (titles::rule(report)) "." }
                @if report.by_tidemark() {
                    dt { "Importance" } dd { "The share of the model's skill that lies in a column: how much worse its log loss gets when the column's values are shuffled, over the sum of all. Of a retrained version it is that of the newest version before it whose columns were shuffled." }
                }
                dt { "First model, kept" } dd { "The version that served when the replay began, scored beside the one that serves, on the same rows." }
                dt { "Expected" } dd { "What the probabilities promise before a label has come (confidence-based performance estimation): a row with probability 0.2 is taken to come true in 20 of 100 cases. The band holds the figure that labels would give in 95 of 100 windows. It is right as long as probabilities keep their meaning; that rows of the same kind come true more or less often than before, it cannot see." }
                dt { "Promise kept" } dd { "Where labels have come, as many rows came true as the probabilities said, up to chance: the p-value of two tests (the sum, and Spiegelhalter's of the Brier score) is at least " (DOUBT) "." }
                dt { "Label coverage" } dd { "Share of predictions whose true class is known; performance is that of these rows." }
            }
        }
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String, String)> {
    let (drifted, judged) = report.drifted_of();
    let n_rows: u64 = report.windows.iter().map(|window| window.n_rows).sum();
    let n_labelled: u64 =
        report.windows.iter().filter_map(|window| window.performance.as_ref()).map(|performance| performance.n_labelled).sum();
    let newest = verdict::newest_auc(report);
    let mut facts = vec![
        ("Windows that drifted", drifted.to_string(), format!("of {}", plural(judged, report.by.noun()))),
        (
            "Predictions",
            count(n_rows),
            format!("{} labelled", percent(if n_rows == 0 { 0.0 } else { n_labelled as f64 / n_rows as f64 })),
        ),
    ];
    if let Some((window, auc)) = newest {
        facts.push(("Newest AUC", format!("{auc:.3}"), format!("in {}", window.window.title())));
    }
    if let Some(gain) = verdict::gain(report, |performance| performance.log_loss) {
        facts.push(("Change by retraining", signed(gain), "log loss".into()));
    }
    let production = report.production.map_or(("none".into(), String::new()), |number| {
        let family = report.versions.iter().find(|version| version.version == number).map(|version| version.family.clone());
        (format!("v{number}"), family.unwrap_or_default())
    });
    facts.push(("In production", production.0, production.1));
    facts
}

fn caveats(report: &Report) -> Markup {
    html! {
        @for rows in &report.not_counted { p.banner role="note" { (count(rows.n_rows)) " rows of version " (rows.version) " are not in all figures: " (rows.reason) "." } }
        @if let Some(day) = report.silent_since { p.banner role="note" { "No prediction has come since " (day.format("%-d %B %Y")) ", which is longer than ever before." } }
        @for late in &report.late_sources { p.banner role="note" { "Source “" (late.source) "” is late: its last prediction is of " (late.silence.last_day.format("%-d %B %Y")) ", " (late.silence.silent_days) " days ago, and it was never silent for longer than " (late.silence.longest_gap_days) "." } }
        @if report.n_set_aside > 0 { p.banner role="note" { (count(report.n_set_aside)) " collected records could not be written to the log and are not in this report; they lie in " code { "collected/set-aside" } ", each with the reason." } }
        @for file in &report.damaged_files { p.banner role="note" { "A damaged file was set aside, and its rows are not in this report: " code { (file) } } }
    }
}

/// The served version, and where another was kept beside it, that one from where the two part.
fn with_shadow(windows: &[WindowReport], figure: fn(&Performance) -> Option<f64>) -> Vec<Series> {
    let served = windows.iter().map(|window| window.performance.as_ref().and_then(figure)).collect();
    let mut series = vec![Series::new("served", "served", served)];
    let apart = |window: &WindowReport| {
        window.shadow.as_ref().filter(|shadow| shadow.version != window.version).map(|shadow| shadow.version)
    };
    let Some(kept) = windows.iter().find_map(apart) else { return series };
    let value = |window: &WindowReport| match &window.shadow {
        _ if window.version == kept => window.performance.as_ref().and_then(figure),
        Some(shadow) if shadow.version == kept => figure(shadow),
        _ => None,
    };
    series.push(Series::new(format!("first model (v{kept}), kept"), "kept", windows.iter().map(value).collect()));
    series
}

pub(crate) fn two_places(value: f64) -> String {
    format!("{value:.2}")
}

fn percent_of_tick(value: f64) -> String {
    let percent = value * 100.0;
    if percent == 0.0 || percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}
