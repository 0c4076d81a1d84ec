"""A client of `strata serve` by way of ADBC: python flight.py URI FOLDER PART…

Each part is a function below; it raises what is wrong, and says `PART ok` when nothing is.
"""

import datetime
import decimal
import sys
import threading
import time

import adbc_driver_manager
import numpy as np
import pyarrow as pa
from adbc_driver_flightsql import dbapi


def rows(cursor, text, *parameters):
    cursor.execute(text, *parameters)
    return cursor.fetchall()


def languages(connection, folder):
    with connection.cursor() as cursor:
        assert rows(cursor, "SELECT 1 AS a, 'x' AS b, NULL AS c") == [(1, "x", None)]
        assert rows(cursor, "range(0, 10).filter(value > 6).agg(sum(value) AS s)") == [(24,)]
        rows(cursor, "cube = arange(24).reshape(2, 3, 4)")
        assert rows(cursor, "cube.sum()") == [(276,)]
        assert rows(cursor, "SELECT max(value) FROM cube") == [(23,)]
        cursor.execute("SELECT value AS n, 'row ' || value AS t FROM range(0, 100000)")
        table = cursor.fetch_arrow_table()
        assert table.num_rows == 100000 and table.schema.field("t").type == pa.string()
        frame = None
        cursor.execute("SELECT value AS n FROM range(0, 5)")
        frame = cursor.fetch_df()
        assert list(frame["n"]) == [0, 1, 2, 3, 4]
        kinds = rows(
            cursor,
            "SELECT CAST(1.5 AS DECIMAL(10, 2)), DATE '2024-02-29', TIMESTAMP '2024-02-29 12:30:00', "
            "true, CAST(2.5 AS DOUBLE), [1, 2], named_struct('a', 1)",
        )[0]
        assert kinds[:5] == (
            decimal.Decimal("1.50"),
            datetime.date(2024, 2, 29),
            datetime.datetime(2024, 2, 29, 12, 30),
            True,
            2.5,
        ), kinds
        assert kinds[5:] == ([1, 2], {"a": 1}), kinds
        cursor.execute("SELECT * FROM range(0, 0)")
        assert cursor.fetch_arrow_table().num_rows == 0


def parameters(connection, folder):
    with connection.cursor() as cursor:
        rows(cursor, "CREATE OR REPLACE TABLE p AS SELECT value AS id, 'n' || value AS name FROM range(0, 100)")
        assert rows(cursor, "SELECT name FROM p WHERE id = ?", (7,)) == [("n7",)]
        assert rows(cursor, "SELECT id FROM p WHERE name = $1 AND id < $2", ("n8", 50)) == [(8,)]
        assert rows(cursor, "SELECT ? || 'b' AS t", ("a",)) == [("ab",)]
        assert rows(cursor, "SELECT id FROM p WHERE name = ?", ("n'; DROP TABLE p",)) == []
        assert rows(cursor, "p.filter(id > ?).agg(count(*))", (89,)) == [(10,)]
        schema = cursor.adbc_prepare("SELECT id FROM p WHERE id = ? AND name = ?")
        assert [field.type for field in schema] == [pa.int64(), pa.string()], schema


def updates(connection, folder):
    with connection.cursor() as cursor:
        rows(cursor, "CREATE OR REPLACE TABLE u (a BIGINT, b VARCHAR)")
        cursor.executemany("INSERT INTO u VALUES (?, ?)", [(1, "x"), (2, None), (3, "z")])
        assert cursor.rowcount == 3, cursor.rowcount
        assert rows(cursor, "SELECT a, b FROM u ORDER BY a") == [(1, "x"), (2, None), (3, "z")]
        assert cursor.adbc_statement is not None
        cursor.adbc_statement.set_sql_query("INSERT INTO u SELECT value, 'more' FROM range(10, 20)")
        assert cursor.adbc_statement.execute_update() == 10
        assert rows(cursor, "SELECT count(*) FROM u") == [(13,)]
        rows(cursor, "COPY (SELECT * FROM u) TO 'u.parquet'")
        assert rows(cursor, "SELECT count(*) FROM 'u.parquet'") == [(13,)]
        rows(cursor, "DROP TABLE u")
        try:
            rows(cursor, "SELECT * FROM u")
            raise AssertionError("the table is still there")
        except adbc_driver_manager.ProgrammingError:
            pass


