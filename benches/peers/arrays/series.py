from .matrices import one_thread_a_product

LAGS = 24


def standardized(x):
    x = x - x.mean(axis=1, keepdims=True)
    return x / x.std(axis=1, keepdims=True)


def products(first, second):
    """The product for each lag: what is later in the second is earlier in the first."""
    length = first.shape[1]
    for lag in range(-LAGS, LAGS + 1):
        start, stop = max(lag, 0), length + min(lag, 0)
        yield first[:, start - lag : stop - lag] @ second[:, start:stop].T / length


def dask(work):
    one_thread_a_product()
    import dask.array as da

    def run():
        x = standardized(da.from_zarr(work["store"]))
        half = x.shape[0] // 2
        return da.stack(list(products(x[:half], x[half:]))).compute().sum(dtype="f8")

    return run
