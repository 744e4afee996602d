"""The strict reader under random edits: it accepts nothing the format does not describe, and fails in one way only."""

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.correct import all_correct
from verifier.certificate.file import _open, pack
from verifier.certificate.parse import parse_document
from verifier.certificate.strict import check_layout, parse_float, parse_json
from verifier.errors import CertificateFormatError

CASES = [
    c.packed()
    for n, c in all_correct().items()
    if n in ("two-paths-and-a-record", "head-for-bounded-heads", "hinge-deep-head-idle-transfer")
]
BLOB = pack(*CASES[0])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just("A/W1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value, way=()):
    """Every place in a JSON value outside the free-form record."""
    yield way
    if isinstance(value, dict):
        for k, v in value.items():
            if way or k != "record":
                yield from places(v, (*way, k))
    elif isinstance(value, list):
        for k, v in enumerate(value):
            yield from places(v, (*way, k))


def at(document, way):
    for key in way:
        document = document[key]
    return document


def read(document, arrays):
    """Parse as the reader would; True when it accepts. Anything but CertificateFormatError propagates."""
    try:
        parse_document(parse_json(json.dumps(document)), arrays)
    except CertificateFormatError:
        return False
    return True


@settings(max_examples=150)
@given(st.data())
def test_a_replaced_value_is_refused_or_of_the_same_type(data):
    """Any value replaced by any JSON: no other exception; when accepted, the new value has a type the format allows there."""
    document, arrays = data.draw(st.sampled_from(CASES))
    document = json.loads(json.dumps(document))
    way = data.draw(st.sampled_from(list(places(document))[1:]))
    new = data.draw(JSON)
    old = at(document, way)
    at(document, way[:-1])[way[-1]] = new
    if read(document, arrays):
        free = type(new) is type(old) or (
            way[-1] in ("breakpoints", "transfer", "transfer_layer", "level", "gap_over_level", "delta") and new is None
        )
        assert free or (way[-1] == "transfer_layer" and type(new) is int), (way, old, new)


@settings(max_examples=200)
@given(st.data())
def test_an_unknown_or_missing_field_is_refused_everywhere(data):
    """Any object of the document with one field more, or one less, is refused."""
    document, arrays = data.draw(st.sampled_from(CASES))
    document = json.loads(json.dumps(document))
    way = data.draw(st.sampled_from([w for w in places(document) if isinstance(at(document, w), dict)]))
    target = at(document, way)
    if data.draw(st.booleans()) and target:
        del target[data.draw(st.sampled_from(sorted(target)))]
    else:
        target[data.draw(st.text(max_size=6).filter(lambda t: t not in target))] = data.draw(JSON)
    assert not read(document, arrays)


@settings(max_examples=150)
@given(st.text(max_size=40) | st.binary(max_size=40))
def test_parse_json_raises_one_error_only(text):
    """Arbitrary text or bytes: a value, or a CertificateFormatError; what it accepts the standard reader accepts too."""
    try:
        value = parse_json(text)
    except CertificateFormatError:
        return
    assert json.loads(text) == value


@settings(max_examples=200)
@given(st.floats())
def test_parse_float_accepts_exactly_the_canonical_hex_of_finite_floats(x):
    """hex() of a finite float comes back bit for bit; NaN and infinities do not."""
    if math.isfinite(x):
        assert struct.pack("<d", parse_float(x.hex(), "here")) == struct.pack("<d", x)
    else:
        with pytest.raises(CertificateFormatError):
            parse_float(x.hex(), "here")


@settings(max_examples=200)
@given(st.text(alphabet="0x1.fp+-abcdefABCDEF9 nifXP_", max_size=26) | st.text(max_size=10) | JSON)
def test_parse_float_refuses_other_spellings(text):
    """Whatever is accepted is its own canonical spelling."""
    try:
        value = parse_float(text, "here")
    except CertificateFormatError:
        return
    assert value.hex() == text


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, len(BLOB) - 1), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 3)
)
def test_damaged_bytes_raise_one_error_only(edits, cut):
    """Bytes overwritten or cut off: the reader raises its own error or reads a certificate; nothing else happens."""
    blob = bytearray(BLOB)
    for position, value in edits:
        blob[position] = value
    blob = bytes(blob[: len(blob) - cut])
    try:
        header, arrays = _open(blob, "test")
        parse_document(parse_json(header["__metadata__"]["certificate"]), arrays)
    except CertificateFormatError:
        return
    assert cut == 0


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from("abcd"), st.fixed_dictionaries({
    "dtype": st.sampled_from(["F64", "F32", "I64", "U8", "BF16"]), "shape": st.lists(st.integers(-1, 3), max_size=3),
    "data_offsets": st.lists(st.integers(-8, 48), min_size=1, max_size=3)}), max_size=3), st.integers(0, 48))  # fmt: skip
def test_accepted_layouts_tile_the_file(entries, size):
    """A layout that is accepted covers every byte once, with allowed dtypes and at most two dimensions."""
    text = json.dumps(entries).encode()
    try:
        header = check_layout(struct.pack("<Q", len(text)) + text + bytes(size), "test")
    except CertificateFormatError:
        return
    covered = sorted(i for e in header.values() for i in range(*e["data_offsets"]))
    assert covered == list(range(size))
    for e in header.values():
        assert e["dtype"] in ("F64", "F32", "I64")
        assert len(e["shape"]) <= 2
        assert np.prod(e["shape"]) * {"F32": 4}.get(e["dtype"], 8) == e["data_offsets"][1] - e["data_offsets"][0]


def test_a_signalling_nan_in_float32_is_refused_without_a_warning():
    """Found by mutation: its conversion to float64 raises the invalid flag before any finiteness check could see it."""
    document, arrays = CASES[0]
    name = next(n for n, a in arrays.items() if a.dtype == np.float64)
    bits = np.full(arrays[name].shape, 0x7F800001, dtype=np.uint32).view(np.float32)
    from safetensors.numpy import save

    blob = save({**arrays, name: bits}, metadata={"certificate": json.dumps(document)})
    with pytest.raises(CertificateFormatError, match="holds NaN or infinity"):
        _open(blob, "it")
