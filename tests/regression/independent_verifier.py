"""Recomputes every checksum of a file from docs/results-layout.md, with nothing but Python: no HDF5, no code of ours."""

import math
import struct

SIZES = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "int8": 1, "uint64": 8, "uint8": 1}

def xxh64(data):
    """XXH64 with seed 0, from its public specification."""
    p1, p2, p3, p4, p5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
    mask = (1 << 64) - 1

    def rotated(x, r):
        return ((x << r) | (x >> (64 - r))) & mask

    def mixed(acc, lane):
        return rotated((acc + lane * p2) & mask, 31) * p1 & mask

    position, length = 0, len(data)
    if length >= 32:
        acc = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        while position + 32 <= length:
            for i in range(4):
                acc[i] = mixed(acc[i], int.from_bytes(data[position:position + 8], "little"))
                position += 8
        h = sum(rotated(a, r) for a, r in zip(acc, (1, 7, 12, 18))) & mask
        for a in acc:
            h = ((h ^ mixed(0, a)) * p1 + p4) & mask
    else:
        h = p5
    h = (h + length) & mask
    while position + 8 <= length:
        h = (rotated(h ^ mixed(0, int.from_bytes(data[position:position + 8], "little")), 27) * p1 + p4) & mask
        position += 8
    if position + 4 <= length:
        h = (rotated(h ^ int.from_bytes(data[position:position + 4], "little") * p1 & mask, 23) * p2 + p3) & mask
        position += 4
    for byte in data[position:]:
        h = rotated(h ^ byte * p5 & mask, 11) * p1 & mask
    h = (h ^ (h >> 33)) * p2 & mask
    h = (h ^ (h >> 29)) * p3 & mask
    return h ^ (h >> 32)


class File:
    """The parts of a file: its seal, its description, the bytes of its datasets."""

    def __init__(self, path):
        self.data = path.read_bytes()
        self.place = self.data.index(b"cotscale seal 1\n")
        lines = self.data[self.place:self.place + 1000].split(b"\n")[:6]
        self.seal = b"".join(line + b"\n" for line in lines)
        self.fields = {words[0]: words[1:] for words in (line.decode().split() for line in lines)}
        offset, length = map(int, self.fields["description"][:2])
        self.description = self.data[offset:offset + length]
        self.texts, self.datasets = {}, {}
        rest = self.description
        first, rest = rest.split(b"\n", 1)
        assert first == b"cotscale description 1"
        while rest:
            line, rest = rest.split(b"\n", 1)
            words = line.decode().split(" ")
            if words[0] == "text":
                length = int(words[2])
                self.texts.setdefault(words[1], []).append(rest[:length].decode())
                assert rest[length:length + 1] == b"\n"
                rest = rest[length + 1:]
            else:
                kind, name, type_, role, offset, *dimensions = words
                assert kind == "dataset" and role in ("fixed", "payload", "record", "record_checksum", "failure")
                lengths = {d.split("=")[0]: int(d.split("=")[1]) for d in dimensions}
                self.datasets[name] = (type_, role, int(offset), lengths)

    def size(self, name):
        type_, _, _, lengths = self.datasets[name]
        return SIZES[type_] * math.prod(lengths.values())

    def with_role(self, role):
        """Names in the order of the description."""
        return [name for name, (_, own_role, _, _) in self.datasets.items() if own_role == role]

    def part(self, name, cell, cells):
        each = self.size(name) // cells
        begin = self.datasets[name][2] + cell * each
        return self.data[begin:begin + each]


def faults(path):
    """What of the file is not as its checksums say; an empty list if it is sound."""
    file = File(path)
    body, last = file.seal.rsplit(b"seal ", 1)
    if int(last, 16) != xxh64(body):
        return ["seal"]
    out = []
    if int(file.fields["file_bytes"][0]) != len(file.data):
        out.append("length")
    if int(file.fields["description"][2], 16) != xxh64(file.description):
        out.append("description")
    ranges = [(file.place, file.place + len(file.seal))]
    ranges += [(offset, offset + file.size(name)) for name, (_, role, offset, _) in file.datasets.items() if role != "fixed"]
    fixed, position = b"", 0
    for begin, end in sorted(ranges):
        fixed += file.data[position:begin]
        position = max(position, end)
    if int(file.fields["fixed"][0], 16) != xxh64(fixed + file.data[position:]):
        out.append("fixed")
    if file.fields["kind"] == ["results"]:
        out += cell_faults(file) + failure_faults(file)
    return out


def failure_faults(file):
    """Of the table of failures; an entry whose writing was cut short is sound."""
    out = []
    [entries] = file.datasets["failures/cell"][3].values()
    for entry in range(entries):
        cell, message, stored = (file.part(f"failures/{name}", entry, entries) for name in ("cell", "message", "checksum"))
        empty = cell == b"\xff" * 8 and not any(message) and not any(stored)
        if not empty and stored != b"rw gnieb" and struct.unpack("<Q", stored)[0] != xxh64(cell + message):
            out.append(f"failure {entry}")
    return out


def cell_faults(file):
    """Of cells that are done, or failed."""
    out, cells = [], file.size("status")
    [of_record] = file.with_role("record_checksum")
    for cell in range(cells):
        status = file.part("status", cell, cells)[0]
        if status == 0:
            continue
        record = b"".join(file.part(name, cell, cells) for name in file.with_role("record"))
        if struct.unpack("<Q", file.part(of_record, cell, cells))[0] != xxh64(record):
            out.append(f"record {cell}")
        payload = b"".join(file.part(name, cell, cells) for name in file.with_role("payload"))
        if status == 1 and struct.unpack("<Q", file.part("checksum", cell, cells))[0] != xxh64(payload):
            out.append(f"payload {cell}")
    return out
