"""Renders chat templates with transformers and with Retort and compares, byte for byte. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install transformers jinja2
    VENV/bin/python tests/parity/chat_template_parity.py [--random N] [--seed N] PROGRAM [TEMPLATE.jinja …]

PROGRAM reads lines {"template": …, "variables": …} and answers each with {"text": …, "generations":
[[first, last], …]} or {"error": …}; its clock stands at noon of 26 July 2024. Each template (those of
tests/fuzz/seeds by default) is rendered for many conversations, and N templates are made at random.
Equal texts are the same, and so are two errors. What only Retort refuses is counted by its reason.
"""

import argparse
import collections
import datetime
import json
import pathlib
import random
import re
import subprocess
import sys

from transformers.utils import chat_template_utils

TEXTS = ["hi", "", "  padded \n\n", "Привет 你好 🙂", "a\nb\r\nc", "<think>\nhidden\n</think>\n\nvisible",
         '{"json": [1, 2.5, null]}', "<tool_response>\nok\n</tool_response>", "[INST] <|im_end|>",
         "line\u2028line\u00a0", "{{ 7*7 }} {% if x %}", "it's \"quoted\" \\ back\tslash"]
TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Get the weather.\nIn a “city”.", "parameters": {
            "type": "object", "required": ["city"], "properties": {
                "city": {"type": "string", "description": "The city"}, "unit": {"enum": ["C", "F"]},
                "days": {"type": "integer", "default": 3}}}}},
    {"type": "function", "function": {
        "name": "calc", "description": "<b>'quotes'</b> & \"more\"", "parameters": {
            "type": "object", "required": [], "properties": {
                "xs": {"type": "array", "items": {"type": "number"}},
                "opt": {"type": ["object", "null"], "properties": {"a": {"type": "boolean"}}}}}}},
    {"type": "function", "function": {"name": "noop", "parameters": {"type": "object", "properties": {}}}},
]


class Noon(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12)


chat_template_utils.datetime = Noon


def expected(template, variables):
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        blocks, generations = [], []
        with compiled.environment.activate_tracker(blocks, generations):
            for block in compiled.generate(**json.loads(json.dumps(variables))):
                blocks.append(block)
        text = "".join(blocks)
        bytes_before = [[len(text[:place].encode()) for place in pair] for pair in generations]
        return {"text": text, "generations": bytes_before}
    except Exception as error:  # whatever Python raises is an error
        return {"error": f"{type(error).__name__}: {error}"}


class Comparison:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.counts, self.refused = collections.Counter(), collections.Counter()

    def __call__(self, name, template, variables):
        request = json.dumps({"template": template, "variables": variables})
        self.process.stdin.write(request.encode() + b"\n")
        self.process.stdin.flush()
        got, want = json.loads(self.process.stdout.readline()), expected(template, variables)
        if got == want:
            self.counts["same text"] += 1
        elif "error" in got and "error" in want:
            self.counts["both errors"] += 1
        elif "error" in got:
            self.counts["only Retort refuses"] += 1
            self.refused[re.sub(r"^.*?line \d+: ", "", got["error"])[:70]] += 1
        elif not re.search(r" at 0x[0-9a-f]+>", want.get("text", "")):  # an address
            self.counts["different"] += 1
            print(f"different: {name}: {template[:500]!r}\n  {json.dumps(variables)[:500]}\n"
                  f"  transformers {want}\n  Retort       {got}")


