#!/usr/bin/env python3
"""TPC-H on a pool whose workers are killed, stopped and replaced, for as long as asked; every answer is
compared with that of one process. Loopback only; ends by itself, and with it all it started."""

import argparse
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

from compare import Problem, find_strata, find_tables

HERE = Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of TPC-H tables")
    parser.add_argument("--strata", type=Path, help="the command; built from here by default")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    try:
        strata = str(find_strata(args.strata))
        tables = find_tables("tpch", args.data)
    except Problem as problem:
        sys.exit(f"soak.py: {problem}")
    chance = random.Random(args.seed)
    views = "".join(f"CREATE VIEW {name} AS FROM '{files}';\n" for name, files in tables.items())
    queries = {p.stem: views + p.read_text() for p in sorted((HERE / "queries/tpch").glob("*.sql"))}
    env = {**os.environ, "STRATA_CONFIG": "", "STRATA_TOKEN": secrets.token_hex(32)}
    expected = {name: rows(ask([strata], text, env)) for name, text in queries.items()}

    scheduler = subprocess.Popen(
        [strata, "scheduler", "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True, env=env
    )
    address = scheduler.stderr.readline().removeprefix("scheduler at ").strip()
    workers = []

    def add():
        command = [strata, "worker", "--scheduler", address, "--cores", str(args.cores), "--quiet"]
        workers.append(subprocess.Popen([*command, "--memory", "1GiB"], env=env))

    asked = killed = stopped = 0
    slowest = 0.0
    try:
        for _ in range(args.workers):
            add()
        until = time.monotonic() + args.minutes * 60
        while time.monotonic() < until:
            name = chance.choice(list(queries))
            command = [strata, "--cluster", address, "--set", "pool.small=0B"]
            began = time.perf_counter()
            query = subprocess.Popen(
                [*command, "--format", "csv", "-f", "-"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
            )
            query.stdin.write(queries[name])
            query.stdin.close()
            query.stdin = None
            time.sleep(chance.random() * 0.6)
            victim = chance.choice(workers)
            if chance.random() < 0.8:
                victim.kill()
                victim.wait()
                workers.remove(victim)
                add()
                killed += 1
            else:
                victim.send_signal(signal.SIGSTOP)
                stopped += 1
            out, err = query.communicate(timeout=120)
            slowest = max(slowest, time.perf_counter() - began)
            victim.send_signal(signal.SIGCONT) if victim.poll() is None else None
            asked += 1
            if query.returncode != 0 or not same(rows(out), expected[name]):
                sys.exit(f"soak.py: {name} after {killed} kills and {stopped} stops: {err or out}")
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()
    print(f"{asked} queries, {killed} workers killed and {stopped} stopped: all answers alike; "
          f"the slowest took {slowest:.1f} s")


def ask(command, text, env):
    done = subprocess.run([*command, "--format", "csv", "-f", "-"], input=text,
                          capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(f"soak.py: {done.stderr}")
    return done.stdout


def rows(text):
    return sorted(line.split(",") for line in text.splitlines())


def same(got, wanted):
    """Sums of floating point numbers depend on their order in the last digits."""
    def alike(a, b):
        if a == b:
            return True
        try:
            return abs(float(a) - float(b)) <= 1e-9 * max(abs(float(a)), abs(float(b)), 1)
        except ValueError:
            return False

    return len(got) == len(wanted) and all(
        len(a) == len(b) and all(map(alike, a, b)) for a, b in zip(got, wanted)
    )


if __name__ == "__main__":
    main()
