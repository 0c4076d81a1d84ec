#!/usr/bin/env python3
"""What Arrow Flight SQL costs: `strata serve` beside a server of Arrow Flight with no engine, and beside DuckDB.

    rows      many rows read whole by ADBC, and by a client that keeps nothing
    small     SELECT 1, there and back
    sessions  many sessions, each sending small queries
    queries   TPC-H
    large     a result larger than the memory it passes through

Everything listens on this machine only, and ends with this program.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from compare import Problem, find_strata, find_tables

HERE = Path(__file__).resolve().parent
PARTS = ["rows", "small", "sessions", "queries", "large"]
ROWS = """COPY (SELECT value AS id, CAST(value * 7919 % 100000 AS INT) AS number, value * 0.37 AS price,
  CAST(CAST(value / 5000 AS INT) AS DATE) AS day, 'customer ' || (value * 104729 % 10000019) AS customer,
  CASE value % 4 WHEN 0 THEN 'north' WHEN 1 THEN 'east' WHEN 2 THEN 'south' ELSE 'west' END AS region
  FROM range(0, {rows})) TO '{file}'"""
SMALL = [
    "SELECT 1",
    "SELECT name, price FROM things WHERE id = 77",
    "SELECT kind, count(*) AS n, sum(price) AS s FROM things GROUP BY kind ORDER BY kind",
]
THINGS = """CREATE TABLE things AS SELECT value AS id, 'thing ' || value AS name, value * 0.5 AS price,
  value % 7 AS kind FROM (SELECT unnest(range(0, 1000)) AS value)"""
# Four columns of eight bytes.
LARGE = "SELECT value AS a, value * 2 AS b, value + 3 AS c, value * 0.5 AS d FROM range(0, {rows})"


class Server:
    """A process that answers, and how to ask it."""

    def __init__(self, name, command=None, address=None, login=None):
        self.name, self.address, self.login, self.process = name, address, login, None
        if not command:
            return
        env = {**os.environ, "STRATA_CONFIG": ""}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
        )
        said = ""
        for line in self.process.stdout:
            said += line
            if "serving at " in line:
                self.address = line.split("serving at ")[1].strip().removeprefix("grpc://")
                break
        else:
            raise Problem(f"{name} does not start: {said.strip()[-500:]}")
        # What it says later must not stop it.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    @property
    def flags(self):
        return ["--user", self.login[0], "--password", self.login[1]] if self.login else []

    def connect(self):
        from adbc_driver_flightsql import dbapi

        login = {"username": self.login[0], "password": self.login[1]} if self.login else {}
        size = {"adbc.flight.sql.client_option.with_max_msg_size": str(1 << 30)}
        return dbapi.connect(f"grpc://{self.address}", db_kwargs={**size, **login}, autocommit=True)

    def ask(self, text):
        """Runs a statement; its rows, and how long that took."""
        with self.connect() as connection, connection.cursor() as cursor:
            return fetched(cursor, text)

    def memory(self, what):
        """VmHWM or VmRSS in MiB, where the process is ours."""
        if not self.process:
            return float("nan")
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))

    def forget(self):
        """Begins to look for the highest memory anew."""
        if self.process:
            Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def fetched(cursor, text):
    began = time.perf_counter()
    cursor.execute(text)
    table = cursor.fetch_arrow_table()
    return table, time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--strata", help="the command; built from here by default")
    parser.add_argument("--benches", help="strata-benches; beside the command by default")
    parser.add_argument("--data", type=Path, help="a folder of TPC-H tables, for `queries`")
    parser.add_argument("--names", default="q01,q03,q05,q06,q09,q18", help="which of TPC-H")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5, help="of each, in turn")
    parser.add_argument("--asked", type=int, default=1000, help="how often SELECT 1")
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", help="a limit for all: 2GiB")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of ours")
    parser.add_argument("--peer", metavar="NAME=HOST:PORT",
                        help="a Flight SQL server that runs already takes part, such as GizmoSQL")
    parser.add_argument("--peer-login", metavar="NAME:PASSWORD", help="how to log in there")
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    try:
        args.strata = str(find_strata(args.strata))
        beside = Path(args.strata).resolve().with_name("strata-benches")
        args.benches = args.benches or shutil.which(beside) or shutil.which("strata-benches")
        if not args.benches:
            raise Problem(f"there is no {beside}: build it with `cargo build --release -p strata-benches`")
        with tempfile.TemporaryDirectory() as folder:
            for part in args.parts or PARTS:
                globals()[part](args, Path(folder))
    except Problem as problem:
        sys.exit(f"flight.py: {problem}")


@contextlib.contextmanager
def servers(*makers):
    """Servers, one after the other, as a later one may ask an earlier one."""
    with contextlib.ExitStack() as stack:
        made = []
        for make in makers:
            server = make(*made) if make else None
            if server:
                stack.callback(server.close)
                made.append(server)
        yield made


def strata(args, *flags):
    settings = [flag for setting in args.set for flag in ("--set", setting)]
    limit = ["--memory", args.memory] if args.memory else []
    command = [args.strata, "serve", "--listen", "127.0.0.1:0", "--threads", str(args.threads)]
    return lambda *_: Server("strata", [*command, *limit, *settings, *flags])


def duckdb(args):
    """DuckDB behind Flight, by way of Python."""
    def start(*_):
        command = [sys.executable, str(HERE / "peers/duckdb_flight.py"), "--threads", str(args.threads)]
        limit = ["--memory", args.memory] if args.memory else []
        return Server("duckdb", [*command, *limit])

    return start


def peer(args):
    """What somebody else has started."""
    def start(*_):
        name, _, address = args.peer.partition("=")
        login = tuple(args.peer_login.split(":", 1)) if args.peer_login else None
        return Server(name, address=address, login=login)

    return start if args.peer else None


def bench(args, *words):
    """A client of strata-benches; what it tells."""
    done = subprocess.run([args.benches, "flight", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"strata-benches flight {words[0]}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def made(args, folder):
    """The rows, as a file."""
    file = folder / "rows.parquet"
    if not file.exists():
        with servers(strata(args)) as [server]:
            server.ask(ROWS.format(rows=args.rows, file=file))
    return file


def rows(args, folder):
    file = made(args, folder)
    memory = "SELECT * FROM rows"
    of_file = f"SELECT * FROM '{file}'"

    def holding(*_):
        server = strata(args)()
        server.ask(f"CREATE TABLE rows AS SELECT * FROM '{file}'")
        return server

    def bare(ours, *_):
        # It fetches the rows of the table, so that both send the same batches.
        command = [args.benches, "flight", "bare", ours.address, memory]
        return Server("bare", [*command, "--threads", str(args.threads)])

    with servers(holding, strata(args), bare, duckdb(args), peer(args)) as all_of_them:
        held, reading, nothing, *others = all_of_them
        cases = [("bare arrow-flight", nothing, memory), ("strata, a table in memory", held, memory),
                 ("strata, Parquet", reading, of_file)]
        cases += [(f"{other.name}, Parquet", other, of_file) for other in others]
        print(f"{args.rows:,} rows x 6 columns, {args.threads} threads, median of {args.runs} in turn")
        compared(args, cases, "ADBC, a pyarrow table", by_adbc)
        compared(args, cases, "a client in Rust that keeps nothing", by_rust(args))


def by_adbc(server, text):
    table, seconds = server.ask(text)
    return table.num_rows, table.nbytes, seconds


def by_rust(args):
    def ask(server, text):
        told = bench(args, "fetch", server.address, text, *server.flags)
        return told["rows"], told["bytes"], told["seconds"]

    return ask


def compared(args, cases, client, ask):
    """Each in turn; the first one's throughput is what the others' are told of."""
    taken, read = [[] for _ in cases], [None for _ in cases]
    for _, server, _ in cases:
        server.forget()
    for run in range(args.runs + 1):
        for at, (_, server, text) in enumerate(cases):
            count, size, seconds = ask(server, text)
            if count != args.rows:
                raise Problem(f"{cases[at][0]} sent {count} rows instead of {args.rows}")
            read[at] = size
            # The first time is nobody's.
            taken[at] += [seconds] if run else []
    print(f"  {client}")
    first = statistics.median(taken[0])
    for (name, server, _), seconds, size in zip(cases, taken, read):
        median = statistics.median(seconds)
        print(f"    {name:28} {median:7.3f} s  {args.rows / median / 1e6:6.2f} M rows/s  "
              f"{size / median / 1e6:7.0f} MB/s  x{first / median:.2f} of the first  "
              f"peak {server.memory('VmHWM'):6.0f} MiB")


def small(args, _):
    print(f"SELECT 1, there and back, {args.asked} times, warm")
    with servers(strata(args), duckdb(args), peer(args)) as all_of_them:
        for server in all_of_them:
            with server.connect() as connection, connection.cursor() as cursor:
                for _ in range(args.asked // 5):
                    fetched(cursor, "SELECT 1")
                told("ADBC", server, [fetched(cursor, "SELECT 1")[1] for _ in range(args.asked)])
            seconds = bench(args, "small", server.address, "--runs", args.asked, *server.flags)
            told("Rust", server, seconds["seconds"])


def told(client, server, seconds):
    seconds = sorted(seconds)
    p99 = seconds[min(int(len(seconds) * 0.99), len(seconds) - 1)]
    print(f"  {client}  {server.name:10} median {statistics.median(seconds) * 1000:7.2f} ms  "
          f"p99 {p99 * 1000:7.2f} ms")


def sessions(args, _):
    print(f"{args.sessions} sessions, small queries for {args.seconds:.0f} s")
    with servers(strata(args), peer(args)) as all_of_them:
        for server in all_of_them:
            server.ask(THINGS)
            seen, ended = [], threading.Event()

            def watch():
                early = min(10, args.seconds / 2)
                while not ended.wait(early if not seen else 1):
                    seen.append(server.memory("VmRSS"))

            watching = threading.Thread(target=watch)
            watching.start()
            try:
                queries = [flag for text in SMALL for flag in ("--query", text)]
                found = bench(args, "sessions", server.address, "--sessions", args.sessions,
                              "--seconds", args.seconds, *queries, *server.flags)
            finally:
                ended.set()
                watching.join()
            seen = seen or [float("nan")]
            print(f"  {server.name:10} {found['queries']} queries, {found['errors']} errors, "
                  f"{found['queries'] / found['seconds']:.0f}/s  p50 {(found['p50'] or 0) * 1000:.1f} ms  "
                  f"p99 {(found['p99'] or 0) * 1000:.1f} ms  most {(found['most'] or 0) * 1000:.1f} ms  "
                  f"RSS {seen[0]:.0f} MiB early, {seen[-1]:.0f} MiB at the end")
            if found["errors"]:
                print(f"             the first error: {found['error']}")


def queries(args, _):
    if not args.data:
        print("TPC-H is left out: make tables with `strata generate tpch --scale 1 --out DIR`, and give --data DIR")
        return
    tables = find_tables("tpch", args.data)
    wanted = args.names.split(",")
    texts = {name: (HERE / "queries/tpch" / f"{name}.sql").read_text().strip().rstrip(";") for name in wanted}
    print(f"TPC-H by ADBC, {args.threads} threads, median of {args.runs} in turn")
    with servers(strata(args), duckdb(args), peer(args)) as all_of_them, contextlib.ExitStack() as stack:
        cursors = []
        for server in all_of_them:
            connection = stack.enter_context(server.connect())
            cursors.append(stack.enter_context(connection.cursor()))
            for name, files in tables.items():
                fetched(cursors[-1], f"CREATE VIEW {name} AS FROM '{files}'")
        for name, text in texts.items():
            taken, counts = [[] for _ in cursors], set()
            for run in range(args.runs + 1):
                for at, cursor in enumerate(cursors):
                    table, seconds = fetched(cursor, text)
                    counts.add(table.num_rows)
                    taken[at] += [seconds] if run else []
            if len(counts) > 1:
                raise Problem(f"{name} has {counts} rows")
            medians = [statistics.median(seconds) for seconds in taken]
            line = "".join(
                f"  {server.name} {median * 1000:8.1f} ms"
                for server, median in zip(all_of_them, medians)
            )
            ratios = "".join(f"  x{medians[0] / other:.2f} of {server.name}"
                             for server, other in zip(all_of_them[1:], medians[1:]))
            print(f"  {name}{line}{ratios}")


def large(args, _):
    count = int(args.gigabytes * 1e9 / 32)
    with servers(strata(args)) as [server]:
        idle = server.memory("VmHWM")
        told = bench(args, "fetch", server.address, LARGE.format(rows=count))
        if told["rows"] != count:
            raise Problem(f"{told['rows']} rows came instead of {count}")
        print(f"{told['bytes'] / 1e9:.1f} GB, made as they are sent: {told['seconds']:.1f} s, "
              f"{told['bytes'] / told['seconds'] / 1e6:.0f} MB/s; the server idle {idle:.0f} MiB, "
              f"at most {server.memory('VmHWM'):.0f} MiB")


if __name__ == "__main__":
    main()
