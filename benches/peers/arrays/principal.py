from .matrices import one_thread_a_product


def dask(work):
    one_thread_a_product()
    return lambda: largest(work)


def largest(work, again=False):
    """The largest singular value. What was loaded is kept, or loaded in each pass again."""
    import dask
    import dask.array as da

    x = da.from_zarr(work["store"])
    mean, spread = x.mean(axis=0).astype("f4"), x.std(axis=0).astype("f4")
    if again:
        mean, spread = dask.compute(mean, spread)
    scaled = (x.astype("f4") - mean) / spread
    parts = da.linalg.svd_compressed(scaled, 10, n_power_iter=2, seed=0, compute=again)
    left, values, right = dask.compute(*parts)
    return values[0]
