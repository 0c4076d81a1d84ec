"""python -m unittest discover -s benches"""

import tempfile
import unittest
from pathlib import Path

from peers import answers


class Difference(unittest.TestCase):
    def check(self, expected, actual):
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder, name) for name in ("expected.csv", "actual.csv")]
            for path, text in zip(paths, (expected, actual)):
                path.write_text("header\n" + text)
            return answers.difference(*paths)

    def test_order_and_spelling_do_not_matter(self):
        self.assertIsNone(self.check("a,1.50\nb,2\n", 'b,2.0\n"a",1.5\n'))
        self.assertIsNone(self.check("x,0.33333333333\n", "x,0.333333\n"))
        self.assertIsNone(self.check("1e20\n", "100000000000000000000.0\n"))
        self.assertIsNone(self.check("0\n", "1e-33\n"))
        self.assertIsNone(self.check("a,\nb,1.5\n", "b,1.5\na,NaN\n"))

    def test_values_rows_and_columns_do(self):
        self.assertIn("instead of '2'", self.check("a,2\n", "a,3\n"))
        self.assertIn("'b'", self.check("a,2\n", "b,2\n"))
        self.assertIn("1.26", self.check("1.25\n", "1.26\n"))
        self.assertEqual(self.check("a\na\n", "a\n"), "1 rows instead of 2")
        self.assertEqual(self.check("a,b\n", "a\n"), "1 columns instead of 2")
        self.assertIsNotNone(self.check("a,\n", "a,0\n"))

    def test_large_answers_are_compared_by_sums(self):
        rows = [f"id{row % 100},k{row % 7},{row / 8}\n" for row in range(60_000)]
        text = "".join(rows)
        self.assertIsNone(self.check(text, "".join(reversed(rows))))
        self.assertIn("column 3", self.check(text, text.replace(",0.125\n", ",0.25\n", 1)))
        swapped = [rows[0].replace("k0", "k1"), rows[1].replace("k1", "k0"), *rows[2:]]
        self.assertIn("in a row", self.check(text, "".join(swapped)))


if __name__ == "__main__":
    unittest.main()
