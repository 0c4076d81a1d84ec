//! Fourier transforms: NumPy's, of any length and however they are cut.

use strata::RunText;
use strata_tests::oracle::Grain;

use super::language::{come_to, refused};

/// Ours, and NumPy's. `pair` tells complex numbers as we do.
const ALIKE: &[(&str, &str)] = &[
    ("x = arange(12) * 7 % 5; x.fft()", "x = np.arange(12) * 7 % 5; pair(np.fft.fft(x))"),
    ("x = arange(13) * 7 % 5; x.fft(0)", "x = np.arange(13) * 7 % 5; pair(np.fft.fft(x))"),
    ("x = arange(1); x.fft()", "x = np.arange(1); pair(np.fft.fft(x))"),
    ("x = ones(1); x.rfft()", "x = np.ones(1); pair(np.fft.rfft(x))"),
    ("x = arange(997) * 7 % 5; x.rfft()", "x = np.arange(997) * 7 % 5; pair(np.fft.rfft(x))"),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7).rechunk(5, 2); x.fft(0)",
        "x = (np.arange(84) * 37 % 19).reshape(12, 7); pair(np.fft.fft(x, axis=0))",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7).rechunk(1, 1); x.fft(-1)",
        "x = (np.arange(84) * 37 % 19).reshape(12, 7); pair(np.fft.fft(x))",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(3, 7, 4).rechunk(2, 3, 1); x.ifft(1)",
        "x = (np.arange(84) * 37 % 19).reshape(3, 7, 4); pair(np.fft.ifft(x, axis=1))",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(3, 7, 4).rechunk(2, 3, 1); x.fft(1).ifft(1)",
        "x = (np.arange(84) * 37 % 19).reshape(3, 7, 4); pair(x + 0j)",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(3, 7, 4).rechunk(2, 3, 1); x.rfft(1)[1, ::-1, 2]",
        "x = (np.arange(84) * 37 % 19).reshape(3, 7, 4); pair(np.fft.rfft(x, axis=1))[1, ::-1, 2]",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7).rechunk(5, 2); x.rfft(0).irfft(0)",
        "(np.arange(84) * 37 % 19).reshape(12, 7)",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7).rechunk(5, 2); x.rfft(1).irfft(1, n => 7)",
        "(np.arange(84) * 37 % 19).reshape(12, 7)",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7); x.rfft().irfft(n => 11)",
        "x = (np.arange(84) * 37 % 19).reshape(12, 7); np.fft.irfft(np.fft.rfft(x), 11)",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7); x.rfft().irfft(n => 4)",
        "x = (np.arange(84) * 37 % 19).reshape(12, 7); np.fft.irfft(np.fft.rfft(x), 4)",
    ),
    ("x = arange(6); x.irfft()", "x = np.arange(6); np.fft.irfft(x)"),
    ("x = arange(6); x.irfft(n => 1)", "x = np.arange(6); np.fft.irfft(x, 1)"),
    (
        "x = (arange(105) * 37 % 19).reshape(3, 7, 5).rechunk(2, 3, 2); x.fftn()",
        "x = (np.arange(105) * 37 % 19).reshape(3, 7, 5); pair(np.fft.fftn(x))",
    ),
    (
        "x = (arange(105) * 37 % 19).reshape(3, 7, 5).rechunk(2, 3, 2); x.fftn(0, 2).ifftn(0, 2)",
        "x = (np.arange(105) * 37 % 19).reshape(3, 7, 5); pair(x + 0j)",
    ),
    (
        "x = (arange(105) * 37 % 19).reshape(3, 7, 5).rechunk(2, 3, 2); x.rfftn()",
        "x = (np.arange(105) * 37 % 19).reshape(3, 7, 5); pair(np.fft.rfftn(x))",
    ),
    (
        "x = (arange(105) * 37 % 19).reshape(3, 7, 5).rechunk(2, 3, 2); x.rfftn(2, 0)",
        "x = (np.arange(105) * 37 % 19).reshape(3, 7, 5); pair(np.fft.rfftn(x, axes=(2, 0)))",
    ),
    (
        "x = (arange(105) * 37 % 19).reshape(3, 7, 5).rechunk(2, 3, 2); x.rfftn().irfftn(n => 5)",
        "(np.arange(105) * 37 % 19).reshape(3, 7, 5)",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7).cast('f32').rechunk(5, 2); x.fft(0).magnitude()",
        "x = (np.arange(84) * 37 % 19).reshape(12, 7); abs(np.fft.fft(x, axis=0))",
    ),
    (
        "x = (arange(84) * 37 % 19).reshape(12, 7).rechunk(5, 2); x.fft(0).angle()[1:6]",
        "x = (np.arange(84) * 37 % 19).reshape(12, 7); np.angle(np.fft.fft(x, axis=0))[1:6]",
    ),
    (
        "x = arange(10) > 3; x.fft().real() + 2 * x.fft().imag()",
        "x = np.arange(10) > 3; z = np.fft.fft(x); z.real + 2 * z.imag",
    ),
    ("x = ones(0, 4); x.fft(1)", "np.ones((0, 4, 2))"),
    ("x = ones(3, 0, 4); x.rfft(2)", "np.ones((3, 0, 3, 2))"),
    (
        "x = random_normal(4, 300, seed => 3, chunks => (3, 7)); x.fftn(0, 1).isnan().sum()",
        "np.array(0)",
    ),
    (
        "x = where(arange(20).reshape(4, 5) == 7, 0.0 / zeros(4, 5), arange(20).reshape(4, 5)); x.fft().real().isnan()",
        "x = np.zeros((4, 5), bool); x[1] = True; x",
    ),
    // Shifts and frequencies.
    ("arange(7).fftshift()", "np.fft.fftshift(np.arange(7))"),
    ("arange(7).ifftshift()", "np.fft.ifftshift(np.arange(7))"),
    (
        "arange(24).reshape(4, 6).rechunk(3, 4).fftshift(1)",
        "np.fft.fftshift(np.arange(24).reshape(4, 6), axes=1)",
    ),
    (
        "x = arange(24).reshape(4, 6).rechunk(3, 4); x.fftn().fftshift().ifftshift().ifftn().real()",
        "np.arange(24).reshape(4, 6)",
    ),
    ("fftfreq(8)", "np.fft.fftfreq(8)"),
    ("fftfreq(9, d => 0.25)", "np.fft.fftfreq(9, 0.25)"),
    ("fftfreq(1)", "np.fft.fftfreq(1)"),
    ("rfftfreq(9, d => 2)", "np.fft.rfftfreq(9, 2)"),
    ("rfftfreq(8)", "np.fft.rfftfreq(8)"),
];

