"""Zarr stores of other programs for Strata to read, and Strata's for them to read.

    python zarr_interop.py write FOLDER    stores as zarr-python writes them, and FOLDER/manifest.json: for
                                           each its path, type, shape, dimensions, and a file with its values
    python zarr_interop.py read FOLDER     what zarr-python and Xarray find in FOLDER/*.zarr, as JSON lines

Needs zarr>=3, numcodecs[pcodec], xarray and numpy, and zfpy for what is packed by zfp.
"""

import hashlib
import json
import pathlib
import shutil
import sys
import warnings
import zipfile

import numcodecs
import numpy as np
import zarr

warnings.simplefilter("ignore")

NAMES = {"bool": "bool", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8", "uint16": "u16",
         "uint32": "u32", "uint64": "u64", "float32": "f32", "float64": "f64"}


def strata_type(dtype):
    """How Strata calls a type, and in what its times are counted."""
    if dtype.kind in "Mm":
        unit = np.datetime_data(dtype)[0]
        return ("time" if dtype.kind == "M" else "span") + f"[{unit if unit in ('s', 'ms', 'us', 'ns') else 's'}]"
    return NAMES[dtype.name]


def values(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "Mm":
        found = rng.integers(-1000, 100_000, shape).astype("i8").view(dtype.newbyteorder("=")).copy()
        if found.size > 2:
            found.reshape(-1)[1] = "NaT"
        return found.astype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)
    return np.round(rng.standard_normal(shape) * 100, 1).astype(dtype)