def conversation(r):
    def text():
        return r.choice(TEXTS)

    def content():
        kind = r.random()
        if kind < 0.8:
            return text()
        if kind < 0.9:
            return [{"type": "text", "text": text()}, {"type": "image"}][: r.randint(0, 2)]
        return None

    def call(number):
        arguments = r.choice([{"city": "Köln", "n": 2}, {}, {"xs": [1, -3e20, 1e-7], "o": {"a": None}}])
        function = {"name": r.choice(["get_weather", "calc"]), "arguments": arguments}
        if r.random() < 0.2:
            function["arguments"] = json.dumps(arguments)
        return {"id": f"abcdef{number:03}", "type": "function", "function": function}

    messages = [{"role": "system", "content": text()}] if r.random() < 0.5 else []
    for turn in range(r.randint(1, 4)):
        messages.append({"role": "user", "content": content()})
        answer = {"role": "assistant", "content": content()}
        if r.random() < 0.3:
            answer[r.choice(["reasoning_content", "thinking", "reasoning"])] = text()
        if r.random() < 0.3:
            answer["tool_calls"] = [call(turn * 10 + i) for i in range(r.randint(1, 2))]
        messages.append(answer)
        for made in answer.get("tool_calls", []):
            messages.append({"role": "tool", "name": made["function"]["name"], "content": text(),
                             "tool_call_id": made["id"]})
    if r.random() < 0.4:
        messages.pop()
    if r.random() < 0.8:
        normal = chat_template_utils._normalize_chat_messages(messages)
        messages = chat_template_utils._alias_reasoning_fields(normal)
    variables = {"messages": messages, "tools": r.choice([None, TOOLS[:1], TOOLS]), "documents": None,
                 "add_generation_prompt": r.random() < 0.5, "bos_token": "<s>", "eos_token": "</s>"}
    if r.random() < 0.3:
        variables["enable_thinking"] = r.random() < 0.5
    return variables


VARIABLES = {
    "m": [1, 2, 3], "l": ["b", "A", "c"], "s": "héllo wörld", "e": "", "n": -7, "f": 1.5, "t": True,
    "d": {"items": 1, "a": [3, "x"], "b": None, "c": {"x": "y", "k": []}}, "none_": None,
    "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": " yo\n"},
                 {"role": "tool", "content": [{"type": "text", "text": "t"}]}]}
LEAVES = {
    "S": ["s", "e", '"a"', "'it\\'s'", '" pad "', '"<&>"', '"\\n\\x41"', "messages[0].role", '"a,b,,c"', "l[0]"],
    "N": ["0", "1", "2", "-1", "3.5", "n", "f", "m[1]", "1e20", "0.1", "true", "2.5", "1e-5"],
    "L": ["m", "l", "[]", '[1, "b", none]', "(1, 2)", "d.a", "messages", "range(4) | list", "(1,)"],
    "D": ["d", "{}", '{"a": 1}', "messages[0]", "d.c", '{"b": 2, "a": "x", 1: 3}'],
    "B": ["true", "false", "t", "undef", "s", "none", "n"]}
# {S} is an expression of that kind, in brackets.
FORMS = {
    "S": ["{S} | " + f for f in (
        "trim upper lower title capitalize replace('l','L') replace('','-') indent indent(2,true) tojson e "
        "safe reverse default('z',true) trim('a') first last string").split()]
    + ["{S}." + m for m in (
        "strip() lstrip() rstrip('d') upper() lower() title() capitalize() replace('l','L',1) split('l')[0] "
        "rsplit('l',1)[0] removeprefix('h') join(l) split()[-1] partition('l')[2]").split()]
    + ["{S}[%s]" % k for k in "0 -1 1: ::-1 :2 -2: 1:4:2 -1:0:-2 : n: 5:1".split()]
    + ["{S} + {S}", "{S} ~ {N}", "{L} ~ {D}", "{D} | tojson(indent=2)", "{L} | string", "{N} | string",
       "{L} | tojson(separators=(',', ':'))", "{D} | tojson(sort_keys=true)", "{L} | map('string') | join('-')",
       "{S} if {B} else {S}"],
    "N": ["{N} %s {N}" % op for op in "+ - * / // %".split()]
    + ["{S} | length", "{L} | length", "{N} | int", "{N} | round(1)", "{N} | abs", "{S} | int(3)", "-{N}",
       "{S}.find('l')", "{S}.count('l')", "[{N}, {N}, {N}] | sum", "[{N}, {N}] | max", "{N} | float"],
    "L": ["[{S}, {N}, {B}]", "({D}, {L})", "{L}[1:]", "{L}[::-1]", "{L} + {L}", "{S}.split()", "{S}.split('l', 1)",
          "{L} | reverse | list", "{L} | map('string') | sort | list", "{L} | unique | list", "{L} | select | list",
          "{L} | reject('none') | list", "{L} | select('in', [1, 'b']) | list", "{D} | dictsort", "{D} | items | list",
          "{D}.keys() | list", "{S}.splitlines()", "messages | map(attribute='role') | list",
          "messages | selectattr('role', 'eq', 'user') | list", "messages | sort(attribute='role')", "{S} | list"],
    "D": ["{'x': {S}, 'y': {L}}", "dict({D}, z={N})", "{D} if {B} else {D}"],
    "B": ["{%s} is %s" % (kind, test) for kind in "SNLDB" for test in (
        "defined", "none", "not string", "mapping", "sequence", "iterable", "number", "true", "in [1, 'b']")]
    + ["{S} == {S}", "{N} < {N} <= {N}", "{L} == {L}", "{S} in {S}", "{S} not in {L}", "{S} in {D}",
       "not {B}", "{B} and {S}", "{N} or {L}", "{S}.startswith('h')", "undef.x is defined"]}
