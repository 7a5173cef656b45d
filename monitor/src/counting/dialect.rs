//! How engines differ in the little SQL that counting needs: names, texts, and where the log is.

/// An engine's way of writing SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dialect {
    /// DuckDB, over the files that the variable `files` lists.
    Duckdb,
    /// ClickHouse, over files: the day is read from the path.
    Clickhouse,
    /// Spark SQL, over a view with the hive partition `dt` as a text.
    Spark,
    /// DataFusion, over a table with the hive partition `dt` as a text.
    Datafusion,
}

impl Dialect {
    /// A column's name.
    pub(crate) fn name(self, name: &str) -> String {
        match self {
            Self::Duckdb | Self::Datafusion => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::Clickhouse => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::Spark => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// A text.
    pub(crate) fn text(self, text: &str) -> String {
        match self {
            Self::Duckdb | Self::Datafusion => format!("'{}'", text.replace('\'', "''")),
            Self::Clickhouse | Self::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        }
    }

    /// The day of a row, as the text `YYYY-MM-DD`.
    pub(crate) fn day(self) -> &'static str {
        match self {
            Self::Duckdb => r"regexp_extract(filename, 'dt=([0-9-]{10})/model_version=[0-9]+/[^/]*$', 1)",
            Self::Clickhouse => r"extract(_path, 'dt=([0-9-]{10})/model_version=[0-9]+/[^/]*$')",
            Self::Spark | Self::Datafusion => "dt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_keep_what_is_in_them() {
        assert_eq!(Dialect::Duckdb.name("a\"b\\"), "\"a\"\"b\\\"");
        assert_eq!(Dialect::Clickhouse.name("a\"b\\"), r#""a\"b\\""#);
        assert_eq!(Dialect::Spark.name("a`b"), "`a``b`");
        assert_eq!(Dialect::Datafusion.text("it's"), "'it''s'");
        assert_eq!(Dialect::Spark.text(r"it's \"), r"'it\'s \\'");
    }
}
