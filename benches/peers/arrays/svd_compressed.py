from . import scaled
from .matrices import one_thread_a_product, scattered


def dask(work):
    one_thread_a_product()
    import dask
    import dask.array as da

    rows = scaled(work, 1_000_000, 20_000, 1_000)
    x = (scattered(rows * 500) % 3).astype("u1").reshape(rows, 500)

    def run():
        chunked = da.from_array(x, chunks=(rows // 20, 500))
        # Orthonormalised between passes, as ours is.
        parts = da.linalg.svd_compressed(chunked, 10, n_power_iter=2, seed=0)
        left, values, right = dask.compute(*parts)
        return values[0]

    return run
