from . import scaled
from .deconvolution import blur, richardson_lucy

# How large blocks and the point spread function are, and how many iterations there are.
SMALL = (16, 64, 64), (9, 17, 17), 10
TINY = (4, 32, 32), (5, 9, 9), 2


def sharpened(work, full):
    import dask.array as da

    block, lengths, iterations = scaled(work, full, SMALL, TINY)
    psf = blur(lengths, [length / 8.0 for length in lengths])
    depth = {axis: length // 2 for axis, length in enumerate(lengths)}

    def run():
        images = da.from_zarr(work["store"]).astype("f4")
        made = images.rechunk(block).map_overlap(
            richardson_lucy, depth, "periodic", dtype="f4", psf=psf, iterations=iterations
        )
        return made.sum(dtype="f8").compute()

    return run


def dask(work):
    return sharpened(work, ((64, 256, 256), (33, 65, 65), 10))
