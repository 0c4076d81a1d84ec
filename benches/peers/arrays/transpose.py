from . import scaled


def length(work):
    return scaled(work, 8000, 1000, 20)


def dask(work):
    import dask.array as da

    def run():
        x = da.ones((length(work),) * 2, chunks=length(work) // 8)
        # A chunk of ones is one value shown again and again, and stays so through `.T`.
        return (x + x.T).sum().compute()

    return run


def numpy(work):
    import numpy as np

    def run():
        x = np.ones((length(work),) * 2)
        return (x + x.T).sum()

    return run