def ingest(connection, folder):
    million = pa.table({
        "id": pa.array(range(1_000_000), pa.int64()),
        "word": pa.array(["a", "b", None, "d"] * 250_000),
        "at": pa.array([datetime.datetime(2024, 1, 1)] * 1_000_000, pa.timestamp("us")),
    })
    # The driver sends no message of more than 16 MiB.
    million = pa.Table.from_batches(million.to_batches(max_chunksize=100_000))
    with connection.cursor() as cursor:
        rows(cursor, "DROP TABLE IF EXISTS big")
        assert cursor.adbc_ingest("big", million, mode="create") == 1_000_000
        assert rows(cursor, "SELECT count(*), sum(id), count(word) FROM big") == [(1_000_000, 499999500000, 750_000)]
        try:
            cursor.adbc_ingest("big", million, mode="create")
            raise AssertionError("it is made twice")
        except adbc_driver_manager.Error as error:
            assert "already" in str(error), error
        assert cursor.adbc_ingest("big", million, mode="append") == 1_000_000
        assert rows(cursor, "SELECT count(*) FROM big") == [(2_000_000,)]
        assert cursor.adbc_ingest("big", million.slice(0, 10), mode="replace") == 10
        assert cursor.adbc_ingest("big", million.slice(10, 10), mode="create_append") == 10
        assert rows(cursor, "SELECT count(*), max(id) FROM big") == [(20, 19)]
        try:
            cursor.adbc_ingest("big", pa.table({"nothing": [1]}), mode="append")
            raise AssertionError("another table fits")
        except adbc_driver_manager.Error as error:
            assert "no column 'nothing'" in str(error), error
        cursor.execute("SELECT * FROM big ORDER BY id")
        assert cursor.fetch_arrow_table().combine_chunks().equals(million.slice(0, 20).combine_chunks())


def metadata(connection, folder):
    with connection.cursor() as cursor:
        rows(cursor, "CREATE OR REPLACE TABLE meta (id BIGINT NOT NULL, price DOUBLE, PRIMARY KEY (id))")
        rows(cursor, "CREATE OR REPLACE VIEW meta_view AS SELECT id FROM meta")
    assert connection.adbc_get_info()["vendor_name"] == "Strata"
    assert {"TABLE", "VIEW"} <= set(connection.adbc_get_table_types())
    schema = connection.adbc_get_table_schema("meta")
    assert schema.field("id").type == pa.int64() and schema.field("price").type == pa.float64()
    objects = connection.adbc_get_objects(depth="all", table_name_filter="meta%").read_all().to_pylist()
    catalog = next(one for one in objects if one["catalog_name"] == "strata")
    public = next(one for one in catalog["catalog_db_schemas"] if one["db_schema_name"] == "public")
    tables = {one["table_name"]: one for one in public["db_schema_tables"]}
    assert set(tables) == {"meta", "meta_view"}, tables
    assert [one["column_name"] for one in tables["meta"]["table_columns"]] == ["id", "price"]
    assert tables["meta_view"]["table_type"] == "VIEW"


def refused(act, says):
    try:
        act()
    except adbc_driver_manager.Error as error:
        assert says in str(error), error
    else:
        raise AssertionError(f"{says}: it was done")


