//! Points in bounded memory.
//!
//! While x only grows, points are put into buckets of neighbours, and each bucket keeps its lowest and
//! its highest point: a line through these looks like the line through all. Where x jumps about there
//! are no neighbours, and a random sample of all points is kept instead.

/// The points that a series may hold.
pub(super) const CAPACITY: usize = 10_000;

/// A point: x and y.
pub(super) type Point = (f64, f64);

/// The points of one series.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) name: String,
    buckets: Vec<Bucket>,
    /// How many points go into a bucket.
    stride: u64,
    /// Once this is used, the buckets are empty.
    sample: Vec<Point>,
    seen: u64,
    last_x: f64,
    sorted: bool,
    random: u64,
}

/// The lowest and the highest of some neighbouring points.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    low: Point,
    high: Point,
    count: u64,
}

impl Bucket {
    fn of(point: Point) -> Self {
        Self { low: point, high: point, count: 1 }
    }

    fn join(&mut self, other: Self) {
        if other.low.1 < self.low.1 {
            self.low = other.low;
        }
        if other.high.1 > self.high.1 {
            self.high = other.high;
        }
        self.count += other.count;
    }

    fn points(self) -> impl Iterator<Item = Point> {
        let (first, second) = match self.low.0 <= self.high.0 {
            true => (self.low, self.high),
            false => (self.high, self.low),
        };
        let two = first != second;
        std::iter::once(first).chain(two.then_some(second))
    }
}

impl Series {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            buckets: Vec::new(),
            stride: 1,
            sample: Vec::new(),
            seen: 0,
            last_x: f64::NEG_INFINITY,
            sorted: true,
            // Any start will do, but always the same: a plot should not change when it is repeated.
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub(super) fn push(&mut self, point: Point) {
        self.seen += 1;
        self.sorted &= point.0 >= self.last_x;
        self.last_x = point.0;
        if !self.sample.is_empty() {
            let at = (self.next_random() % self.seen) as usize;
            if let Some(slot) = self.sample.get_mut(at) {
                *slot = point;
            }
            return;
        }
        match self.buckets.last_mut() {
            Some(bucket) if bucket.count < self.stride => bucket.join(Bucket::of(point)),
            _ => self.buckets.push(Bucket::of(point)),
        }
        let most = if self.stride == 1 { CAPACITY } else { CAPACITY / 2 };
        if self.buckets.len() > most {
            match self.sorted || self.stride > 1 {
                true => self.halve(),
                // Each bucket is a point yet, so the sample begins with all of them.
                false => {
                    let buckets = std::mem::take(&mut self.buckets);
                    self.sample = buckets.into_iter().map(|bucket| bucket.low).collect();
                    self.sample.truncate(CAPACITY);
                }
            }
        }
    }

    /// Joins neighbouring buckets, until there is room again.
    fn halve(&mut self) {
        while self.buckets.len() > CAPACITY / 4 {
            self.stride *= 2;
            let old = std::mem::take(&mut self.buckets);
            for bucket in old {
                match self.buckets.last_mut() {
                    Some(last) if last.count + bucket.count <= self.stride => last.join(bucket),
                    _ => self.buckets.push(bucket),
                }
            }
        }
    }

    /// The next of a sequence without a pattern ([SplitMix64](https://prng.di.unimi.it/)).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Whether x only grew so far.
    pub(super) fn is_sorted(&self) -> bool {
        self.sorted
    }

    /// How many points there were.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether the points that are kept are a random sample.
    pub(super) fn is_sample(&self) -> bool {
        !self.sample.is_empty()
    }

    /// The points that are kept.
    pub(super) fn points(&self) -> Vec<Point> {
        match self.is_sample() {
            true => self.sample.clone(),
            false => self.buckets.iter().flat_map(|bucket| bucket.points()).collect(),
        }
    }
}

/// At most about `most` of the points: the lowest and the highest of each stretch.
pub(super) fn thin(points: &[Point], most: usize) -> Vec<Point> {
    let stride = points.len().div_ceil((most / 2).max(1));
    if points.len() <= most || stride < 2 {
        return points.to_vec();
    }
    points
        .chunks(stride)
        .filter_map(|chunk| {
            let (first, rest) = chunk.split_first()?;
            let mut bucket = Bucket::of(*first);
            rest.iter().for_each(|point| bucket.join(Bucket::of(*point)));
            Some(bucket)
        })
        .flat_map(Bucket::points)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_are_all_kept() {
        let mut series = Series::new("y");
        let points: Vec<Point> = (0..10_000).map(|i| (f64::from(i % 77), f64::from(i))).collect();
        points.iter().for_each(|point| series.push(*point));
        assert_eq!(series.points(), points);
        assert!(!series.is_sorted() && !series.is_sample());
    }

    #[test]
    fn of_many_sorted_points_the_extremes_are_kept() {
        for count in [10_001, 25_000, 1_000_000] {
            let mut series = Series::new("y");
            for i in 0..count {
                let y = if i == count / 3 { 1e6 } else { f64::from(i % 100) };
                series.push((f64::from(i), y));
            }
            let points = series.points();
            assert!((2_000..=CAPACITY).contains(&points.len()), "{}", points.len());
            assert!(points.contains(&(f64::from(count / 3), 1e6)));
            assert!(points.is_sorted_by(|a, b| a.0 <= b.0));
            assert!(points.first().is_some_and(|p| p.0 < 1000.0));
            assert!(points.last().is_some_and(|p| p.0 > f64::from(count) - 1000.0));
        }
    }

    #[test]
    fn of_many_unsorted_points_a_fair_sample_is_kept() {
        let mut series = Series::new("y");
        for i in 0..1_000_000_u64 {
            let x = (i.wrapping_mul(0x9e37_79b9) % 1000) as f64;
            series.push((x, i as f64));
        }
        let points = series.points();
        assert_eq!(points.len(), CAPACITY);
        let mean = points.iter().map(|p| p.1).sum::<f64>() / CAPACITY as f64;
        assert!((mean - 500_000.0).abs() < 15_000.0, "{mean}");
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let points: Vec<Point> =
            (0..1000).map(|i| (f64::from(i), if i == 500 { 9.0 } else { 0.5 })).collect();
        let thinned = thin(&points, 100);
        assert!(thinned.len() <= 100 && thinned.contains(&(500.0, 9.0)));
        assert_eq!(thin(&points, 5000).len(), 1000);
        assert!(thin(&[], 10).is_empty());
    }
}
