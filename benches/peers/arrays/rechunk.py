def dask(work):
    import dask.array as da

    def run():
        x = da.from_zarr(work["store"])
        time, lat, lon = x.shape
        x.rechunk((time, -(-lat // 10), -(-lon // 10))).to_zarr(work["out"])
        return 0

    return run
