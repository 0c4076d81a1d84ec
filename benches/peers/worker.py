"""Runs one query in one Python engine, in a process of its own, and tells how long it took.

compare.py starts this file; it is not meant to be run by hand. It prints one line of JSON:
{"seconds": 0.123}, or {"error": "..."} and leaves with status 1.
"""

import json
import sys
import time


def duckdb(task):
    import duckdb

    connection = duckdb.connect()
    if task["memory"]:
        connection.execute(f"SET memory_limit = '{task['memory']}B'")
        connection.execute(f"SET temp_directory = '{task['scratch']}'")
    for name, files in task["tables"].items():
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{files}'")
    sql = task["sql"]

    def measured():
        if task["keep"]:
            connection.execute(f"CREATE TEMP TABLE answer AS {sql}")
        else:
            connection.execute(sql).fetchall()

    def answer(path):
        connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT csv, HEADER)")

    return measured, answer


def datafusion(task):
    import datafusion
    import pyarrow.csv

    runtime = datafusion.RuntimeEnvBuilder().with_temp_file_path(task["scratch"])
    if task["memory"]:
        runtime = runtime.with_fair_spill_pool(task["memory"])
    context = datafusion.SessionContext(datafusion.SessionConfig(), runtime)
    for name, files in task["tables"].items():
        context.register_parquet(name, files.rsplit("/", 1)[0] + "/")

    def answer(path):
        frame = context.sql(task["sql"])
        writer = None
        for batch in frame.execute_stream():
            batch = plain(batch.to_pyarrow())
            writer = writer or pyarrow.csv.CSVWriter(path, batch.schema)
            writer.write_batch(batch)
        if writer is None:
            open(path, "w").write(",".join(frame.schema().names) + "\n")
        else:
            writer.close()

    return lambda: context.sql(task["sql"]).collect(), answer


def plain(batch):
    """The batch with types that pyarrow can write as CSV."""
    import pyarrow

    def cast(array):
        if pyarrow.types.is_string_view(array.type) or pyarrow.types.is_decimal(array.type):
            return array.cast(pyarrow.string())
        return array

    return pyarrow.RecordBatch.from_arrays([cast(a) for a in batch.columns], batch.schema.names)


def polars(task):
    import polars

    frames = {name: polars.scan_parquet(files) for name, files in task["tables"].items()}
    context = polars.SQLContext(frames)
    return (
        lambda: context.execute(task["sql"]).collect(),
        lambda path: context.execute(task["sql"]).collect().write_csv(path),
    )


ENGINES = {"duckdb": duckdb, "datafusion": datafusion, "polars": polars}


def main():
    task = json.loads(sys.stdin.read())
    try:
        measured, answer = ENGINES[task["engine"]](task)
        start = time.perf_counter()
        if task["answer"]:
            answer(task["answer"])
        else:
            measured()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
    except BaseException as error:  # Engines' panics are no Exceptions, and are answers, too.
        lines = str(error).strip().splitlines()
        text = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
        print(json.dumps({"error": text[:300]}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
