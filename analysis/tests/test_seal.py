import random

import pytest

from cotscale_analysis import ResultsError, seal

DESCRIPTION = b"cotscale description 1\ntext model 4\na\nbc\ndataset n int64 fixed 0 n=2\ndataset v int8 payload %020d n=2 k=3\n"


def sealed(path):
    """A file that is nothing but sealed: two parts that never change around one of cells."""
    head, cells, tail = b"begin" * 20, bytes(range(6)), b"end" * 11
    length = len(b"cotscale seal 1\nkind results  \nfile_bytes \ndescription   \nfixed \nseal \n") + 3 * 20 + 3 * 16
    description = DESCRIPTION % (len(head) + length)
    place = len(head) + length + len(cells)
    size = place + len(description) + len(tail)
    fixed = seal._xxh64(head + description + tail)
    text = b"cotscale seal 1\nkind results  \nfile_bytes %020d\n" % size
    text += b"description %020d %020d %016x\nfixed %016x\n" % (place, len(description), seal._xxh64(description), fixed)
    text += b"seal %016x\n" % seal._xxh64(text)
    assert len(text) == length
    path.write_bytes(head + text + cells + description + tail)
    return len(head), len(head) + length


def test_xxh64_is_that_of_its_specification():
    assert seal._xxh64(b"") == 0xEF46DB3751D8E999 and seal._xxh64(b"a") == 0xD24EC4F1A98C6E5B
    library = pytest.importorskip("xxhash")
    for size in range(200):
        data = random.Random(size).randbytes(size)
        assert seal._xxh64(data) == library.xxh64(data).intdigest()


def test_every_byte_but_those_of_cells_is_checked(tmp_path):
    path = tmp_path / "a.h5"
    begin, end = sealed(path)
    whole = path.read_bytes()
    seal.check_seal(path)
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        if end <= place < end + 6 or begin <= place < begin + len(seal.MAGIC):
            seal.check_seal(path)  # of cells; or a file without seal
            continue
        with pytest.raises(ResultsError, match="damaged") as refusal:
            seal.check_seal(path)
        assert refusal.value.exit_code == 74
    for other in (whole[:-1], whole + b"\n", whole[: end - 30], whole[: begin + 20]):
        path.write_bytes(other)
        with pytest.raises(ResultsError, match="damaged"):
            seal.check_seal(path)
