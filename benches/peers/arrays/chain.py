from . import scaled


def values(work):
    import numpy as np

    count = scaled(work, 125_000_000, 2_000_000, 1_000)
    return np.arange(count) / count


def chain(x, maximum, minimum, sqrt):
    y = x * 2.0
    y = y + 1.0
    y = y - x
    y = y / 3.0
    y = sqrt(abs(y))
    y = y * x
    y = y + 0.5
    y = minimum(maximum(y, 0.6), 1.4)
    y = -y
    return y * y


def dask(work):
    import dask.array as da

    x = values(work)

    def run():
        # Chunks of 16 MiB, as Strata cuts values in memory.
        y = chain(da.from_array(x, chunks=1 << 21), da.maximum, da.minimum, da.sqrt)
        return y.compute().sum()

    return run


def numpy(work):
    import numpy as np

    x = values(work)
    return lambda: chain(x, np.maximum, np.minimum, np.sqrt).sum()
