"""Objects of bpf(2), compared with fdinfo and what made them. Most of them only root can
make.

Needs: lsfd, ss
"""
from kinds import *

MAP_CREATE, PROG_LOAD, BTF_LOAD, LINK_CREATE = 0, 5, 18, 28

def bpf_map(type=2, key=4, value=16, entries=10):
    return bpf(MAP_CREATE, struct.pack("7I16s", type, key, value, entries, 0, 0, 0, b"some_map"))

# return 0
program = ctypes.create_string_buffer(struct.pack("BBhiBBhi", 0xb7, 0, 0, 0, 0x95, 0, 0, 0))
license = ctypes.create_string_buffer(b"GPL")

def bpf_prog(type):
    return bpf(PROG_LOAD, struct.pack("2I2Q2IQ2I16s", type, 2, ctypes.addressof(program), ctypes.addressof(license), 0, 0, 0, 0, 0, b"some_program"))

def bpf_link():
    """Whoever dissects flows in a network namespace of its own."""
    call("unshare", 0x40000000) # CLONE_NEWNET
    return bpf(LINK_CREATE, struct.pack("4I", bpf_prog(22), os.open("/proc/self/ns/net", os.O_RDONLY), 17, 0))

def btf():
    """The type int."""
    types, strings = struct.pack("4I", 1, 1 << 24, 4, 32), b"\0int\0"
    data = struct.pack("HBB5I", 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings
    buffer = ctypes.create_string_buffer(data, len(data))
    return bpf(BTF_LOAD, struct.pack("2Q3I", ctypes.addressof(buffer), 0, len(data), 0, 0))

# <linux/bpf.h>
TYPES = {("map", "type", "2"): "array", ("map", "type", "27"): "ringbuf", ("prog", "type", "1"): "socket_filter"}
for kind, maker, args, details in ("map", bpf_map, (), dict(name="some_map", key_size=4, value_size=16, max_entries=10)), \
        ("map, a ring buffer", bpf_map, (27, 0, 0, 4096), dict(name="some_map", key_size=0, value_size=0, max_entries=4096)), \
        ("prog", bpf_prog, (1,), dict(name="some_program")), \
        ("link", elsewhere, (bpf_link,), {}), ("btf", btf, (), {}):
    fd = make(f"bpf {kind}", maker, *args)
    name, (kind, *_) = f"bpf {kind}", kind.split(",")
    if not fd:
        continue
    info = fdinfo(fd)
    details |= {field: TYPES.get((kind, field, info[f"{kind}_{field}"]), info[f"{kind}_{field}"]) for field in ("type", "id") if f"{kind}_{field}" in info}
    if kind == "link":
        details |= dict(prog_id=info["prog_id"])
    check(name, fd, type="bpf", path=None, bpf=dict(object=kind) | details)
done()
