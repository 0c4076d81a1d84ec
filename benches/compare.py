#!/usr/bin/env python3
"""Strata beside its peers: time, memory and answers, measured in one run on one machine."""

import argparse
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers import answers

HERE = Path(__file__).resolve().parent
TABLES = {
    "tpch": "customer lineitem nation orders part partsupp region supplier".split(),
    "h2o": "h2o_x j_x j_small j_medium j_big".split(),
}
# What a Python engine needs; Strata is its own binary.
PACKAGES = {"duckdb": ["duckdb"], "polars": ["polars"], "datafusion": ["datafusion", "pyarrow"]}
ENGINES = ["strata", *PACKAGES]
# Answers are checked against this one.
REFERENCE = "duckdb"


class Problem(Exception):
    """Something the reader can put right."""


class Failed(Exception):
    """A query that an engine could not run."""


def main():
    args = arguments()
    try:
        sys.exit(args.run(args))
    except Problem as problem:
        sys.exit(f"compare.py: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Only ratios within one run mean anything: other machines, and other hours on this "
        "one, give other seconds.",
    )
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    about = {
        "tpch": "the 22 TPC-H queries",
        "h2o": "the h2o.ai benchmark: ten groupings, five joins",
    }
    for name, help_text in about.items():
        command = commands.add_parser(
            name,
            help=help_text,
            description=f"Runs {help_text}. Make the data with: "
            f"strata generate {name} --scale 1 --out DIR",
        )
        command.set_defaults(run=compare, benchmark=name)
        command.add_argument(
            "--data", type=Path, required=True, metavar="DIR", help="where the tables' folders lie"
        )
        example = "1,5,9" if name == "tpch" else "g01,j05"
        command.add_argument("--queries", metavar="LIST", help=f"only these, such as {example}")
        command.add_argument(
            "--engines",
            metavar="LIST",
            default=",".join(ENGINES),
            help="who takes part; ratios refer to the first (default: %(default)s)",
        )
        command.add_argument(
            "--runs", type=positive, default=3, metavar="N", help="runs of each (default: 3)"
        )
        command.add_argument(
            "--memory",
            type=size,
            metavar="SIZE",
            help="a limit such as 2GiB, for those that have one (Polars has none)",
        )
        command.add_argument(
            "--timeout",
            type=positive,
            default=600,
            metavar="S",
            help="give up on a run after so many seconds (default: 600)",
        )
        command.add_argument(
            "--check",
            action="store_true",
            help="compare all answers with DuckDB's; status 1 if one differs",
        )
        command.add_argument("--json", type=Path, metavar="FILE", help="all figures, for machines")
        add_strata(command)
    start = commands.add_parser(
        "start",
        help="how long it takes to be ready: SELECT 1",
        description="Times `strata -c 'SELECT 1'` beside the same with DuckDB.",
    )
    start.set_defaults(run=compare_start)
    start.add_argument(
        "--runs", type=positive, default=20, metavar="N", help="runs of each (default: 20)"
    )
    add_strata(start)
    return parser.parse_args()


def add_strata(command):
    command.add_argument(
        "--strata",
        metavar="PATH",
        help="the binary (default: the workspace's release build, else the one on PATH)",
    )


