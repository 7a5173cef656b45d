//! Tables for a terminal: a rule below the header, none between rows.

use comfy_table::{CellAlignment, Table, TableComponent, presets};

/// An empty table; columns of numbers stand to the right.
pub(crate) fn table<const N: usize>(header: [&str; N], is_number: impl Fn(usize) -> bool) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    let between_rows = [
        TableComponent::HorizontalLines,
        TableComponent::LeftBorderIntersections,
        TableComponent::RightBorderIntersections,
        TableComponent::MiddleIntersections,
    ];
    between_rows.into_iter().for_each(|component| {
        table.remove_style(component);
    });
    table.set_header(header);
    for (_, column) in table.column_iter_mut().enumerate().filter(|(at, _)| is_number(*at)) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
