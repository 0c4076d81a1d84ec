//! What is made of values and those around them: filters are SciPy's, windows Xarray's, however they are cut.

use std::sync::Arc;

use strata::RunText;
use strata_engine::{Array, ArrayError, Block, Boundary, ChunkKernel, DType, Slice, Tensor, Wire};
use strata_tests::answer::Cell;
use strata_tests::oracle::{Grain, answer};

use super::groups::come_to_xarrays;
use super::language::{come_to, refused};

/// An image of ours and of NumPy's, and how it is cut.
const IMAGES: &[(&str, &str)] = &[
    (
        "(arange(84) * 37 % 19 / 3).reshape(12, 7).rechunk(5, 2)",
        "(np.arange(84) * 37 % 19 / 3).reshape(12, 7)",
    ),
    (
        "(arange(84) * 37 % 19).reshape(12, 7).cast('f32').rechunk(1, 1)",
        "(np.arange(84) * 37 % 19).reshape(12, 7).astype('f4')",
    ),
    (
        "(arange(84) * 37 % 19).reshape(12, 7)",
        "(np.arange(84) * 37 % 19).reshape(12, 7).astype('f8')",
    ),
];

/// What is done to them, by us and by `scipy.ndimage`.
const FILTERS: &[(&str, &str)] = &[
    ("gaussian_filter(1)", "gaussian_filter(x, 1)"),
    ("gaussian_filter((2, 0.5))", "gaussian_filter(x, (2, 0.5))"),
    ("gaussian_filter((2, 0), boundary => 'mirror')", "gaussian_filter(x, (2, 0), mode='mirror')"),
    ("gaussian_filter(3, boundary => 'periodic')", "gaussian_filter(x, 3, mode='wrap')"),
    ("uniform_filter(3)", "uniform_filter(x, 3)"),
    ("uniform_filter((4, 1), boundary => 'nearest')", "uniform_filter(x, (4, 1), mode='nearest')"),
    (
        "uniform_filter((9, 4), boundary => 'constant', value => 2)",
        "uniform_filter(x, (9, 4), mode='constant', cval=2)",
    ),
    ("median_filter(3)", "median_filter(x, 3)"),
    ("median_filter((2, 4), boundary => 'periodic')", "median_filter(x, (2, 4), mode='wrap')"),
    ("median_filter((5, 1), boundary => 0)", "median_filter(x, (5, 1), mode='constant')"),
    ("sobel(0)", "sobel(x, 0)"),
    ("sobel(boundary => 'periodic')", "sobel(x, mode='wrap')"),
    ("laplace()", "laplace(x)"),
    ("laplace(boundary => 'mirror')", "laplace(x, mode='mirror')"),
    ("convolve(arange(6).reshape(2, 3))", "convolve(x, np.arange(6.0).reshape(2, 3))"),
    (
        "convolve((arange(35) * 3 % 8).reshape(7, 5).rechunk(2, 2), boundary => 'nearest')",
        "convolve(x, (np.arange(35) * 3 % 8).reshape(7, 5), mode='nearest')",
    ),
    // So many weights that they are transformed.
    (
        "convolve((arange(357) * 3 % 8 + 1).reshape(21, 17), boundary => 'periodic')",
        "convolve(np.pad(x, ((12, 12), (14, 14)), 'wrap'), (np.arange(357) * 3 % 8 + 1.0).reshape(21, 17))[12:-12, 14:-14]",
    ),
    (
        "convolve((arange(400) * 3 % 8 + 1).reshape(20, 20), boundary => 'mirror')",
        "convolve(x, (np.arange(400) * 3 % 8 + 1.0).reshape(20, 20), mode='mirror')",
    ),
    ("gaussian_filter(1)[3:9:2, ::-1]", "gaussian_filter(x, 1)[3:9:2, ::-1]"),
    ("gaussian_filter(1).sum(0)", "gaussian_filter(x, 1).sum(0)"),
];