class Fixtures:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.cases = []

    def add(self, path, expected, dims=None, array="", **more):
        """Says what is to be found in an array."""
        expected = np.asarray(expected)
        dtype = strata_type(expected.dtype)
        if expected.dtype.kind in "Mm":
            expected = expected.astype(f"{expected.dtype.kind}8[{dtype[5:-1]}]").view("i8")
        expected = np.ascontiguousarray(expected.astype(expected.dtype.newbyteorder("="))).reshape(expected.shape)
        name = f"{len(self.cases):03}.bin"
        (self.folder / name).write_bytes(expected.tobytes())
        dims = dims or [None] * expected.ndim
        self.cases.append(dict(path=path, array=array, dtype=dtype, shape=list(expected.shape), dims=dims, values=name, **more))

    def refused(self, path, says, array=""):
        self.cases.append(dict(path=path, array=array, refused=says))

    def array(self, name, data, chunks, dims=None, expected=None, **how):
        """One array, written by zarr-python."""
        path = f"{name}.zarr"
        made = zarr.create_array(str(self.folder / path), shape=data.shape, chunks=chunks, dtype=data.dtype, **how,
                                 **({"dimension_names": dims} if dims and how.get("zarr_format", 3) == 3 else {}))
        made[...] = data
        self.add(path, data if expected is None else expected, dims)
        return made

    def by_hand(self, name, data, chunk, codecs, stored, found=lambda own: own):
        """One array of whole chunks, in a codec that zarr-python does not have: what is stored of a chunk is given, and
        what is to be found in it."""
        path = self.folder / f"{name}.zarr"
        expected = np.empty_like(data)
        for at in np.ndindex(*(length // size for length, size in zip(data.shape, chunk))):
            where = tuple(slice(one * size, (one + 1) * size) for one, size in zip(at, chunk))
            own = data[where]
            file = path.joinpath("c", *map(str, at))
            file.parent.mkdir(parents=True, exist_ok=True)
            made = stored(own)
            file.write_bytes(made if isinstance(made, bytes) else np.ascontiguousarray(made).tobytes())
            expected[where] = found(own)
        named = [{"name": codec, "configuration": said} for codec, said in codecs]
        grid = {"name": "regular", "configuration": {"chunk_shape": chunk}}
        said = dict(zarr_format=3, node_type="array", shape=data.shape, data_type=data.dtype.name, chunk_grid=grid,
                    chunk_key_encoding={"name": "default"}, fill_value=0, codecs=named)
        (path / "zarr.json").write_text(json.dumps(said))
        self.add(path.name, expected)


def zfp(f, n):
    """Arrays that are packed by zfp: as numcodecs writes them, and as zarrs does."""
    import zfpy

    ways = [dict(mode=2, rate=11.5), dict(mode=3, precision=14), dict(mode=4, tolerance=0.05), dict(mode=4)]
    shapes = [((37,), (10,)), ((13, 11), (5, 6)), ((7, 6, 9), (4, 3, 5)), ((3, 5, 6, 7), (2, 5, 4, 3))]
    for dtype in ("i4", "i8", "f4", "f8"):
        for shape, chunks in shapes:
            data = np.cumsum(values(shape, "i2"), axis=-1).astype(dtype)
            for at, way in enumerate(ways):
                for version in (2, 3):
                    codec = dict(compressors=numcodecs.ZFPY(**way)) if version == 2 else dict(serializer=n.ZFPY(**way), compressors=None)
                    path = f"v{version}_zfpy_{dtype}_{len(shape)}d_{at}.zarr"
                    made = zarr.create_array(str(f.folder / path), shape=shape, chunks=chunks, dtype=dtype, zarr_format=version, **codec)
                    made[...] = data
                    f.add(path, made[...])
    odd = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1.5, -1e308] * 3)
    for dtype in ("f4", "f8"):
        f.array(f"v3_zfpy_odd_{dtype}", odd.astype(dtype), (9,), serializer=n.ZFPY(mode=4), compressors=None)
    smooth = np.cumsum(values((20, 18), "f4"), axis=1)
    f.array("v3_zfpy_shards", smooth, (5, 6), shards=(10, 18), serializer=n.ZFPY(mode=4), compressors=[zarr.codecs.ZstdCodec()])

    # Without headers; zarrs counts the bits of blocks in three dimensions, whatever there are.
    said = {"rate": lambda way: {"mode": "fixed_rate", "rate": way["rate"]}, "precision": lambda way: {"mode": "fixed_precision", **way},
            "tolerance": lambda way: {"mode": "fixed_accuracy", **way}}
    for dims, chunk in enumerate([(8,), (6, 5), (3, 6, 5), (2, 3, 5, 4)], 1):
        data = np.cumsum(values([2 * length for length in chunk], "f4"), axis=-1)
        for way in (dict(rate=9.5), dict(precision=17), dict(tolerance=0.25), {}):
            own = dict(rate=way["rate"] * 4.0 ** (3 - dims)) if "rate" in way else way
            how = said[next(iter(way))](way) if way else {"mode": "reversible"}
            f.by_hand(f"v3_zfp_{dims}d_{how['mode']}", data, chunk, [("zfp", how)],
                      lambda block: zfpy.compress_numpy(np.ascontiguousarray(block), write_header=False, **own),
                      lambda block: zfpy.decompress_numpy(zfpy.compress_numpy(np.ascontiguousarray(block), **own)))
    for dtype, promoted in [("i1", lambda block: block.astype("i4") << 23), ("u1", lambda block: (block.astype("i4") - 0x80) << 23),
                            ("i2", lambda block: block.astype("i4") << 15), ("u2", lambda block: (block.astype("i4") - 0x8000) << 15)]:
        f.by_hand(f"v3_zfp_{dtype}", values((12, 14), dtype), (6, 7), [("zarrs.zfp", {"mode": "reversible"}), ("crc32c", {})],
                  lambda block: checked(zfpy.compress_numpy(promoted(block), write_header=False)))


def checked(stored):
    return bytes(numcodecs.CRC32C().encode(stored)) if hasattr(numcodecs, "CRC32C") else crc32c(stored)


def crc32c(stored):
    from google_crc32c import value
    return stored + value(stored).to_bytes(4, "little")


