"""Does one case by one Python engine, in a process of its own, and tells what it took.

`strata-benches arrays` starts this file; it is not meant to be run by hand. It prints one line of JSON:
{"seconds": [0.123], "peak": 123456789, "held": null, "check": 1.5}, or {"error": "..."} and leaves with status 1.
"""

import importlib
import json
import os
import sys
import time


def peak():
    """The most memory that this process had, in bytes, where the system tells."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))
    except OSError:
        return None


def main():
    task = json.loads(sys.argv[1])
    try:
        if task["engine"] in ("dask", "numcodecs", "xarray"):
            import dask

            dask.config.set(scheduler="threads", num_workers=task["threads"])
        if task["engine"] == "xarray_sql":
            # Its query engine asks for it when it starts.
            os.environ["TOKIO_WORKER_THREADS"] = str(task["threads"])
        prepare = getattr(importlib.import_module(f"arrays.{task['case']}"), task["engine"])
        tiny, work = task["works"]
        prepare(tiny)()
        run = prepare(work)
        seconds = []
        for _ in range(task["repeats"]):
            start = time.perf_counter()
            check = run()
            seconds.append(time.perf_counter() - start)
        told = {"seconds": seconds, "peak": peak(), "held": work.get("held"), "check": float(check)}
        print(json.dumps(told), flush=True)
    except Exception as error:
        lines = str(error).strip().splitlines()
        text = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
        print(json.dumps({"error": text[:300]}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