def positive(text):
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def size(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B|B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is no size such as 512MiB or 2GiB")
    unit = (match[2] or "B").upper()
    base = 1024 if "I" in unit else 1000
    return int(float(match[1]) * base ** " KMGT".index(unit[0] if unit != "B" else " "))


def find_strata(given):
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    found = given or shutil.which("strata", path=target / "release") or shutil.which("strata")
    if not found or not os.access(found, os.X_OK):
        where = f"'{given}' is no program" if given else "there is no strata binary"
        raise Problem(f"{where}: build it with `cargo build --release`, or give --strata PATH")
    return os.path.abspath(found)


def compare(args):
    engines = chosen_engines(args)
    tables = find_tables(args.benchmark, args.data)
    queries = chosen_queries(args.benchmark, args.queries)
    warm(tables)
    # Not in memory: engines that spill are given this folder, and /tmp may be a RAM disk.
    with tempfile.TemporaryDirectory(prefix="compare-", dir=args.data) as scratch:
        bench = Bench(args, tables, Path(scratch))
        results = measure(bench, engines, queries, args.runs)
        print_results(results, engines, queries)
        differences = check(bench, engines, queries) if args.check else []
    if args.json:
        write_json(args, engines, results, differences)
    return 1 if differences else 0


def chosen_engines(args):
    engines = [name.strip() for name in args.engines.split(",") if name.strip()]
    for name in engines:
        if name not in ENGINES:
            raise Problem(f"there is no engine '{name}': choose from {', '.join(ENGINES)}")
    needed = [*engines, *([REFERENCE] if args.check else [])]
    missing = {
        package
        for name in needed
        for package in PACKAGES.get(name, [])
        if not importlib.util.find_spec(package)
    }
    if missing:
        raise Problem(
            f"this Python has no {' and no '.join(sorted(missing))}: "
            f"install the peers with `{sys.executable} -m pip install -r "
            f"{HERE / 'requirements.txt'}`, or leave them out with --engines"
        )
    if "strata" in engines:
        args.strata = find_strata(args.strata)
    return engines


def find_tables(benchmark, data):
    tables = {}
    for name in TABLES[benchmark]:
        if not any((data / name).glob("*.parquet")):
            raise Problem(
                f"'{data / name}' holds no .parquet files: make them with "
                f"`strata generate {benchmark} --scale 1 --out {data}`"
            )
        tables[name] = f"{(data / name).resolve()}/*.parquet"
    return tables


def chosen_queries(benchmark, names):
    """Names to texts."""
    folder = HERE / "queries" / benchmark
    texts = {path.stem: path.read_text() for path in sorted(folder.glob("*.sql"))}
    if not names:
        return texts
    chosen = {}
    for name in names.split(","):
        name = name.strip()
        full = f"q{int(name):02}" if name.isdigit() else name
        if full not in texts:
            raise Problem(f"there is no query '{name}': the queries are {', '.join(texts)}")
        chosen[full] = texts[full]
    return chosen


def warm(tables):
    """Reads every file once, so that the first engine does not pay for the disk."""
    for files in tables.values():
        for path in Path(files).parent.glob("*.parquet"):
            with open(path, "rb") as file:
                while file.read(1 << 20):
                    pass


class Bench:
    """Runs one query in one engine, in a process of its own."""

    def __init__(self, args, tables, scratch):
        self.args, self.tables, self.scratch = args, tables, scratch
        # The h2o answers are as large as the tables. Its rules say that they are to be kept as
        # tables; printing them would measure the printing.
        self.keep = args.benchmark == "h2o"

    def run(self, engine, sql, answer=None):
        """What it took: wall seconds of the process, its peak in bytes and, where the engine tells
        them, seconds of the query."""
        sql = sql.strip().rstrip(";")
        if engine == "strata":
            return self.run_strata(sql, answer)
        task = {
            "engine": engine,
            "tables": self.tables,
            "sql": sql,
            "keep": self.keep,
            "memory": self.args.memory,
            "scratch": str(self.scratch),
            "answer": str(answer) if answer else None,
        }
        command = [sys.executable, str(HERE / "peers" / "worker.py")]
        wall, peak, status, out, err = self.process(command, json.dumps(task))
        report = last_json(out)
        if status != 0 or "seconds" not in report:
            raise Failed(report.get("error") or ended(status, err))
        return {"wall": wall, "query": report["seconds"], "peak": peak}

    def run_strata(self, sql, answer):
        views = "".join(
            f"CREATE VIEW {name} AS SELECT * FROM '{files}';\n"
            for name, files in self.tables.items()
        )
        if sql and self.keep and not answer:
            sql = f"CREATE TABLE answer AS {sql}"
        script = self.scratch / "script.sql"
        script.write_text(views + (f"{sql};\n" if sql else ""))
        command = [self.args.strata, "-f", str(script), "--format", "csv"]
        command += ["-o", str(answer or os.devnull)]
        if self.args.memory:
            command += ["--memory", f"{self.args.memory // 1024}KiB", "--spill-dir", str(self.scratch)]
        wall, peak, status, _, err = self.process(command)
        if status != 0:
            raise Failed(ended(status, err))
        return {"wall": wall, "peak": peak}

    def process(self, command, stdin=""):
        # A child's peak includes its parent's memory at the fork: this process stays small and
        # leaves all data to its children.
        with tempfile.TemporaryFile(dir=self.scratch) as out, tempfile.TemporaryFile(
            dir=self.scratch
        ) as err, tempfile.TemporaryFile(dir=self.scratch) as task:
            task.write(stdin.encode())
            task.seek(0)
            start = time.perf_counter()
            child = subprocess.Popen(command, stdin=task, stdout=out, stderr=err)
            alarm = signal.signal(signal.SIGALRM, lambda *_: child.kill())
            signal.alarm(self.args.timeout)
            try:
                _, status, usage = os.wait4(child.pid, 0)
            except KeyboardInterrupt:
                child.kill()
                raise
            finally:
                signal.alarm(0)
                signal.signal(signal.SIGALRM, alarm)
            wall = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), err.seek(0)
            texts = [file.read().decode(errors="replace") for file in (out, err)]
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if child.returncode == -signal.SIGKILL and wall >= self.args.timeout:
            raise Failed(f"not done after {self.args.timeout} s")
        return wall, peak, child.returncode, *texts


