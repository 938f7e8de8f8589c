# Runs a test script, which holds the expected values, beside the program that is judged and out of
# its reach. The names that the script expects from the program are stubs: a call's arguments travel
# to the program's process, plain typed data comes back (code_wire.py). What is not plain stays there
# and is a Handle here, whose comparison never counts as success.
#
# Reads frames, a job each: a dict of helpers, entry_point, setup, scripts, go_on and time_s. A script
# is cut into parts that end with an assert each. Writes "n" and the number of parts; "c" and a
# request for every call; "t" and [reason, text] for each part that ran, reason "" when it passed; at
# the end "d" and whether this process may take another job.
import _signal
import builtins
import functools
import opcode
import resource
import sys

# Published scripts use some without importing them. Only the entry point may hide them.
MODULES = frozenset(
    "bisect collections copy datetime functools heapq itertools json math operator random re "
    "string sys time typing".split()
)


class Opaque(Exception):
    pass


class ProgramExit(Exception):
    pass


def main():
    requests, calls = posix.dup(0), posix.dup(1)
    posix.dup2(2, 1)
    largest, modules = peak_kib() + 32768, len(sys.modules)

    def tell(kind, value):
        write_frame(calls, kind + encode(value, None))

    while True:
        frame = read_frame(requests)
        if frame is None:
            return
        job = decode(frame, None)
        limit_time(job["time_s"])
        traceless = run(job, World(Link(requests, calls)), tell)
        limit_time(0)
        tell(b"d", traceless and peak_kib() < largest and len(sys.modules) == modules)


def limit_time(seconds):
    """Processor time, and by the clock as the sandbox has it; the signals end this process."""
    _signal.setitimer(_signal.ITIMER_PROF, seconds)
    _signal.setitimer(_signal.ITIMER_REAL, seconds and 2 * seconds + 2)


def peak_kib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(job, world, tell):
    """True when nothing of the job is left in this process."""
    try:
        helpers = compile_helpers(job["helpers"])
        exec(helpers, world)
        setup = compile(job["setup"], "setup", "exec", 0, True)
        parts = [part for script in job["scripts"] for part in split(script)]
    except Exception as error:
        tell(b"t", ["bad-tests", describe(error)])
        return False
    tell(b"n", len(parts))
    world.forget(job["entry_point"])
    outcome = run_part(setup, world)
    if outcome[0]:
        tell(b"t", outcome)
        return False
    for part in parts:
        outcome = run_part(part, world)
        tell(b"t", outcome)
        if outcome[0] and not job["go_on"]:
            break
    return all(map(leaves_no_trace, [helpers, setup, *parts]))


def leaves_no_trace(code):
    """Whether it only computes, as far as its names tell: who comes next could not notice it."""
    return (
        not any(name in TRACES or name[:2] == "__" for name in code.co_names)
        and CHANGES.isdisjoint(code.co_code[::2])
        and all(leaves_no_trace(part) for part in code.co_consts if type(part) is type(code))
    )


@functools.lru_cache(64)  # a group of programs shares its script
def split(script):
    if ("\n" + script).count("\nassert") < 2:
        return [compile(script, "tests", "exec", 0, True)]
    tree = compile(script, "tests", "exec", ONLY_AST, True)
    parts = [[]]
    for statement in tree.body:
        parts[-1].append(statement)
        if type(statement).__name__ == "Assert":
            parts.append([])
    modules = [type(tree)(body=part, type_ignores=[]) for part in parts if part]
    return [compile(module, "tests", "exec", 0, True) for module in modules]


ONLY_AST = 0x400  # ast.PyCF_ONLY_AST


@functools.lru_cache(64)
def compile_helpers(source):
    # A prompt ends inside the function to be written; its docstring makes it whole, or "pass".
    for ending in ("", "\n    pass\n"):
        try:
            return compile(source + ending, "prompt", "exec", 0, True)
        except (SyntaxError, ValueError):
            continue
    return compile("", "prompt", "exec")  # prose: it helps the model, not the script


def run_part(code, world):
    try:
        exec(code, world)
    except AssertionError as error:
        return ["wrong-answer", describe(error)]
    except (Opaque, WireError) as error:
        return ["wrong-answer", describe(error)]
    except BaseException as error:
        if getattr(error, "of_program", False):
            reason = "memory-limit" if isinstance(error, MemoryError) else "runtime-error"
        elif world.link.calls == 0 or isinstance(error, (NameError, ImportError, SyntaxError)):
            reason = "bad-tests"
        else:
            reason = "wrong-answer"  # such as None where the script computes with a number
        return [reason, describe(error)]
    return ["", ""]


def describe(error):
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "tests":
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        text = str(error)[:500]
    except Exception:  # it holds a handle, and the program does not tell
        text = ""
    return "%s%s: %s" % ("line %d: " % line if line else "", type(error).__name__, text)


