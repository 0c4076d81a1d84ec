from .mean import cube


def xarray(work):
    import numpy as np
    import xarray as xr

    def run():
        x = cube(work)
        month = xr.DataArray(np.arange(x.sizes["time"]) % 365 * 12 // 365, dims="time", name="month")
        groups = x.groupby(month)
        anomaly = groups - groups.mean("time", skipna=False)
        std = anomaly.std(("lat", "lon"), skipna=False)
        return std.compute().values.astype("f8").sum()

    return run
