"""What the cases of matrices have in common."""

import os


def one_thread_a_product():
    """Tasks run on all cores already. It must come before NumPy is loaded."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def scattered(count):
    """Numbers that have no order to speak of."""
    import numpy as np

    return (np.arange(count, dtype="u8") * np.uint64(2654435761) >> np.uint64(7)) % np.uint64(1009)


def floats(*shape):
    return scattered(shape[0] * shape[1]).astype("f8").reshape(shape) / 1009.0 - 0.5
