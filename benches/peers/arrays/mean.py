def dask(work):
    import dask.array as da

    return lambda: da.from_zarr(work["store"]).mean(axis=0).compute().astype("f8").sum()


def xarray(work):
    return lambda: cube(work).mean("time", skipna=False).compute().values.astype("f8").sum()


def cube(work):
    """The cube is an array without a group, which Xarray opens by way of Dask."""
    import dask.array as da
    import xarray as xr

    return xr.DataArray(da.from_zarr(work["store"]), dims=("time", "lat", "lon"))


def numpy(work):
    import zarr

    return lambda: zarr.open_array(work["store"], mode="r")[:].mean(axis=0, dtype="f8").sum()