def write(folder):
    f = Fixtures(folder)
    plain = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
    for version in (2, 3):
        for dtype in plain:
            f.array(f"v{version}_{dtype}", values((7, 10), dtype), (3, 4), zarr_format=version)
    for dtype in plain[2:5] + plain[6:]:
        f.array(f"v2_big_{dtype}", values((7, 10), ">" + dtype), (3, 4), zarr_format=2)
        f.array(f"v3_big_{dtype}", values((7, 10), dtype), (3, 4), serializer=zarr.codecs.BytesCodec(endian="big"))

    # Codecs of v2.
    smooth = np.cumsum(values((60, 70), "f8"), axis=1)
    packs = [None, numcodecs.Zstd(level=3), numcodecs.Zstd(level=1, checksum=True), numcodecs.GZip(), numcodecs.Zlib(), numcodecs.BZ2(),
             numcodecs.LZ4()]
    for at, pack in enumerate(packs):
        f.array(f"v2_pack{at}", smooth, (25, 30), zarr_format=2, compressors=pack)
    for cname in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for shuffle in (0, 1, 2, -1):
            pack = numcodecs.Blosc(cname=cname, clevel=5, shuffle=shuffle)
            f.array(f"v2_blosc_{cname}_{shuffle}", smooth, (25, 30), zarr_format=2, compressors=pack)
    big = np.cumsum(values((300, 1000), "f4"), axis=1)
    for cname in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for shuffle in (0, 1, 2):
            for level in (1, 9):
                pack = numcodecs.Blosc(cname=cname, clevel=level, shuffle=shuffle, blocksize=0 if level == 1 else 65536)
                f.array(f"v2_blosc_large_{cname}_{shuffle}_{level}", big, (300, 1000), zarr_format=2, compressors=pack)
    odd = values((999,), "u1").view("u1")
    f.array("v2_blosc_odd", odd, (999,), zarr_format=2, compressors=numcodecs.Blosc(cname="lz4", shuffle=2))
    f.array("v2_blosc_noise", values((40000,), "i8"), (40000,), zarr_format=2, compressors=numcodecs.Blosc(cname="lz4"))
    whole = np.cumsum(np.ones((50, 40), "i4"), axis=1)
    f.array("v2_delta", whole, (20, 40), zarr_format=2, filters=[numcodecs.Delta(dtype="<i4")])
    tenths = np.round(values((50, 40), "f8"), 1)
    scaled = numcodecs.FixedScaleOffset(offset=10, scale=10, dtype="<f8", astype="<i4")
    f.array("v2_scale", tenths, (20, 40), zarr_format=2, filters=[scaled],
            expected=scaled.decode(scaled.encode(tenths)).reshape(50, 40))
    rounded = numcodecs.Quantize(digits=1, dtype="<f8")
    f.array("v2_quantize", tenths, (20, 40), zarr_format=2, filters=[rounded], expected=rounded.encode(tenths).reshape(50, 40))
    f.array("v2_shuffle", whole, (20, 40), zarr_format=2, filters=[numcodecs.Shuffle(elementsize=4)], compressors=numcodecs.Zlib())
    f.array("v2_fletcher", whole, (20, 40), zarr_format=2, filters=[numcodecs.Fletcher32()], compressors=numcodecs.Zlib())
    f.array("v2_adler", whole, (20, 40), zarr_format=2, filters=[numcodecs.Adler32()])
    bits = numcodecs.BitRound(keepbits=6)
    f.array("v2_bitround", big, (100, 300), zarr_format=2, filters=[bits], expected=bits.decode(bits.encode(big.copy())).view("f4").reshape(big.shape))

    # Order, separators, edges, nothing at all.
    f.array("v2_fortran", values((7, 10, 5), "f4"), (3, 4, 2), zarr_format=2, order="F")
    f.array("v2_fortran_big_delta", np.cumsum(values((7, 10), "i2"), axis=0, dtype=">i4"), (3, 4), zarr_format=2, order="F",
            filters=[numcodecs.Delta(dtype=">i4")])
    f.array("v2_slash", values((7, 10), "f4"), (3, 4), zarr_format=2, chunk_key_encoding={"name": "v2", "separator": "/"})
    f.array("v3_v2_keys", values((7, 10), "f4"), (3, 4), chunk_key_encoding={"name": "v2", "separator": "."})
    f.array("v3_dots", values((7, 10), "f4"), (3, 4), chunk_key_encoding={"name": "default", "separator": "."})
    for version in (2, 3):
        f.array(f"v{version}_scalar", values((), "f8"), (), zarr_format=version)
        f.array(f"v{version}_no_rows", values((0, 5), "f8"), (1, 5), zarr_format=version)
        f.array(f"v{version}_one", values((1,), "i4"), (1,), zarr_format=version)
        f.array(f"v{version}_larger_chunks", values((5, 4), "i4"), (8, 9), zarr_format=version)
        f.array(f"v{version}_4d", values((3, 4, 5, 6), "i4"), (2, 3, 2, 4), zarr_format=version)
        for at, fill in enumerate([7.5, float("nan"), float("inf"), -0.0]):
            path = f"v{version}_fill{at}.zarr"
            made = zarr.create_array(str(f.folder / path), shape=(9, 8), chunks=(4, 3), dtype="f4", fill_value=fill, zarr_format=version)
            made[3:6, 2:4] = 1.0
            f.add(path, made[...])
        path = f"v{version}_empty.zarr"
        made = zarr.create_array(str(f.folder / path), shape=(9, 8), chunks=(4, 3), dtype="i2", fill_value=-5, zarr_format=version)
        f.add(path, made[...])
        for unit in ("s", "ms", "us", "ns", "D", "h", "m"):
            f.array(f"v{version}_time_{unit}", values((20,), f"M8[{unit}]"), (6,), zarr_format=version)
            f.array(f"v{version}_span_{unit}", values((20,), f"m8[{unit}]"), (6,), zarr_format=version)
    f.array("v2_time_big", values((20,), ">M8[ns]"), (6,), zarr_format=2)
    path = "v2_time_open.zarr"
    made = zarr.create_array(str(f.folder / path), shape=(9,), chunks=(4,), dtype="M8[ns]", zarr_format=2, fill_value="NaT")
    made[1:3] = np.datetime64(5, "ns")
    f.add(path, made[...])

    # Codecs of v3.
    codecs = zarr.codecs
    packs = [None, codecs.ZstdCodec(level=3), codecs.ZstdCodec(level=1, checksum=True), codecs.GzipCodec(level=5), codecs.Crc32cCodec(),
             [codecs.ZstdCodec(), codecs.Crc32cCodec()], [codecs.GzipCodec(), codecs.ZstdCodec()]]
    packs += [codecs.BloscCodec(cname=c, shuffle=s) for c in ("lz4", "zstd", "blosclz") for s in ("noshuffle", "shuffle", "bitshuffle")]
    for at, pack in enumerate(packs):
        f.array(f"v3_pack{at}", smooth, (25, 30), compressors=pack)
    f.array("v3_transpose", values((7, 10, 5), "f4"), (3, 4, 2), filters=[codecs.TransposeCodec(order=(2, 0, 1))])
    turned = ("transpose", {"order": [2, 0, 1]})
    little = ("bytes", {"endian": "little"})
    f.by_hand("v3_reshape", values((8, 12), "i4"), (4, 6), [("reshape", {"shape": [2, -1, [1]]}), turned, little],
              lambda own: own.reshape(2, 2, 6).transpose(2, 0, 1))
    f.by_hand("v3_squeeze", values((4, 3, 10, 6), "f8"), (2, 1, 5, 3), [("zarrs.squeeze", {}), turned, little],
              lambda own: own.squeeze(1).transpose(2, 0, 1))
    try:
        import zarr.codecs.numcodecs as n
    except ImportError:
        import numcodecs.zarr3 as n
    f.array("v3_n_zlib", smooth, (25, 30), compressors=[n.Zlib(level=3)])
    f.array("v3_n_bz2", smooth, (25, 30), compressors=[n.BZ2(level=3)])
    f.array("v3_n_lz4", smooth, (25, 30), compressors=[n.LZ4()])
    f.array("v3_n_zstd", smooth, (25, 30), compressors=[n.Zstd()])
    f.array("v3_n_blosc", smooth, (25, 30), compressors=[n.Blosc(cname="zstd", shuffle=1)])
    f.array("v3_n_shuffle", smooth, (25, 30), compressors=[n.Shuffle(elementsize=8), n.Zlib()])
    f.array("v3_n_fletcher", smooth, (25, 30), compressors=[n.Fletcher32()])
    f.array("v3_n_delta", whole, (20, 40), filters=[n.Delta(dtype="<i4")])
    f.array("v3_n_scale", tenths, (20, 40), filters=[n.FixedScaleOffset(offset=10, scale=10, dtype="<f8", astype="<i4")],
            expected=scaled.decode(scaled.encode(tenths)).reshape(50, 40))
    try:
        f.array("v3_n_pcodec", smooth, (25, 30), serializer=n.PCodec(level=8))
    except Exception as error:
        print("no pcodec:", error, file=sys.stderr)
    try:
        import zfpy
    except ImportError as error:
        print("no zfpy:", error, file=sys.stderr)
    else:
        zfp(f, n)

    # Shards.
    for at, how in enumerate([dict(), dict(compressors=None), dict(compressors=codecs.GzipCodec()),
                              dict(filters=[codecs.TransposeCodec(order=(1, 0))])]):
        f.array(f"v3_shard{at}", values((50, 45), "f4"), (5, 6), shards=(20, 18), dims=["y", "x"], **how)
    path = "v3_shard_sparse.zarr"
    made = zarr.create_array(str(f.folder / path), shape=(50, 45), chunks=(5, 6), shards=(20, 18), dtype="i4", fill_value=-1)
    made[7:9, 8:30] = 3
    f.add(path, made[...])
    for at, (place, index) in enumerate([("start", [codecs.BytesCodec(), codecs.Crc32cCodec()]), ("start", [codecs.BytesCodec()]),
                                         ("end", [codecs.BytesCodec(endian="big")])]):
        shards = codecs.ShardingCodec(chunk_shape=(5, 6), codecs=[codecs.BytesCodec(), codecs.ZstdCodec()], index_location=place, index_codecs=index)
        f.array(f"v3_shard_index{at}", values((50, 45), "f4"), (20, 18), serializer=shards, compressors=None)
    inner = codecs.ShardingCodec(chunk_shape=(5, 6), codecs=[codecs.BytesCodec()])
    path = "v3_shard_nested.zarr"
    zarr.create_array(str(f.folder / path), shape=(20, 18), chunks=(20, 18), dtype="f4", compressors=None,
                      serializer=codecs.ShardingCodec(chunk_shape=(10, 6), codecs=[inner]))
    f.refused(path, "shards within shards")

    # Groups: consolidated and not, with arrays that cannot be read, as Xarray writes them, in archives.
    for version in (2, 3):
        for together in (False, True):
            path = f"v{version}_group{'_consolidated' if together else ''}.zarr"
            root = zarr.create_group(str(f.folder / path), zarr_format=version, attributes={"a": 1, "nan": float("nan")})
            data = values((7, 10), "f4")
            root.create_array("x", shape=data.shape, chunks=(3, 4), dtype="f4", attributes={"units": "K", "bad": float("inf")})[...] = data
            deep = root.create_group("deep/deeper", attributes={"b": [1]})
            deep.create_array("y", shape=(10,), chunks=(4,), dtype="i8")[...] = np.arange(10)
            root.create_array("words", shape=(2,), dtype=str)[...] = np.array(["a", "b"])
            root.create_array("waves", shape=(2,), dtype="c16")[...] = 1j
            if together:
                zarr.consolidate_metadata(str(f.folder / path))
            f.add(path, data, array="x")
            f.add(path, np.arange(10), array="deep/deeper/y")
            f.refused(path, "cannot be read", array="words")
            f.refused(path, "cannot be read", array="waves")
    import xarray as xr
    times = np.array("2020-01-01", "M8[ns]") + np.arange(10) * np.timedelta64(6, "h")
    data = xr.Dataset({"t": (("time", "lat"), values((10, 4), "f8")), "n": (("lat",), values((4,), "i4"))},
                      coords={"time": times, "lat": np.linspace(-60, 60, 4)}, attrs={"title": "made by Xarray"})
    for version in (2, 3):
        path = f"v{version}_xarray.zarr"
        data.to_zarr(f.folder / path, zarr_format=version, encoding={"t": {"chunks": (4, 3)}})
        f.add(path, data.t.values, dims=["time", "lat"], array="t")
        f.add(path, data.lat.values, dims=["lat"], array="lat")
    for how, name in [(zipfile.ZIP_STORED, "stored"), (zipfile.ZIP_DEFLATED, "deflated")]:
        for store in ("v3_group", "v2_group_consolidated", "v3_shard0"):
            path = f"{store}_{name}.zarr.zip"
            with zipfile.ZipFile(f.folder / path, "w", how) as archive:
                for file in sorted((f.folder / f"{store}.zarr").rglob("*")):
                    if file.is_file():
                        archive.write(file, file.relative_to(f.folder / f"{store}.zarr"))
            array = "" if "shard" in store else "x"
            before = next(c for c in f.cases if c["path"] == f"{store}.zarr" and c["array"] == array)
            f.cases.append(dict(before, path=path))
    path = "v3_large.zarr.zip"
    with zipfile.ZipFile(f.folder / path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted((f.folder / "v3_f4.zarr").rglob("*")):
            if file.is_file():
                with archive.open(str(file.relative_to(f.folder / "v3_f4.zarr")), "w", force_zip64=True) as entry:
                    entry.write(file.read_bytes())
    f.cases.append(dict(next(c for c in f.cases if c["path"] == "v3_f4.zarr"), path=path))
    (f.folder / "manifest.json").write_text(json.dumps(f.cases))
    print(json.dumps({"cases": len(f.cases)}))


def read(folder):
    import xarray as xr

    def told(path, array):
        found = np.asarray(array[...])
        raw = found.view("i8") if found.dtype.kind in "Mm" else found
        dims = array.metadata.dimension_names if array.metadata.zarr_format == 3 else array.attrs.get("_ARRAY_DIMENSIONS")
        said = dict(store=path.name, array=array.path, dtype=found.dtype.str, shape=list(found.shape), dims=list(dims) if dims else None,
                    chunks=list(array.chunks), shards=list(array.shards) if array.shards else None, attributes=dict(array.attrs),
                    fill=str(array.fill_value), sha256=hashlib.sha256(np.ascontiguousarray(raw).tobytes()).hexdigest())
        print(json.dumps(said, default=str))

    for path in sorted(pathlib.Path(folder).glob("*.zarr")):
        node = zarr.open(str(path), mode="r")
        if isinstance(node, zarr.Array):
            told(path, node)
            continue
        for _, member in sorted(node.members(max_depth=None)):
            if isinstance(member, zarr.Array):
                told(path, member)
        data = xr.open_dataset(path, engine="zarr", decode_times=False, mask_and_scale=False)
        found = {name: dict(dims=list(v.dims), shape=list(v.shape),
                            sum=float(np.asarray(v.values, "f8").sum()) if v.dtype.kind in "iuf" else None)
                 for name, v in data.variables.items()}
        print(json.dumps(dict(store=path.name, xarray=found, attributes=dict(node.attrs),
                              consolidated=node.metadata.consolidated_metadata is not None), default=str))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])
