def dask(work):
    import dask.array as da

    def run():
        x = da.from_zarr(work["store"])
        first = x.map_blocks(lambda block: block[:1, :1, :1], chunks=(1, 1, 1))
        return first.compute().astype("f8").sum()

    return run
