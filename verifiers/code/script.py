# Runs a test script, which holds the expected values, beside the program that is judged and out of
# its reach. The entry point is a stub: a call's arguments travel to the program's process, plain
# typed data comes back (wire.py). What is not plain stays there and is a Handle here, which
# answers a question once and for all, and whose comparison never counts as success. Any other name
# is the script's, the prompt's or the standard library's; what only the program knows (MBPP's Pair)
# is Given: it can be handed back to it, and no assertion can rest on it.
#
# Reads frames, a job each: a dict of helpers, entry_point, in_place, setup, scripts, go_on and
# time_s. A script is cut into parts that end with an assert each. Writes "n" and the number of parts;
# "c" and a request for every call; "t" and [reason, text] for each part that ran, reason "" when it
# passed; at the end "d" and whether this process may take another job.
import _signal
import builtins
import functools
import importlib
import importlib.machinery
import opcode
import re
import resource
import sys

# Published scripts use what they do not import: modules, by these names or their own, and what
# these modules define. Only the entry point may hide them.
MODULES = frozenset(
    "bisect collections copy datetime functools heapq itertools json math operator random re "
    "string sys time typing".split()
)
ABBREVIATED = {"np": "numpy", "numpy": "numpy", "pd": "pandas", "pandas": "pandas"}
DEFINE = "math collections itertools functools copy heapq bisect typing decimal fractions statistics"


class StandIn:
    """Finds a numpy where there is none: as much of it as HumanEval+ and MBPP+ compare with."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, StandIn) if name == "numpy" else None

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        module.inf, module.nan = float("inf"), float("nan")
        for name in ("ndarray", "float32", "float64"):  # nothing is one
            setattr(module, name, type(name, (), {}))
        module.allclose = allclose


def allclose(a, b, rtol=1e-05, atol=1e-08):
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(allclose(x, y, rtol, atol) for x, y in zip(a, b))
    return a == b or abs(b) < float("inf") and abs(a - b) <= atol + rtol * abs(b)


sys.meta_path.append(StandIn)  # asked last
getattr(sys, "set_int_max_str_digits", int)(0)


class Opaque(Exception):
    pass


class BadTests(Exception):
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
        frame = read_reply(requests)
        if frame is None:
            return
        job = decode(frame, None)
        limit_time(job["time_s"])
        traceless = run(job, World(Link(requests, calls, job)), tell)
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
        if not any(word in text for text in texts_of(job) for word in ("assert", "raise")):
            raise BadTests("the tests assert nothing")
        helpers = compile_helpers(job["helpers"])
        world.learn(helpers)
        try:
            exec(helpers, world)
        except NameError:
            pass  # a word of prose
        world.asks = True
        setup = compile(job["setup"], "setup", "exec", 0, True)
        parts = [part for script in job["scripts"] for part in split(script)]
        for code in [setup, *parts]:
            world.learn(code)
    except Exception as error:
        tell(b"t", ["bad-tests", describe(error)])
        return False
    tell(b"n", len(parts))
    world.forget(job["entry_point"])
    outcome = run_part(setup, world)
    if outcome[0]:
        tell(b"t", outcome)
        return False
    failed = False
    for part in parts:
        outcome = run_part(part, world)
        tell(b"t", outcome)
        failed = failed or outcome[0] != ""
        if failed and not job["go_on"]:
            break
    idle = [name for name, given in world.link.given if not given._Given__handed]
    if idle and not failed:  # a program that fails is wrong, whatever was still to come
        tell(b"t", ["bad-tests", UNKNOWN % idle[0]])
    return all(map(leaves_no_trace, [helpers, setup, *parts]))


def texts_of(job):
    return [job["helpers"], job["setup"], *job["scripts"]]


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
    world.link.refused = ""
    try:
        exec(code, world)
    except BadTests as error:
        return ["bad-tests", describe(error)]
    except (AssertionError, Opaque, WireError) as error:
        return ["wrong-answer", describe(error)]
    except BaseException as error:
        if getattr(error, "of_program", False):
            reason = "memory-limit" if isinstance(error, MemoryError) else "runtime-error"
        elif world.link.calls == 0 or isinstance(error, ImportError):
            reason = "bad-tests"
        else:
            reason = "wrong-answer"  # such as None where the script computes with a number
        return [reason, describe(error)]
    if world.link.refused:  # whatever the script made of it
        return ["wrong-answer", world.link.refused]
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
    """The script's globals. What is missing is looked for in the standard library."""

    def __init__(self, link):
        super().__init__(__name__="tests", __builtins__=builtins)
        self.link, self.names, self.assigned = link, set(), set()
        self.asks = False  # whether what is unknown may be the program's

    def learn(self, code):
        """What the script names, and what it would have assigned by then: no other name is looked
        for, whatever it evaluates."""
        names, code_units = code.co_names, code.co_code
        self.names.update(names)
        operations = code_units[::2]
        for operation in ASSIGNS:
            i = operations.find(operation)
            while i >= 0:
                if code_units[2 * i + 1] < len(names):
                    self.assigned.add(names[code_units[2 * i + 1]])
                i = operations.find(operation, i + 1)
        for part in code.co_consts:
            if type(part) is type(code):
                self.learn(part)

    def __missing__(self, name):
        if name in builtins.__dict__ or name not in self.names or name in self.assigned:
            raise KeyError(name)
        if name == "Solution":  # as LeetCode has it
            value = Late(self.link, name)
        else:
            value = known(name)
        if value is None and not self.asks:
            raise KeyError(name)
        if value is None:
            value = Given(self.link, name)
            self.link.given.append((name, value))
        self[name] = value
        return value

    def forget(self, name):
        """From now on `name` is the program's, even if helpers or builtins define it."""
        if name:
            self[name] = Late(self.link, name)


