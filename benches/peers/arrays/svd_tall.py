from . import scaled
from .svd import all_vectors


def dask(work):
    return all_vectors(scaled(work, 10_000_000, 200_000, 1_600))
