#!/usr/bin/env python3
"""What a pool costs: the same queries in one process and on workers of one machine, in one run.

With --ballista also beside stock Ballista: a scheduler, and as many executors of as many cores.

Also: how long a pool takes to its first result, what an idle worker holds, what a job costs that does
nothing, and what a task costs that does next to nothing, beside Dask distributed where that is installed.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import TABLES, Problem, find_strata, find_tables

HERE = Path(__file__).resolve().parent
QUERIES = HERE / "queries" / "tpch"
PEER = HERE / "peers" / "ballista" / "Cargo.toml"
TIMED = re.compile(r"^Time: ([\d.]+) (ms|s)$")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of TPC-H tables")
    parser.add_argument("--strata", type=Path, help="the command; built from here by default")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="cores in all, alike for both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--queries", default="", help="q01,q05: only these")
    parser.add_argument("--ballista", type=Path, metavar="PATH", help="stock Ballista takes part: "
                        f"the program that `cargo build --release --manifest-path {PEER}` builds")
    parser.add_argument("--ballista-set", action="append", default=[], metavar="NAME=VALUE",
                        help="a setting of its sessions, which are as they come otherwise")
    args = parser.parse_args()
    try:
        strata = str(find_strata(args.strata))
        tables = find_tables("tpch", args.data)
        if args.ballista and not os.access(args.ballista, os.X_OK):
            raise Problem(f"'{args.ballista}' is no program: {how_to_build()}")
        args.ballista = args.ballista and args.ballista.resolve()
    except Problem as problem:
        sys.exit(f"pool.py: {problem}")
    wanted = set(filter(None, args.queries.split(",")))
    queries = sorted(QUERIES.glob("*.sql"))
    queries = {path.stem: path.read_text() for path in queries if not wanted or path.stem in wanted}
    tpch(args, strata, tables, queries)
    start(args, strata)
    idle(strata)
    jobs(args, strata)
    tasks(args, strata)


def how_to_build():
    return f"build it with `cargo build --release --manifest-path {PEER}` and give --ballista PATH"


def run(command, text, form="csv", **more):
    """Runs statements; what was printed, and the milliseconds of each."""
    env = {**os.environ, "STRATA_CONFIG": "", **more}
    done = subprocess.run(
        [*command, "--set", "shell.timer=true", "--format", form, "-f", "-"],
        input=text, capture_output=True, text=True, env=env,
    )
    if done.returncode != 0:
        sys.exit(f"pool.py: {' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    times = [TIMED.match(line) for line in (done.stdout + done.stderr).splitlines()]
    return done.stdout, [float(t[1]) * (1000 if t[2] == "s" else 1) for t in times if t]


def tpch(args, strata, tables, queries):
    views = "".join(f"CREATE VIEW {name} AS FROM '{files}';\n" for name, files in tables.items())
    text = views + "".join(query.rstrip().rstrip(";") + ";\n" for query in queries.values())
    kinds = {"local": [], "pool": ["--workers", str(args.workers)]}
    taken = {kind: [] for kind in kinds}
    stock = {name: [] for name in queries}
    for _ in range(args.rounds):
        # In turn, so that a slow hour is slow for all.
        for kind, flags in kinds.items():
            _, times = run([strata, "--threads", str(args.threads), *flags], text)
            taken[kind].append(times[-len(queries):])
        # What it could not answer once is not asked again.
        names = [name for name, lines in stock.items() if not any(line["error"] for line in lines)]
        if args.ballista and names:
            for line in ballista(args, names):
                stock[line["query"]].append(line)
    best = {kind: [min(times) for times in zip(*rounds)] for kind, rounds in taken.items()}
    ratios = [pool / local for pool, local in zip(best["pool"], best["local"])]
    print(f"TPC-H, {args.workers} workers x {args.threads // args.workers} cores beside one process "
          f"with {args.threads} threads, best of {args.rounds}")
    peer, peer_ratios = {}, []
    if args.ballista:
        print(f"and beside stock Ballista, {args.workers} executors x {args.threads // args.workers} "
              "cores, push" + "".join(f", {setting}" for setting in args.ballista_set))
        out, _ = run([strata, *kinds["pool"]], text, form="json")
        for name, pool, ours in zip(queries, best["pool"], rows(out)):
            peer[name], ratio = beside_ballista(stock[name], pool, ours)
            peer_ratios += [ratio] if ratio else []
    for name, local, pool, ratio in zip(queries, best["local"], best["pool"], ratios):
        print(f"  {name}  {local:8.1f} ms  {pool:8.1f} ms  x{ratio:.2f}{peer.get(name, '')}")
    sums = [sum(best[kind]) for kind in kinds]
    print(f"  sum  {sums[0]:8.1f} ms  {sums[1]:8.1f} ms  x{sums[1] / sums[0]:.2f}")
    print(f"  geometric mean of the ratios: {geometric(ratios):.2f}")
    if peer_ratios:
        print(f"  and of those to stock Ballista, {len(peer_ratios)} queries: "
              f"{geometric(peer_ratios):.2f}")
    if not args.ballista:
        print(f"stock Ballista was left out: {how_to_build()}")


def geometric(ratios):
    return math.exp(statistics.fmean(map(math.log, ratios)))


def ballista(args, names):
    """One round of stock Ballista: of each query its seconds, its rows, and why it has none."""
    command = [args.ballista, "run", "--data", args.data, "--executors", str(args.workers),
               "--cores", str(args.threads // args.workers)]
    for setting in args.ballista_set:
        command += ["--set", setting]
    command += [QUERIES / f"{name}.sql" for name in names]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"pool.py: {args.ballista} failed: {done.stderr.strip()[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def beside_ballista(lines, pool, ours):
    """The rest of a query's line, and the pool's time as a multiple of stock Ballista's."""
    error = next((line["error"] for line in lines if line["error"]), None)
    others = {line["rows"] for line in lines} - {ours}
    if error or others:
        why = error or f"{others.pop()} rows instead of {ours}"
        return f"     none: {' '.join(why.split())[:120]}", None
    theirs = min(line["seconds"][0] for line in lines) * 1000
    return f"  {theirs:8.1f} ms  x{pool / theirs:.2f}", pool / theirs


