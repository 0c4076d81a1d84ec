"""Whether two engines gave the same answer, both as CSV with a header line.

Rows are compared as a multiset: ORDER BY may leave ties, and not every query has one. A column is
numeric where each of its cells is, in both answers; numbers are equal within RELATIVE or ABSOLUTE,
or within the last digit of the one that was written with fewer: decimals of different scale are one
answer. NULL, NaN and the empty text are one, too: engines differ in what the correlation of
constants is, and CSV does not tell the first from the last.
"""

import csv
import itertools
import re
import zlib

RELATIVE = 1e-9
# What is left of a correlation of nothing: one engine's 0 is another's 1e-33.
ABSOLUTE = 1e-12
# Decimals with fewer digits than this have to agree in full.
LEAST_DIGITS = 4
# Larger answers are compared by sums over columns and rows, which need no memory.
ROWS_IN_MEMORY = 50_000
# Errors cancel out in a sum, so that it must agree more closely for a wrong value to show.
RELATIVE_SUM = 1e-11

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)


def difference(expected, actual):
    """What differs between two CSV files, in words, or None."""
    expected_rows, actual_rows = count(expected), count(actual)
    if expected_rows != actual_rows:
        return f"{actual_rows} rows instead of {expected_rows}"
    if expected_rows > ROWS_IN_MEMORY:
        return summary_difference(expected, actual)
    left, right = list(read(expected)), list(read(actual))
    if not left:
        return None
    if len(left[0]) != len(right[0]):
        return f"{len(right[0])} columns instead of {len(left[0])}"
    numeric = numeric_columns(left + right)
    key = sort_key(numeric)
    for number, (a, b) in enumerate(zip(sorted(left, key=key), sorted(right, key=key)), 1):
        for column, (x, y) in enumerate(zip(a, b), 1):
            if not same(x, y, numeric[column - 1]):
                return f"sorted row {number}, column {column}: '{y}' instead of '{x}'"
    return None


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        for row in itertools.islice(csv.reader(file), 1, None):
            yield ["" if cell.lower() == "nan" else cell for cell in row]


def count(path):
    return sum(1 for _ in read(path))


def numeric_columns(rows):
    return [all(not cell or NUMBER.fullmatch(cell) for cell in column) for column in zip(*rows)]


def sort_key(numeric):
    """Texts first, then numbers to six digits, so that rounding rarely moves a row."""

    def key(row):
        texts = [cell for cell, is_number in zip(row, numeric) if not is_number]
        numbers = [
            f"{float(cell):.6g}" if cell else "" for cell, is_number in zip(row, numeric) if is_number
        ]
        return texts, numbers

    return key


def same(x, y, is_number):
    if x == y:
        return True
    if not is_number or not x or not y:
        return False
    a, b = float(x), float(y)
    digits = min(fraction_digits(x), fraction_digits(y))
    last_digit = 10.0**-digits if digits >= LEAST_DIGITS else 0.0
    return a == b or abs(a - b) <= max(RELATIVE * max(abs(a), abs(b)), ABSOLUTE, last_digit)


def fraction_digits(text):
    mantissa = text.lower().split("e")[0]
    return len(mantissa.partition(".")[2]) if "." in mantissa else 0


def summary_difference(expected, actual):
    (left, left_rows), (right, right_rows) = summary(expected), summary(actual)
    if len(left) != len(right):
        return f"{len(right)} columns instead of {len(left)}"
    for column, (x, y) in enumerate(zip(left, right), 1):
        for what, a, b in zip(("NULLs", "texts", "sum"), x, y):
            if a != b and not abs(a - b) <= max(RELATIVE_SUM * max(abs(a), abs(b)), ABSOLUTE):
                return f"column {column}: {what} {b} instead of {a}"
    return "other texts together in a row" if left_rows != right_rows else None


def summary(path):
    """Of each column: its empty cells, a sum over its texts, and the sum of its numbers; and a sum
    over the texts of each row, taken together."""
    columns, rows = [], 0
    for row in read(path):
        columns = columns or [[0, 0, 0.0] for _ in row]
        texts = []
        for column, cell in zip(columns, row):
            if not cell:
                column[0] += 1
            elif NUMBER.fullmatch(cell):
                column[2] += float(cell)
            else:
                column[1] += zlib.crc32(cell.encode())
                texts.append(cell)
        rows += zlib.crc32("\0".join(texts).encode())
    return columns, rows
