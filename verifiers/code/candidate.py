# Runs a program that is judged. It holds no expected value and decides nothing: whatever the program
# does to this process, it can only answer calls, and answers are compared elsewhere.
#
# The first frame is a letter and the program: "m" runs it as the main program, whose standard input
# is what follows; "f" loads it and serves calls; "k" runs a checker, a process of its own, on the files
# in the frames behind it. The names below it are those of wire.py.
import functools
import sys

getattr(sys, "set_int_max_str_digits", int)(0)  # a program may print 10**5000
SYNTAX_ERROR = 101  # exit code: the program does not compile


def main():
    request = read_frame(0)
    if request is None:
        return
    source = request[1:]
    if request[:1] == b"m":
        run_main(source)
    elif request[:1] == b"k":
        run_main(source, keep_files(3))
    else:
        serve(source)


# Answers are written for files that begin with "from typing import *", as LeetCode's do.
TYPING = "List Dict Set Tuple Optional Union Any Callable Deque DefaultDict Iterable Iterator Sequence".split()
HINTS = [word.encode() + b"[" for word in TYPING] + [b": Any", b"-> Any"]


def keep_files(count):
    """Writes the next frames to files of the work directory; their names."""
    names = ["file%d.txt" % number for number in range(count)]
    for name in names:
        with open(name, "wb") as file:
            file.write(read_frame(0) or b"")
    return names


def load(source, name, arguments=()):
    module = type(sys)(name)
    module.__file__ = "program.py"
    sys.modules[name] = module
    sys.argv = ["program.py", *arguments]
    if any(word in source for word in HINTS):
        import typing

        module.__dict__.update((word, getattr(typing, word)) for word in TYPING)
    return compile(source, "program.py", "exec", 0, True), module.__dict__


def run_main(source, arguments=()):
    try:
        code, names = load(source, "__main__", arguments)
    except (SyntaxError, ValueError) as error:
        sys.stderr.write("%s: %s\n" % (type(error).__name__, error))
        sys.exit(SYNTAX_ERROR)
    exec(code, names)


def serve(source):
    requests, answers = posix.dup(0), posix.dup(1)
    # What the program prints goes to standard error, and it has nothing to read.
    posix.dup2(2, 1)
    nothing = posix.open("/dev/null", posix.O_RDONLY)  # a pipe would be the watcher's business
    posix.dup2(nothing, 0)
    posix.close(nothing)
    objects = []

    def keep(value):
        objects.append(value)
        return b"h%d;" % len(objects)

    def answer_error(error):
        names = [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"]
        try:
            key = type(error) is KeyError and len(error.args) == 1  # its str() is the key's repr()
            text = str(error.args[0] if key else error)[:1000]
        except BaseException:
            text = ""
        write_frame(answers, b"x" + encode((names, text), keep))

    try:
        code, names = load(source, "program")
    except (SyntaxError, ValueError) as error:
        sys.stderr.write("%s: %s\n" % (type(error).__name__, error))
        sys.exit(SYNTAX_ERROR)
    try:
        exec(code, names)
    except BaseException as error:
        answer_error(error)
    else:
        write_frame(answers, b"r" + encode((None,), keep))

    named_by = functools.cache(lambda name: find(names, name))
    while True:
        request = read_reply(requests)
        if request is None:
            return
        try:
            operation, args, named = decode(request, lambda number: objects[number - 1])
            result = perform(named_by, operation, args, named)
            if operation == "apply":  # what it did to its arguments is asked for, too
                changed = [arg if isinstance(arg, MUTABLE) else None for arg in args[1:]]
                answer = encode((result, changed), keep)
            else:
                answer = encode((result,), keep)
        except BaseException as error:
            answer_error(error)
        else:
            write_frame(answers, b"r" + answer)


MUTABLE = (list, dict, set, bytearray)


def perform(named_by, operation, args, named):
    if operation == "get":
        return named_by(args[0])
    if operation in ("call", "apply"):
        function = args[0]
        if type(function) is str:
            function = named_by(function)
        return function(*args[1:], **named)
    return OPERATIONS[operation](*args)


def find(names, name):
    if name in names:
        return names[name]
    if hasattr(names.get("Solution"), name):  # as LeetCode has it
        return getattr(names["Solution"](), name)
    raise NameError("name %r is not defined" % name)


def set_item(target, key, value):
    target[key] = value


def iterate(target):
    """None when the target is an iterator itself."""
    iterator = iter(target)
    return None if iterator is target else iterator


OPERATIONS = {
    "getattr": getattr,
    "setattr": setattr,
    "getitem": lambda target, key: target[key],
    "setitem": set_item,
    "iter": iterate,
    "next": next,
    "len": len,
    "int": int,
    "float": float,
    "str": str,
    "repr": repr,
}


# Made once for all the processes that a warm Python forks.
compile("def f(x): return [x + 1]", "warm", "exec", 0, True)
decode(encode(("call", (1, 2.5, "x"), {}), None), None)
