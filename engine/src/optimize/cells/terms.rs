//! Expressions of rows as arrays: what each cell comes to, and where that is NULL.

use std::cell::RefCell;
use std::collections::HashMap;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray};
use datafusion::arrow::datatypes as arrow;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

use super::places::{asked_along, axis_of, beside};
use super::{Asked, refused};
use crate::array::{DType, Kind, Tensor};
use crate::kernels::{Binary, Block, Unary};
use crate::lazy::{Array, Scalar};
use crate::logical::{CellTable, Nulls};
use crate::physical::data_type;

/// What an expression comes to.
#[derive(Clone)]
pub(super) struct Term {
    pub(super) values: Array,
    /// It is NULL where one of these is NaN, and then it is NaN itself.
    parts: Vec<Array>,
    /// It is NULL where one of these is false.
    unless: Vec<Array>,
    /// Whether it may come to NaN where it is not NULL.
    pub(super) makes_nan: bool,
}

/// Where a condition holds, and where it does not; elsewhere it is NULL.
#[derive(Clone)]
pub(super) struct Truth {
    pub(super) yes: Array,
    no: Array,
}

/// The expressions of one table of cells. The same expression is the same array.
pub(super) struct Terms<'a> {
    table: &'a CellTable,
    schema: &'a DFSchema,
    known: RefCell<HashMap<Expr, Term>>,
}

impl Term {
    /// The same NULLs among other values.
    pub(super) fn over(self, values: Array) -> Self {
        Self { values, ..self }
    }

    fn plain(values: Array) -> Self {
        Self { values, parts: Vec::new(), unless: Vec::new(), makes_nan: false }
    }

    /// Whether it is never NULL.
    pub(super) fn is_everywhere(&self) -> bool {
        self.parts.is_empty() && self.unless.is_empty()
    }

    /// Whether it is NULL nowhere but where its values are NaN.
    pub(super) fn is_null_by_nan(&self) -> bool {
        self.unless.is_empty()
    }

    /// Where it is not NULL; everywhere, if there is nothing.
    pub(super) fn there(&self) -> Asked<Option<Array>> {
        let mut there: Option<Array> = None;
        let numbers = self.parts.iter().map(|part| {
            part.unary(Unary::IsNan).and_then(|nan| nan.unary(Unary::Not)).map_err(refused)
        });
        for part in numbers.chain(self.unless.iter().cloned().map(Ok)) {
            there = Some(match there {
                Some(there) => there.binary(Binary::And, &part?).map_err(refused)?,
                None => part?,
            });
        }
        Ok(there)
    }

    /// Something that is made of this and that, and NULL where either is.
    fn with(&self, other: &Self, values: Array) -> Self {
        let mut made = self.clone();
        for part in &other.parts {
            if !made.parts.iter().any(|own| own.same_as(part)) {
                made.parts.push(part.clone());
            }
        }
        made.unless.extend(other.unless.iter().cloned());
        // Whose values are no floats any more are told apart.
        Self { values, makes_nan: self.makes_nan || other.makes_nan, ..made }
    }
}

impl Truth {
    fn and(&self, other: &Self) -> Asked<Self> {
        let yes = self.yes.binary(Binary::And, &other.yes).map_err(refused)?;
        let no = self.no.binary(Binary::Or, &other.no).map_err(refused)?;
        Ok(Self { yes, no })
    }

    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }
}

fn not(truth: &Array) -> Asked<Array> {
    truth.unary(Unary::Not).map_err(refused)
}

impl<'a> Terms<'a> {
    pub(super) fn new(table: &'a CellTable, schema: &'a DFSchema) -> Self {
        Self { table, schema, known: RefCell::default() }
    }

    /// What an expression comes to in each cell.
    pub(super) fn term(&self, expr: &Expr) -> Asked<Term> {
        if let Some(known) = self.known.borrow().get(expr) {
            return Ok(known.clone());
        }
        let term = self.made(expr)?;
        self.known.borrow_mut().insert(expr.clone(), term.clone());
        Ok(term)
    }

