//! What looks at values in their order, or counts them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use serde_json::{Value, json};
use strata_engine::{
    Array, ArrayError, Bins, Block, ChunkKernel, DType, Grid, InMemory, Index, Interpolation, Kind,
    Scan, Slice, Tensor, Wire,
};
use strata_tests::oracle::Grain;
use strata_tests::pool::{Shape, TestPool};
use strata_tests::random::Random;

use super::expressions::{Expression, said};

/// Something of an array that is not computed value by value.
pub(super) fn of(random: &mut Random, array: &Array, of: Value) -> Expression {
    let dimensions = array.ndim();
    let axis = random.index(dimensions.max(1));
    let kind = array.kind();
    let skip = random.percent(35);
    let axes: Vec<usize> = (0..dimensions).filter(|_| random.percent(40)).collect();
    let (made, json) = match random.below(10) {
        0..=2 => {
            // Products of many floats leave their range, and pieces of them do it elsewhere.
            let few = !kind.is_float() || array.shape().iter().product::<u64>() < 40;
            let scan = if few && random.percent(50) { Scan::Prod } else { Scan::Sum };
            let along = (dimensions > 0 && random.percent(75)).then_some(axis);
            let json = json!({
                "op": "scan", "name": scan.name(), "axis": along, "skip": skip, "of": [of]
            });
            (array.scan(scan, skip, along), json)
        }
        3 => {
            let json = json!({ "op": "median", "axes": axes, "skip": skip, "of": [of] });
            (array.median(skip, &axes), json)
        }
        // NumPy forgets the fractions where there is nothing.
        4 | 5 if array.bytes() > 0 => return quantile(random, array, &axes, skip, of),
        6 if dimensions > 0 => {
            let places = random.percent(50);
            let json =
                json!({ "op": if places { "argsort" } else { "sort" }, "axis": axis, "of": [of] });
            (array.sort(axis, places), json)
        }
        7 if dimensions > 0 => {
            let (k, places) = (random.below(9) as i64 - 4, random.percent(50));
            let json = json!({ "op": "topk", "k": k, "axis": axis, "places": places, "of": [of] });
            (array.topk(k, axis, places), json)
        }
        8 => {
            let mut edges: Vec<f64> =
                (0..1 + random.below(6)).map(|_| random.below(40) as f64 / 4.0 - 5.0).collect();
            edges.sort_by(f64::total_cmp);
            if random.percent(30) {
                edges.reverse();
            }
            let right = random.percent(50);
            let json = json!({ "op": "digitize", "edges": edges, "right": right, "of": [of] });
            (array.digitize(&edges, right), json)
        }
        _ if kind == Kind::U8 || kind == Kind::Bool => {
            let length = [2, 256, 300][random.index(3)];
            (array.bincount(length), json!({ "op": "bincount", "length": length, "of": [of] }))
        }
        // NumPy's quotients of whole numbers are those of narrow ones.
        _ if !kind.is_float() => return Expression { array: Ok(array.clone()), json: of },
        _ => {
            let (bins, low) = (1 + random.below(9), random.below(40) as f64 / 4.0 - 8.0);
            let high = low + random.below(40) as f64 / 4.0;
            let json = json!({ "op": "histogram", "bins": bins, "range": [low, high], "of": [of] });
            (array.histogram(&Bins::Even(bins, low, high)).map(|(counts, _)| counts), json)
        }
    };
    Expression { array: said(made), json }
}