def last_json(text):
    lines = text.strip().splitlines()
    try:
        return json.loads(lines[-1]) if lines else {}
    except json.JSONDecodeError:
        return {}


def ended(status, err):
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] if lines else f"ended with status {status}"


def measure(bench, engines, queries, runs):
    """Every engine in turn, again and again: what disturbs one disturbs all."""
    results = {name: {} for name in queries}
    for name, sql in queries.items():
        for number in range(runs):
            note(f"{name}, run {number + 1} of {runs}")
            for engine in engines:
                result = results[name].setdefault(engine, {"runs": []})
                if "error" in result:
                    continue
                try:
                    figures = bench.run(engine, sql)
                    if engine == "strata":
                        # The binary tells no times: a run that only makes the views tells what
                        # the query did not cost.
                        figures["start"] = bench.run(engine, "")["wall"]
                    result["runs"].append(figures)
                except Failed as failure:
                    result["error"] = str(failure)
    note("")
    for result in (result for by_engine in results.values() for result in by_engine.values()):
        if "error" not in result:
            median = lambda figure: statistics.median(run[figure] for run in result["runs"])
            result["wall"] = median("wall")
            if "start" in result["runs"][0]:
                result["query"] = max(result["wall"] - median("start"), 0.001)
            else:
                result["query"] = median("query")
            result["peak"] = max(run["peak"] for run in result["runs"])
    return results