/// Other texts of ours, and of NumPy's and SciPy's.
const ALIKE: &[(&str, &str)] = &[
    ("arange(7).median_filter(3) + 0", "ndi.median_filter(np.arange(7), 3)"),
    ("x = (arange(20) ** 2).rechunk(3); x.gradient(0)", "np.gradient(np.arange(20.0) ** 2)"),
    (
        "x = (arange(20) ** 2).rechunk(1); x.gradient(0, spacing => 0.5)",
        "np.gradient(np.arange(20.0) ** 2, 0.5)",
    ),
    ("arange(2).gradient(0)", "np.gradient(np.arange(2.0))"),
    (
        "x = ones(9, 5, dims => ('row', 'place')).cumsum(place).rechunk(4, 2) ** 2; x.gradient(place)[2:5]",
        "np.gradient(np.ones((9, 5)).cumsum(1) ** 2, axis=1)[2:5]",
    ),
    (
        "x = ones(9, 5, dims => ('row', 'place')).cumsum(row).rechunk(4, 2); x.gaussian_filter(row => 1)",
        "ndi.gaussian_filter(np.ones((9, 5)).cumsum(0), (1, 0))",
    ),
    ("x = ones(5, 0); x.gaussian_filter(2)", "np.ones((5, 0))"),
    ("x = ones(0); x.median_filter(3)", "np.ones(0)"),
    ("x = ones(1, 1) * 3; x.gaussian_filter(2)", "np.full((1, 1), 3.0)"),
    ("x = ones(1, 1) * 3; x.laplace(boundary => 'mirror')", "np.zeros((1, 1))"),
    // What is no number is where it can be seen from, and nowhere else.
    (
        "x = where(arange(60).reshape(6, 10) == 25, 0.0 / zeros(6, 10), 1.0).rechunk(4, 3); x.uniform_filter(3).isnan()",
        "x = np.zeros((6, 10), bool); x[1:4, 4:7] = True; x",
    ),
    (
        "x = where(arange(60).reshape(6, 10) == 25, 0.0 / zeros(6, 10), 1.0).rechunk(4, 3); x.median_filter(3).isnan()",
        "x = np.zeros((6, 10), bool); x[1:4, 4:7] = True; x",
    ),
    (
        "x = where(arange(1600).reshape(40, 40) == 822, 0.0 / zeros(40, 40), 1.0).rechunk(15, 17); x.convolve(ones(19, 19)).isnan().sum()",
        "np.array(361)",
    ),
    (
        "x = random_normal(30, 20, 10, seed => 3, chunks => (7, 20, 3)); abs(x.gaussian_filter(2) - x.rechunk(30, 20, 10).gaussian_filter(2)).max() < 1e-14",
        "np.array(1)",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_scipys() {
    let mut alike: Vec<(String, String)> =
        ALIKE.iter().map(|(ours, theirs)| (ours.to_string(), theirs.to_string())).collect();
    for (image, theirs) in IMAGES {
        for (filter, same) in FILTERS {
            alike.push((format!("x = {image}; x.{filter}"), format!("x = {theirs}; ndi.{same}")));
        }
    }
    come_to(&alike, 2e-4).await;
}

/// An image, and what it was blurred by, of ours and of NumPy's.
const BLURRED: (&str, &str) = (
    "x = arange(1600).reshape(40, 40) * 37 % 19 + 1.5; k = (arange(15) * 5 % 7 + 1).reshape(5, 3) / 60",
    "x = np.arange(1600).reshape(40, 40) * 37 % 19 + 1.5; k = (np.arange(15) * 5 % 7 + 1).reshape(5, 3) / 60",
);

/// What they are sharpened to.
const SHARPENED: &[(&str, &str)] = &[
    ("x.richardson_lucy(k)", "sharpened(x, k, 10)"),
    ("x.richardson_lucy(k, iterations => 1)", "sharpened(x, k, 1)"),
    ("x.rechunk(40, 13).richardson_lucy(k, iterations => 3, depth => 6)", "sharpened(x, k, 3)"),
    ("x.cast('f32').richardson_lucy(k, iterations => 4)", "sharpened(x, k, 4)"),
    // As far around as all steps look.
    (
        "x.rechunk(20, 20).richardson_lucy(k, iterations => 2, depth => (8, 4))",
        "sharpened(x, k, 2)",
    ),
    (
        "x.rechunk(7, 40).richardson_lucy(k, iterations => 3, depth => (13, 0))",
        "sharpened(x, k, 3)",
    ),
    (
        "x.rechunk(1, 11).richardson_lucy(k, iterations => 2, depth => 9)[3:9]",
        "sharpened(x, k, 2)[3:9]",
    ),
    // Half of what blurs, and away from where chunks meet.
    (
        "x.rechunk(20, 20).richardson_lucy(k, iterations => 2)[6:14, 3:17]",
        "sharpened(x, k, 2)[6:14, 3:17]",
    ),
    (
        "x.rechunk(20, 20).richardson_lucy(k, iterations => 2)[26:34, 23:37]",
        "sharpened(x, k, 2)[26:34, 23:37]",
    ),
    // An even one, and one of the image's size.
    ("x.richardson_lucy(x[:4, :6] / 100, iterations => 2)", "sharpened(x, x[:4, :6] / 100, 2)"),
    (
        "x[:7, :6].richardson_lucy(x[:7, :6] / 100, iterations => 2)",
        "sharpened(x[:7, :6], x[:7, :6] / 100, 2)",
    ),
    (
        "x.rechunk(17, 40).richardson_lucy(k, iterations => 2, depth => 9, boundary => 'reflect')",
        "sharpened(np.pad(x, 9, 'symmetric'), k, 2)[9:-9, 9:-9]",
    ),
    (
        "x.richardson_lucy(k, iterations => 2, depth => 9, boundary => 3)",
        "sharpened(np.pad(x, 9, constant_values=3), k, 2)[9:-9, 9:-9]",
    ),
    (
        "y = x[0] + 0; y.rechunk(9).richardson_lucy(k[0], iterations => 2, depth => 4)",
        "y = x[0] + 0; sharpened(y, k[0], 2)",
    ),
    (
        "y = x.reshape(4, 10, 40).rechunk(2, 10, 13); y.richardson_lucy(ones(2, 3, 3) / 18, iterations => 1, depth => (2, 3, 3))",
        "y = x.reshape(4, 10, 40); sharpened(y, np.ones((2, 3, 3)) / 18, 1)",
    ),
    ("ones(0, 4).richardson_lucy(ones(1, 1))", "np.ones((0, 4))"),
];

#[tokio::test(flavor = "multi_thread")]
async fn images_are_sharpened_as_if_they_were_not_cut() {
    let (ours, theirs) = BLURRED;
    let both = SHARPENED.iter();
    let alike: Vec<(String, String)> =
        both.map(|(own, same)| (format!("{ours}; {own}"), format!("{theirs}; {same}"))).collect();
    come_to(&alike, 1e-4).await;
}

/// Ours, and Xarray's.
const WINDOWS: &[(&str, &str)] = &[
    ("v.rolling(time => 30).mean()", "v.rolling(time=30).mean()"),
    ("v.rolling(time => 7, min_periods => 3).sum()", "v.rolling(time=7, min_periods=3).sum()"),
    (
        "v.rolling(time => 8, center => true, min_periods => 1).max()",
        "v.rolling(time=8, center=True, min_periods=1).max()",
    ),
    ("v.rolling(lat => 3, center => true).min()", "v.rolling(lat=3, center=True).min()"),
    ("v.rolling(lon => 2).var()", "v.rolling(lon=2).var()"),
    (
        "v.rolling(time => 11, min_periods => 2).std(ddof => 1)",
        "v.rolling(time=11, min_periods=2).std(ddof=1)",
    ),
    (
        "v.rolling(time => 90, min_periods => 5).median()",
        "v.rolling(time=90, min_periods=5).median()",
    ),
    ("v.rolling(time => 9, min_periods => 1).count()", "v.rolling(time=9, min_periods=1).count()"),
    ("v.rolling(time => 1).sum()", "v.rolling(time=1).sum()"),
    ("v.rolling(time => 800).mean()", "v.rolling(time=800).mean()"),
    ("v.rolling(time => 5).mean().time.day + 0", "v.time.dt.day"),
    ("v.rolling(time => 5).mean()[100:130:3, 1]", "v.rolling(time=5).mean()[100:130:3, 1]"),
    ("v.rechunk(1, 5, 3).rolling(time => 4).mean()[:50]", "v.rolling(time=4).mean()[:50]"),
    (
        "v.cast('f32').rechunk(800, 1, 1).rolling(time => 4, center => true).mean()",
        "v.rolling(time=4, center=True).mean()",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn windows_come_to_what_xarray_makes_of_them() {
    come_to_xarrays(WINDOWS, 1e-7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_filtered_is_refused_by_name() {
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    here.run("t = zeros(4, 3, dims => ('time', 'x'))").await.unwrap().collect().await.unwrap();
    let asked = [
        ("t.gaussian_filter(-1)", "width -1"),
        ("t.gaussian_filter(1e9)", "a bell curve"),
        ("t.gaussian_filter((1, 2, 3))", "3 sigmas for 2 dimensions"),
        ("t.gaussian_filter(depth => 2)", "no dimension 'depth'"),
        ("t.uniform_filter(0)", "0 values around each"),
        ("t.median_filter(100000)", "a median of"),
        ("t.uniform_filter(3, boundary => 'wrap')", "no boundary 'wrap'"),
        ("t.uniform_filter(3, boundary => 'none')", "an array goes on"),
        ("t.uniform_filter(3, value => 3)", "value => is for"),
        ("t.convolve(ones(3))", "as many dimensions"),
        ("t.convolve(ones(3, 0))", "are none"),
        ("t.gradient(x, spacing => 0)", "places that are 0 apart"),
        ("ones(1).gradient(0)", "takes two values"),
        ("t.richardson_lucy(ones(5, 1))", "was not blurred by something larger"),
        ("t.richardson_lucy(ones(3, 3), iterations => 0)", "from 1 to"),
        ("t.richardson_lucy(ones(3, 3), boundary => 'none')", "an array goes on"),
        ("t.map_overlap('nobody', depth => 1)", "nobody"),
        ("t.rolling(time => 0).mean()", "no window"),
        ("t.rolling(time => 3, min_periods => 4).mean()", "more than a window of 3"),
        ("t.rolling(depth => 3).mean()", "no dimension 'depth'"),
        ("t.rolling(time => 3).prod()", "windows have no verb 'prod'"),
        ("t.rolling(time => 3)", "no array yet"),
    ];
    refused(&here, &asked).await;
}

/// The sum of a chunk, everywhere in it.
#[derive(Debug)]
struct SumOfAll;

impl ChunkKernel for SumOfAll {
    fn name(&self) -> &str {
        "sum_of_all"
    }

    fn result(&self, dtype: DType) -> Result<DType, ArrayError> {
        Ok(dtype)
    }

    fn apply(&self, values: &Tensor) -> Result<Tensor, ArrayError> {
        let Slice::F64(own) = values.values() else { return Err(ArrayError::asked("no floats")) };
        let sum: f64 = own.iter().sum();
        let block = Block::F64(vec![sum; own.len()]);
        Tensor::from_block(values.dtype(), values.shape().to_vec(), block)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kernels_of_extensions_see_what_lies_around_chunks() {
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    Wire::of(&here).register_kernel(Arc::new(SumOfAll)).unwrap();
    for (text, [first, second, third]) in [
        ("depth => 1", [10.0, 33.0, 24.0]),
        ("depth => 1, boundary => 0", [10.0, 33.0, 24.0]),
        ("depth => 1, boundary => 'periodic'", [19.0, 33.0, 24.0]),
        ("depth => 6, boundary => 'nearest'", [45.0, 81.0, 98.0]),
    ] {
        // Of ten numbers in chunks of four the last chunk has two.
        let text = format!("arange(10).cast('f64').rechunk(4).map_overlap('sum_of_all', {text})");
        let mut rows = answer(&here, &text).await.unwrap().rows;
        rows.sort_by_key(|row| format!("{:?}", row.first()));
        let got: Vec<_> = rows.iter().map(|row| row.last().unwrap().clone()).collect();
        let wanted = [[first; 4].as_slice(), &[second; 4], &[third; 2]].concat();
        assert_eq!(got, wanted.into_iter().map(Cell::Real).collect::<Vec<_>>(), "{text}");
    }
    // What is given otherwise than it was promised.
    let numbers = Array::linspace(0.0, 1.0, 7).unwrap();
    let error = numbers.map_overlap(Arc::new(SumOfAll), &[(1, 1), (0, 0)], Boundary::None);
    assert!(error.unwrap_err().to_string().contains("2 depths for 1 dimensions"));
    let far = numbers.map_overlap(Arc::new(SumOfAll), &[(u64::MAX, 3)], Boundary::None).unwrap();
    let values = far.compute(&here).await.unwrap();
    assert_eq!(values.values(), Slice::F64(&[3.5; 7]));
    assert!(numbers.map_overlap(Arc::new(SumOfAll), &[(u64::MAX, 3)], Boundary::Periodic).is_err());
}
