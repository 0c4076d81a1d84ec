//! `current_schema` and `current_catalog` without parentheses, as standard SQL writes them. A column of that name is
//! written `"current_schema"`.

use sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, ObjectName, ObjectNamePart,
};

const NAMES: [&str; 2] = ["current_schema", "current_catalog"];

pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::Identifier(name) if is_meant(name) => *expr = call(name.clone()),
        Expr::Function(function) if function.args == FunctionArguments::None => {
            let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else { return };
            if is_meant(name) {
                function.args = none();
            }
        }
        _ => {}
    }
}

fn is_meant(name: &Ident) -> bool {
    name.quote_style.is_none() && NAMES.iter().any(|own| name.value.eq_ignore_ascii_case(own))
}

fn none() -> FunctionArguments {
    let (duplicate_treatment, args, clauses) = (None, Vec::new(), Vec::new());
    FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses })
}

fn call(name: Ident) -> Expr {
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: none(),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
