"""Genotypes that stay in memory: a byte each, or packed by Blosc chunk by chunk."""

from .matrices import one_thread_a_product, scattered


def dask(work):
    one_thread_a_product()
    import dask.array as da

    x = da.from_zarr(work["store"]).persist()
    work["held"] = x.nbytes
    return product(x)


def numcodecs(work):
    one_thread_a_product()
    import dask.array as da
    import zarr

    packed = Packed(zarr.open_array(work["store"], mode="r"))
    work["held"] = sum(len(chunk) for chunk in packed.held)
    return product(da.from_array(packed, chunks=packed.chunks, name=False, asarray=False))


class Packed:
    """An array in chunks of whole rows, of which each is unpacked when it is asked for."""

    def __init__(self, stored):
        import numcodecs

        self.shape, self.dtype, self.ndim = stored.shape, stored.dtype, stored.ndim
        self.chunks = stored.chunks
        self.codec = numcodecs.Blosc("lz4", shuffle=numcodecs.Blosc.BITSHUFFLE)
        starts = range(0, self.shape[0], self.chunks[0])
        self.held = [self.codec.encode(stored[at : at + self.chunks[0]]) for at in starts]

    def __getitem__(self, key):
        import numpy as np

        values = np.frombuffer(self.codec.decode(self.held[key[0].start // self.chunks[0]]), self.dtype)
        return values.reshape(-1, self.shape[1])[:, key[1]]


def product(x):
    y = scattered(x.shape[1] * 20).astype("f8").reshape(-1, 20) / 1009.0
    return lambda: (x.T @ (x @ y)).compute().sum()
