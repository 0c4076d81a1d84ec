from . import scaled
from .matrices import floats, one_thread_a_product


def length(work):
    return scaled(work, 4000, 800, 40)


def dask(work):
    one_thread_a_product()
    import dask.array as da

    x = floats(length(work), length(work))

    def run():
        chunked = da.from_array(x, chunks=length(work) // 4)
        return (chunked @ chunked.T).compute().sum()

    return run


def numpy(work):
    x = floats(length(work), length(work))
    # A matrix of its own: a product with its own transpose is half the work to a library that sees it.
    y = x.T.copy()
    return lambda: (x @ y).sum()
