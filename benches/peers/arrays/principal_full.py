from .matrices import one_thread_a_product
from .principal import largest


def dask(work):
    one_thread_a_product()
    # As floats it is 100 GB.
    return lambda: largest(work, again=True)
