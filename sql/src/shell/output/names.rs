//! Column names for formats that need each only once.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};

/// The schema with repeated names told apart: `id`, `id_1`, `id_2`. SQL lets a result repeat a name,
/// but a JSON object or a Parquet file that does loses a column in most readers.
pub(super) fn unique_names(schema: &SchemaRef) -> SchemaRef {
    let mut taken: HashSet<String> =
        schema.fields().iter().map(|field| field.name().clone()).collect();
    if taken.len() == schema.fields().len() {
        return Arc::clone(schema);
    }
    let mut seen = HashSet::new();
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            let mut name = field.name().clone();
            if !seen.insert(name.clone()) {
                let mut number = 1;
                while taken.contains(&format!("{}_{number}", field.name())) {
                    number += 1;
                }
                name = format!("{}_{number}", field.name());
                taken.insert(name.clone());
            }
            field.as_ref().clone().with_name(name)
        })
        .collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn repeated_names_are_told_apart() {
        let fields: Vec<_> =
            ["id", "id", "id_1", "id"].map(|n| Field::new(n, DataType::Int8, true)).into();
        let unique = unique_names(&Arc::new(Schema::new(fields)));
        let names: Vec<_> = unique.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["id", "id_2", "id_1", "id_3"]);
    }
}