#[tokio::test(flavor = "multi_thread")]
async fn transforms_are_numpys() {
    let alike: Vec<(String, String)> =
        ALIKE.iter().map(|(ours, theirs)| (ours.to_string(), theirs.to_string())).collect();
    come_to(&alike, 1e-5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_transformed_is_refused_by_name() {
    let here = Grain { batch_size: 8192, partitions: 3 }.session();
    let rows =
        here.run("t = zeros(4, 3, dims => ('time', 'x')); t.fft(time).real()").await.unwrap();
    assert_eq!(rows.collect().await.unwrap().iter().map(|rows| rows.num_rows()).sum::<usize>(), 12);
    let asked = [
        ("t.fft(2)", "axis 2 is out of range"),
        ("t.fft(-3)", "axis -3 is out of range"),
        ("t.fft(complex)", "no dimension 'complex'"),
        ("t.fft(time).fft(complex)", "axis 2 is out of range"),
        ("t.fft(time).rfft(x)", "these are complex: write fft"),
        ("t.real()", "last dimension 'complex'"),
        ("zeros(0, 3).fft(0)", "fft of 0 values"),
        ("zeros(3).irfft(n => 0)", "to 0"),
        ("zeros(1).irfft()", "to 0"),
        ("zeros(3).irfft(n => -1)", "no number of values"),
        ("t.fft(time, x)", "called otherwise"),
        ("t.fft(n => 3)", "no argument 'n'"),
        ("fftfreq(0)", "a transform of 0 values"),
    ];
    refused(&here, &asked).await;
}
