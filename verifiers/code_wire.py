# How the drivers of the code verifier speak: plain typed data in frames. The same format as
# code_wire.h, which explains it. Nothing here is trusted by the other side.
import builtins
import posix

MAX_DEPTH = 520  # kMaxDepth of code_wire.cpp


class WireError(Exception):
    pass


def read_exactly(fd, size):
    parts = []
    while size > 0:
        part = posix.read(fd, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(fd):
    """The next frame, None at the end of input."""
    header = read_exactly(fd, 4)
    return None if header is None else read_exactly(fd, int.from_bytes(header, "big"))


def write_frame(fd, payload):
    data = memoryview(len(payload).to_bytes(4, "big") + payload)
    while data:
        data = data[posix.write(fd, data) :]


SEQUENCES = ((list, b"l"), (tuple, b"t"), (set, b"e"), (frozenset, b"z"))
TEXTS = ((bytes, b"y"), (bytearray, b"Y"))


def encode(value, opaque):
    """`opaque` encodes what is not plain. Instances of subclasses are sent as their base's value."""
    out = []
    _encode(value, opaque, out, MAX_DEPTH)
    return b"".join(out)


def _encode(value, opaque, out, depth):
    if depth == 0:
        raise WireError("nested too deeply")
    if value is None:
        out.append(b"N")
    elif value is True:
        out.append(b"T")
    elif value is False:
        out.append(b"F")
    elif isinstance(value, int):
        out.append(b"i%x;" % int.__int__(value))
    elif isinstance(value, float):
        out.append(b"f%s;" % float.hex(value).encode())
    elif isinstance(value, str):
        data = str.encode(value, "utf-8", "surrogatepass")
        out.append(b"s%d:%s" % (len(data), data))
    elif isinstance(value, complex):
        real, imag = complex.__add__(value, 0j).real, complex.__add__(value, 0j).imag
        out.append(b"c%s,%s;" % (real.hex().encode(), imag.hex().encode()))
    elif isinstance(value, dict):
        out.append(b"d%d;" % dict.__len__(value))
        for key, item in dict.items(value):
            _encode(key, opaque, out, depth - 1)
            _encode(item, opaque, out, depth - 1)
    elif type(value) is type and builtins.__dict__.get(value.__name__) is value:
        out.append(b"b%s;" % value.__name__.encode())
    else:
        for base, tag in SEQUENCES:
            if isinstance(value, base):
                out.append(b"%s%d;" % (tag, base.__len__(value)))
                for item in base.__iter__(value):
                    _encode(item, opaque, out, depth - 1)
                return
        for base, tag in TEXTS:
            if isinstance(value, base):
                data = base.__getitem__(value, slice(None))
                out.append(b"%s%d:%s" % (tag, len(data), data))
                return
        out.append(opaque(value))


def decode(data, opaque):
    """`opaque` makes something of the number of a handle. Raises WireError."""
    try:
        value, end = _decode(data, 0, opaque, MAX_DEPTH)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise WireError("malformed: %s" % error) from None
    if end != len(data):
        raise WireError("malformed: more than one value")
    return value


def _decode(data, at, opaque, depth):
    if depth == 0:
        raise WireError("nested too deeply")
    tag = data[at : at + 1]
    at += 1
    if tag == b"N":
        return None, at
    if tag == b"T":
        return True, at
    if tag == b"F":
        return False, at
    if tag in (b"s", b"y", b"Y"):
        end = data.index(b":", at, at + 20)
        begin = end + 1
        end = begin + int(data[at:end])
        text = data[begin:end]
        if end < begin or len(text) != end - begin:
            raise WireError("malformed: cut short")
        if tag == b"s":
            return text.decode("utf-8", "surrogatepass"), end
        return (text if tag == b"y" else bytearray(text)), end
    end = data.index(b";", at)
    body, at = data[at:end], end + 1
    if tag == b"i":
        return int(body, 16), at
    if tag == b"f":
        return float.fromhex(body.decode()), at
    if tag == b"c":
        real, imag = body.decode().split(",")
        return complex(float.fromhex(real), float.fromhex(imag)), at
    if tag == b"b" and type(builtins.__dict__.get(body.decode())) is type:
        return builtins.__dict__[body.decode()], at
    if tag == b"h":
        return opaque(int(body)), at
    count = int(body)
    items = []
    for _ in range(count * 2 if tag == b"d" else count):
        item, at = _decode(data, at, opaque, depth - 1)
        items.append(item)
    if tag == b"d":
        return dict(zip(items[::2], items[1::2])), at
    for base, letter in SEQUENCES:
        if tag == letter:
            return base(items), at
    raise WireError("malformed: unknown tag")
