from .stack import sharpened


def dask(work):
    return sharpened(work, ((190, 512, 512), (128, 128, 128), 100))
