from .transpose import length


def dask(work):
    import dask.array as da

    def run():
        x = da.random.default_rng(1).random((length(work),) * 2, chunks=length(work) // 8)
        return near(work, (x + x.T).sum().compute())

    return run


def numpy(work):
    import numpy as np

    def run():
        x = np.random.default_rng(1).random((length(work),) * 2)
        return near(work, (x + x.T).sum())

    return run


def near(work, total):
    """One, if the sum is about as chance has it: every generator has other values."""
    cells = length(work) ** 2
    return 1 if abs(total / cells - 1) < 10 / cells**0.5 else 0
