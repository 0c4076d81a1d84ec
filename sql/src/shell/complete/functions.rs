//! What functions a session knows, with what their documentation says.

use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::Documentation;

/// A function.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// `scalar`, `aggregate`, `window` or `table`.
    pub(crate) kind: &'static str,
    /// How it is called.
    pub(crate) syntax: String,
    pub(crate) description: String,
    /// Its arguments and what they are.
    pub(crate) arguments: Vec<(String, String)>,
    pub(crate) example: Option<String>,
}

impl Function {
    fn new(name: &str, kind: &'static str, documentation: Option<&Documentation>) -> Self {
        // Documentation is written for a page: examples stand between ``` marks.
        let example = documentation.and_then(|doc| doc.sql_example.as_ref()).map(|example| {
            let lines = example.lines().filter(|line| !line.trim_start().starts_with("```"));
            lines.collect::<Vec<_>>().join("\n")
        });
        Self {
            name: name.to_string(),
            kind,
            syntax: documentation
                .map_or_else(|| format!("{name}(…)"), |doc| doc.syntax_example.clone()),
            description: documentation
                .map_or_else(String::new, |doc| doc.description.trim().to_string()),
            arguments: documentation.and_then(|doc| doc.arguments.clone()).unwrap_or_default(),
            example,
        }
    }

    /// The first line of the description.
    pub(crate) fn summary(&self) -> &str {
        self.description.lines().next().unwrap_or_default()
    }
}

/// Every function, by name.
pub(crate) fn functions(session: &SessionContext) -> Vec<Function> {
    let state = session.state_ref();
    let state = state.read();
    let scalar = state.scalar_functions();
    let mut all: Vec<Function> = scalar
        .iter()
        .map(|(name, function)| Function::new(name, "scalar", function.documentation()))
        .collect();
    all.extend(
        state
            .higher_order_functions()
            .iter()
            .map(|(name, function)| Function::new(name, "scalar", function.documentation())),
    );
    all.extend(
        state
            .aggregate_functions()
            .iter()
            .map(|(name, function)| Function::new(name, "aggregate", function.documentation())),
    );
    // Aggregates can all be used over a window; only what is nothing else is listed as one.
    all.extend(
        state
            .window_functions()
            .iter()
            .map(|(name, function)| Function::new(name, "window", function.documentation())),
    );
    all.extend(state.table_functions().keys().map(|name| Function::new(name, "table", None)));
    all.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    all
}
