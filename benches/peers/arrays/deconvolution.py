from . import scaled
from .matrices import scattered

DEPTH = {0: 0, 1: 8, 2: 8}


def shape(work):
    return scaled(work, (128, 512, 512), (32, 256, 256), (16, 64, 64))


def image(work):
    import numpy as np

    lengths = shape(work)
    values = scattered(np.prod(lengths)).astype("f8") / 1009.0 + 0.1
    return values.astype("f4").reshape(lengths)


def blur(lengths, widths):
    import numpy as np

    places = np.ogrid[tuple(slice(-(length // 2), length - length // 2) for length in lengths)]
    bell = np.exp(-0.5 * sum((place / width) ** 2 for place, width in zip(places, widths)))
    return (bell / bell.sum()).astype("f4")


def richardson_lucy(block, psf, iterations):
    import numpy as np

    around = np.zeros(block.shape, psf.dtype)
    around[tuple(slice(0, n) for n in psf.shape)] = psf
    around = np.roll(around, [-(n // 2) for n in psf.shape], range(psf.ndim))
    otf = np.fft.rfftn(around)
    back = otf.conj()
    guess = np.full_like(block, block.mean())
    for _ in range(iterations):
        blurred = np.fft.irfftn(np.fft.rfftn(guess) * otf, s=block.shape)
        guess *= np.fft.irfftn(np.fft.rfftn(block / blurred) * back, s=block.shape)
    return guess


def dask(work):
    import dask.array as da

    x, psf = image(work), blur((9, 17, 17), (2.0, 3.0, 3.0))
    chunk = shape(work)[0], shape(work)[1] // 4, shape(work)[2] // 4

    def run():
        made = da.from_array(x, chunks=chunk).map_overlap(
            richardson_lucy, depth=DEPTH, boundary="periodic", dtype="f4", psf=psf, iterations=10
        )
        return made.compute().sum(dtype="f8")

    return run
