def xarray_sql(work):
    import xarray_sql as xql

    def run():
        cube = dataset(work)
        lat = cube.sizes["lat"]
        context = xql.Context()
        # A partition is a chunk of the store.
        context.from_dataset("cube", cube)
        means = context.sql(
            "SELECT time, avg(value) AS mean FROM cube"
            f" WHERE lat >= {lat // 3} AND lat < {2 * lat // 3} GROUP BY time"
        )
        return sum(sum(batch.column(1).to_pylist()) for batch in means.collect())

    return run


def dataset(work):
    """The cube is an array without a group. It is opened without Dask, as xarray-sql has it for large stores."""
    import numpy as np
    import xarray as xr
    import zarr
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Stored(BackendArray):
        def __init__(self, array):
            self.array, self.shape, self.dtype = array, array.shape, array.dtype

        def __getitem__(self, key):
            support = indexing.IndexingSupport.BASIC
            return indexing.explicit_indexing_adapter(
                key, self.shape, support, self.array.__getitem__
            )

    array, dims = zarr.open_array(work["store"], mode="r"), ("time", "lat", "lon")
    values = indexing.LazilyIndexedArray(Stored(array))
    chunks = {"preferred_chunks": dict(zip(dims, array.chunks))}
    places = {name: np.arange(length) for name, length in zip(dims, array.shape)}
    return xr.Dataset({"value": xr.Variable(dims, values, encoding=chunks)}, places)