STATEMENTS = [
    "{% if {B} %}BODY{% elif {B} %}BODY{% else %}BODY{% endif %}",
    "{%- for i in {L} %}{{ loop.index }}{{ i }}BODY{% else %}BODY{% endfor -%}",
    "{% for k, v in {D}.items() if {B} %}{{ k }}{{ loop.last }}BODY{% endfor %}",
    "{% for x in m %}BODY{% if {B} %}{% break %}{% endif %}{{ loop.length }}BODY{% endfor %}",
    "{% for x in m %}{% if {B} %}{% continue %}{% endif %}BODY{% else %}BODY{% endfor %}",
    "{% set x = {S} %}", "{% set x, y = {L}[:2] %}", "{% set ns.a = {N} %}", "{% set x | upper %}BODY{% endset %}",
    "{% macro f(a, b={S}) %}{{ a }}{{ b }}BODY{% endmacro %}", "{{ f(1, b=2) }}", "{{ f(*m) }}", "{{ x }}{{ y }}{{ ns.a }}",
    "{% call(z) g({S}) %}{{ z }}BODY{% endcall %}", "{% filter upper %}BODY{% endfilter %}",
    "{% with x = {S}, y = {N} %}BODY{% endwith %}", "{% generation %}BODY{% endgeneration %}",
    "{#- c -#}", "{# c #}\n", "{% raw %}{{ x }}{% endraw %}\n", "  {%- set y = {L} +%}\n", "\n  {%+ if {B} %} BODY{% endif %}\n"]
START = ("{% set ns = namespace(a=0) %}{% macro f(a, b=1) %}{{ a }}{{ b }}{{ varargs }}{% endmacro %}"
         "{% macro g(a) %}<{{ caller(a) }}>{% endmacro %}")


def random_template(r):
    def fill(form, depth):
        return re.sub(r"\{([SNLDB])\}", lambda kind: expression(kind[1], depth), form)

    def expression(kind, depth):
        if r.random() < 0.05:
            kind = r.choice("SNLDB")
        leaf = depth <= 0 or r.random() < 0.2
        text = r.choice(LEAVES[kind]) if leaf else fill(r.choice(FORMS[kind]), depth - 1)
        return text if text.isidentifier() else f"({text})"

    def body(depth):
        parts = []
        for _ in range(r.randint(1, 3)):
            kind = r.random()
            if kind < 0.35:
                parts.append(r.choice(["a", "\n", "  \n ", " ", "x\n", "é", "{", "%}", "\r\n"]))
            elif kind < 0.65 or depth <= 0:
                parts.append("{{%s %s %s}}" % (r.choice(["", "-"]), expression(r.choice("SSNLDB"), 2), r.choice(["", "-"])))
            else:
                statement = fill(r.choice(STATEMENTS), 1)
                parts.append(re.sub("BODY", lambda _: body(depth - 1), statement))
        return "".join(parts)

    return START + body(3) if r.random() < 0.6 else "{{ %s }}" % expression(r.choice("SNLDB"), 4)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("templates", nargs="*", type=pathlib.Path)
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--random", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seeds = pathlib.Path(__file__).parent.parent / "fuzz/seeds/chat_template"
    compare = Comparison(options.program)
    for path in options.templates or sorted(set(seeds.glob("*.jinja")) - {seeds / "bounds.jinja"}):
        template = path.read_bytes().decode()
        for number in range(options.conversations):
            compare(path.name, template, conversation(random.Random(options.seed + number)))
    for number in range(options.random):
        r = random.Random(options.seed + number)
        compare(f"random {options.seed + number}", random_template(r), VARIABLES)
    for reason, count in compare.refused.most_common():
        print(f"only Retort refuses: {count} times: {reason}")
    print(dict(compare.counts))
    sys.exit(1 if compare.counts["different"] else 0)


if __name__ == "__main__":
    main()