def rows(text):
    """How many rows each answer has: answers as JSON, since that tells where one ends."""
    found, text = [], text.strip()
    while text:
        answer, end = json.JSONDecoder().raw_decode(text)
        found.append(len(answer))
        text = text[end:].lstrip()
    return found


def start(args, strata):
    times = []
    for _ in range(5):
        began = time.perf_counter()
        run([strata, "--workers", str(args.workers)], "SELECT 1;")
        times.append(time.perf_counter() - began)
    print(f"from nothing to the first result of {args.workers} workers: "
          f"{statistics.median(times) * 1000:.0f} ms")


def idle(strata):
    text = "SELECT 1; SHOW WORKERS;"
    with subprocess.Popen(
        [strata, "--workers", "1", "--format", "json"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "STRATA_CONFIG": ""},
    ) as process:
        process.stdin.write(text + "\n")
        process.stdin.flush()
        time.sleep(2)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        found = [
            int(line.split()[1])
            for task in Path(f"/proc/{process.pid}/task").iterdir()
            for child in (task / "children").read_text().split()
            for line in Path(f"/proc/{child}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        ]
        process.stdin.close()
        process.wait()
    del children
    print(f"an idle worker holds {max(found) / 1024:.0f} MiB" if found else "no worker was found")


def jobs(args, strata):
    _, times = run([strata, "--workers", str(args.workers)], "SELECT 1;\n" * 200)
    print(f"SELECT 1 on a warm pool: {statistics.median(times[50:]):.2f} ms")


def tasks(args, strata):
    """As many files of one row, each a task of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.tasks):
            (Path(folder) / f"{number:06}.csv").write_text(f"a\n{number}\n")
        flags = ["--workers", str(args.workers), "--set", "pool.small=0B",
                 "--set", f"pool.parts={args.tasks}"]
        text = f"SELECT count(*) AS n, sum(a) AS s FROM '{folder}/*.csv';\n" * 3
        out, times = run([strata, *flags], text)
        assert str(args.tasks) in out, out
        print(f"{args.tasks} tasks of one row each: {min(times) * 1000 / args.tasks:.0f} us a task")
    dask(args)


def dask(args):
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        print("Dask distributed is not installed: pip install distributed")
        return
    with LocalCluster(n_workers=args.workers, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            def add(numbers):
                return sum(client.gather(client.map(lambda n: n + 1, numbers, pure=False)))

            add(range(100))
            times = []
            for _ in range(3):
                began = time.perf_counter()
                add(range(args.tasks))
                times.append(time.perf_counter() - began)
    print(f"Dask distributed, {args.tasks} tasks of one addition each: "
          f"{min(times) * 1e6 / args.tasks:.0f} us a task")


if __name__ == "__main__":
    main()