def known(name):
    """The module of this name, or what one that scripts forget to import defines by it."""
    if name in MODULES or name in ABBREVIATED:
        return importlib.import_module(ABBREVIATED.get(name, name))
    if name.startswith("_"):
        return None
    for home in DEFINE.split():
        found = getattr(importlib.import_module(home), name, None)
        if found is not None:
            return found
    if name in getattr(sys, "stdlib_module_names", ()):
        return importlib.import_module(name)
    return None


class Link:
    """The way to the program. A lock-step conversation: one request, one answer."""

    def __init__(self, requests, calls, job):
        self.requests, self.out, self.calls = requests, calls, 0
        self.in_place = job["in_place"]
        self.given = []  # names of the program's, and calls of those
        self.text = " ".join(texts_of(job))
        self.name, self.helpers = job["entry_point"], job["helpers"]
        # The methods of a class are what its tests are about; but where only its name says that it
        # is one, it has none that texts and sets have.
        self.names_class = self.name[:1].isupper() and not self.name.isupper()
        self.refused = ""  # the last thing that an assertion must not rest on

    @functools.cached_property
    def declares_class(self):
        return bool(re.search(r"^class +%s\b" % re.escape(self.name), self.helpers, re.MULTILINE))

    def ask(self, operation, args, named={}):
        answer = self.answer(operation, args, named)
        if len(answer) != 1:
            raise WireError("malformed: not one value")
        return answer[0]

    def answer(self, operation, args, named={}):
        self.calls += 1
        request = encode((operation, args, named), send_handle)
        write_frame(self.out, b"c" + request)
        answer = read_reply(self.requests)
        if answer is None:
            sys.exit(1)  # the program has gone, and the verdict is no longer ours
        receive = lambda number: Handle(self, number)
        value = decode(answer[1:], receive)
        if answer[:1] == b"x":
            raise_as_here(*value)
        # A class would answer as the script's own.
        for kind in map(bytes.decode, set(CLASS.findall(answer))):
            if not re.search(r"\b%s\b" % kind, self.text) and holds(value, kind):
                self.refuse("the program returned a class, %s" % kind)
        return value

    def call(self, frame, function, args, named):
        """What a call from `frame` returns, of a function or one by name. Where it is made for what
        it does, that is done to our arguments, too."""
        for touched in (*args, *named.values()):
            if type(touched) is Handle:
                touched._Handle__touch()
        if self.given:
            hand_over(args, named)
        if not self.in_place and not discards(frame):
            return self.ask("call", (function,) + args, named)
        result, changed = self.answer("apply", (function,) + args, named)
        if self.in_place or result is None:
            for mine, content in zip(args, changed):
                if content is not None:
                    replace_content(mine, content)
        return result

    def refuse(self, why):
        self.refused = why
        raise Opaque(why)