fn quantile(
    random: &mut Random,
    array: &Array,
    axes: &[usize],
    skip: bool,
    of: Value,
) -> Expression {
    let all = Interpolation::NAMED;
    let mut how = all[random.index(all.len())];
    // NumPy's narrow integers wrap where it goes between them.
    if !array.kind().is_float() && matches!(how, Interpolation::Linear | Interpolation::Midpoint) {
        how = Interpolation::Nearest;
    }
    let fractions = [0.0, 0.25, 1.0 / 3.0, 0.5, 0.9, 1.0];
    let mut one = || fractions[random.index(fractions.len())];
    let at = [one(), one()];
    // Several make of f32 an f64 in NumPy.
    let single = array.kind() == Kind::F32;
    let told = if single { json!(at[0]) } else { json!(at) };
    let json = json!({
        "op": "quantile", "at": told, "method": how.name(), "axes": axes, "skip": skip, "of": [of]
    });
    let made = match single {
        true => {
            array.quantiles(&at[..1], how, skip, axes).and_then(|made| made.index(&[Index::At(0)]))
        }
        false => array.quantiles(&at, how, skip, axes),
    };
    Expression { array: said(made), json }
}

fn here() -> SessionContext {
    Grain { batch_size: 8192, partitions: 3 }.session()
}

fn array_of(block: Block, shape: &[u64], chunk: &[u64]) -> Array {
    let tensor = Tensor::from_block(block.kind().into(), shape.to_vec(), block).unwrap();
    Array::read(Arc::new(InMemory::new(tensor, Grid::even(shape, chunk)))).unwrap()
}

