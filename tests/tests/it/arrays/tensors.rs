//! Arrays in Arrow files: pyarrow has their values where the file is mapped, and no copy of them.

use std::process::Command;

use strata::RunText;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;

/// Ours, NumPy's, and the names of the dimensions within a row.
const ALIKE: &[(&str, &str, &str)] = &[
    ("arange(84).reshape(12, 7).rechunk(5, 3)", "np.arange(84).reshape(12, 7)", "None"),
    (
        "from_function(t * 100 + y * 10 + x, t => 5, y => 4, x => 3, chunks => (2, 3, 2)).cast('f32')",
        "np.fromfunction(lambda t, y, x: t * 100 + y * 10 + x, (5, 4, 3), dtype='f4')",
        "['y', 'x']",
    ),
    (
        "from_function(t * 2, t => 50, chunks => 7).reshape(50, 1)",
        "2 * np.arange(50).reshape(50, 1)",
        "None",
    ),
    ("arange(50, chunks => 7) * 2", "2 * np.arange(50)", "plain"),
    ("zeros(0, 3)", "np.zeros((0, 3))", "None"),
    (
        "(arange(24) % 5).cast('u8').reshape(2, 3, 4)[::-1, :, 1]",
        "(np.arange(24) % 5).astype('u1').reshape(2, 3, 4)[::-1, :, 1]",
        "None",
    ),
    // More than one batch.
    (
        "from_function(i * 7.0 + j, i => 2500, j => 2000, chunks => (300, 1100))",
        "np.arange(2500)[:, None] * 7.0 + np.arange(2000)",
        "['j']",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn pyarrow_has_the_values_of_a_file_where_they_lie() {
    let Some(python) = python_with("pyarrow") else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    for (kind, session) in [("here", here), ("pool", pool.session(&[]))] {
        let mut checks = String::new();
        for (at, (ours, theirs, names)) in ALIKE.iter().enumerate() {
            let path = folder.path().join(format!("{kind}{at}.arrow")).display().to_string();
            let text = format!("({ours}).named('v').save('{path}')");
            session.run(&text).await.unwrap_or_else(|e| panic!("{text}: {e}"));
            checks.push_str(&format!("check({path:?}, {theirs}, {names:?})\n"));
        }
        let script = format!(
            "import numpy as np, pyarrow as pa, pyarrow.ipc\n\
             def check(path, expected, names):\n\
             \x20   buffer = pa.memory_map(path).read_buffer()\n\
             \x20   table = pa.ipc.open_file(pa.BufferReader(buffer)).read_all()\n\
             \x20   assert table.column_names == ['v'], table.schema\n\
             \x20   table.validate(full=True)\n\
             \x20   column, own = table['v'], []\n\
             \x20   if names != 'plain':\n\
             \x20       assert isinstance(column.type, pa.FixedShapeTensorType), column.type\n\
             \x20       assert list(column.type.shape) == list(expected.shape[1:]), column.type\n\
             \x20       assert str(column.type.dim_names) == names, column.type.dim_names\n\
             \x20   for chunk in column.chunks:\n\
             \x20       values = chunk.to_numpy() if names == 'plain' else chunk.to_numpy_ndarray()\n\
             \x20       start = values.__array_interface__['data'][0]\n\
             \x20       inside = buffer.address <= start and start + values.nbytes <= buffer.address + buffer.size\n\
             \x20       assert inside and start % 64 == 0, (path, start)\n\
             \x20       own.append(values)\n\
             \x20   assert (len(own) > 1) == (expected.nbytes > 32 << 20), (path, len(own))\n\
             \x20   values = np.concatenate(own) if own else np.zeros(expected.shape)\n\
             \x20   assert values.shape == expected.shape and (values == expected).all(), path\n\
             \x20   assert not own or values.dtype == expected.dtype, (values.dtype, expected.dtype)\n\
             {checks}"
        );
        let output = Command::new(python.program()).args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_there_when_it_is_whole() {
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.arrow").display().to_string();
    let run = async |text: String| match session.run(&text).await {
        Ok(frame) => frame.collect().await.map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    for (what, words) in [
        ("inv(zeros(3, 3))", "singular"),
        ("arange(9).reshape(3, 3) > 4", "cast('u8')"),
        ("ones(3).sum()", "no rows"),
        ("zeros(3, 3000000000, chunks => 1000000)", "2147483647"),
    ] {
        let error = run(format!("({what}).save('{path}')")).await.unwrap_err();
        assert!(error.contains(words), "{what}: {error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{what}");
    }
    run(format!("arange(6).reshape(3, 2).save('{path}')")).await.unwrap();
    let error = run(format!("arange(9).save('{path}')")).await.unwrap_err();
    assert!(error.contains("there already"), "{error}");
    // Tables read it, too: a row for each.
    let rows = answer(&session, &format!("SELECT count(*) FROM '{path}'")).await.unwrap().rows;
    assert_eq!(rows.len(), 1);
    run(format!("arange(9).save('{path}', overwrite => true)")).await.unwrap();
    let rows = answer(&session, &format!("SELECT value FROM '{path}' WHERE value > 5")).await;
    assert_eq!(rows.unwrap().rows.len(), 3);
    let error = run(format!("arange(9).save('{path}', append => i)")).await.unwrap_err();
    assert!(error.contains("no argument 'append'"), "{error}");
}
