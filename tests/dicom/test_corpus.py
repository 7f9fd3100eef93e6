"""Hostile files by the thousand: each ends with a code, in time, within the memory."""

from __future__ import annotations

import collections

import dicom_bombs
import dicom_corpus
import dicom_encoders
import numpy as np
import pytest
from fuzz_dicom import MEMORY_BYTES, SLOW_S, examine, mutants
from pydicom import uid

from monai_mammo.dicom import Failed, GuardedReader, Skipped, SkipReason, read_mammogram
from monai_mammo.study import Mammogram, StoredImage

N_FULL = 20_000
N_SHARD = 400
# one Huffman code after the other, without any length: what is missing in the middle does not show
HUFFMAN = (uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)


def assert_sound(findings, count):
    assert sum(findings.outcomes.values()) == count
    assert findings.uncaught == [] and findings.slow == []
    assert findings.most_seconds < SLOW_S and findings.most_bytes <= MEMORY_BYTES


def test_seeds_are_sound_and_of_every_transfer_syntax(tmp_path):
    seeds = dicom_corpus.seeds()
    assert len(seeds) >= 12 and {seed.syntax for seed in seeds} >= {*dicom_encoders.LOSSLESS}
    for seed in seeds:
        path = tmp_path / "seed.dcm"
        path.write_bytes(seed.data)
        assert isinstance(read_mammogram(path), Mammogram), seed.name


def test_mutants_are_what_they_are_called():
    seen = collections.Counter(dicom_corpus.mutant(number)[1] for number in range(N_SHARD))
    assert set(seen) == set(dicom_corpus.MUTATIONS) and min(seen.values()) >= N_SHARD / 50
    assert dicom_corpus.mutant(17) == dicom_corpus.mutant(17)
    sound = {seed.data for seed in dicom_corpus.seeds()}
    n_changed = sum(dicom_corpus.mutant(number)[2] not in sound for number in range(N_SHARD))
    assert n_changed > 0.95 * N_SHARD


def test_a_share_of_the_mutants_ends_with_codes(tmp_path):
    findings = examine(mutants(range(0, N_FULL, N_FULL // N_SHARD)), tmp_path)
    assert_sound(findings, N_SHARD)
    assert findings.outcomes["read"] > 0 and findings.outcomes["damaged"] > 0


def test_no_damaged_file_shows_what_was_read_before_it(tmp_path, reader):
    """Decoders write into memory that held another image; what they left out of a damaged one would show that."""
    others = []
    for name, value in (("dark", 0), ("bright", 2**16 - 1)):
        others.append(tmp_path / name)
        others[-1].write_bytes(dicom_encoders.encode(np.full((96, 128), value), syntax=uid.RLELossless, bits=16))
    path, n_read = tmp_path / "hostile.dcm", 0
    for name, data in mutants(range(0, N_FULL, N_FULL // N_SHARD)):
        path.write_bytes(data)
        found = []
        for other in others:
            assert isinstance(reader.read_stored(other), StoredImage)
            found.append(reader.read_stored(path))
        assert type(found[0]) is type(found[1]), name
        if isinstance(found[0], StoredImage):
            n_read += 1
            assert np.array_equal(found[0].pixels, found[1].pixels), name
    assert n_read > N_SHARD / 10


@pytest.mark.slow
def test_all_mutants_end_with_codes(tmp_path):
    assert_sound(examine(mutants(range(N_FULL)), tmp_path), N_FULL)


@pytest.fixture(scope="module")
def reader():
    with GuardedReader() as reader:
        yield reader


def test_every_bomb_ends_with_a_code(tmp_path):
    bombs = {name: make for name, make in dicom_bombs.BOMBS.items() if name not in dicom_bombs.HARMLESS}
    findings = examine(((name, make()) for name, make in bombs.items()), tmp_path)
    assert_sound(findings, len(bombs))
    assert findings.crashed == [] and set(findings.outcomes) == {"too_large", "damaged"}


def test_what_only_looks_like_a_bomb_ends_as_well(tmp_path):
    findings = examine(((name, dicom_bombs.BOMBS[name]()) for name in sorted(dicom_bombs.HARMLESS)), tmp_path)
    assert_sound(findings, len(dicom_bombs.HARMLESS))
    assert findings.crashed == []


@pytest.mark.parametrize("name", ["deflated 1.8 GB", "2 million items without length", "JPEGLossless, both 8000"])
def test_bombs_are_refused_for_what_they_are(name, reader, write):
    result = reader.read(write(dicom_bombs.BOMBS[name]()))
    assert isinstance(result, Failed)
    reason, words = {
        "deflated 1.8 GB": (SkipReason.TOO_LARGE, "inflates to more than"),
        "2 million items without length": (SkipReason.TOO_LARGE, "more elements than are read"),
        "JPEGLossless, both 8000": (SkipReason.DAMAGED, "shorter than its size can be"),
    }[name]
    assert result.reason is reason and words in result.detail


@pytest.mark.slow
@pytest.mark.parametrize("syntax", dicom_bombs.BLANKS, ids=lambda syntax: syntax.keyword)
def test_true_images_of_256_million_zeros(syntax, reader, write):
    result = reader.read(write(dicom_bombs.blank(syntax)))
    assert isinstance(result, Failed) and result.reason is SkipReason.TOO_LARGE


@pytest.mark.slow
@pytest.mark.parametrize("syntax", dicom_bombs.BLANKS, ids=lambda syntax: syntax.keyword)
def test_the_largest_image_that_is_let_through_fits_the_memory(syntax, reader, write):
    result = reader.read(write(dicom_bombs.blank(syntax, 8000)))
    assert isinstance(result, Mammogram) and result.shape == (8000, 8000)


def test_a_folder_with_bad_files_among_good_ones(tmp_path):
    good, bad = dicom_corpus.write_folder(tmp_path, n_good=16, n_bad=4, seed=3)
    assert (len(good), len(bad)) == (16, 4) and sorted([*good, *bad]) == sorted(tmp_path.iterdir())
    assert all(isinstance(read_mammogram(path), Mammogram) for path in good)
    for number in range(48):
        bad[0].write_bytes(dicom_corpus.bad_file(number))
        assert isinstance(read_mammogram(bad[0]), (Skipped, Failed)), number


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    "syntax",
    [syntax for syntax in [*dicom_bombs.COMPRESSED, *dicom_encoders.LOSSY_ERRORS] if syntax not in HUFFMAN],
    ids=lambda syntax: syntax.keyword,
)
def test_a_stream_without_its_middle_gives_no_picture(syntax, fraction, write):
    """Decoders fill what is missing; the end, which is easily looked for, is there."""
    stream = dicom_encoders.frame(dicom_encoders.ramp(8), syntax=syntax, bits=8)
    place = 120 + int(fraction * (len(stream) - 180))
    shorter = stream[:place] + stream[place + 40 :]
    data = dicom_encoders.with_frame(dicom_encoders.header(bits=8), shorter, syntax=syntax)
    assert isinstance(read_mammogram(write(data)), Failed)


def test_a_decoder_that_can_not_say_that_it_failed(write):
    stream = dicom_encoders.frame(dicom_encoders.ramp(12), syntax=uid.HTJ2KLossless)
    found = []
    for place in range(120, len(stream) - 60, 16):
        hurt = stream[:place] + bytes(16) + stream[place + 16 :]
        data = dicom_encoders.with_frame(dicom_encoders.header(), hurt, syntax=uid.HTJ2KLossless)
        found.append(read_mammogram(write(data)))
    assert any(getattr(result, "detail", "").endswith("failed half-way") for result in found)
