"""Says whether a file is as it was written, before a library opens it: HDF5 can crash on a damaged one.

docs/results-layout.md, "Checksums", states what is checked here: all that does not change while cells are computed.
"""

from .errors import IO_ERROR, ResultsError

try:
    from xxhash import xxh64 as _library  # Debian: python3-xxhash
except ImportError:
    _library = None

MAGIC = b"cotscale seal 1\n"
HEAD = 65536  # bytes within which the seal stands
AT_ONCE = 1 << 20
SIZES = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "int8": 1, "uint64": 8, "uint8": 1}
MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
)  # fmt: skip


def check_seal(path):
    """Raises ResultsError with exit code 74 if a sealed file is damaged. A file without a seal passes."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        place = head.find(MAGIC)
        if place < 0:
            return
        try:
            _check(file, head, place)
        except (ValueError, IndexError, KeyError) as error:
            message = f"{path}: damaged ({error or 'its seal'}): restore it from a copy, or compute it anew"
            raise ResultsError(message, IO_ERROR) from error


def _check(file, head, place):
    # Seven lines; a damaged one may have no ends, or too many.
    text = b"".join(line + b"\n" for line in head[place:].split(b"\n", 6)[:6])
    body, last = text[: text.rindex(b"\nseal ") + 1], text.splitlines()[-1]
    if last != b"seal %016x" % xxh64(body):
        raise ValueError("its seal is not as it was written")
    fields = [line.split() for line in text.decode("ascii").splitlines()]
    file_bytes = int(fields[2][1])
    offset, length, description_sum = int(fields[3][1]), int(fields[3][2]), int(fields[3][3], 16)
    if file.seek(0, 2) != file_bytes:
        raise ValueError(f"it has {file.tell()} bytes, and had {file_bytes}")
    file.seek(offset)
    description = file.read(length)
    if xxh64(description) != description_sum:
        raise ValueError("the description inside it has changed")
    left_out = [(place, place + len(text)), *_cells(description), (file_bytes, file_bytes)]
    if _sum_without(file, sorted(left_out)) != int(fields[4][1], 16):
        raise ValueError("names, coordinates, specification, attributes or structure have changed")


def _cells(description):
    """Begin and end of each dataset that is written while cells are computed."""
    position = description.index(b"\n") + 1
    while position < len(description):
        end = description.index(b"\n", position)
        words = description[position:end].decode().split(" ")
        position = end + 1
        if words[0] == "text":
            position += int(words[2]) + 1
        elif words[3] != "fixed":
            size = SIZES[words[2]]
            for dimension in words[5:]:
                size *= int(dimension.rpartition("=")[2])
            yield int(words[4]), int(words[4]) + size


def _sum_without(file, left_out):
    parts, position = [], 0
    for begin, end in left_out:
        while position < begin:
            file.seek(position)
            parts.append(file.read(min(AT_ONCE, begin - position)))
            position += len(parts[-1])
        position = max(position, end)
    return xxh64(b"".join(parts))


def xxh64(data):
    """XXH64 with seed 0."""
    return _library(data).intdigest() if _library else _xxh64(data)


def _rotated(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & MASK


def _mixed(acc, lane):
    return _rotated((acc + lane * P2) & MASK, 31) * P1 & MASK


def _xxh64(data):
    stripes = len(data) // 32 * 32
    if stripes:
        acc = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        for i, lane in enumerate(memoryview(data)[:stripes].cast("Q")):
            acc[i % 4] = _mixed(acc[i % 4], lane)
        h = sum(_rotated(a, bits) for a, bits in zip(acc, (1, 7, 12, 18))) & MASK
        for a in acc:
            h = ((h ^ _mixed(0, a)) * P1 + P4) & MASK
    else:
        h = P5
    return _finished((h + len(data)) & MASK, data[stripes:])


def _finished(h, rest):
    while len(rest) >= 8:
        h = (_rotated(h ^ _mixed(0, int.from_bytes(rest[:8], "little")), 27) * P1 + P4) & MASK
        rest = rest[8:]
    if len(rest) >= 4:
        h = (_rotated(h ^ int.from_bytes(rest[:4], "little") * P1 & MASK, 23) * P2 + P3) & MASK
        rest = rest[4:]
    for byte in rest:
        h = _rotated(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ (h >> 33)) * P2 & MASK
    h = (h ^ (h >> 29)) * P3 & MASK
    return h ^ (h >> 32)