# A builtin class, as sent.
CLASS = re.compile(
    b"b(%s);"
    % b"|".join(name.encode() for name, kind in vars(builtins).items() if isinstance(kind, type))
)


def holds(value, kind):
    """Whether a builtin class is somewhere in plain data."""
    if isinstance(value, dict):
        return holds(list(value), kind) or holds(list(value.values()), kind)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(holds(item, kind) for item in value)
    return isinstance(value, type) and value.__name__ == kind


def hand_over(*values):
    """Marks what only the program knows as handed to the function under test."""
    for value in values:
        if type(value) is Given:
            value._Given__hand_over()
        elif isinstance(value, (list, tuple, set, frozenset)):
            hand_over(*value)
        elif isinstance(value, dict):
            hand_over(*value, *value.values())


def discards(frame):
    """Whether the call that a frame is at stands alone: it is made for what it does."""
    code, at = frame.f_code.co_code, frame.f_lasti + 2
    while at < len(code) and code[at] == CACHE:
        at += 2
    return at < len(code) and code[at] == POP_TOP


CACHE, POP_TOP = opcode.opmap.get("CACHE", -1), opcode.opmap["POP_TOP"]


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
        return encode(value._Late__value(), send_handle)
    if type(value) is Given:
        return encode(value._Given__value(), send_handle)
    if value in (Handle, Late, Given):
        raise Opaque("the type of an object that is not plain data")
    raise BadTests("a %s cannot be handed to the program" % type(value).__name__)


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


# Methods that compare: an assertion rests on what they return and on nothing else.
COMPARES = re.compile(
    "(eq|ne|lt|le|gt|ge|cmp|equals?|is_?equal.*|equal_?to|(is_?)?same.*|compare.*|match.*|fullmatch"
    "|is_?close|all_?close|contains|is_?in|all|any|has|includes?|(is_?)?(almost|nearly|approx|equiv).*)$",
    re.IGNORECASE,
)
COMPARES_DATA = re.compile(
    "(startswith|endswith|issubset|issuperset|isdisjoint|is_integer|is(alnum|alpha|ascii|decimal|digit"
    "|identifier|lower|numeric|printable|space|title|upper))$"
)


class Handle:
    """An object that lives in the program's process. It answers a question once: what it said is
    forgotten only when the script does something to it, or to what it is a part of."""

    def __init__(self, link, number, whole=None):
        mine = dict(link=link, number=number, whole=whole, said={}, tested=False)
        for name, value in mine.items():
            object.__setattr__(self, "_Handle__" + name, value)

    def __ask(self, operation, *args):
        question = encode((operation, args), send_handle)
        if question not in self.__said:
            answer = self.__link.ask(operation, (self,) + args)
            if type(answer) is Handle:
                answer = Handle(self.__link, answer.__number, self)
            self.__said[question] = answer
        return self.__said[question]

    def __touch(self):
        while self is not None:
            self.__said.clear()
            self = self.__whole

    def __change(self, operation, *args):
        self.__touch()
        try:
            self.__link.ask(operation, (self,) + args)
        except BadTests as error:  # data would have taken it
            self.__link.refuse(str(error))

    def __call__(self, *args, **named):
        try:
            self.__touch()
            return self.__link.call(sys._getframe(1), self, args, named)
        except BadTests as error:
            whole = self.__whole
            if whole is not None and whole.__of_class():
                raise
            self.__link.refuse(str(error))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = self.__ask("getattr", name)
        if callable(value) and self.__compares(name):
            self.__link.refuse("the program returned an object whose own %s() compares" % name)
        return value

    def __compares(self, name):
        if self.__tested and self.__link.declares_class:
            return False
        return COMPARES_DATA.match(name) or (COMPARES.match(name) and not self.__of_class())

    def __of_class(self):
        return self.__tested and (self.__link.declares_class or self.__link.names_class)

    def __setattr__(self, name, value):
        self.__change("setattr", name, value)

    def __getitem__(self, key):
        return self.__ask("getitem", key)

    def __setitem__(self, key, value):
        self.__change("setitem", key, value)

    def __iter__(self):
        iterator = self.__ask("iter")
        if iterator is None:  # it is one, and goes on from where it is
            return self
        return iterator.__replay()

    def __replay(self):
        items, i = self.__said.setdefault("items", []), 0
        while True:
            if i == len(items):
                try:
                    items.append(next(self))
                except StopIteration:
                    return
            yield items[i]
            i += 1

    def __next__(self):
        if "ended" not in self.__said:
            try:
                return self.__link.ask("next", (self,))
            except RuntimeError as error:
                if not getattr(error, "stops", False):
                    raise
                self.__said["ended"] = True
        raise StopIteration

    def __len__(self):
        return self.__ask("len")

    def __int__(self):
        return self.__ask("int")

    def __float__(self):
        return self.__ask("float")

    def __str__(self):
        return self.__ask("str")

    def __repr__(self):
        return self.__ask("repr")

    def __never(self, *_):
        self.__link.refuse("the program returned an object that is not plain data")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __hash__ = __contains__ = __never