async fn floats(session: &SessionContext, array: &Array) -> Vec<f64> {
    let array = array.cast(Kind::F64.into()).unwrap();
    match array.compute(session).await.unwrap().values() {
        Slice::F64(values) => values.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// The share of values that are smaller, at least and at most.
fn ranks(sorted: &[f64], value: f64) -> (f64, f64) {
    let below = sorted.partition_point(|other| *other < value);
    let until = sorted.partition_point(|other| *other <= value);
    (below as f64 / sorted.len() as f64, until as f64 / sorted.len() as f64)
}

async fn quantiles_are_near(session: &SessionContext) {
    let fractions = [0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0];
    let mut random = Random::new(5);
    let count = 60_000_usize;
    let shapes: [&dyn Fn(usize, f64) -> f64; 5] = [
        &|at, _| at as f64,
        &|at, _| -(at as f64),
        &|_, chance| chance,
        &|_, chance| (chance * 30.0).exp(),
        &|_, chance| (chance * 5.0).floor(),
    ];
    for shape in shapes {
        let chance = |random: &mut Random| random.below(1 << 30) as f64 / (1 << 30) as f64;
        let values: Vec<f64> = (0..count).map(|at| shape(at, chance(&mut random))).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let array = array_of(Block::F64(values), &[200, 300], &[7, 90]);
        let about = array.quantiles_about(&fractions, false, &[]).unwrap();
        for (at, got) in fractions.iter().zip(floats(session, &about).await) {
            let (low, high) = ranks(&sorted, got);
            let off = (low - at).max(at - high).max(0.0);
            assert!(off <= 0.005, "{at}: {got} lies at {low} to {high}");
        }
        assert_eq!(floats(session, &about).await.first(), sorted.first());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn approximate_quantiles_are_as_near_as_they_say() {
    quantiles_are_near(&here()).await;
    // Few values are known exactly, and what is not a number is not passed over.
    let few = array_of(Block::F64(vec![3.0, 1.0, f64::NAN, 2.0, 5.0, 4.0]), &[2, 3], &[1, 2]);
    let at = |skip, axes: &[usize]| few.quantiles_about(&[0.25, 0.5], skip, axes).unwrap();
    assert_eq!(floats(&here(), &at(true, &[])).await, [2.0, 3.0]);
    assert!(floats(&here(), &at(false, &[])).await[0].is_nan());
    let exact = few.quantiles(&[0.25, 0.5], Interpolation::Linear, true, &[1]).unwrap();
    assert_eq!(floats(&here(), &at(true, &[1])).await, floats(&here(), &exact).await);
    let none = array_of(Block::F32(vec![]), &[0, 2], &[1, 1]);
    let none = none.quantiles_about(&[0.5], false, &[0]).unwrap();
    assert_eq!((none.kind(), none.shape()), (Kind::F32, vec![1, 2]));
    assert!(floats(&here(), &none).await.iter().all(|value| value.is_nan()));
}

#[tokio::test(flavor = "multi_thread")]
async fn approximate_quantiles_are_near_on_a_pool() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    quantiles_are_near(&pool.session(&[])).await;
}

async fn distinct_values_are_found(session: &SessionContext) {
    let mut random = Random::new(11);
    for (count, most) in [(0, 9), (1, 9), (5_000, 40), (200_000, 1 << 40)] {
        let values: Vec<i32> = (0..count).map(|_| random.below(most) as i32).collect();
        let mut expected: BTreeMap<i32, i64> = BTreeMap::new();
        values.iter().for_each(|value| *expected.entry(*value).or_default() += 1);
        let array = array_of(Block::I32(values), &[count], &[(count / 7).max(1)]);
        let (values, counts) = array.unique(session).await.unwrap();
        let own: Vec<i32> = expected.keys().copied().collect();
        let often: Vec<i64> = expected.values().copied().collect();
        assert!(values.values() == Slice::I32(&own) && counts.values() == Slice::I64(&often));
    }
    let odd = Block::F64(vec![f64::NAN, 2.0, -0.0, f64::NAN, 0.0, f64::NEG_INFINITY]);
    let (values, counts) = array_of(odd, &[2, 3], &[1, 1]).unique(session).await.unwrap();
    let Slice::F64(values) = values.values() else { panic!("{values:?}") };
    assert!(values[..3] == [f64::NEG_INFINITY, 0.0, 2.0] && values[3].is_nan(), "{values:?}");
    assert_eq!(counts.values(), Slice::I64(&[1, 2, 1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn distinct_values_are_found_here_and_on_a_pool() {
    distinct_values_are_found(&here()).await;
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    distinct_values_are_found(&pool.session(&[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn running_sums_of_many_pieces_fit_into_little_memory() {
    use strata_engine::{Origin, Scalar, Settings};
    let mut settings = Settings::default();
    for (name, value) in
        [("memory.limit", "64MiB"), ("datafusion.execution.target_partitions", "2")]
    {
        settings.set(name, value, Origin::Session).unwrap();
    }
    let session = strata::session(settings).unwrap();
    // 128 MB in pieces of 4 MB.
    let count = 16_000_000;
    let places =
        Array::arange(Scalar::Signed(0), Scalar::Signed(count), Scalar::Signed(1)).unwrap();
    let places = places.rechunk(Grid::even(&[count as u64], &[500_000])).unwrap();
    let sums = places.scan(Scan::Sum, false, Some(0)).unwrap();
    let last = sums.index(&[Index::At(-1)]).unwrap().compute(&session).await.unwrap();
    assert_eq!(last.values(), Slice::I64(&[count * (count - 1) / 2]));
    let most = sums.reduce(strata_engine::Reduce::Max, false, &[]).unwrap();
    let most = most.compute(&session).await.unwrap();
    assert_eq!(most.values(), Slice::I64(&[count * (count - 1) / 2]));
    // A lane that does not fit is refused with its size.
    let median = places.median(false, &[]).unwrap();
    let error = median.compute(&session).await.unwrap_err().to_string();
    assert!(error.contains("memory.limit") && error.contains("MiB"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_counted_or_ordered_is_refused() {
    let session = here();
    let array = array_of(Block::I64(vec![3, -1, 2]), &[3], &[2]);
    let error = array.bincount(5).unwrap().compute(&session).await.unwrap_err().to_string();
    assert!(error.contains("1 values cannot be counted"), "{error}");
    for (made, reason) in [
        (array.bincount(0), "nothing to count"),
        (array.quantiles(&[1.5], Interpolation::Linear, false, &[]), "not at 1.5"),
        (array.quantiles(&[f64::NAN], Interpolation::Linear, false, &[]), "not at NaN"),
        (array.quantiles(&[0.5], Interpolation::Linear, false, &[1]), "axis 1 is out of range"),
        (array.topk(0, 0, false), "none of them"),
        (array.topk(2, 3, false), "axis 3 is out of range"),
        (array.digitize(&[1.0, 3.0, 2.0], false), "increase or decrease"),
        (array.scan(Scan::Sum, false, Some(1)), "axis 1 is out of range"),
        (array.histogram(&Bins::Even(0, 0.0, 1.0)).map(|made| made.0), "not 0"),
        (array.histogram(&Bins::Even(u64::MAX, 0.0, 1.0)).map(|made| made.0), "bins"),
        (array.histogram(&Bins::Even(2, 1.0, 0.0)).map(|made| made.0), "from 1 to 0"),
        (array.histogram(&Bins::Even(2, 0.0, f64::INFINITY)).map(|made| made.0), "to inf"),
        (array.histogram(&Bins::Between(vec![1.0, 0.0])).map(|made| made.0), "increase"),
    ] {
        let error = made.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    // As many counts as nobody has room for.
    let error = array.bincount(1 << 50).unwrap().compute(&session).await.unwrap_err().to_string();
    assert!(error.contains("memory.limit"), "{error}");
}

/// Each value less the first of its chunk.
#[derive(Debug)]
struct FromFirst;

impl ChunkKernel for FromFirst {
    fn name(&self) -> &str {
        "from_first"
    }

    fn result(&self, dtype: DType) -> Result<DType, ArrayError> {
        match dtype.kind() {
            Kind::I64 => Ok(Kind::F64.into()),
            other => Err(ArrayError::asked(format!("from_first takes i64, not {other}"))),
        }
    }

    fn apply(&self, values: &Tensor) -> Result<Tensor, ArrayError> {
        let Slice::I64(all) = values.values() else { return Err(ArrayError::asked("no i64")) };
        let first = all.first().copied().unwrap_or(0);
        let less = Block::F64(all.iter().map(|value| (value - first) as f64).collect());
        Tensor::from_block(Kind::F64.into(), values.shape().to_vec(), less)
    }
}

fn own_kernels(session: &SessionContext) {
    Wire::of(session).register_kernel(Arc::new(FromFirst)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kernels_are_called_by_their_names_on_workers_that_have_them() {
    let session = here();
    own_kernels(&session);
    let array = array_of(Block::I64((0..20).map(|n| n * n).collect()), &[4, 5], &[3, 2]);
    let blocks = |session: &SessionContext| {
        array.map_blocks(Wire::of(session).kernel("from_first").unwrap()).unwrap()
    };
    let expected: Vec<f64> = (0..20_i64)
        .map(|at| {
            let (row, column) = (at / 5, at % 5);
            let first = row / 3 * 3 * 5 + column / 2 * 2;
            (at * at - first * first) as f64
        })
        .collect();
    assert_eq!(floats(&session, &blocks(&session)).await, expected);
    // A part of a chunk is a part of what is made of all of it.
    let part = [Index::Slice { start: Some(1), stop: None, step: None }, Index::At(3)];
    let part = blocks(&session).index(&part).unwrap();
    assert_eq!(floats(&session, &part).await, [expected[8], expected[13], expected[18]]);
    let error = array.cast(Kind::I8.into()).unwrap().map_blocks(Arc::new(FromFirst)).unwrap_err();
    assert!(error.to_string().contains("takes i64, not i8"), "{error}");
    let error = Wire::of(&session).kernel("from_frist").unwrap_err().to_string();
    assert!(error.contains("did you mean 'from_first'"), "{error}");

    let shape = Shape { workers: 2, cores: 1 };
    let pool = TestPool::knowing(own_kernels, shape).await;
    let session = pool.session(&[]);
    assert_eq!(floats(&session, &blocks(&session)).await, expected);
    let without = TestPool::here(shape).await;
    let session = without.session(&[]);
    let unknown = array.map_blocks(Arc::new(FromFirst)).unwrap();
    let error = unknown.compute(&session).await.unwrap_err().to_string();
    assert!(error.contains("there is no kernel 'from_first'"), "{error}");
}
