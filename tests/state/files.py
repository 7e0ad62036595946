""".pth files made by hand, byte by byte, so that the reader is asked without PyTorch, and about files that PyTorch would not write."""
import pickle
import zipfile

START, STOP = b"\x80\x02", b"."
ORDERED = b"ccollections\nOrderedDict\n"
MAGIC, VERSION = 0x1950a86a20f9469cfc6c, 1001


def part(value):
    """The operations that leave a plain value on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def named(name):
    module, _, name = name.rpartition(".")
    return f"c{module}\n{name}\n".encode()


def storage(key="0", kind="torch.FloatStorage", count=6, view=None):
    """The operations that leave a storage there: as the zip format has them, and with a view, or (), as the older one."""
    end = b"" if view is None else part(view or None)
    return b"(" + part("storage") + named(kind) + part(key) + part("cpu") + part(count) + end + b"tQ"


def tensor(place, offset=0, size=(2, 3), stride=(3, 1)):
    return (named("torch._utils._rebuild_tensor_v2") + b"(" + place + part(offset) + part(size) + part(stride)
            + b"\x89" + ORDERED + b")RtR")


def dictionary(**items):
    """An OrderedDict of what these operations leave."""
    return ORDERED + b")R(" + b"".join(part(name) + value for name, value in items.items()) + b"u"


def write_zip(path, value, storages, compression=zipfile.ZIP_STORED, **more):
    """value: operations. storages: bytes by key. more: other entries, by name."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", START + value + STOP)
        for key, contents in storages.items():
            archive.writestr(f"archive/data/{key}", contents)
        for name, contents in more.items():
            archive.writestr(f"archive/{name}", contents)
    return path


def write_older(path, value, storages, keys=None):
    """value: operations. storages: (count, bytes) by key; keys: what the file says that these are."""
    plain = [pickle.dumps(each, 2) for each in (MAGIC, VERSION, {"little_endian": True})]
    contents = [*plain, START + value + STOP, pickle.dumps(list(storages) if keys is None else keys, 2)]
    for count, numbers in storages.values():
        contents += [count.to_bytes(8, "little"), numbers]
    path.write_bytes(b"".join(contents))
    return path
