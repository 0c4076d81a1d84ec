//! `current_schema()`, `current_catalog()` and `version()`: what tools ask first.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What a session says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    Catalog,
    Database,
    Schema,
    Version,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Catalog => "current_catalog",
            Self::Database => "current_database",
            Self::Schema => "current_schema",
            Self::Version => "version",
        }
    }

    fn answer(self, options: &ConfigOptions) -> String {
        match self {
            // A database is what others call a catalog.
            Self::Catalog | Self::Database => options.catalog.default_catalog.clone(),
            Self::Schema => options.catalog.default_schema.clone(),
            Self::Version => {
                let (own, engine) = (env!("CARGO_PKG_VERSION"), datafusion::DATAFUSION_VERSION);
                format!("Strata {own} (DataFusion {engine})")
            }
        }
    }
}

/// A function without arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OfSession {
    asked: Asked,
    signature: Signature,
}

pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let all = [Asked::Catalog, Asked::Database, Asked::Schema, Asked::Version];
    let made =
        all.map(|asked| OfSession { asked, signature: Signature::nullary(Volatility::Stable) });
    made.into_iter().map(|one| Arc::new(ScalarUDF::new_from_impl(one))).collect()
}

impl ScalarUDFImpl for OfSession {
    fn name(&self) -> &str {
        self.asked.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let answer = self.asked.answer(&args.config_options);
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(Some(answer))))
    }
}