    fn type_of(&self, expr: &Expr) -> Asked<DataType> {
        expr.get_type(self.schema).map_err(|error| error.strip_backtrace())
    }

    fn made(&self, expr: &Expr) -> Asked<Term> {
        if let Some(axis) = axis_of(self.table, self.schema, expr) {
            let values = asked_along(self.table, self.schema, axis, expr)?;
            return self.of_places(&values, axis, expr);
        }
        let term = match expr {
            Expr::Alias(alias) => return self.term(&alias.expr),
            Expr::Column(column) => {
                let at = self.schema.maybe_index_of_column(column);
                let at = at.and_then(|at| at.checked_sub(self.table.places.len()));
                let variable = at.and_then(|at| self.table.variables.get(at));
                let variable = variable.ok_or_else(|| format!("there is no {column}"))?;
                if !matches!(variable.array.dtype(), DType::Plain(_)) {
                    return Err(format!("'{}' has values of time", variable.name));
                }
                let mut term = Term::plain(variable.array.clone());
                match &variable.nulls {
                    Nulls::None => {}
                    Nulls::Nan if variable.array.kind().is_float() => {
                        term.parts.push(variable.array.clone());
                    }
                    Nulls::Nan => {}
                    Nulls::Unless(there) => term.unless.push(there.clone()),
                }
                // What is NaN and not NULL.
                term.makes_nan = matches!(variable.nulls, Nulls::None | Nulls::Unless(_))
                    && variable.array.kind().is_float();
                term
            }
            Expr::Literal(value, _) => Term::plain(literal(value)?),
            Expr::Cast(cast) => self.cast(&cast.expr, cast.field.data_type())?,
            Expr::Negative(of) => {
                let of = self.term(of)?;
                let values = of.values.unary(Unary::Neg).map_err(refused)?;
                Term { values, ..of }
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_arithmetic(*op) => {
                self.arithmetic(left, *op, right)?
            }
            Expr::ScalarFunction(function) => self.function(function)?,
            Expr::Case(case) => self.case(case)?,
            other if matches!(self.type_of(other), Ok(DataType::Boolean)) => {
                let Truth { yes, no } = self.truth(other)?;
                let there = yes.binary(Binary::Or, &no).map_err(refused)?;
                Term { unless: vec![there], ..Term::plain(yes) }
            }
            other => return Err(format!("{other} is no function of numbers")),
        };
        let (own, wanted) = (data_type(term.values.dtype()), self.type_of(expr)?);
        match own == wanted {
            true => Ok(term),
            false => Err(format!("{expr} is {wanted} of rows and {own} of arrays")),
        }
    }

    /// What each place of a dimension has, in all cells.
    fn of_places(&self, values: &ArrayRef, axis: usize, expr: &Expr) -> Asked<Term> {
        let made = tensor(values).ok_or_else(|| format!("{expr} is {}", values.data_type()))?;
        let dimensions = self.table.grid.0.len();
        let array = |values: Tensor| {
            let array = Array::of(values).map_err(refused)?;
            beside(array, axis, dimensions)
        };
        let is_nan = expr_is_float(values.data_type());
        let mut term = Term { makes_nan: is_nan, ..Term::plain(array(made)?) };
        if values.null_count() > 0 {
            let there = (0..values.len()).map(|at| u8::from(values.is_valid(at))).collect();
            let length = vec![values.len() as u64];
            let there = Tensor::from_block(DType::Plain(Kind::Bool), length, Block::Bool(there));
            term.unless.push(array(there.map_err(refused)?)?);
        }
        Ok(term)
    }

    fn cast(&self, of: &Expr, to: &DataType) -> Asked<Term> {
        let of = self.term(of)?;
        let from = of.values.kind();
        let to = kind_of(to).ok_or_else(|| format!("a cast to {to}"))?;
        // What fails for some values, or cuts them off, is left to rows.
        let widens = match (from, to) {
            (a, b) if a == b => true,
            (Kind::Bool, to) => to.is_integer() && to != Kind::Bool,
            (_, Kind::F64) => true,
            (Kind::F64, Kind::F32) => true,
            (from, Kind::F32) => from.width() <= 4,
            (from, to) if from.is_unsigned() && to.is_unsigned() => from.width() <= to.width(),
            (from, to) if from.is_unsigned() && to.is_signed() => from.width() < to.width(),
            (from, to) if from.is_signed() && to.is_signed() => from.width() <= to.width(),
            _ => false,
        };
        match widens && (!from.is_float() || to.is_float()) {
            true => {
                let values = of.values.cast(DType::Plain(to)).map_err(refused)?;
                Ok(Term { values, ..of })
            }
            false => Err(format!("a cast of {from} to {to}")),
        }
    }

    fn arithmetic(&self, left: &Expr, op: Operator, right: &Expr) -> Asked<Term> {
        let (left, right) = (self.term(left)?, self.term(right)?);
        let floats = left.values.kind().is_float() && right.values.kind().is_float();
        let binary = match op {
            Operator::Plus => Binary::Add,
            Operator::Minus => Binary::Sub,
            Operator::Multiply => Binary::Mul,
            Operator::Divide if floats => Binary::Div,
            _ => return Err(format!("{op} of whole numbers may fail")),
        };
        let values = left.values.binary(binary, &right.values).map_err(refused)?;
        let made = left.with(&right, values);
        Ok(Term { makes_nan: made.makes_nan || binary == Binary::Div, ..made })
    }

    fn function(&self, function: &ScalarFunction) -> Asked<Term> {
        let name = function.func.name();
        if let ("coalesce", [first, second]) = (name, &function.args[..]) {
            let (first, second) = (self.term(first)?, self.term(second)?);
            let Some(there) = first.there()? else { return Ok(first) };
            let values = there.select(&first.values, &second.values).map_err(refused)?;
            let both = match second.there()? {
                Some(other) => vec![there.binary(Binary::Or, &other).map_err(refused)?],
                None => Vec::new(),
            };
            let makes_nan = first.makes_nan || second.makes_nan;
            return Ok(Term { unless: both, makes_nan, ..Term::plain(values) });
        }
        if let ("power", [base, power]) = (name, &function.args[..]) {
            let (base, power) = (self.term(base)?, self.term(power)?);
            if !base.values.kind().is_float() {
                return Err("powers of whole numbers may fail".to_string());
            }
            let values = base.values.binary(Binary::Pow, &power.values).map_err(refused)?;
            // 1 to the power of NaN is 1: NULL is told apart.
            let unless = base.with(&power, values.clone()).there()?.into_iter().collect();
            return Ok(Term { unless, makes_nan: true, ..Term::plain(values) });
        }
        let (unary, makes_nan) = match name {
            "abs" => (Unary::Abs, false),
            "floor" => (Unary::Floor, false),
            "ceil" => (Unary::Ceil, false),
            "exp" => (Unary::Exp, false),
            "sqrt" => (Unary::Sqrt, true),
            "cbrt" => (Unary::Cbrt, false),
            "ln" => (Unary::Log, true),
            "log10" => (Unary::Log10, true),
            "log2" => (Unary::Log2, true),
            "sin" => (Unary::Sin, true),
            "cos" => (Unary::Cos, true),
            "tan" => (Unary::Tan, true),
            "radians" => (Unary::Radians, false),
            "degrees" => (Unary::Degrees, false),
            _ => return Err(format!("{name}() is not asked of arrays")),
        };
        let [of] = &function.args[..] else {
            return Err(format!("{name}() of {} values", function.args.len()));
        };
        let of = self.term(of)?;
        let values = of.values.unary(unary).map_err(refused)?;
        Ok(Term { values, makes_nan: of.makes_nan || makes_nan, ..of })
    }

    fn case(&self, case: &Case) -> Asked<Term> {
        if case.expr.is_some() {
            return Err("CASE of a value is not asked of arrays: write CASE WHEN".to_string());
        }
        let mut made = case.else_expr.as_ref().map(|last| self.term(last)).transpose()?;
        for (when, then) in case.when_then_expr.iter().rev() {
            let (when, then) = (self.truth(when)?.yes, self.term(then)?);
            let there = match (then.there()?, &made) {
                (None, Some(other)) if other.is_everywhere() => None,
                (there, other) => {
                    let full = |value| {
                        let (value, kind) = (Scalar::Bool(value), Kind::Bool);
                        Array::full(&[], value, DType::Plain(kind)).map_err(refused)
                    };
                    let there = there.map_or_else(|| full(true), Ok)?;
                    let other = match other {
                        Some(other) => other.there()?.map_or_else(|| full(true), Ok)?,
                        None => full(false)?,
                    };
                    Some(when.select(&there, &other).map_err(refused)?)
                }
            };
            let values = match &made {
                Some(other) => when.select(&then.values, &other.values).map_err(refused)?,
                None => then.values.clone(),
            };
            let makes_nan = then.makes_nan || made.is_some_and(|made| made.makes_nan);
            let unless = there.into_iter().collect();
            made = Some(Term { unless, makes_nan, ..Term::plain(values) });
        }
        made.ok_or_else(|| "a CASE of nothing".to_string())
    }

    /// Where a condition holds, and where it does not.
    pub(super) fn truth(&self, expr: &Expr) -> Asked<Truth> {
        if axis_of(self.table, self.schema, expr).is_some() {
            return self.known_truth(expr);
        }
        match expr {
            Expr::Not(of) => Ok(self.truth(of)?.not()),
            Expr::IsNull(of) | Expr::IsNotNull(of) => {
                let there = match self.type_of(of)? {
                    DataType::Boolean => {
                        let Truth { yes, no } = self.truth(of)?;
                        Some(yes.binary(Binary::Or, &no).map_err(refused)?)
                    }
                    _ => self.term(of)?.there()?,
                };
                let there = there.map_or_else(|| self.everywhere(true), Ok)?;
                let known = Truth { no: not(&there)?, yes: there };
                Ok(if matches!(expr, Expr::IsNull(_)) { known.not() } else { known })
            }
            Expr::Between(between) => {
                let (low, high) = (Operator::GtEq, Operator::LtEq);
                let low = self.compared(&between.expr, low, &between.low)?;
                let within = low.and(&self.compared(&between.expr, high, &between.high)?)?;
                Ok(if between.negated { within.not() } else { within })
            }
            Expr::InList(list) => {
                let mut all: Option<Truth> = None;
                for one in &list.list {
                    let differs = self.compared(&list.expr, Operator::NotEq, one)?;
                    all = Some(match all {
                        Some(all) => all.and(&differs)?,
                        None => differs,
                    });
                }
                let differs = all.ok_or_else(|| "IN of nothing".to_string())?;
                Ok(if list.negated { differs } else { differs.not() })
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::And => self.truth(left)?.and(&self.truth(right)?),
                Operator::Or => {
                    let (left, right) = (self.truth(left)?.not(), self.truth(right)?.not());
                    Ok(left.and(&right)?.not())
                }
                _ => self.compared(left, *op, right),
            },
            other => self.known_truth(other),
        }
    }

    /// Where values are true, of which there is a term.
    fn known_truth(&self, expr: &Expr) -> Asked<Truth> {
        let is_bool = matches!(self.type_of(expr), Ok(DataType::Boolean));
        let is_term = matches!(expr, Expr::Column(_) | Expr::Literal(..) | Expr::Case(_))
            || axis_of(self.table, self.schema, expr).is_some();
        if !is_bool || !is_term {
            return Err(format!("{expr} is no condition that arrays are asked"));
        }
        let term = self.term(expr)?;
        let no = not(&term.values)?;
        Ok(match term.there()? {
            None => Truth { yes: term.values, no },
            Some(there) => Truth {
                yes: term.values.binary(Binary::And, &there).map_err(refused)?,
                no: no.binary(Binary::And, &there).map_err(refused)?,
            },
        })
    }

    fn compared(&self, left: &Expr, op: Operator, right: &Expr) -> Asked<Truth> {
        let binary = match op {
            Operator::Eq => Binary::Eq,
            Operator::NotEq => Binary::Ne,
            Operator::Lt => Binary::Lt,
            Operator::LtEq => Binary::Le,
            Operator::Gt => Binary::Gt,
            Operator::GtEq => Binary::Ge,
            _ => return Err(format!("{op} is not asked of arrays")),
        };
        let types = (self.type_of(left)?, self.type_of(right)?);
        let (left, right) = (self.term(left)?, self.term(right)?);
        if types.0 != types.1 || left.makes_nan || right.makes_nan {
            return Err(format!("{op} of {} and {}, or of what may be NaN", types.0, types.1));
        }
        let yes = left.values.binary(binary, &right.values).map_err(refused)?;
        let no = not(&yes)?;
        // NaN compares as false, and there it is NULL.
        Ok(match left.with(&right, yes.clone()).there()? {
            None => Truth { yes, no },
            Some(there) => Truth {
                yes: yes.binary(Binary::And, &there).map_err(refused)?,
                no: no.binary(Binary::And, &there).map_err(refused)?,
            },
        })
    }

    /// A truth value in every cell.
    pub(super) fn everywhere(&self, value: bool) -> Asked<Array> {
        let (truth, grid) = (DType::Plain(Kind::Bool), self.table.grid.clone());
        Array::filled_with(Scalar::Bool(value), truth, grid).map_err(refused)
    }

    /// An array of all cells.
    pub(super) fn in_all_cells(&self, array: &Array) -> Asked<Array> {
        array.broadcast_to(&self.table.grid.shape()).map_err(refused)
    }
}

fn is_arithmetic(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide)
}

