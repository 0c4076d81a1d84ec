//! Small numbers, several to a byte: as NumPy packs them, and back again, however they are cut.

use std::process::Command;

use strata::RunText;
use strata_tests::answer::Cell;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;

use super::language::{come_to, refused};

/// NumPy's, for values of so many bits.
fn theirs(x: &str, bits: usize) -> String {
    let each = 8 / bits;
    format!(
        "{x}; n = x.shape[-1]; \
         p = np.pad(x.astype('u1'), [(0, 0)] * (x.ndim - 1) + [(0, -n % {each})]); \
         p = p.reshape(*x.shape[:-1], -(-n // {each}), {each}); \
         (p << np.arange({each}, dtype='u1') * {bits}).sum(-1)"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_numpys_and_come_back() {
    let mut alike = Vec::new();
    for (at, length) in [0, 1, 3, 5, 8, 16, 29].into_iter().enumerate() {
        for (by, bits) in [1, 2, 4].into_iter().enumerate() {
            let (most, cells) = (1 << bits, 3 * length);
            let cut = ["1, 1", "2, 3", "3, 8", "1, 7", "3, 100"][(2 * at + by) % 5];
            let of = ["u8", "i64", "u16", "i8", "u64"][(at + by) % 5];
            let ours = format!(
                "x = (arange({cells}) * 7 % 13 % {most}).reshape(3, {length}).cast('{of}').rechunk({cut})"
            );
            let x = format!("x = (np.arange({cells}) * 7 % 13 % {most}).reshape(3, {length})");
            alike.push((format!("{ours}; x.pack(bits => {bits})"), theirs(&x, bits)));
            let back = format!("unpack(bits => {bits}, length => {length})");
            alike.push((format!("{ours}; x.pack(bits => {bits}).{back}"), format!("{x}; x")));
            alike.push((
                format!("{ours}; x.pack(bits => {bits}).rechunk(2, 2).{back}[::-1, 1::2] * 2"),
                format!("{x}; x[::-1, 1::2] * 2"),
            ));
            alike.push((
                format!("{ours}; x.pack(bits => {bits}).unpack(bits => {bits}).sum()"),
                format!("{x}; x.sum()"),
            ));
        }
    }
    let more = [
        (
            "x = arange(40, chunks => 7) % 3 == 1; x.pack(bits => 1)",
            "x = np.arange(40) % 3 == 1; np.packbits(x, bitorder='little')",
        ),
        (
            "x = arange(41, chunks => 7) % 3 == 1; x.pack(bits => 1).unpack(bits => 1, length => 41) == x",
            "np.ones(41, bool)",
        ),
        // Ragged chunks, of which some end within a byte and some have less than one.
        (
            "x = (arange(30) % 4).reshape(3, 10); concatenate(x[:, :1], x[:, 1:3], x[:, 3:], axis => 1).pack(bits => 2)",
            "x = (np.arange(30) % 4).reshape(3, 10); p = np.pad(x, ((0, 0), (0, 2))).reshape(3, 3, 4); (p << np.arange(4) * 2).sum(-1)",
        ),
        (
            "x = (arange(30) % 4).reshape(3, 10).pack(bits => 2); concatenate(x[:, :1], x[:, 2:], x, axis => 1).unpack(bits => 2, length => 18)[:, 3:17]",
            "x = np.pad((np.arange(30) % 4).reshape(3, 10), ((0, 0), (0, 2))); np.concatenate([x[:, :4], x[:, 8:], x], 1)[:, 3:17]",
        ),
        // More dimensions, turned around, and as a matrix.
        (
            "x = (arange(120) % 16).reshape(2, 5, 12).rechunk(1, 2, 5); x.pack(bits => 4).unpack(bits => 4).transpose()",
            "(np.arange(120) % 16).reshape(2, 5, 12).T",
        ),
        (
            "x = (arange(120) % 3).reshape(10, 12).rechunk(3, 5).pack(bits => 2).unpack(bits => 2); x.transpose() @ x",
            "x = (np.arange(120) % 3).reshape(10, 12); x.T @ x % 256",
        ),
        (
            "x = (arange(9000) * 7919 % 3).reshape(3, 3000).rechunk(2, 1111); p = x.pack(bits => 2); p.unpack(bits => 2).mean(1) - x.mean(1)",
            "np.zeros(3)",
        ),
    ];
    alike.extend(more.map(|(ours, theirs)| (ours.to_string(), theirs.to_string())));
    come_to(&alike, 1e-12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_packed_numbers_are_read_elsewhere_and_decomposed() {
    let Some(python) = python_with("zarr") else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    for (name, session) in [("here", here), ("pool", pool.session(&[]))] {
        let path = folder.path().join(format!("{name}.zarr")).display().to_string();
        for statement in [
            "g = from_function((i * i + 3 * j + (i * j) % 7) % 3, i => 300, j => 41, chunks => (70, 16)).cast('u8')",
            &format!("g.pack(bits => 2).save('{path}')"),
            &format!("z = zarr('{path}').values.unpack(bits => 2, length => 41)"),
        ] {
            session.run(statement).await.unwrap().collect().await.unwrap();
        }
        for (text, least) in [
            ("(z == g).all().cast('f64')", 1.0),
            (
                "(abs(svd_compressed(z, k => 3, iterations => 6).s - svd(g).s[:3]).max() < 0.000001).cast('f64')",
                1.0,
            ),
        ] {
            let rows = answer(&session, text).await.unwrap_or_else(|e| panic!("{text}: {e}")).rows;
            assert!(
                matches!(rows[0].last(), Some(Cell::Real(value)) if *value == least),
                "{text}: {rows:?}"
            );
        }
        let script = format!(
            "import numpy as np, zarr\n\
             z = zarr.open({path:?}, mode='r')\n\
             z = z if hasattr(z, 'shape') else next(iter(dict(z.arrays()).values()))\n\
             packed = z[:]\n\
             assert packed.dtype == np.uint8 and packed.shape == (300, 11), (packed.dtype, packed.shape)\n\
             i, j = np.ogrid[:300, :41]\n\
             x = ((packed[:, :, None] >> np.arange(4) * 2) & 3).reshape(300, 44)\n\
             assert (x[:, :41] == (i * i + 3 * j + (i * j) % 7) % 3).all() and (x[:, 41:] == 0).all()"
        );
        let output = Command::new(python.program()).args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_by_name() {
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    for session in [here, pool.session(&[])] {
        let asked = [
            ("(arange(5)).pack(bits => 2)", "4 does not fit into 2 bits, which have 0 to 3"),
            ("(arange(5) - 1).pack(bits => 4)", "-1 does not fit into 4 bits"),
            ("(arange(5) + 255).cast('u16').pack(bits => 4)", "255 does not fit"),
            ("linspace(0, 1, 5).pack(bits => 2)", "f64 are not packed"),
            ("arange(5).cast('time[s]').pack(bits => 2)", "time[s] are not packed"),
            ("ones(3).sum().cast('u8').pack(bits => 2)", "no dimension to pack along"),
            ("arange(5).pack(bits => 3)", "1, 2 or 4 bits"),
            ("arange(5).pack(2)", "called otherwise"),
            ("arange(5).pack()", "called otherwise"),
            ("arange(5).pack(bit => 2)", "called otherwise"),
            ("arange(5).pack(bits => 2, length => 3)", "no argument 'length'"),
            ("arange(5).unpack(bits => 2)", "bytes are, of type u8"),
            ("arange(5).cast('u8').unpack(bits => 2, length => 21)", "5 bytes have 20"),
            ("arange(5).cast('u8').unpack(bits => 2, length => -1)", "0 or more"),
        ];
        refused(&session, &asked).await;
    }
}

/// Arrays that stay in memory are what they were made of, and take what they say.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_in_memory_is_read_chunk_by_chunk() {
    let mut alike = Vec::new();
    for codec in ["", "codec => 'none'", "codec => 'lz4'", "codec => 'zstd'"] {
        for (ours, theirs) in [
            ("arange(84).reshape(12, 7).rechunk(5, 3)", "np.arange(84).reshape(12, 7)"),
            (
                "(arange(84) / 8).cast('f32').reshape(12, 7).rechunk(5, 3)",
                "(np.arange(84) / 8).astype('f4').reshape(12, 7)",
            ),
            (
                "(arange(84) % 3).cast('u8').reshape(12, 7).rechunk(1, 7)",
                "(np.arange(84) % 3).reshape(12, 7)",
            ),
            (
                "from_function(sin(i * 0.1) + j, i => 3000, j => 17, chunks => (700, 5))",
                "np.fromfunction(lambda i, j: np.sin(i * 0.1) + j, (3000, 17))",
            ),
        ] {
            let x = format!("x = ({ours}).persist({codec})");
            for part in ["", "[::-1, 1::3]", "[4:11, 2:6] * 2", ".sum(0)"] {
                alike.push((format!("{x}; x{part}"), format!("({theirs}){part}")));
            }
            alike.push((
                format!("{x}; x[:20] @ x.transpose()[:, :9]"),
                format!("x = {theirs}; x[:20] @ x.T[:, :9]"),
            ));
        }
        alike.push((
            format!("x = ones(3, 0).persist({codec}); x.sum(1)"),
            "np.zeros(3)".to_string(),
        ));
        alike.push((
            format!("x = ones(3).sum().persist({codec}); x + 1"),
            "np.array(4.0)".to_string(),
        ));
        alike.push((
            format!("x = (arange(84) % 3).reshape(12, 7).rechunk(5, 3).pack(bits => 2).persist({codec}); x.unpack(bits => 2, length => 7)"),
            "(np.arange(84) % 3).reshape(12, 7)".to_string(),
        ));
    }
    for (ours, theirs) in &mut alike {
        // The product of the small ones is u8, which wraps.
        if ours.contains("'u8'") && ours.contains('@') {
            *theirs = format!("{theirs} % 256");
        }
    }
    come_to(&alike, 1e-9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_what_is_kept_is_counted_and_given_back() {
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    let pool = std::sync::Arc::clone(&session.runtime_env().memory_pool);
    let before = pool.reserved();
    for (codec, least, most) in
        [("none", 4_000_000, 4_200_000), ("lz4", 500_000, 1_300_000), ("zstd", 500_000, 1_200_000)]
    {
        run(&session, &format!("x = random_integers(2000, 2000, low => 0, high => 3, seed => 1, chunks => 500, dtype => 'u8').persist(codec => '{codec}')")).await;
        let held = pool.reserved() - before;
        assert!((least..most).contains(&held), "{codec} holds {held}");
        run(&session, "x = arange(3)").await;
        assert_eq!(pool.reserved(), before, "{codec}");
    }
    // It has its names still.
    run(&session, "t = from_function(day * 2, day => 4).persist(codec => 'zstd')").await;
    assert_eq!(answer(&session, "t.sum(day)").await.unwrap().rows.len(), 1);
    let asked = [
        ("x.persist(codec => 'lz5')", "'lz5'; there are none, lz4 and zstd"),
        ("x.persist(codec => 'snappy')", "'snappy'; there are none, lz4 and zstd"),
        ("x.persist(codec => 3)", "codec => is a name"),
        ("x.persist('lz4')", "called otherwise"),
        ("x.persist(level => 3)", "no argument 'level'"),
        ("zeros(100000, 1000000, chunks => 1000).persist()", "does not fit"),
    ];
    refused(&session, &asked).await;
}

async fn run(session: &datafusion::prelude::SessionContext, text: &str) {
    session.run(text).await.unwrap().collect().await.unwrap();
}
