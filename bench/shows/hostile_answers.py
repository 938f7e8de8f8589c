#!/usr/bin/env python3
"""What a row of hostile code may cost whoever judges it.

    bench/shows/hostile_answers.py RETORT FOLDER MINUTES [--seed N]

Programs answer calls and assert scripts with random, mutated and oversize frames (the protocol of
verifiers/code/internal/wire.h), or print as much. `retort score --verifier code --threads 1` judges them,
20 rows a time with a time limit of 1 s. Counted is the processor time of Retort's own process, without the
programs', and its peak of resident memory. No row may be right or unjudged; 20 rows together may not
cost more than 3 times the limit of one, nor need more than 256 MiB. FOLDER keeps the totals and what was found; call again to go
on. Linux, python3.
"""
import argparse
import json
import os
import random
import subprocess
import time

FORGE = """import posix, zlib
def forge(frames, size=None):
    for frame in frames:
        head = (len(frame) if size is None else size).to_bytes(4, 'big')
        data = memoryview(head + frame)
        for fd in range(3, 12):
            try:
                rest = data
                while rest: rest = rest[posix.write(fd, rest):]
                break
            except OSError: pass
"""
SEEDS = [
    "rt1;i1;", "rt1;l3;i1;i2;i3;", "rt1;e2;i1;i1;", "rt1;d2;i1;i2;s1:1i2;", "rt1;s5:hello",
    "rt1;f0x1.8p+1;", "rt1;oCounter;d1;s1:ai2;", "rt1;onamedtuple x y;t2;i1;i2;", "rt1;h1;", "rt1;N",
    "rt2;N;l1;l0;", "xt2;l1;s10:ValueErrors2:no", "rt1;c0x1p+0,0x0p+0;", "rt1;bint;", "rt1;z0;", "d", "ni1;",
    "tl2;s0:s0:", "rt1;oDecimal;s1:1", "rt1;orange;t3;i0;i5;i1;", "rt1;y2:ab", "rt1;l1;l1;l1;N",
]
LARGE = [
    "b'rt1;' + b'l1;' * 2500000 + b'N'", "b'rt1;l2500000;' + b'i1;' * 2500000",
    "b'rt1;s7000000:' + b'x' * 7000000", "b'rt1;i' + b'f' * 7000000 + b';'",
    "b'rt1;d600000;' + b''.join(b'i%x;N' % i for i in range(600000))",
    "b'rt1;e600000;' + b''.join(b'i%x;' % i for i in range(600000))",
    "b'rt1;l200;' + b'e2000;' + b''.join(b't2;i%x;i1;' % i for i in range(2000)) * 100",
    "b'x' + b't2;l1000000;' + b's1:a' * 1000000 + b's0:'", "b'rt1;f' + b'1' * 7000000 + b';'",
    "b'rt1;l3000000;' + b'N' * 3000000", "b'rt1;' + b'oCounter;' * 700000 + b'N'", "b'i' * 7000000",
    "b'rt1;l100;' + (b'd1;s1:a' * 100000 + b'N') * 10", "b'rt1;l9999999999;'", "b'c' * 5000000",
]
SCRIPTS = ["assert f(1) == [1, 2, 31337]", "r = f(1)\nassert sorted(r) == [1, 31337] and len(r) == 2",
           "assert set(f(1)) == {9}", "assert abs(f(1) - 0.5) < 1e-6", "assert str(f(1)) == 'never'",
           "assert {f(1): 1} == {77: 1}", "x = [1]\nf(x)\nassert x == [5]", "assert f(1).startswith('zz')"]
EXPECTED = ["never", [1, 2, 3, 99], 77, 0.123, {"a": [1, {"b": 2}]}, [[i, str(i)] for i in range(500)],
            [0.5 + i for i in range(2000)], [[1] * 50] * 50, None.__class__.__name__]
PRINTS = ["print('x' * 7000000)", "print('[' * 3000000)", "print('{\"a\":' * 200000)",
          "print('1 ' * 3000000)", "print('[' + '1' * 5000000 + ']')",
          "print('{' + ','.join('\"%d\":1' % i for i in range(400000)) + '}')",
          "print('1e' + '9' * 5000000)", "print('\\n' * 7000000)"]