class Late:
    """The entry point: looked up when it is first used, since the program may not have it."""

    def __init__(self, link, name):
        self.__link, self.__name, self.__found = link, name, None

    def __value(self):
        if self.__found is None:
            self.__found = self.__link.ask("get", (self.__name,))
        return self.__found

    def __call__(self, *args, **named):
        result = self.__link.call(sys._getframe(1), self.__name, args, named)
        if type(result) is Handle:  # of the class under test, if it is one
            object.__setattr__(result, "_Handle__tested", True)
        return result

    def __getattr__(self, name):  # of a class
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.__value(), name)

    def __never(self, *_):
        self.__link.refuse("a function is compared")

    __eq__ = __ne__ = __bool__ = __hash__ = __never


UNKNOWN = (
    "'%s' is neither the entry point nor defined by the tests, the prompt or the standard library; "
    "define or import it"
)


class Given:
    """What only the program knows, or was made by that. Made when it is handed to the program; a
    call that stands alone at once. All of it has to reach the function under test in the end."""

    def __init__(self, link, name, make=None, parts=(), called=False):
        make = make or (lambda: link.ask("get", (name,)))
        mine = dict(link=link, name=name, make=make, made=[], parts=list(parts))
        mine.update(called=called, handed=False)
        for key, value in mine.items():
            object.__setattr__(self, "_Given__" + key, value)

    def __hand_over(self):
        if not self.__handed:
            object.__setattr__(self, "_Given__handed", True)
            hand_over(self.__parts)

    def __value(self):
        if not self.__made:
            self.__made.append(self.__make())
        return self.__made[0]

    def __part(self, operation, *args, **named):
        make = lambda: self.__link.ask(operation, args, named)
        called = self.__called or operation == "call"
        return Given(self.__link, self.__name, make, [*args, *named.values()], called)

    def __call__(self, *args, **named):
        result = self.__part("call", self, *args, **named)
        if discards(sys._getframe(1)):
            if not self.__called:  # a check of its own, by a function that nobody knows
                self.__never()
            result.__value()
            self.__parts.append(result)
        self.__link.given.append((self.__name, result))
        return result

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self.__parts.append(self.__part("getattr", self, name))
        return self.__parts[-1]

    def __getitem__(self, key):
        self.__parts.append(self.__part("getitem", self, key))
        return self.__parts[-1]

    def __setattr__(self, name, value):
        self.__link.ask("setattr", (self, name, value))
        self.__parts.append(value)

    def __setitem__(self, key, value):
        self.__link.ask("setitem", (self, key, value))
        self.__parts.append(value)

    def __never(self, *_):
        raise BadTests(UNKNOWN % self.__name)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __hash__ = __contains__ = __never
    __iter__ = __len__ = __int__ = __float__ = __str__ = __repr__ = __add__ = __radd__ = __never
    __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __mod__ = __neg__ = __abs__ = __never


# What a later job could notice: a module with a state, what gives way to any object, an attribute
# that is set.
TRACES = set("compile delattr eval exec getattr globals input open setattr vars".split())
TRACES |= set(sys.modules) - (MODULES - {"random", "sys", "time"})
ASSIGNS = {opcode.opmap[name] for name in ("STORE_NAME", "STORE_GLOBAL")}
CHANGES = {opcode.opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR")}


# What Python makes at first use (the types of syntax trees take a millisecond) is made once for all
# the processes that a warm Python forks.
split("assert f(1) == [2.5, 'x']\nx = 1")
decode(encode({"helpers": "", "go_on": True, "scripts": [1, 2.5]}, None), None)
