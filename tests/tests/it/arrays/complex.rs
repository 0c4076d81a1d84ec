//! Arithmetic of complex numbers, beside NumPy's.

use strata::RunText;
use strata_tests::oracle::Grain;

use super::language::come_to;

const X: &str = "x = (arange(84) * 37 % 19).reshape(12, 7).rechunk(5, 2).fft(0); \
                 y = ((arange(84) + 5) * 29 % 23 - 3).reshape(12, 7).rechunk(4, 7).fft(1); \
                 r = (arange(84) * 7 % 11 - 4).reshape(12, 7).rechunk(3, 3); v = arange(7) - 2";
const NUMPY: &str = "x = np.fft.fft((np.arange(84) * 37 % 19).reshape(12, 7), axis=0); \
                     y = np.fft.fft(((np.arange(84) + 5) * 29 % 23 - 3).reshape(12, 7)); \
                     r = (np.arange(84) * 7 % 11 - 4).reshape(12, 7); v = np.arange(7) - 2";

/// Ours, and NumPy's.
const ALIKE: &[(&str, &str)] = &[
    ("x * y", "pair(x * y)"),
    ("x * x.conj()", "pair(x * x.conj())"),
    ("x * r", "pair(x * r)"),
    ("r * x", "pair(x * r)"),
    ("x * v", "pair(x * v)"),
    ("v * x", "pair(x * v)"),
    ("x[:, 3] * v[2]", "pair(x[:, 3] * v[2])"),
    ("x[:, 1:2] * y", "pair(x[:, 1:2] * y)"),
    ("x[3] * y", "pair(x[3] * y)"),
    ("x * 3", "pair(x * 3)"),
    ("x / 2", "pair(x / 2)"),
    ("x / (y + 0.5)", "pair(x / (y + 0.5))"),
    ("r / (y + 0.5)", "pair(r / (y + 0.5))"),
    ("2 / (y + 0.5)", "pair(2 / (y + 0.5))"),
    ("x / (abs(r) + 1)", "pair(x / (abs(r) + 1))"),
    ("x * 1e200 / (y * 1e200 + 1e200)", "pair(x / (y + 1))"),
    ("x + y", "pair(x + y)"),
    ("x + r", "pair(x + r)"),
    ("r - x", "pair(r - x)"),
    ("x - 1", "pair(x - 1)"),
    ("1 - x", "pair(1 - x)"),
    ("-x", "pair(-x)"),
    ("x.conj() + v", "pair(x.conj() + v)"),
    ("r.conj()", "r"),
    ("x ** 2", "pair(x ** 2)"),
    ("(x / 20) ** 7", "pair((x / 20) ** 7)"),
    ("x ** 1", "pair(x)"),
    ("x ** 0", "pair(x ** 0)"),
    ("x.square()", "pair(x ** 2)"),
    ("(y + 0.5).reciprocal()", "pair(1 / (y + 0.5))"),
    ("x.abs()", "abs(x)"),
    ("(x / 40).exp()", "pair(np.exp(x / 40))"),
    ("x == where(r > 0, x, y)", "x == np.where(r > 0, x, y)"),
    ("r + x * 0 == r", "np.ones((12, 7), bool)"),
    ("x * 0 == 0", "np.ones((12, 7), bool)"),
    ("x != x + where(r > 0, 1, 0)", "r > 0"),
    ("where(r > 0, x, y)", "pair(np.where(r > 0, x, y))"),
    ("where(r > 0, x, 0)", "pair(np.where(r > 0, x, 0))"),
    ("where(v > 0, x, r)", "pair(np.where(v > 0, x, r))"),
    ("(x * where(r == 3, 0.0 / zeros(12, 7), 1.0)).isnan()", "r == 3"),
    ("(x * where(r == 3, 0.0 / zeros(12, 7), 1.0)).isfinite()", "r != 3"),
    ("x.sum()", "pair(x.sum())"),
    ("x.mean(0)", "pair(x.mean(0))"),
    ("x.sum(1)", "pair(x.sum(1))"),
    ("x.var()", "x.var()"),
    ("x.std(0)", "x.std(0)"),
    ("x.std(1, ddof => 1)", "x.std(1, ddof=1)"),
    ("x.sum(0, complex, keepdims => true)", "pair(x).sum((0, 2), keepdims=True)"),
    ("x.mean(0, keepdims => true)", "pair(x.mean(0, keepdims=True))"),
    ("x.max(complex)", "pair(x).max(-1)"),
    ("x.cumsum()", "pair(x.cumsum())"),
    ("x.cumsum(1)", "pair(x.cumsum(1))"),
    ("x - x.mean(0)", "pair(x - x.mean(0))"),
    (
        "(x.fft(1) * y.fft(1).conj()).ifft(1)",
        "pair(np.fft.ifft(np.fft.fft(x) * np.fft.fft(y).conj()))",
    ),
    (
        "t = zeros(4, 3, dims => ('time', 'x')) + 1; t.fft(time) * arange(4, dims => ('time'))[:, None]",
        "pair(np.fft.fft(np.ones((4, 3)), axis=0) * np.arange(4)[:, None])",
    ),
    (
        "t = arange(3, dims => ('lon')).fft(lon); u = arange(4, dims => ('time')).fft(time) + 1; t * u",
        "pair(np.multiply.outer(np.fft.fft(np.arange(3)), np.fft.fft(np.arange(4)) + 1))",
    ),
    (
        "t = arange(3, dims => ('lon')).fft(lon); u = arange(4, dims => ('time')).fft(time) + 1; t / u",
        "pair(np.divide.outer(np.fft.fft(np.arange(3)), np.fft.fft(np.arange(4)) + 1))",
    ),
    ("t = arange(3, dims => ('lon')).fft(lon); 1 - t", "pair(1 - np.fft.fft(np.arange(3)))"),
    ("zeros(0, 4).fft(1) * zeros(0, 4).fft(1)", "np.ones((0, 4, 2))"),
    ("(x.cast('f32') * y.cast('f32'))", "pair(x * y)"),
];