fn expr_is_float(of: &DataType) -> bool {
    matches!(of, DataType::Float32 | DataType::Float64)
}

/// What arrays have in place of a type of tables, if they have it.
fn kind_of(of: &DataType) -> Option<Kind> {
    Some(match of {
        DataType::Boolean => Kind::Bool,
        DataType::Int8 => Kind::I8,
        DataType::Int16 => Kind::I16,
        DataType::Int32 => Kind::I32,
        DataType::Int64 => Kind::I64,
        DataType::UInt8 => Kind::U8,
        DataType::UInt16 => Kind::U16,
        DataType::UInt32 => Kind::U32,
        DataType::UInt64 => Kind::U64,
        DataType::Float32 => Kind::F32,
        DataType::Float64 => Kind::F64,
        _ => return None,
    })
}

fn literal(value: &ScalarValue) -> Asked<Array> {
    let one = value.to_array().map_err(|error| error.strip_backtrace())?;
    if value.is_null() {
        return Err("NULL is no number".to_string());
    }
    let one = tensor(&one).ok_or_else(|| format!("{value} is {}", value.data_type()))?;
    let one = Array::of(one.reshaped(Vec::new()).map_err(refused)?);
    one.map_err(refused)
}

/// A column as values in memory. What NULLs have is anything.
fn tensor(values: &ArrayRef) -> Option<Tensor> {
    macro_rules! block {
        ($($name:ident $type:ident $kind:ident),*) => {
            match values.data_type() {
                DataType::Boolean => {
                    let values = values.as_boolean();
                    Block::Bool((0..values.len()).map(|at| u8::from(values.value(at))).collect())
                }
                $(DataType::$name => {
                    Block::$kind(values.as_primitive::<arrow::$type>().values().to_vec())
                })*
                _ => return None,
            }
        };
    }
    let block = block!(
        Int8 Int8Type I8, Int16 Int16Type I16, Int32 Int32Type I32, Int64 Int64Type I64,
        UInt8 UInt8Type U8, UInt16 UInt16Type U16, UInt32 UInt32Type U32, UInt64 UInt64Type U64,
        Float32 Float32Type F32, Float64 Float64Type F64
    );
    let (dtype, length) = (DType::Plain(block.kind()), vec![values.len() as u64]);
    Tensor::from_block(dtype, length, block).ok()
}