class World(dict):
    """The script's globals. What is missing is asked of the program."""

    def __init__(self, link):
        super().__init__(__name__="tests", __builtins__=builtins)
        self.link = link

    def __missing__(self, name):
        if name in builtins.__dict__:
            raise KeyError(name)
        if name in MODULES:
            value = __import__(name)
        else:
            value = self.link.ask("get", (name,))
        self[name] = value
        return value

    def forget(self, name):
        """From now on `name` is the program's, even if helpers or builtins define it."""
        if name:
            self[name] = Late(self.link, name)


class Link:
    """The way to the program. A lock-step conversation: one request, one answer."""

    def __init__(self, requests, calls):
        self.requests, self.out, self.calls = requests, calls, 0

    def ask(self, operation, args, named={}):
        self.calls += 1
        request = encode((operation, args, named), send_handle)
        write_frame(self.out, b"c" + request)
        answer = read_frame(self.requests)
        if answer is None:
            sys.exit(1)  # the program has gone, and the verdict is no longer ours
        receive = lambda number: Handle(self, number)
        if answer[:1] == b"x":
            raise_as_here(*decode(answer[1:], receive))
        result = decode(answer[1:], receive)
        if len(result) == 2:
            for mine, changed in zip(args[1:], result[1]):
                if changed is not None:
                    replace_content(mine, changed)
        return result[0]


def replace_content(mine, changed):
    if isinstance(mine, (list, bytearray)):
        mine[:] = changed
    elif isinstance(mine, (dict, set)):
        mine.clear()
        mine.update(changed)


def send_handle(value):
    if type(value) is Handle:
        return b"h%d;" % value._Handle__number
    if type(value) is Late:
        return send_handle(value.handle())
    raise ImportError("a %s cannot be handed to the program" % type(value).__name__)


def raise_as_here(names, text):
    """Raises what the program raised, as the nearest builtin exception."""
    kind = ProgramExit
    for name in names:
        found = builtins.__dict__.get(name)
        if isinstance(found, type) and issubclass(found, Exception):
            kind = found
            break
    stops = issubclass(kind, (StopIteration, StopAsyncIteration))
    if stops:
        kind = RuntimeError  # it would end a loop of the script as if all were well
    try:
        error = kind(text)
    except Exception:  # UnicodeDecodeError and the like want more
        error = ValueError(text)
    error.of_program, error.stops = True, stops
    raise error


def never(self, *_):
    raise Opaque("the program returned an object that is not plain data")


class Handle:
    """An object that lives in the program's process."""

    def __init__(self, link, number):
        object.__setattr__(self, "_Handle__link", link)
        object.__setattr__(self, "_Handle__number", number)

    def __call__(self, *args, **named):
        return self.__link.ask("call", (self,) + args, named)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__link.ask("getattr", (self, name))

    def __setattr__(self, name, value):
        self.__link.ask("setattr", (self, name, value))

    def __getitem__(self, key):
        return self.__link.ask("getitem", (self, key))

    def __setitem__(self, key, value):
        self.__link.ask("setitem", (self, key, value))

    def __iter__(self):
        return self.__link.ask("iter", (self,))

    def __next__(self):
        try:
            return self.__link.ask("next", (self,))
        except RuntimeError as error:
            if getattr(error, "stops", False):
                raise StopIteration from None
            raise

    def __len__(self):
        return self.__link.ask("len", (self,))

    def __int__(self):
        return self.__link.ask("int", (self,))

    def __float__(self):
        return self.__link.ask("float", (self,))

    def __str__(self):
        return self.__link.ask("str", (self,))

    def __repr__(self):
        return self.__link.ask("repr", (self,))

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __hash__ = __contains__ = never


class Late:
    """The entry point: looked up when it is first called, since the program may not have it."""

    def __init__(self, link, name):
        self.link, self.name, self.found = link, name, None

    def handle(self):
        if self.found is None:
            self.found = self.link.ask("get", (self.name,))
        return self.found

    def __call__(self, *args, **named):
        return self.handle()(*args, **named)

    __eq__ = __ne__ = __bool__ = __hash__ = never


# What a later job could notice: a module with a state, what gives way to any object, an attribute
# that is set.
TRACES = set("compile delattr eval exec getattr globals input open setattr vars".split())
TRACES |= set(sys.modules) - (MODULES - {"random", "sys", "time"})
CHANGES = {opcode.opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR")}


# What Python makes at first use (the types of syntax trees take a millisecond) is made once for all
# the processes that a warm Python forks.
split("assert f(1) == [2.5, 'x']\nx = 1")
decode(encode({"helpers": "", "go_on": True, "scripts": [1, 2.5]}, None), None)