def note(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def print_results(results, engines, queries):
    first = engines[0]
    print("Medians: seconds of the query (as a multiple of the first engine's), seconds of the whole")
    print("process, and the process's peak memory in MiB.\n")
    print("     " + "".join(f"{engine:>34}" for engine in engines))
    print("     " + "".join(f"{'query':>17}{'process':>9}{'peak':>8}" for _ in engines))
    for name in queries:
        cells = []
        for engine in engines:
            result = results[name][engine]
            if "error" in result:
                cells.append(f"{'failed':>34}")
                continue
            ratio = ratio_to(results[name], engine, first)
            times = f" ×{ratio:<5.2f}" if ratio and engine != first else " " * 7
            query, peak = result["query"], result["peak"] / 2**20
            cells.append(f"{query:>10.3f}{times}{result['wall']:>9.3f}{peak:>8.0f}")
        print(f"{name:<5}" + "".join(cells))
    print()
    for engine in engines:
        done = [name for name in queries if "error" not in results[name][engine]]
        total = sum(results[name][engine]["query"] for name in done)
        line = f"{engine}: {len(done)} of {len(queries)} queries, {total:.2f} s together"
        ratios = [ratio for name in done if (ratio := ratio_to(results[name], engine, first))]
        if engine != first and ratios:
            geometric = math.exp(statistics.fmean(map(math.log, ratios)))
            line += f", ×{geometric:.2f} {first}'s time (geometric mean of {len(ratios)})"
        if done:
            line += f", peak {max(results[name][engine]['peak'] for name in done) / 2**20:.0f} MiB"
        print(line)
    for name in queries:
        for engine in engines:
            if "error" in results[name][engine]:
                print(f"{name} failed in {engine}: {results[name][engine]['error']}")


def ratio_to(by_engine, engine, first):
    """How much longer `engine` takes than `first`, where both could."""
    if "error" in by_engine[engine] or "error" in by_engine[first]:
        return None
    return by_engine[engine]["query"] / by_engine[first]["query"]


def check(bench, engines, queries):
    """Every answer beside the reference's."""
    differences, checked = [], 0
    for name, sql in queries.items():
        expected = bench.scratch / "expected.csv"
        try:
            note(f"checking {name}")
            bench.run(REFERENCE, sql, expected)
        except Failed as failure:
            raise Problem(f"{REFERENCE} cannot run {name}: {failure}") from None
        for engine in (engine for engine in engines if engine != REFERENCE):
            actual = bench.scratch / "actual.csv"
            actual.unlink(missing_ok=True)
            try:
                bench.run(engine, sql, actual)
            except Failed as failure:
                note("")
                print(f"{name} fails in {engine}: {failure}")
                continue
            checked += 1
            if difference := answers.difference(expected, actual):
                differences.append({"query": name, "engine": engine, "difference": difference})
    note("")
    print()
    for wrong in differences:
        print(f"{wrong['query']} differs in {wrong['engine']}: {wrong['difference']}")
    print(f"{checked - len(differences)} of {checked} answers are {REFERENCE}'s")
    return differences


def write_json(args, engines, results, differences):
    versions = {
        package: importlib.metadata.version(package)
        for engine in engines
        for package in PACKAGES.get(engine, [])
    }
    if "strata" in engines:
        command = [args.strata, "--version"]
        versions["strata"] = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    report = {
        "benchmark": args.benchmark,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "memory_limit": args.memory,
        "versions": versions,
        "results": results,
        "differences": differences if args.check else None,
    }
    args.json.write_text(json.dumps(report, indent=1) + "\n")


def compare_start(args):
    commands = {"strata": [find_strata(args.strata), "-c", "SELECT 1"]}
    if importlib.util.find_spec("duckdb"):
        program = "import duckdb; duckdb.sql('SELECT 1').fetchall()"
        commands["duckdb in Python"] = [sys.executable, "-c", program]
    if shutil.which("duckdb"):
        commands["duckdb's shell"] = ["duckdb", "-c", "SELECT 1"]
    if len(commands) == 1:
        command = f"{sys.executable} -m pip install duckdb"
        raise Problem(f"there is no DuckDB to compare with: install it with `{command}`")
    walls = {name: [] for name in commands}
    for number in range(args.runs + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            wall = time.perf_counter() - start
            if done.returncode != 0:
                text = ended(done.returncode, done.stderr.decode(errors="replace"))
                raise Problem(f"{name} failed: {text}")
            if number > 0:  # The first run reads the programs from disk.
                walls[name].append(wall)
    for name, seconds in walls.items():
        ratios = [peer / own for peer, own in zip(seconds, walls["strata"])]
        line = f"{name:<18}{statistics.median(seconds) * 1000:>8.1f} ms"
        print(line + ("" if name == "strata" else f"   ×{statistics.median(ratios):.2f} strata's"))
    return 0


if __name__ == "__main__":
    main()
