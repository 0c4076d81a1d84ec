from .mean import cube


def dask(work):
    import dask.array as da

    def run():
        x = da.from_zarr(work["store"])
        return (x - x.mean(axis=0)).std(axis=(1, 2)).compute().astype("f8").sum()

    return run


def xarray(work):
    def run():
        x = cube(work)
        std = (x - x.mean("time", skipna=False)).std(("lat", "lon"), skipna=False)
        return std.compute().values.astype("f8").sum()

    return run


def numpy(work):
    import zarr

    def run():
        x = zarr.open_array(work["store"], mode="r")[:]
        return (x - x.mean(axis=0)).std(axis=(1, 2)).astype("f8").sum()

    return run
