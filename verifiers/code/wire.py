# How the drivers of the code verifier speak: plain typed data in frames. The same format as
# wire.h, which explains it. Nothing here is trusted by the other side.
import builtins
import collections
import datetime
import decimal
import fractions
import posix

MAX_DEPTH = 520  # kMaxJsonDepth, and what is said around a value


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
    """The next frame, None at the end of input. What follows it is left to others."""
    header = read_exactly(fd, 4)
    return None if header is None else read_exactly(fd, int.from_bytes(header, "big"))


def read_reply(fd):
    """The next frame of who says nothing more before he is answered."""
    data = posix.read(fd, 1 << 16)
    if 0 < len(data) < 4:
        data += read_exactly(fd, 4 - len(data)) or b""
    if len(data) < 4:
        return None
    missing = 4 + int.from_bytes(data[:4], "big") - len(data)
    if missing == 0:
        return data[4:]
    rest = read_exactly(fd, missing)
    return None if rest is None else data[4:] + rest


def write_frame(fd, payload):
    data = memoryview(len(payload).to_bytes(4, "big") + payload)
    while data:
        data = data[posix.write(fd, data) :]


SEQUENCES = ((list, b"l"), (tuple, b"t"), (set, b"e"), (frozenset, b"z"))
TAGS = dict(SEQUENCES)
TEXTS = ((bytes, b"y"), (bytearray, b"Y"))


# Values of the standard library that are data, too: how each is taken apart into what is plain, and
# made of it again. A named tuple's name is "namedtuple x y".
OBJECTS = {
    "Counter": (collections.Counter, dict, collections.Counter),
    "OrderedDict": (collections.OrderedDict, dict, collections.OrderedDict),
    "defaultdict": (collections.defaultdict, dict, lambda d: collections.defaultdict(None, d)),
    "deque": (collections.deque, lambda d: (list(d), d.maxlen), lambda c: collections.deque(*c)),
    "dict_keys": (type({}.keys()), list, lambda c: dict.fromkeys(c).keys()),
    "dict_values": (type({}.values()), list, lambda c: dict(enumerate(c)).values()),
    "dict_items": (type({}.items()), list, lambda c: dict(c).items()),
    "range": (range, lambda r: (r.start, r.stop, r.step), lambda c: range(*c)),
    "slice": (slice, lambda s: (s.start, s.stop, s.step), lambda c: slice(*c)),
    "Decimal": (decimal.Decimal, str, decimal.Decimal),
    "Fraction": (
        fractions.Fraction,
        lambda f: (f.numerator, f.denominator),
        lambda c: fractions.Fraction(*c),
    ),
    "date": (
        datetime.date,
        lambda d: (d.year, d.month, d.day),
        lambda c: datetime.date(*c),
    ),
    "time": (
        datetime.time,
        lambda t: (t.hour, t.minute, t.second, t.microsecond),
        lambda c: datetime.time(*c),
    ),
    "datetime": (
        datetime.datetime,
        lambda d: (d.year, d.month, d.day, d.hour, d.minute, d.second, d.microsecond),
        lambda c: datetime.datetime(*c),
    ),
    "timedelta": (
        datetime.timedelta,
        lambda d: (d.days, d.seconds, d.microseconds),
        lambda c: datetime.timedelta(*c),
    ),
    "ndarray": (None, lambda a: a.tolist(), lambda c: __import__("numpy").array(c)),
}
NAMES = {kind: name for name, (kind, _, _) in OBJECTS.items()}


def name_of(value):
    """The key of OBJECTS that an exact instance of such a type has, None for others."""
    kind = type(value)
    name = NAMES.get(kind)
    if name in ("time", "datetime") and value.tzinfo is not None:
        return None  # what a time zone is, only its program knows
    if kind.__name__ == "ndarray" and kind.__module__ == "numpy":
        return "ndarray"
    return name


def make_object(name, content):
    if name.startswith("namedtuple "):
        if any(map(callable, content)):  # a method of its own
            return tuple(content)
        return collections.namedtuple("Tuple", name.split()[1:])(*content)
    return OBJECTS[name][2](content)


def encode(value, opaque):
    """`opaque` encodes what is not plain. Instances of subclasses are sent as their base's value."""
    out = []
    _encode(value, opaque, out, MAX_DEPTH)
    return b"".join(out)


def _encode(value, opaque, out, depth):
    if depth == 0:
        raise WireError("nested too deeply")
    tag = TAGS.get(type(value))
    if tag is not None:  # most values are lists, and most of those hold integers
        out.append(b"%s%d;" % (tag, len(value)))
        for item in value:
            if type(item) is int:
                out.append(b"i%x;" % item)
            else:
                _encode(item, opaque, out, depth - 1)
    elif value is None:
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
        real, imag = complex.real.__get__(value), complex.imag.__get__(value)
        out.append(b"c%s,%s;" % (real.hex().encode(), imag.hex().encode()))
    elif name := name_of(value):
        out.append(b"o%s;" % name.encode())
        _encode(OBJECTS[name][1](value), opaque, out, depth - 1)
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
                if base is tuple and type(value).__bases__ == (tuple,) and hasattr(value, "_fields"):
                    out.append(b"onamedtuple %s;" % " ".join(value._fields).encode())
                out.append(b"%s%d;" % (tag, base.__len__(value)))
                for item in base.__iter__(value):
                    _encode(item, opaque, out, depth - 1)
                return
        for base, tag in TEXTS:
            if isinstance(value, base):
                data = base.__getitem__(value, slice(None))
                out.append(b"%s%d:%s" % (tag, len(data), data))
                return
        if type(value).__module__ == "numpy" and hasattr(value, "item"):
            value = value.item()  # its scalars are Python's
            if type(value) in (int, float, bool, complex, str, bytes):
                return _encode(value, opaque, out, depth - 1)
        out.append(opaque(value))


def decode(data, opaque):
    """`opaque` makes something of the number of a handle. Raises WireError."""
    try:
        value, end = _decode(data, 0, opaque, MAX_DEPTH)
    except (ArithmeticError, ImportError, LookupError, TypeError, ValueError) as error:
        raise WireError("malformed: %s" % error) from None
    if end != len(data):
        raise WireError("malformed: more than one value")
    return value


def _decode(data, at, opaque, depth):
    if depth == 0:
        raise WireError("nested too deeply")
    tag = data[at : at + 1]
    at += 1
    if tag == b"i":
        end = data.index(b";", at)
        return int(data[at:end], 16), end + 1
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
    if tag == b"f":
        return float.fromhex(body.decode()), at
    if tag == b"c":
        real, imag = body.decode().split(",")
        return complex(float.fromhex(real), float.fromhex(imag)), at
    if tag == b"b" and type(builtins.__dict__.get(body.decode())) is type:
        return builtins.__dict__[body.decode()], at
    if tag == b"h":
        return opaque(int(body)), at
    if tag == b"o":
        content, at = _decode(data, at, opaque, depth - 1)
        return make_object(body.decode(), content), at
    count = int(body)
    items = []
    for _ in range(count * 2 if tag == b"d" else count):
        item, at = _decode(data, at, opaque, depth - 1)
        items.append(item)
    if tag == b"d":
        value = dict(zip(items[::2], items[1::2]))
        if len(value) != count:
            raise WireError("malformed: a dict that has a key twice")
        return value, at
    for base, letter in SEQUENCES:
        if tag == letter:
            value = base(items)
            if len(value) != count:
                raise WireError("malformed: a set that has a member twice")
            return value, at
    raise WireError("malformed: unknown tag")
