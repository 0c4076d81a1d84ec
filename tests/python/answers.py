"""Answers another engine's questions as typed JSON: DuckDB's SQL, or what pyarrow reads from a file.

A cell is null, a bool or a text as it is; {"i": "1"} is an integer, {"r": "0.5"} a float, {"d": "1.50"} a
decimal, {"l": […]} a list. Dates and times are texts in ISO 8601.
"""

import datetime
import decimal
import json
import pathlib
import sys


def cell(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"r": repr(value)}
    if isinstance(value, decimal.Decimal):
        return {"d": format(value, "f")}
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return {"l": [cell(item) for item in value]}
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    raise TypeError(f"no way to tell a {type(value).__name__}")


def duckdb(task):
    import duckdb

    return asking(duckdb.connect(), task)


def duckdb_with_tpcds(task):
    import duckdb
    import duckdb_extension_tpcds

    connection = duckdb.connect()
    folder = pathlib.Path(duckdb_extension_tpcds.__file__).parent
    (extension,) = folder.rglob("*.duckdb_extension")
    connection.execute(f"LOAD '{extension}'")
    return asking(connection, task)


def asking(connection, task):
    connection.execute("SET preserve_insertion_order = true")
    for statement in task["setup"]:
        connection.execute(statement)

    def ask(sql):
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        types = [str(column[1]) for column in result.description]
        return names, types, result.fetchall()

    return ask


def pyarrow(task):
    import pyarrow.feather
    import pyarrow.parquet

    def ask(path):
        if path.endswith(".parquet"):
            table = pyarrow.parquet.read_table(path)
        else:
            table = pyarrow.feather.read_table(path)
        types = [str(field.type) for field in table.schema]
        columns = [column.to_pylist() for column in table.columns]
        return table.schema.names, types, list(zip(*columns))

    return ask


def main():
    task = json.load(sys.stdin)
    engines = {"duckdb": duckdb, "duckdb_extension_tpcds": duckdb_with_tpcds, "pyarrow": pyarrow}
    ask = engines[task["engine"]](task)
    answers = []
    for question in task["questions"]:
        try:
            names, types, rows = ask(question)
            rows = [[cell(value) for value in row] for row in rows]
            answers.append({"names": names, "types": types, "rows": rows})
        except Exception as error:
            answers.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
