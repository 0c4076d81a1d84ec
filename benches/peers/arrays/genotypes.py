from . import scaled
from .matrices import one_thread_a_product


def dask(work):
    one_thread_a_product()
    import dask
    import dask.array as da

    rows, columns = work["units"] * 1000, scaled(work, 20_000, 500, 100)

    def run():
        generator = da.random.default_rng(1)
        genotypes = generator.integers(
            0, 3, size=(rows, columns), dtype="u1", chunks=(1000, columns)
        )
        # As ours: orthonormalised between passes.
        parts = da.linalg.svd_compressed(genotypes, 10, n_power_iter=2, seed=0)
        left, values, right = dask.compute(*parts)
        # One, if it is about that of as many ones: every generator has other values.
        return 1 if abs(values[0] / (rows * columns) ** 0.5 - 1) < 0.01 else 0

    return run