def whole(connection, folder):
    """All of the DB-API, and of what ADBC adds to it."""
    with connection.cursor() as cursor:
        rows(cursor, "CREATE OR REPLACE TABLE w (id BIGINT NOT NULL, price DECIMAL(10, 2), at TIMESTAMP, PRIMARY KEY (id))")
        cursor.executemany("INSERT INTO w (id, price) VALUES (?, ?)", [(id, decimal.Decimal(id)) for id in range(5)])
        assert cursor.rowcount == 5, cursor.rowcount
        cursor.execute("SELECT id, price FROM w ORDER BY id")
        assert [(column[0], column[1]) for column in cursor.description] == [
            ("id", pa.int64()), ("price", pa.decimal128(10, 2))
        ], cursor.description
        assert cursor.fetchone() == (0, decimal.Decimal(0)) and len(cursor.fetchmany(2)) == 2
        assert len(cursor.fetchall()) == 2 and cursor.fetchone() is None and cursor.fetchall() == []
        cursor.execute("SELECT id FROM w WHERE id < 3")
        assert sorted(cursor) == [(0,), (1,), (2,)]
        cursor.execute("SELECT id, at FROM w WHERE false")
        assert len(cursor.description) == 2 and cursor.fetchall() == []
        assert rows(cursor, "SELECT id FROM w ORDER BY id LIMIT ? OFFSET ?", (1, 2)) == [(2,)]
        cursor.adbc_statement.set_sql_query("DELETE FROM w WHERE id >= 3")
        assert cursor.adbc_statement.execute_update() == 2
        cursor.execute("SELECT * FROM w")
        assert cursor.fetch_record_batch().read_all().num_rows == 3
        assert cursor.adbc_execute_schema("SELECT id FROM w").field("id").type == pa.int64()
        stream = pa.RecordBatchReader.from_batches(
            pa.schema([("id", pa.int64())]), (pa.record_batch({"id": [at]}) for at in range(10, 20))
        )
        assert cursor.adbc_ingest("w", stream, mode="append") == 10
        assert rows(cursor, "SELECT count(*), count(price) FROM w") == [(13, 3)]
        table = pa.table({"a": [1]})
        assert cursor.adbc_ingest("w", table, mode="create", temporary=True) == 1
        assert rows(cursor, "SELECT * FROM w") == [(1,)], "it is in front of the other"
        assert cursor.adbc_ingest("w", table, mode="append", temporary=True) == 1
        assert rows(cursor, "SELECT count(*) FROM temporary.w") == [(2,)]
        assert cursor.adbc_ingest("w", table, mode="replace", temporary=True) == 1
        refused(lambda: cursor.adbc_ingest("w", table, mode="create", temporary=True), "already")
        rows(cursor, "DROP TABLE w")
        assert rows(cursor, "SELECT count(*) FROM w") == [(13,)]
        refused(lambda: cursor.adbc_ingest("nowhere", table, mode="append"), "no table 'nowhere'")
        refused(lambda: rows(cursor, "BEGIN"), "no transactions over several statements")
    assert connection.adbc_current_catalog == "strata" and connection.adbc_current_db_schema == "public"
    refused(lambda: connection.adbc_get_table_schema("nowhere"), "NOT_FOUND")
    refused(lambda: connection.adbc_get_statistics().read_all(), "not supported")
    only = {"catalog_filter": "strata", "db_schema_filter": "publ%", "table_name_filter": "w"}
    for depth, keys in [
        ("catalogs", ["catalog_name"]),
        ("db_schemas", ["catalog_db_schemas", "db_schema_name"]),
        ("tables", ["catalog_db_schemas", "db_schema_tables", "table_name"]),
        ("columns", ["catalog_db_schemas", "db_schema_tables", "table_columns", "column_name"]),
    ]:
        found = connection.adbc_get_objects(depth=depth, **only).read_all().to_pylist()
        for key in keys:
            (*_, found) = [one[key] for one in (found if isinstance(found, list) else [found])]
        assert found == {"catalogs": "strata", "db_schemas": "public", "tables": "w", "columns": "at"}[depth], found
    found = connection.adbc_get_objects(depth="all", **only).read_all().to_pylist()[0]
    columns = found["catalog_db_schemas"][0]["db_schema_tables"][0]["table_columns"]
    assert [column["xdbc_type_name"] for column in columns] == ["BIGINT", "DECIMAL", "TIMESTAMP"], columns