def mutated(rng):
    data = bytearray(rng.choice(SEEDS).encode())
    for _ in range(rng.randint(0, 6)):
        at = rng.randint(0, len(data))
        kind = rng.randint(0, 3)
        if kind == 0:
            data[at:at] = rng.choice(SEEDS).encode()[rng.randint(0, 4):]
        elif kind == 1:
            data[at:at] = bytes([rng.randint(0, 255)])
        elif kind == 2:
            del data[at:at + rng.randint(1, 4)]
        else:
            data[at:at] = data[rng.randint(0, len(data)):][:8] * rng.choice([1, 1, 2, 1000])
    return repr(bytes(data))


def row(rng):
    if rng.random() < 0.15:
        return {"program": rng.choice(PRINTS), "output": "json",
                "tests": [{"stdin": "", "stdout": "[1, {\"a\": 2}]"}], "limits": {"time_s": 1}}
    frames = [rng.choice(LARGE) if rng.random() < 0.3 else mutated(rng)
              for _ in range(rng.randint(1, 3))]
    size = "None" if rng.random() < 0.8 else str(rng.choice([0, 1, 1 << 20, (1 << 32) - 1]))
    at_load = rng.random() < 0.2
    call = "forge([%s], %s)" % (", ".join(frames), size)
    program = FORGE + (call + "\n" if at_load else "") + "def f(*a):\n    %s\n    return 'never?'\n" % (
        "pass" if at_load else call)
    columns = {"program": program, "entry_point": "f", "limits": {"time_s": 1}}
    if rng.random() < 0.6:
        columns["tests"] = [{"args": [i], "expected": rng.choice(EXPECTED)} for i in range(rng.randint(1, 5))]
        columns["unordered"] = rng.random() < 0.5
    else:
        columns["tests"] = rng.choice(SCRIPTS)
    return columns


def own_usage(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/status" % pid) as file:
        peak = next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), peak / 1024


def judge(retort, rows, folder):
    """Verdicts, and processor seconds and MiB of Retort's own."""
    path, out = os.path.join(folder, "rows.jsonl"), os.path.join(folder, "verdicts.jsonl")
    with open(path, "w") as file:
        file.writelines(json.dumps(one) + "\n" for one in rows)
    if os.path.exists(out):
        os.remove(out)
    process = subprocess.Popen([retort, "score", path, "--verifier", "code", "--threads", "1", "--out", out],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = peak = 0
    while process.poll() is None:
        try:
            seconds, peak = own_usage(process.pid)
        except (OSError, IndexError, StopIteration):
            pass
        time.sleep(0.005)
    verdicts = [json.loads(line) for line in open(out)] if os.path.exists(out) else []
    return verdicts, seconds, peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("retort")
    parser.add_argument("folder")
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    state_path = os.path.join(options.folder, "state.json")
    state = {"minutes": 0, "rows": 0, "batches": 0, "worst_s": 0, "worst_mib": 0, "found": 0}
    if os.path.exists(state_path):
        state = json.load(open(state_path))
    _, base_s, base_mib = judge(options.retort, [{"program": "print(1)", "tests": [{"stdin": "", "stdout": "1"}]}],
                                options.folder)
    begin = time.time()
    while time.time() < begin + 60 * options.minutes:
        started = time.time()
        rng = random.Random((options.seed or 0) * 1_000_003 + state["batches"])
        rows = [row(rng) for _ in range(20)]
        verdicts, seconds, peak = judge(options.retort, rows, options.folder)
        bad = [v for v in verdicts if v["verdict"] != "wrong"]
        if len(verdicts) != len(rows) or bad or seconds > 3 or peak > 256:
            state["found"] += 1
            with open(os.path.join(options.folder, "found-%d.json" % state["batches"]), "w") as file:
                json.dump({"rows": rows, "verdicts": bad, "seconds": seconds, "mib": peak}, file)
        state["batches"] += 1
        state["rows"] += len(rows)
        state["worst_s"] = max(state["worst_s"], round(seconds, 2))
        state["worst_mib"] = max(state["worst_mib"], round(peak))
        state["minutes"] = round(state["minutes"] + (time.time() - started) / 60, 3)
        with open(state_path, "w") as file:
            json.dump(state, file)
    print("%(rows)d rows in %(minutes).1f minutes: at most %(worst_s)g s of Retort's own for 20 rows, "
          "%(worst_mib)d MiB, %(found)d batches found" % state)
    print("an honest row alone: %.2f s, %.0f MiB" % (base_s, base_mib))
    return 1 if state["found"] else 0


raise SystemExit(main())
