from . import scaled


def dask(work):
    import dask.array as da

    def run():
        x = da.zeros((scaled(work, 10_000, 1_000, 100),) * 2, chunks=10)
        return ((x + 1) * 2)[0, :10].compute().sum()

    return run
