//! Values of every kind.

use arrow::array::StringArray;
use arrow::array::cast::AsArray;
use arrow::datatypes::DataType;

use super::super::run;
use super::servers;

/// Values of every kind in the plain types that Java and ODBC read.
#[tokio::test(flavor = "multi_thread")]
async fn values_come_in_types_that_every_driver_reads() {
    for server in servers().await {
        let mut client = server.client().await;
        let rows = run(
            &mut client,
            "SELECT arrow_cast('2024-02-29T12:30:00', 'Timestamp(Microsecond, Some(\"Europe/Berlin\"))') AS z, \
             CAST(1.25 AS DECIMAL(38, 10)) AS d, [1, 2] AS l, named_struct('a', 'x') AS s, \
             INTERVAL '1 day' AS i, X'00ff' AS b, TIME '10:00:00' AS t, true AS y",
        )
        .await
        .unwrap();
        let told = rows[0].schema();
        let kinds = told.fields().iter().map(|field| field.data_type().to_string());
        let kinds: Vec<String> = kinds.collect();
        assert_eq!(kinds[0], "Timestamp(µs, \"Europe/Berlin\")");
        assert_eq!(told.field(1).data_type(), &DataType::Decimal128(38, 10));
        assert_eq!(told.field(5).data_type(), &DataType::Binary);
        assert!(!kinds.concat().contains("View"), "{kinds:?}");
        let names: &StringArray = rows[0].column(3).as_struct().column(0).as_string();
        assert_eq!(names.value(0), "x");
    }
}
