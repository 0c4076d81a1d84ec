//! Hive partitions: the `key=value` folders on the way to a file are columns of its rows.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use object_store::path::Path;

use super::location::{Location, show};
use crate::error::{ConnectorError, Result};

/// How Hive writes a NULL as a folder.
pub(crate) const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The keys and values on the way to a file, in order.
pub(crate) fn pairs(path: &Path) -> Vec<(String, String)> {
    let mut parts: Vec<_> = path.parts().collect();
    parts.pop();
    parts
        .iter()
        .filter_map(|part| {
            let (key, value) = part.as_ref().split_once('=')?;
            (!key.is_empty()).then(|| (decode(key), decode(value)))
        })
        .collect()
}

/// The partition columns of these files, their types by their values; all files must have the same.
pub(crate) fn infer<'a>(
    location: &Location,
    files: impl Iterator<Item = &'a Path> + Clone,
) -> Result<Vec<(String, DataType)>> {
    let Some(first) = files.clone().next() else { return Ok(Vec::new()) };
    let keys = |path: &Path| pairs(path).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    let columns = keys(first);
    for path in files.clone() {
        let other = keys(path);
        if other != columns {
            let list = |keys: &[String]| {
                if keys.is_empty() { "none".to_string() } else { keys.join(", ") }
            };
            return Err(ConnectorError::Url {
                url: location.text.clone(),
                reason: format!(
                    "its files have different partition columns: '{}' has {}, '{}' has {}; \
                     open one level of folders at a time",
                    show(&location.root, first),
                    list(&columns),
                    show(&location.root, path),
                    list(&other),
                ),
            });
        }
    }
    Ok(columns
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let values = files.clone().filter_map(move |path| {
                let (_, value) = pairs(path).into_iter().nth(index)?;
                (value != NULL).then_some(value)
            });
            (name, type_of(values))
        })
        .collect())
}

/// int64 where all are integers, date where all are dates, else text.
fn type_of(values: impl Iterator<Item = String>) -> DataType {
    let (mut integers, mut dates, mut any) = (true, true, false);
    for value in values {
        any = true;
        integers &= value.parse::<i64>().is_ok();
        dates &=
            value.len() == 10 && ScalarValue::try_from_string(value, &DataType::Date32).is_ok();
    }
    match (any, integers, dates) {
        (true, true, _) => DataType::Int64,
        (true, _, true) => DataType::Date32,
        _ => DataType::Utf8,
    }
}

/// The values a file has in the partition columns; none where it lies outside of them.
pub(crate) fn values(
    path: &Path,
    columns: &[(String, DataType)],
) -> Result<Option<Vec<ScalarValue>>> {
    let pairs = pairs(path);
    columns
        .iter()
        .map(|(name, data_type)| {
            let Some((_, value)) = pairs.iter().find(|(key, _)| key == name) else {
                return Ok(None);
            };
            if value == NULL {
                return Ok(Some(ScalarValue::try_from(data_type)?));
            }
            Ok(Some(ScalarValue::try_from_string(value.clone(), data_type).map_err(|_| {
                ConnectorError::Url {
                    url: path.to_string(),
                    reason: format!(
                        "the folder '{name}={value}' is no {data_type}, as column '{name}' is"
                    ),
                }
            })?))
        })
        .collect()
}

/// Whether any file has a NULL in a partition column.
pub(crate) fn has_null(path: &Path) -> bool {
    pairs(path).iter().any(|(_, value)| value == NULL)
}

fn decode(text: &str) -> String {
    super::location::percent_decode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer_of(paths: &[&str]) -> Result<Vec<(String, DataType)>> {
        let paths: Vec<Path> = paths.iter().map(|path| Path::from(*path)).collect();
        infer(&Location::parse("s3://b/t/").unwrap(), paths.iter())
    }

    #[test]
    fn types_by_values() {
        let columns = infer_of(&[
            "t/year=2020/day=2020-01-01/c=a/x.csv",
            "t/year=2021/day=2021-01-01/c=1/x.csv",
        ])
        .unwrap();
        assert_eq!(
            columns,
            [
                ("year".to_string(), DataType::Int64),
                ("day".to_string(), DataType::Date32),
                ("c".to_string(), DataType::Utf8)
            ]
        );
        let columns = infer_of(&["t/a=1/x", "t/a=__HIVE_DEFAULT_PARTITION__/x"]).unwrap();
        assert_eq!(columns[0].1, DataType::Int64);
        let path = Path::from("t/a=__HIVE_DEFAULT_PARTITION__/x");
        assert!(values(&path, &columns).unwrap().unwrap()[0].is_null());
    }

    #[test]
    fn mixed_levels_are_refused() {
        let error = infer_of(&["t/a=1/x", "t/y"]).unwrap_err().to_string();
        assert!(error.contains("has a,") && error.contains("has none"), "{error}");
    }
}
