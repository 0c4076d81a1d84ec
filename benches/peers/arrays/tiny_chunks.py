def dask(work):
    import dask.array as da

    # The mean, which does not depend on how many there are.
    def run():
        x = da.ones((10, work["units"] * 10), chunks=10)
        return x.sum().compute() / x.size

    return run
