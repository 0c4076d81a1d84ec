"""Evaluates texts of Python with NumPy: a JSON list of them comes in; for each, shape and values go out."""

import json
import sys

import numpy as np


def pair(z):
    """Complex numbers, both parts of each along a last dimension."""
    return np.stack([z.real, z.imag], -1)


def sharpened(image, psf, steps):
    """Richardson-Lucy deconvolution of a whole image that is periodic, in 64 bits."""
    image = np.asarray(image, "f8")
    around = np.zeros(image.shape)
    around[tuple(slice(0, n) for n in psf.shape)] = psf
    around = np.roll(around, [-(n // 2) for n in psf.shape], range(psf.ndim))
    blur = np.fft.fftn(around)
    guess = np.full(image.shape, image.mean())
    for _ in range(steps):
        ratio = image / np.fft.ifftn(np.fft.fftn(guess) * blur).real
        guess = guess * np.fft.ifftn(np.fft.fftn(ratio) * blur.conj()).real
    return guess


def main():
    answers = []
    for text in json.load(sys.stdin):
        names = {"np": np, "pair": pair, "sharpened": sharpened}
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