def frames(connection, folder):
    import pandas as pd

    frame = pd.DataFrame({"n": [1, 2, 3], "t": ["a", None, "c"]})
    assert frame.to_sql("frame", connection, index=False, if_exists="replace") == 3
    assert frame.to_sql("frame", connection, index=False, if_exists="append") == 3
    back = pd.read_sql("SELECT * FROM frame ORDER BY n", connection)
    assert list(back["n"]) == [1, 1, 2, 2, 3, 3] and back["t"].isna().sum() == 2, back


def options(connection, folder):
    own = dbapi.connect(URI, db_kwargs={"adbc.flight.sql.rpc.with_cookie_middleware": "true"}, autocommit=True)
    own.adbc_connection.set_options(**{"adbc.flight.sql.session.option.flight.rows": "5"})
    with own.cursor() as cursor:
        assert len(rows(cursor, "range(0, 5)")) == 5
        try:
            rows(cursor, "range(0, 6)")
            raise AssertionError("it has more rows than it may")
        except adbc_driver_manager.Error as error:
            assert "flight.rows" in str(error), error
    assert own.adbc_connection.get_option("adbc.flight.sql.session.option.flight.rows") == "5"
    own.close()


def partitions(connection, folder):
    with connection.cursor() as cursor, connection.cursor() as reader:
        parts, schema = cursor.adbc_execute_partitions("SELECT value FROM range(0, 1000)")
        total = 0
        for part in parts:
            reader.adbc_read_partition(part)
            total += reader.fetch_arrow_table().num_rows
        assert total == 1000 and schema.names == ["value"]


def tensors(connection, folder):
    # A row has 32 MiB, twice what a client takes by default.
    limit = {"adbc.flight.sql.client_option.with_max_msg_size": str(300 << 20)}
    large = dbapi.connect(URI, db_kwargs=limit, autocommit=True)
    with large.cursor() as cursor:
        rows(cursor, "arange(8388608).reshape(2, 1024, 4096).cast('f64').save('t.arrow', overwrite => true)")
        cursor.execute("FROM 't.arrow'")
        column = cursor.fetch_arrow_table().column(0)
        assert isinstance(column.type, pa.FixedShapeTensorType), column.type
        cube = np.concatenate([chunk.to_numpy_ndarray() for chunk in column.chunks])
        assert np.array_equal(cube, np.arange(8388608, dtype="f8").reshape(2, 1024, 4096))
    large.close()


def errors(connection, folder):
    with connection.cursor() as cursor:
        for text, says in [
            ("SELEC 1", "did you mean SELECT"),
            ("SELECT nope FROM range(0, 1)", "no column 'nope'"),
            ("SELECT * FROM 'nowhere.parquet'", "does not exist"),
            ("SELECT 1 / value FROM range(0, 3)", "division by zero"),
        ]:
            try:
                rows(cursor, text)
                raise AssertionError(text)
            except adbc_driver_manager.Error as error:
                assert says in str(error), error
        assert rows(cursor, "SELECT 1") == [(1,)]


def cancel(connection, folder):
    with connection.cursor() as cursor:
        failed = []

        def ask():
            try:
                rows(cursor, "SELECT sum(a.value % 7 + b.value) FROM range(0, 3000000) a, range(0, 3000000) b")
            except adbc_driver_manager.Error as error:
                failed.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(1)
        cursor.adbc_cancel()
        asking.join(60)
        assert not asking.is_alive() and failed, "it goes on"


URI, FOLDER, PARTS = sys.argv[1], sys.argv[2], sys.argv[3:]
with dbapi.connect(URI, autocommit=True) as shared:
    for part in PARTS:
        globals()[part](shared, FOLDER)
        print(part, "ok")