#[tokio::test(flavor = "multi_thread")]
async fn complex_numbers_are_numpys() {
    let alike =
        ALIKE.iter().map(|(ours, theirs)| (format!("{X}; {ours}"), format!("{NUMPY}; {theirs}")));
    come_to(&alike.collect::<Vec<_>>(), 1e-5).await;
}

/// Every complex number whose parts are one of -1, 0, 1, 2, an infinity, or not a number; and ours, and NumPy's.
const EDGES: (&str, &str) = (
    "s = arange(49); \
     o = zeros(49); p = s % 7; \
     re = where(p == 4, 1 / o, where(p == 5, -1 / o, where(p == 6, o / o, p - 1.0))); \
     p = s.floor_div(7); \
     im = where(p == 4, 1 / o, where(p == 5, -1 / o, where(p == 6, o / o, p - 1.0))); \
     z = stack(re, im, axis => 'complex').transpose(1, 0).rechunk(20, 2)",
    "s = np.arange(49); np.seterr(all='ignore'); \
     val = lambda p: np.select([p == 4, p == 5, p == 6], [np.inf, -np.inf, np.nan], p - 1.0); \
     z = np.empty(49, complex); z.real = val(s % 7); z.imag = val(s // 7); \
     seen = lambda z: np.where(np.isnan(z), 100, np.clip(z, -50, 50))",
);

const AT_EDGES: &[(&str, &str)] = &[
    ("z[:, None] / z", "z[:, None] / z"),
    ("1 / z", "1 / z"),
    ("(z.real() - 1) / z", "(z.real - 1) / z"),
    ("z.exp()", "np.exp(z)"),
    ("z[:42].sum(skip_nan => true)", "np.nansum(z[:42])"),
    ("z[[0, 1, 6, 7, 42]].sum(skip_nan => true)", "np.nansum(z[[0, 1, 6, 7, 42]])"),
    ("z[[0, 1, 6, 7, 42]].mean(0, skip_nan => true)", "np.nanmean(z[[0, 1, 6, 7, 42]])"),
    ("z[[0, 1, 6, 7, 42]].cumsum(skip_nan => true)", "np.nancumsum(z[[0, 1, 6, 7, 42]])"),
    (
        "z[[0, 1, 6, 42, 8]].groupby(arange(5) % 2).sum(skip_nan => true)",
        "np.array([np.nansum(z[[0, 6, 8]]), np.nansum(z[[1, 42]])])",
    ),
    ("z[6].sum(skip_nan => true)", "np.nansum(z[6])"),
    ("z[1].mean()", "z[1].mean()"),
];

