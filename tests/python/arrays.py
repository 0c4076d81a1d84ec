"""Evaluates array expressions with NumPy: those of a JSON file, on the values of a binary file.

Usage: arrays.py EXPRESSIONS VALUES RESULTS. Writes the values of all results into RESULTS, one after the
other, and prints what they look like as JSON, one line each.
"""

import json
import sys
import warnings

import numpy as np

UNARY = {
    "neg": np.negative, "abs": np.absolute, "sign": np.sign, "not": np.logical_not,
    "invert": np.invert, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "round": np.round,
}
BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide,
    "floor_div": np.floor_divide, "rem": np.remainder, "pow": np.power, "atan2": np.arctan2,
    "and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor,
    "bit_and": np.bitwise_and, "bit_or": np.bitwise_or, "bit_xor": np.bitwise_xor,
    "shift_left": np.left_shift, "shift_right": np.right_shift,
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal,
}
NAN = {"sum": "nansum", "prod": "nanprod", "mean": "nanmean", "var": "nanvar", "std": "nanstd",
       "min": "nanmin", "max": "nanmax", "argmin": "nanargmin", "argmax": "nanargmax"}


def subscript(part):
    if part == "new":
        return None
    if part == "rest":
        return Ellipsis
    if isinstance(part, int):
        return part
    if isinstance(part, list):
        return np.array(part, dtype=np.int64)
    return slice(part["start"], part["stop"], part["step"])


def reduced(of, values):
    name, axes = of["reduce"], tuple(of["axes"]) or None
    keep = of["keep"]
    if name.startswith("arg"):
        axis = axes[0] if axes and values.ndim > 0 else None
        if axis is not None and len(axes) == values.ndim:
            axis = axis if values.ndim == 1 else None
        return getattr(np, NAN[name] if of["skip"] else name)(values, axis=axis, keepdims=keep)
    if name == "count":
        valid = np.ones(values.shape, bool) if values.dtype.kind in "biu" else ~np.isnan(values)
        return valid.sum(axis=axes, keepdims=keep)
    more = {"ddof": of["ddof"]} if name in ("var", "std") else {}
    if of["skip"] and name in NAN:
        return getattr(np, NAN[name])(values, axis=axes, keepdims=keep, **more)
    return getattr(np, name)(values, axis=axes, keepdims=keep, **more)


def first_of(values, k, axis, places):
    """The first ones in order; of equal values the first."""
    turned = np.flip(values, axis) if k > 0 else values
    order = np.argsort(turned, axis=axis, kind="stable")
    if k > 0:
        order = np.flip(values.shape[axis] - 1 - order, axis)
    order = np.take(order, range(min(abs(k), values.shape[axis])), axis=axis)
    if order.shape[axis] == 0:
        raise ValueError("none")
    return order if places else np.take_along_axis(values, order, axis)


def along(of, values):
    """What looks at values in their order, or counts them."""
    kind, axis = of["op"], of.get("axis")
    axes = tuple(of["axes"]) or None if "axes" in of else None
    skip = of.get("skip")
    if kind == "scan":
        return getattr(np, ("nan" if skip else "") + of["name"])(values, axis=axis)
    if kind == "median":
        kept = [n for at, n in enumerate(values.shape) if at not in np.atleast_1d(axes)]
        if len(np.atleast_1d(axes)) > 1 and 0 in kept:
            # NumPy puts the dimensions together with a reshape, which it has none for nothing.
            dtype = values.dtype if values.dtype.kind == "f" else np.dtype("f8")
            return np.zeros(kept, dtype)
        return (np.nanmedian if skip else np.median)(values, axis=axes)
    if kind == "quantile":
        of_quantile = np.nanquantile if skip else np.quantile
        return of_quantile(values, of["at"], axis=axes, method=of["method"])
    if kind == "sort":
        return np.sort(values, axis=axis)
    if kind == "argsort":
        return np.argsort(values, axis=axis, kind="stable")
    if kind == "topk":
        return first_of(values, of["k"], axis, of["places"])
    if kind == "digitize":
        return np.digitize(values, of["edges"], right=of["right"])
    if kind == "histogram":
        if "edges" in of:
            return np.histogram(values, bins=of["edges"])[0]
        return np.histogram(values, bins=of["bins"], range=of["range"])[0]
    if kind == "bincount":
        counts = np.bincount(values.ravel(), minlength=of["length"])
        if len(counts) > of["length"]:
            raise ValueError("more than that")
        return counts
    raise ValueError(f"no operation {kind}")


def evaluate(of, values):
    kind = of["op"]
    if kind == "values":
        dtype = np.dtype(of["dtype"])
        count = int(np.prod(of["shape"], dtype=np.int64))
        data = np.frombuffer(values, dtype, count, of["offset"])
        return data.reshape(of["shape"])
    if kind == "arange":
        return np.arange(of["start"], of["stop"], of["step"])
    if kind == "linspace":
        return np.linspace(of["start"], of["stop"], of["count"])
    if kind == "full":
        return np.full(of["shape"], of["value"], of["dtype"])
    if kind == "eye":
        return np.eye(of["rows"], of["columns"], of["diagonal"], of["dtype"])
    if kind == "from_function":
        summed = lambda *places: sum(time * place for time, place in zip(of["times"], places))
        return summed(*np.indices(of["shape"], dtype=np.int64)) + np.zeros(of["shape"], np.int64)
    arrays = [evaluate(each, values) for each in of["of"]]
    a = arrays[0]
    if kind == "unary":
        name = of["name"]
        return (UNARY.get(name) or getattr(np, name))(a)
    if kind == "binary":
        name = of["name"]
        return (BINARY.get(name) or getattr(np, name))(*arrays)
    if kind == "number":
        name, number = of["name"], of["number"]
        sides = (number, a) if of["left"] else (a, number)
        # Dimensions of length 0 take what others take: types are those of arrays, not of scalars.
        return (BINARY.get(name) or getattr(np, name))(*sides)
    if kind == "select":
        return np.where(a.astype(bool), arrays[1], arrays[2])
    if kind == "cast":
        return a.astype(of["dtype"])
    if kind == "index":
        return a[tuple(subscript(part) for part in of["subscripts"])]
    if kind == "transpose":
        return a.transpose(of["order"])
    if kind == "reshape":
        return a.reshape(of["shape"])
    if kind == "concat":
        return np.concatenate(arrays, axis=of["axis"])
    if kind == "stack":
        return np.stack(arrays, axis=of["axis"])
    if kind == "flip":
        return np.flip(a, of["axes"])
    if kind == "roll":
        return np.roll(a, of["shift"], of["axis"])
    if kind == "repeat":
        return np.repeat(a, of["times"], of["axis"])
    if kind == "tile":
        times = [1] * a.ndim
        times[of["axis"]] = of["times"]
        return np.tile(a, times)
    if kind == "broadcast":
        return np.broadcast_to(a, of["shape"])
    if kind == "squeeze":
        return np.squeeze(a)
    if kind == "same":
        return a
    if kind == "reduce":
        return reduced(of, a)
    return along(of, a)


def main():
    expressions, values, results = sys.argv[1:]
    with open(expressions) as file:
        expressions = json.load(file)
    with open(values, "rb") as file:
        values = file.read()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    with open(results, "wb") as out:
        for expression in expressions:
            try:
                result = np.asarray(evaluate(expression, values))
            except Exception as error:  # what NumPy refuses is an answer, too
                print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
                continue
            data = np.ascontiguousarray(result)
            out.write(data.tobytes())
            print(json.dumps({"dtype": str(result.dtype), "shape": list(result.shape)}))


main()
