//! Matrices: products are NumPy's, decompositions are as accurate as LAPACK's, whatever chunks they are made of.

use strata::RunText;
use strata_tests::answer::Cell;
use strata_tests::oracle::{Grain, answer};

use super::language::{come_to, refused};

/// Ours, and NumPy's.
const ALIKE: &[(&str, &str)] = &[
    // Products, of chunks that do not fit each other.
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7); x @ x.transpose()",
        "X = (np.arange(84) * 37 % 19).reshape(12, 7); X @ X.T",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7).rechunk(5, 2); y = (arange(63) * 5 % 11).reshape(7, 9).rechunk(3, 4); x @ y",
        "(np.arange(84) * 37 % 19).reshape(12, 7) @ (np.arange(63) * 5 % 11).reshape(7, 9)",
    ),
    (
        "x = (arange(84) / 7).reshape(12, 7).rechunk(5, 2); y = (arange(63) / 3).reshape(7, 9).rechunk(3, 4); (x @ y)[2:9:3, ::-1]",
        "((np.arange(84) / 7).reshape(12, 7) @ (np.arange(63) / 3).reshape(7, 9))[2:9:3, ::-1]",
    ),
    (
        "x = arange(84).reshape(12, 7).cast('i8').rechunk(5, 2); x.transpose() @ x",
        "x = np.arange(84).reshape(12, 7).astype('i1'); (x.T @ x).astype('i8')",
    ),
    (
        "x = (arange(84) % 5 == 1).reshape(12, 7).rechunk(5, 2); x.transpose() @ x",
        "x = (np.arange(84) % 5 == 1).reshape(12, 7); x.T @ x",
    ),
    // Floats are made of what is on the left.
    (
        "x = (arange(84) % 5).reshape(12, 7).cast('u8').rechunk(5, 2); y = (arange(63) / 3).reshape(7, 9).rechunk(3, 4); x @ y",
        "(np.arange(84) % 5).reshape(12, 7).astype('u1') @ (np.arange(63) / 3).reshape(7, 9)",
    ),
    (
        "x = (arange(84) % 5).reshape(12, 7).cast('i8').rechunk(5, 2); y = (arange(63) / 3).reshape(7, 9).rechunk(3, 4); x.transpose() @ (x @ y)",
        "x = (np.arange(84) % 5).reshape(12, 7).astype('i1'); x.T @ (x @ (np.arange(63) / 3).reshape(7, 9))",
    ),
    (
        "x = (arange(84) % 5 == 1).reshape(12, 7).rechunk(5, 2); y = (arange(63) / 4).reshape(7, 9).cast('f32'); x @ y",
        "(np.arange(84) % 5 == 1).reshape(12, 7) @ (np.arange(63) / 4).reshape(7, 9).astype('f4')",
    ),
    (
        "x = (arange(84) / 4).reshape(12, 7).cast('f32').rechunk(5, 2); y = (arange(36) / 3).reshape(12, 3); x[:, ::-2].transpose() @ y",
        "(np.arange(84) / 4).reshape(12, 7).astype('f4')[:, ::-2].T @ (np.arange(36) / 3).reshape(12, 3)",
    ),
    (
        "z = arange(12).reshape(3, 4).cast('u8') @ (ones(4) / 0); z != z",
        "np.array([True, False, False])",
    ),
    (
        "x = arange(240).reshape(2, 3, 8, 5).cast('u16').rechunk(1, 2, 3, 2); x @ (arange(30) / 7).reshape(5, 6).rechunk(4, 4)",
        "np.arange(240).reshape(2, 3, 8, 5) @ (np.arange(30) / 7).reshape(5, 6)",
    ),
    // What is turned around for a product is made once.
    (
        "x = (arange(84) % 5).reshape(12, 7).rechunk(5, 2); z = (x - x.mean(0)) / 3; z.transpose() @ (z @ ones(7, 2))",
        "x = (np.arange(84) % 5).reshape(12, 7); z = (x - x.mean(0)) / 3; z.T @ (z @ np.ones((7, 2)))",
    ),
    ("arange(7).cast('f32') @ arange(7)", "np.arange(7, dtype='f4') @ np.arange(7)"),
    ("arange(12).reshape(3, 4) @ arange(4)", "np.arange(12).reshape(3, 4) @ np.arange(4)"),
    ("arange(3) @ arange(12).reshape(3, 4)", "np.arange(3) @ np.arange(12).reshape(3, 4)"),
    ("ones(3, 0) @ ones(0, 4)", "np.ones((3, 0)) @ np.ones((0, 4))"),
    ("ones(0, 3) @ ones(3, 4)", "np.ones((0, 3)) @ np.ones((3, 4))"),
    (
        "arange(120).reshape(2, 3, 4, 5).rechunk(1, 2, 3, 2) @ arange(30).reshape(5, 6).rechunk(4, 4)",
        "np.arange(120).reshape(2, 3, 4, 5) @ np.arange(30).reshape(5, 6)",
    ),
    (
        "matmul(arange(60).reshape(3, 4, 5), arange(20).reshape(2, 1, 5, 2).rechunk(1, 1, 2, 1))",
        "np.matmul(np.arange(60).reshape(3, 4, 5), np.arange(20).reshape(2, 1, 5, 2))",
    ),
    ("2 * eye(3) @ arange(3) - 1", "2 * np.eye(3) @ np.arange(3) - 1"),
    (
        "dot(arange(24).reshape(2, 3, 4), arange(40).reshape(2, 4, 5))",
        "np.dot(np.arange(24).reshape(2, 3, 4), np.arange(40).reshape(2, 4, 5))",
    ),
    ("arange(4).dot(3)", "np.dot(np.arange(4), 3)"),
    (
        "tensordot(arange(60).reshape(3, 4, 5).rechunk(2, 3, 2), arange(24).reshape(4, 3, 2), axes => ((1, 0), (0, 1)))",
        "np.tensordot(np.arange(60).reshape(3, 4, 5), np.arange(24).reshape(4, 3, 2), axes=((1, 0), (0, 1)))",
    ),
    (
        "tensordot(arange(6), arange(6), axes => 1)",
        "np.tensordot(np.arange(6), np.arange(6), axes=1)",
    ),
    (
        "tensordot(arange(3), arange(2), axes => 0)",
        "np.tensordot(np.arange(3), np.arange(2), axes=0)",
    ),
    (
        "einsum('ij,jk->ik', arange(6).reshape(2, 3), arange(12).reshape(3, 4))",
        "np.arange(6).reshape(2, 3) @ np.arange(12).reshape(3, 4)",
    ),
    (
        "einsum('ij,jk', arange(6).reshape(2, 3).rechunk(1, 2), arange(12).reshape(3, 4))",
        "np.einsum('ij,jk', np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4))",
    ),
    (
        "einsum('ii->i', arange(9).reshape(3, 3).rechunk(2, 2))",
        "np.einsum('ii->i', np.arange(9).reshape(3, 3))",
    ),
    ("einsum('ii', arange(9).reshape(3, 3))", "np.einsum('ii', np.arange(9).reshape(3, 3))"),
    ("einsum('ba', arange(6).reshape(2, 3))", "np.einsum('ba', np.arange(6).reshape(2, 3))"),
    (
        "einsum('ijk,jil->kl', arange(24).reshape(2, 3, 4), arange(12).reshape(3, 2, 2))",
        "np.einsum('ijk,jil->kl', np.arange(24).reshape(2, 3, 4), np.arange(12).reshape(3, 2, 2))",
    ),
    (
        "einsum('bij,bjk->bik', arange(24).reshape(2, 3, 4).rechunk(1, 2, 3), arange(40).reshape(2, 4, 5))",
        "np.arange(24).reshape(2, 3, 4) @ np.arange(40).reshape(2, 4, 5)",
    ),
    ("einsum('i,j->ji', arange(3), arange(4))", "np.einsum('i,j->ji', np.arange(3), np.arange(4))"),
    (
        "einsum('ij,jk,kl->il', arange(6).reshape(2, 3), arange(12).reshape(3, 4), arange(8).reshape(4, 2))",
        "np.einsum('ij,jk,kl->il', np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4), np.arange(8).reshape(4, 2))",
    ),
    ("einsum('ij,ij->', arange(6).reshape(2, 3), ones(2, 3))", "np.array(15)"),
    (
        "einsum('i,j,jk->k', arange(5), arange(2), arange(6).reshape(2, 3))",
        "np.einsum('i,j,jk->k', np.arange(5), np.arange(2), np.arange(6).reshape(2, 3))",
    ),
    // What is solved.
    (
        "x = eye(6) * 3 + (arange(36) * 7 % 5).reshape(6, 6).rechunk(4, 4); inv(x)",
        "np.linalg.inv(np.eye(6) * 3 + (np.arange(36) * 7 % 5).reshape(6, 6))",
    ),
    (
        "x = eye(6) * 3 + (arange(36) * 7 % 5).reshape(6, 6); solve(x, arange(6))",
        "np.linalg.solve(np.eye(6) * 3 + (np.arange(36) * 7 % 5).reshape(6, 6), np.arange(6))",
    ),
    (
        "x = eye(6) * 3 + (arange(36) * 7 % 5).reshape(6, 6); x.solve(arange(12).reshape(6, 2))",
        "np.linalg.solve(np.eye(6) * 3 + (np.arange(36) * 7 % 5).reshape(6, 6), np.arange(12).reshape(6, 2))",
    ),
    (
        "x = eye(6) * 3 + (arange(36) * 7 % 5).reshape(6, 6); det(x)",
        "np.linalg.det(np.eye(6) * 3 + (np.arange(36) * 7 % 5).reshape(6, 6))",
    ),
    ("det(eye(3)[::-1])", "np.linalg.det(np.eye(3)[::-1])"),
    ("det(ones(3, 3))", "np.array(0.0)"),
    (
        "x = (arange(36) * 7 % 5).reshape(9, 4); cholesky(x.transpose() @ x + eye(4))",
        "x = (np.arange(36) * 7 % 5).reshape(9, 4); np.linalg.cholesky(x.T @ x + np.eye(4))",
    ),
    (
        "x = (arange(30) * 7 % 11).reshape(6, 5).rechunk(2, 2); p, l, u = lu(x); p @ l @ u",
        "(np.arange(30) * 7 % 11).reshape(6, 5)",
    ),
    (
        "x = (arange(30) % 3).reshape(6, 5) * (arange(5) != 1); p, l, u = lu(x); p @ l @ u",
        "(np.arange(30) % 3).reshape(6, 5) * (np.arange(5) != 1)",
    ),
    ("p, l, u = lu(ones(3, 3)); u", "np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0]])"),
    ("x = (arange(30) * 7 % 11).reshape(6, 5); p, l, u = lu(x); abs(l).max()", "np.array(1.0)"),
    (
        "x = (arange(36) * 7 % 5).reshape(9, 4); w, v = eigh(x.transpose() @ x); w",
        "x = (np.arange(36) * 7 % 5).reshape(9, 4); np.linalg.eigvalsh(x.T @ x)",
    ),
    (
        "x = (arange(36) * 7 % 5).reshape(9, 4); g = x.transpose() @ x; w, v = eigh(g); (v * w) @ v.transpose()",
        "x = (np.arange(36) * 7 % 5).reshape(9, 4); x.T @ x",
    ),
    (
        "x = (arange(36) * 7 % 5).reshape(9, 4); lstsq(x, arange(9))",
        "np.linalg.lstsq((np.arange(36) * 7 % 5).reshape(9, 4), np.arange(9), rcond=None)[0]",
    ),
    (
        "x = ones(9, 4); lstsq(x, arange(9))",
        "np.linalg.lstsq(np.ones((9, 4)), np.arange(9), rcond=None)[0]",
    ),
    (
        "x = from_function(sin(i * 7.1 + j * j * 1.3), i => 30000, j => 6, chunks => (700, 4)); y = from_function(cos(i * 0.3), i => 30000, chunks => 1000); lstsq(x, y)",
        "np.linalg.lstsq(np.fromfunction(lambda i, j: np.sin(i * 7.1 + j * j * 1.3), (30000, 6)), np.cos(np.arange(30000) * 0.3), rcond=None)[0]",
    ),
    // Decompositions.
    (
        "x = (arange(36) * 7 % 5).reshape(9, 4).rechunk(4, 3); x.svd().s",
        "np.linalg.svd((np.arange(36) * 7 % 5).reshape(9, 4))[1]",
    ),
    (
        "x = (arange(36) * 7 % 5).reshape(4, 9).rechunk(4, 3); u, s, v = svd(x); (u * s) @ v",
        "(np.arange(36) * 7 % 5).reshape(4, 9)",
    ),
    (
        "x = (arange(36) * 7 % 5).reshape(4, 9); q, r = qr(x); q @ r",
        "(np.arange(36) * 7 % 5).reshape(4, 9)",
    ),
    (
        "x = (arange(36) * 7 % 5).reshape(9, 4); abs(x.qr().r)",
        "abs(np.linalg.qr((np.arange(36) * 7 % 5).reshape(9, 4))[1])",
    ),
    ("x = arange(5).reshape(5, 1); u, s, v = svd(x); u * s * v", "np.arange(5.0).reshape(5, 1)"),
    (
        "x = from_function(sin(i * 7.1 + j * j * 1.3), i => 30000, j => 6, chunks => (700, 4)); x.svd().s",
        "np.linalg.svd(np.fromfunction(lambda i, j: np.sin(i * 7.1 + j * j * 1.3), (30000, 6)), full_matrices=False)[1]",
    ),
    (
        "x = from_function(sin(i * 7.1 + j * j * 1.3), i => 6, j => 30000, chunks => (4, 700)); u, s, v = svd(x); abs((u * s) @ v - x).max() < 1e-11",
        "np.array(True)",
    ),
    (
        "x = from_function(1 / (1 + i + j * 3.0), i => 900, j => 70, chunks => (50, 33)); svd_compressed(x, k => 5).s",
        "np.linalg.svd(np.fromfunction(lambda i, j: 1 / (1 + i + j * 3.0), (900, 70)))[1][:5]",
    ),
    (
        "x = from_function((i % 3) * (j % 4) + i % 2, i => 900, j => 70, chunks => (50, 33)).cast('u8'); svd_compressed(x, k => 3).s",
        "np.linalg.svd(np.fromfunction(lambda i, j: (i % 3) * (j % 4) + i % 2, (900, 70)))[1][:3]",
    ),
    (
        "x = from_function((i % 3) * (j % 4) + i % 2, i => 70, j => 900, chunks => (70, 90)).cast('i16'); u, s, v = svd_compressed(x, k => 4); abs((u * s) @ v - x).max() < 1e-9",
        "np.array(True)",
    ),
    (
        "x = from_function(1 / (1 + i + j * 3.0), i => 90, j => 700, chunks => (50, 33)); u, s, v = svd_compressed(x, k => 6, iterations => 3, seed => 4); abs((u * s) @ v - x).max() < 0.001",
        "np.array(True)",
    ),
    (
        "x = from_function(sin(i * 0.7 + j * j) + i % 3, i => 200, j => 5, chunks => (30, 5)); pca(x).variance",
        "x = np.fromfunction(lambda i, j: np.sin(i * 0.7 + j * j) + i % 3, (200, 5)); np.linalg.eigvalsh(np.cov(x.T))[::-1]",
    ),
    (
        "x = from_function(sin(i * 0.7 + j * j) + i % 3, i => 200, j => 5); a, b, c = pca(x); a @ b + x.mean(i)",
        "np.fromfunction(lambda i, j: np.sin(i * 0.7 + j * j) + i % 3, (200, 5))",
    ),
    // How large, and how rows go together.
    ("norm(arange(12).reshape(3, 4))", "np.linalg.norm(np.arange(12).reshape(3, 4))"),
    ("norm(arange(12).reshape(3, 4), 1)", "np.linalg.norm(np.arange(12).reshape(3, 4), axis=1)"),
    (
        "norm(arange(12).reshape(3, 4), 0, ord => 1)",
        "np.linalg.norm(np.arange(12).reshape(3, 4), 1, axis=0)",
    ),
    ("norm(arange(12).reshape(3, 4), ord => 1)", "np.linalg.norm(np.arange(12).reshape(3, 4), 1)"),
    ("norm(arange(12).reshape(3, 4), ord => 2)", "np.linalg.norm(np.arange(12).reshape(3, 4), 2)"),
    (
        "norm(arange(12).reshape(3, 4), ord => '-inf')",
        "np.linalg.norm(np.arange(12).reshape(3, 4), -np.inf)",
    ),
    (
        "norm(arange(12).reshape(3, 4), ord => 'nuc')",
        "np.linalg.norm(np.arange(12).reshape(3, 4), 'nuc')",
    ),
    ("(arange(12) - 5).norm(ord => 3)", "np.linalg.norm(np.arange(12) - 5, 3)"),
    ("(arange(12) - 5).norm(ord => 0)", "np.linalg.norm(np.arange(12) - 5, 0)"),
    ("(arange(12) - 5).norm(ord => 'inf')", "np.linalg.norm(np.arange(12) - 5, np.inf)"),
    (
        "cov((arange(36) * 7 % 5).reshape(4, 9).rechunk(3, 4))",
        "np.cov((np.arange(36) * 7 % 5).reshape(4, 9))",
    ),
    (
        "cov((arange(36) * 7 % 5).reshape(4, 9), ddof => 0)",
        "np.cov((np.arange(36) * 7 % 5).reshape(4, 9), ddof=0)",
    ),
    ("cov(arange(9))", "np.cov(np.arange(9))"),
    (
        "corrcoef((arange(36) * 7 % 5).reshape(4, 9).rechunk(3, 4))",
        "np.corrcoef((np.arange(36) * 7 % 5).reshape(4, 9))",
    ),
    (
        "cross_correlation((arange(36) * 7 % 5).reshape(4, 9).rechunk(3, 4), lags => 3)",
        "x = (np.arange(36) * 7 % 5).reshape(4, 9); z = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True); \
         np.stack([z[:, max(-k, 0):9 - max(k, 0)] @ z[:, max(k, 0):9 + min(k, 0)].T / 9 for k in range(-3, 4)])",
    ),
    (
        "x = (arange(36) * 7 % 5).reshape(4, 9); cross_correlation(x[:2].rechunk(1, 2), sin(x), lags => 8)[::4]",
        "x = (np.arange(36) * 7 % 5).reshape(4, 9); f = lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True); \
         z, w = f(x[:2]), f(np.sin(x)); \
         np.stack([z[:, max(-k, 0):9 - max(k, 0)] @ w[:, max(k, 0):9 + min(k, 0)].T / 9 for k in range(-8, 9, 4)])",
    ),
    (
        "x = sin(arange(4000) * arange(4000) % 1009).reshape(2, 2000); y = x[:1].cast('f32'); \
         cross_correlation(x.rechunk(1, 300), y.rechunk(1, 170), lags => 700)[::100]",
        "x = np.sin(np.arange(4000) ** 2 % 1009).reshape(2, 2000); f = lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True); \
         z, w = f(x), f(x[:1].astype('f4').astype('f8')); \
         np.stack([z[:, max(-k, 0):2000 - max(k, 0)] @ w[:, max(k, 0):2000 + min(k, 0)].T / 2000 for k in range(-700, 701, 100)])",
    ),
    // More than a piece, and a row whose values are all the same.
    (
        "x = sin(arange(5000000) * 7 % 1009); cross_correlation(x.rechunk(700000), x[::-1], lags => 3)",
        "x = np.sin(np.arange(5000000) * 7 % 1009); x = (x - x.mean()) / x.std(); y = x[::-1]; \
         np.array([x[max(-k, 0):5000000 - max(k, 0)] @ y[max(k, 0):5000000 + min(k, 0)] / 5000000 for k in range(-3, 4)]).reshape(7, 1, 1)",
    ),
    (
        "x = concatenate(arange(9), ones(9)).reshape(2, 9); cross_correlation(x, lags => 1)",
        "x = (np.arange(9) - 4) / np.arange(9).std(); z = [x[1:] @ x[:-1] / 9, 1, x[1:] @ x[:-1] / 9]; \
         np.array([[[v, np.nan], [np.nan, np.nan]] for v in z])",
    ),
    (
        "x = arange(50) % 7; cross_correlation(x.rechunk(8), x[::-1], lags => 0)",
        "x = np.arange(50) % 7; np.corrcoef(x, x[::-1])[0, 1].reshape(1, 1, 1)",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn matrices_come_to_what_numpy_makes_of_them() {
    let alike: Vec<(String, String)> =
        ALIKE.iter().map(|(ours, theirs)| (ours.to_string(), theirs.to_string())).collect();
    come_to(&alike, 1e-9).await;
}

/// Decompositions of matrices whose columns nearly depend on each other, or do, in pieces and at once: what is left
/// over, and how far from orthonormal bases are, in units of the last place.
#[tokio::test(flavor = "multi_thread")]
async fn decompositions_are_accurate_however_matrices_are_conditioned() {
    let session = Grain { batch_size: 8192, partitions: 3 }.session();
    let basis = "b = qr(random_normal(24000, 8, seed => 1, chunks => (1500, 8))).q; \
                 w = qr(random_normal(8, 8, seed => 2)).q; d = 10 ** linspace(0, -10, 8)";
    for (name, made) in [
        ("conditioned badly", "x = (b * d) @ w"),
        ("of a rank that lacks one", "x = concatenate(b[:, :7], b[:, :1] - b[:, 3:4], axis => 1)"),
        ("of zeros", "x = b * 0"),
        ("with a column of zeros", "x = b * (arange(8) != 2)"),
        ("in pieces that lie otherwise", "x = ((b * d) @ w).rechunk(777, 3)"),
        ("in one piece", "x = ((b * d) @ w).rechunk(24000, 8)"),
    ] {
        for statement in basis.split("; ").chain([made]) {
            run(&session, statement).await;
        }
        run(&session, "q, r = qr(x)").await;
        run(&session, "u, s, v = svd(x)").await;
        for what in [
            "abs(q.transpose() @ q - eye(8)).max()",
            "abs(q @ r - x).max()",
            "abs(u.transpose() @ u - eye(8)).max()",
            "abs(v @ v.transpose() - eye(8)).max()",
            "abs((u * s) @ v - x).max()",
            // R is a triangle, and singular values go down.
            "abs(where(arange(8).reshape(8, 1) > arange(8), r, 0.0)).max()",
            "maximum(s[1:] - s[:-1], 0.0).max()",
        ] {
            let left = number(&session, what).await;
            assert!(left < 1e-13, "a matrix {name}: {what} is {left}");
        }
        if made.ends_with("@ w") {
            let off = number(&session, "abs(s - d).max()").await;
            assert!(off < 1e-14, "singular values are off by {off}");
        }
    }
}

async fn run(session: &datafusion::prelude::SessionContext, statement: &str) {
    session.run(statement).await.unwrap().collect().await.unwrap();
}

async fn number(session: &datafusion::prelude::SessionContext, text: &str) -> f64 {
    let rows = answer(session, text).await.unwrap_or_else(|e| panic!("{text}: {e}")).rows;
    match rows[0].last() {
        Some(Cell::Real(value)) => *value,
        other => panic!("{text}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_matrix_has_is_refused_by_name() {
    let session = Grain { batch_size: 8192, partitions: 3 }.session();
    let asked = [
        ("ones(3, 4) @ ones(3, 4)", "have no product"),
        ("ones(2, 3, 4) @ ones(3, 4, 2)", "have no product"),
        ("ones(3) @ 2", "write x * 2"),
        ("inv(ones(3, 3))", "singular"),
        ("solve(zeros(2, 2), ones(2))", "singular"),
        ("solve(ones(2, 3), ones(2))", "square matrix, not 2 × 3"),
        ("solve(eye(3), ones(2))", "as many rows"),
        ("cholesky(eye(3) * -1)", "not positive definite"),
        ("svd(zeros(3, 3) / 0).s", "not finite"),
        ("svd(ones(3))", "two dimensions"),
        ("svd(ones(2, 3, 4))", "two dimensions"),
        ("svd(eye(3)) + 1", "these are 3 arrays: u, s, v"),
        ("svd(eye(3)).t", "no array 't'"),
        ("a, b = svd(eye(3))", "2 names for 3 arrays, which are u, s, v"),
        ("a, b = eye(3)", "2 names for one thing"),
        ("svd_compressed(eye(3))", "k => is missing"),
        ("svd_compressed(eye(3), k => 4)", "k is from 1 to that, not 4"),
        ("svd_compressed(eye(3), k => 2, iteration => 3)", "no argument 'iteration'"),
        ("einsum('ij,jk->ik', eye(3))", "1 arrays for 2 terms"),
        ("einsum('ij->ik', eye(3))", "'k' is on the right"),
        ("einsum('ij,jk->ik', ones(2, 3), ones(4, 5))", "'j' is 3 and 4 long"),
        ("einsum('i...->i', eye(3))", "'.' is no letter"),
        ("tensordot(ones(2, 3), ones(2, 3), axes => 1)", "not as long"),
        ("tensordot(ones(2), ones(2), axes => -1)", "it is called otherwise"),
        ("norm(eye(3), ord => 5)", "no such norm"),
        ("norm(eye(3), ord => 'big')", "no norm 'big'"),
        ("pca(ones(1, 3)).variance", "fewer than two samples"),
        ("lstsq(ones(5, 2), ones(4))", "as many values as there are rows"),
    ];
    refused(&session, &asked).await;
}
