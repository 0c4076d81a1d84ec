"""Evaluates texts of Python with NumPy: a JSON list of them comes in; for each, shape and values go out."""

import json
import sys

import numpy as np


def pair(z):
    """Complex numbers, both parts of each along a last dimension."""
    return np.stack([z.real, z.imag], -1)


def main():
    answers = []
    for text in json.load(sys.stdin):
        names = {"np": np, "pair": pair}
        if "ndi." in text:
            from scipy import ndimage

            names["ndi"] = ndimage
        *setup, last = text.split(";")
        for line in setup:
            exec(line.strip(), names)
        value = np.asarray(eval(last.strip(), names))
        values = [None if v != v else float(v) for v in value.ravel().tolist()]
        answers.append({"shape": list(value.shape), "dtype": value.dtype.name, "values": values})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