#[tokio::test(flavor = "multi_thread")]
async fn infinite_and_missing_parts_are_numpys() {
    let (ours, theirs) = EDGES;
    let parts = AT_EDGES.iter().flat_map(|(own, other)| {
        ["real", "imag"].map(|part| {
            let own = format!("{ours}; w = ({own}).{part}()");
            (
                format!("{own}; where(w.isnan(), 100, w.clip(-50, 50))"),
                format!("{theirs}; seen(({other}).{part})"),
            )
        })
    });
    let mut alike: Vec<(String, String)> = parts.collect();
    for (own, other) in [
        ("z[[0, 1, 6, 7, 42]].var(skip_nan => true)", "np.nanvar(z[[0, 1, 6, 7, 42]])"),
        ("z[[0, 1, 6, 7, 42]].std(skip_nan => true)", "np.nanstd(z[[0, 1, 6, 7, 42]])"),
        ("z[1].var()", "z[1].var()"),
    ] {
        alike.push((format!("{ours}; {own}"), format!("{theirs}; {other}")));
    }
    come_to(&alike, 1e-12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_complex_numbers_have_not_is_refused() {
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    for (text, words) in [
        ("x < y", "lt is not defined for complex numbers"),
        ("x ** 0.5", "a power other than 0 to 64"),
        ("x ** -1", "a power other than 0 to 64"),
        ("x.sqrt()", "sqrt is not defined for complex numbers: take real()"),
        ("x.max()", "max is not defined for complex numbers"),
        ("x[0, 0].max()", "max is not defined for complex numbers: take real()"),
        ("x.groupby(arange(12) % 2).max()", "max of groups is not defined for complex numbers"),
        ("x.groupby(arange(12) % 2).var()", "var of groups is not defined for complex numbers"),
        ("x.median()", "median is not defined for complex numbers"),
        ("x.quantile(0.5, 0)", "quantile is not defined for complex numbers"),
        ("x.cumprod(0)", "cumprod is not defined for complex numbers"),
        ("x.sort_along()", "the order of values is not defined for complex numbers"),
        ("norm(x)", "norm is not defined for complex numbers"),
        ("tensordot(x, y)", "tensordot is not defined for complex numbers"),
        ("einsum('ijc,ijc->i', x, y)", "einsum is not defined for complex numbers"),
        ("u, s, v = svd(x[0])", "svd is not defined for complex numbers"),
        ("matmul(x, y)", "matmul is not defined for complex numbers"),
        ("x @ y", "matmul is not defined for complex numbers"),
        ("x % 2", "rem is not defined for complex numbers"),
    ] {
        let error = match here.run(&format!("{X}; {text}")).await {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{text} is answered"),
        };
        assert!(error.contains(words), "{text}: {error}");
    }
}

/// A table has cells, and SQL takes each for itself.
#[tokio::test(flavor = "multi_thread")]
async fn sql_takes_each_part_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("z.zarr");
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let save = format!("(arange(3, dims => ('t')).fft(t) + 1).save('{}')", store.display());
    here.run(&save).await.unwrap().collect().await.unwrap();
    let text = format!(
        "SELECT sum(values * values) AS v, max(abs(values)) AS m FROM zarr('{}')",
        store.display()
    );
    let rows = here.run(&text).await.unwrap().collect().await.unwrap();
    let shown = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
    // 4², (-0.5)² + 0.866² twice.
    assert!(shown.contains("| 18.0") && shown.contains("| 4.0"), "{shown}");
}
