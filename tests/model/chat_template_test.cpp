// Expected texts are what transformers 5.24 with Jinja2 3.1.6 renders, unless an error is expected.

#include "model/chat_template.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/model/testing.h"

namespace retort::model::chat_template_test {
namespace {

constexpr const char* kVariables = R"json({
  "m": [1, 2, 3], "l": ["b", "A", "c"], "s": "héllo wörld", "e": "", "n": -7, "f": 1.5, "t": true,
  "none": null, "d": {"items": 1, "a": [3, "x"], "b": null, "c": {"x": "y"}},
  "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": " yo\n"}]})json";

std::tm Noon() {
  std::tm time{};
  time.tm_year = 124;
  time.tm_mon = 6;
  time.tm_mday = 26;
  time.tm_wday = 5;
  time.tm_yday = 207;
  time.tm_hour = 12;
  return time;
}

std::string Rendered(const std::string& source) {
  return JinjaTemplate(source, "t").Render(ParseJson(kVariables, "v"), Noon()).text;
}

struct Case {
  const char* source;
  const char* text;
};

void Expect(std::initializer_list<Case> cases) {
  for (const auto& [source, text] : cases) {
    std::string got;
    EXPECT_EQ(ErrorOf([&, source = source] { got = Rendered(source); }), "(no error)") << source;
    EXPECT_EQ(got, text) << source;
  }
}

void ExpectErrors(std::initializer_list<Case> cases) {
  for (const auto& [source, message] : cases) {
    const std::string error = ErrorOf([source = source] { Rendered(source); });
    EXPECT_PRED2(Contains, error, message) << source;
    EXPECT_TRUE(error.starts_with("t: line ")) << source << ": " << error;
  }
}

TEST(ChatTemplate, WhiteSpaceAroundTags) {
  Expect({{"a\n", "a"},
          {"a\n\n", "a\n"},
          {"a\r\nb\rc", "a\nb\nc"},
          {"  {% if true %}\n  x\n  {% endif %}\ny\n", "  x\ny"},
          {"a  {%- if true -%}  b  {%- endif +%}\nc", "ab\nc"},
          {"  {%+ if true %}\nx{% endif %}", "  x"},
          {"a {{- 1 -}} b {{+ 2 }}\n  {{ 3 }}\n", "a1b 2\n  3"},
          {"c  {#- x -#}  d {# c #}\n  {# e #}\nf", "cd f"},
          {"{#+#}a{##}\n{% raw -%}  {{ x }}{%- endraw %}\n b", "a{{ x }} b"},
          {"x {% raw %}{% if {# {% endraw +%}\ny", "x {% if {# \ny"},
          {"a\u00a0{{- 'b' -}}\u2028 c", "abc"},
          {"{ { } }} %} #}", "{ { } }} %} #}"}});
}

TEST(ChatTemplate, Literals) {
  Expect(
      {{R"({{ 'a' "b" "\n\t\x41\u00e9\U0001F642\101\q\\" }})", "ab\n\tAé🙂A\\q\\"},
       {"{{ 1_000 }} {{ 0x1f }} {{ 0b11 }} {{ 0o17 }} {{ 1e5 }} {{ 1.50 }} {{ 1e16 }} {{ 1e-7 }}",
        "1000 31 3 15 100000.0 1.5 1e+16 1e-07"},
       {"{{ [1, 'a', none, true, 1.0] }} {{ (1,) }} {{ () }} {{ {'a': {1: [2]}} }}",
        "[1, 'a', None, True, 1.0] (1,) () {'a': {1: [2]}}"},
       {R"({{ ["it's", 'a"b\'', "\n\x7f", "é\u200b"] }})",
        R"(["it's", 'a"b\'', '\n\x7f', 'é\u200b'])"},
       {"{{ true }}{{ None }}{{ False }}{{ m.0 }}{{ 'a' if 0 }}|{{ nothing }}", "TrueNoneFalse1|"},
       {"{{ 0.1 + 0.2 }} {{ 123456789012345680.0 }} {{ -0.0 }} {{ 5e-324 }}",
        "0.30000000000000004 1.2345678901234568e+17 -0.0 5e-324"}});
}

TEST(ChatTemplate, Operators) {
  Expect(
      {{"{{ n // 2 }} {{ n % 3 }} {{ n / 2 }} {{ 2 ** 3 }} {{ 2 ** -1 }} {{ 7.5 // 2 }} {{ -7.5 % "
        "2 }}",
        "-4 2 -3.5 8 0.5 3.0 0.5"},
       {"{{ 2 * 3 ~ 4 }} {{ -1|abs }} {{ true + 1 }} {{ 'ab' * 2 }} {{ [0] * 2 + [1] }}",
        "64 1 2 abab [0, 0, 1]"},
       {"{{ not 1 == 2 }} {{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 in m and 4 not in m }}",
        "True True False True"},
       {"{{ 0 or '' }}|{{ 1 and 'x' }} {{ nothing or 'z' }} {{ 'a' if e else 'b' if n else 'c' }}",
        "|x z b"},
       {"{{ 1 == 1.0 == true }} {{ [1] == (1,) }} {{ 'a' in d }} {{ 'lo w' in s }} {{ 'b' < 'é' }}",
        "True False True True True"},
       {"{{ s[1] }}{{ s[-1] }} {{ s[1:3] }} {{ s[::-1] }} {{ s[-3:] }} {{ m[::2] }} {{ m[5:] }}",
        "éd él dlröw olléh rld [1, 3] []"},
       {"{{ ('<' | safe) + '<' }} {{ ('<' | safe) ~ '<' }} {{ '<\"' | e }} {{ ['a' | safe] }}",
        "<&lt; << &lt;&#34; [Markup('a')]"}});
}

TEST(ChatTemplate, MembersAsTheSandboxGivesThem) {
  Expect(
      {{"{{ d.a }} {{ d['a'][0] }} {{ d.items is callable }} {{ d['items'] }} {{ d.c.x }}",
        "[3, 'x'] 3 True 1 y"},
       {"{{ d.zz }}|{{ none.x }}|{{ 'a'.x }}|{{ m['x'] }}|{{ m[9] }}|{{ d[m] }}|", "||||||"},
       {"{{ d.pop is defined }} {{ m.append is defined }} {{ 'a'.__class__ }}|", "False False |"},
       {"{{ d.get('a') }} {{ d.get('q') }} {{ d.get('q', 1) }} {{ d.keys() }} {{ d.c.items() }}",
        "[3, 'x'] None 1 dict_keys(['items', 'a', 'b', 'c']) dict_items([('x', 'y')])"},
       {"{{ m.index(2) }} {{ m.count(9) }} {{ d.values() | list }}",
        "1 0 [1, [3, 'x'], None, {'x': 'y'}]"}});
}

TEST(ChatTemplate, MethodsOfText) {
  Expect(
      {{"{{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b "
        "c'.split(none, 1) }}",
        "['a', 'b'] ['a', 'b,c'] ['a,b', 'c'] ['a', 'b c']"},
       {"{{ 'xxaxx'.strip('x') }} {{ '\u3000a '.strip() }}. {{ 'aéa'.lstrip('éa') }} {{ "
        "'ab'.rstrip('b') }}",
        "a a.  a"},
       {"{{ s.startswith('h') }} {{ s.endswith(('x', 'ld')) }} {{ s.find('w') }} {{ s.rfind('l') "
        "}} {{ s.find('q') }}",
        "True True 6 9 -1"},
       {"{{ s.upper() }} {{ 'ЖÀ'.lower() }} {{ \"they're a-b\".title() }} {{ 'aB'.capitalize() }}",
        "HÉLLO WÖRLD жà They'Re A-B Ab"},
       {"{{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }} {{ 'aaaa'.count('aa') }} {{ "
        "','.join(l) }}",
        "bba -a-b- 2 b,A,c"},
       {"{{ 'a\\r\\nb\\n\\nc\\n'.splitlines() }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' "
        "'.isspace() }}",
        "['a', 'b', '', 'c'] True True True"},
       {"{{ 'a=b=c'.partition('=') }} {{ 'a=b'.rpartition('x') }} {{ 'abc'.removeprefix('a') }}",
        "('a', '=', 'b=c') ('', '', 'a=b') bc"}});
}

TEST(ChatTemplate, Filters) {
  Expect({{"{{ ' x ' | trim }} {{ s | length }} {{ 'a-b (c' | title }} {{ 'hI' | capitalize }} {{ "
           "3 | upper }}",
           "x 11 A-B (C Hi 3"},
          {"{{ nothing | default('y') }} {{ e | d('z', true) }} {{ none | default('y') }} {{ [] | "
           "first is defined }}",
           "y z None False"},
          {"{{ l | sort }} {{ l | sort(reverse=true) }} {{ l | sort(case_sensitive=true) }} {{ l | "
           "reverse | list }}",
           "['A', 'b', 'c'] ['c', 'b', 'A'] ['A', 'b', 'c'] ['c', 'A', 'b']"},
          {"{{ l | min }} {{ l | max }} {{ m | sum }} {{ [1, 1, 'a', 'A'] | unique | list }} {{ l "
           "| last }}",
           "A c 6 [1, 'a'] c"},
          {"{{ messages | map(attribute='role') | join(', ') }} {{ m | map('string') | list }} {{ "
           "l | join }}",
           "user, assistant ['1', '2', '3'] bAc"},
          {"{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ messages | "
           "rejectattr('role', 'in', ['user']) | map(attribute='role') | first }}",
           "1 assistant"},
          {"{{ m | select('odd') | list }} {{ [0, 1, ''] | reject | list }} {{ m | selectattr('x') "
           "| list }}",
           "[1, 3] [0, ''] []"},
          {"{{ d | items | first }} {{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'a': 2} | "
           "dictsort(by='value') }}",
           "('items', 1) [('A', 2), ('b', 1)] [('b', 1), ('a', 2)]"},
          {"{{ '42' | int }} {{ 'x' | int(5) }} {{ '3.7' | int }} {{ ' 1_0 ' | float }} {{ 2.5 | "
           "round }} {{ 2.675 | round(2) }} {{ 3.1 | round(0, 'ceil') }}",
           "42 5 3 10.0 2.0 2.67 4.0"},
          {"{{ 'a\\nb\\n\\nc' | indent }} {{ 'a\\nb' | indent('> ', first=true) }} {{ 'aXa' | "
           "replace('a', 'b') }}",
           "a\n    b\n\n    c > a\n> b bXb"},
          {"{% if m | selectattr('x') %}a generator is true{% endif %}", "a generator is true"},
          {"{% set g = m | map('string') %}{{ g | first }}{% for i in g %}{{ i }}{% endfor %}{{ g "
           "| list }}",
           "123[]"}});
}

TEST(ChatTemplate, Json) {
  Expect(
      {{"{{ d | tojson }}", R"({"items": 1, "a": [3, "x"], "b": null, "c": {"x": "y"}})"},
       {"{{ {'b': 1.0, 'a': []} | tojson(sort_keys=true, indent=1) }}",
        "{\n \"a\": [],\n \"b\": 1.0\n}"},
       {"{{ [1, 'é'] | tojson(separators=(',', ':')) }} {{ {1: none, none: true} | tojson }}",
        R"([1,"é"] {"1": null, "null": true})"},
       {"{{ 'é🙂<\"\\\\\\n\\x01\\x7f' | tojson(ensure_ascii=true) }}",
        R"("\u00e9\ud83d\ude42<\"\\\n\u0001\u007f")"},
       {"{{ 'é\u2028<' | tojson }} {{ (1, 2) | tojson(indent=0) }}", "\"é\u2028<\" [\n1,\n2\n]"}});
}

TEST(ChatTemplate, Tests) {
  Expect(
      {{"{{ nothing is defined }} {{ nothing is sequence }} {{ none is none }} {{ d is mapping }}",
        "False True True True"},
       {"{{ 'a' is string }} {{ m is string }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ d is "
        "sequence }}",
        "True False True False True"},
       {"{{ true is number }} {{ true is integer }} {{ 1 is integer }} {{ 1.0 is float }} {{ t is "
        "true }} {{ 1 is true }}",
        "True False True True True False"},
       {"{{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ 2 is in m }} {{ 1 is eq 1 }} {{ 2 is lt(1) }} "
        "{{ n is sameas none }} {{ 'A' is upper }}",
        "True True True True False False True"},
       {"{{ 5 is not none and 'a' is not defined }} {{ [] is callable }}", "False False"}});
}

TEST(ChatTemplate, Loops) {
  Expect(
      {{"{% for k, v in d.items() if v %}{{ loop.index }}{{ k }}{% if not loop.last %}, {% endif "
        "%}{% endfor %}",
        "1items, 2a, 3c"},
       {"{% for i in m %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.length }}{{ "
        "loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('x', 'y') }} {% endfor %}",
        "03True32x 12False313y 21False32x "},
       {"{% for i in [] %}a{% else %}b{% endfor %}{% for i in m if i > 5 %}{% else %}c{% endfor %}",
        "bc"},
       {"{% for i in m %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "1"},
       {"{% for i in m %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "13"},
       // 'else' is for loops of which no iteration came to its end.
       {"{% for i in m %}{% continue %}{% else %}none{% endfor %}", "none"},
       {"{% for i in m %}{% for j in l %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
        "1231 1232 1233 "},
       {"{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for c in 'éa' "
        "%}{{ c }}.{% endfor %}",
        "123é.a."},
       {"{% for i in range(3) %}{{ i }}{% endfor %}{{ range(5, 0, -2) | list }}{{ 2 in range(3) }}",
        "012[5, 3, 1]True"},
       // The condition is asked one item ahead, so it sees what the body has set.
       {"{% set ns = namespace(on=true) %}{% for i in m if ns.on %}{{ i }}{% set ns.on = false "
        "%}{% endfor %}",
        "1"}});
}

TEST(ChatTemplate, NamesMeanWhatTheirScopeSays) {
  Expect({{"{% set x = 0 %}{% for i in m %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}",
           "0102030"},
          {"{% set ns = namespace(x=0) %}{% for i in m %}{% set ns.x = ns.x + i %}{% endfor %}{{ "
           "ns.x }}",
           "6"},
          // A name that is set further down belongs to the template from its start on …
          {"{% for i in m %}{{ n }}{% endfor %}{% set n = 1 %}", ""},
          // … unless it was read there before …
          {"{{ n }}{% for i in m %}{{ n }}{% endfor %}{% set n = 1 %}", "-7-7-7-7"},
          // … or is set in a branch.
          {"{% for i in m %}{{ n }}{% endfor %}{% if t %}{% set n = 1 %}{% endif %}{{ n }}",
           "-7-7-71"},
          {"{% macro f() %}{{ n }}{% endmacro %}{{ f() }}{% set n = 1 %}{{ f() }}", "1"},
          {"{% with a = n, n = 5 %}{{ a }}{{ n }}{% endwith %}{{ n }}{{ a }}", "-75-7"},
          {"{% set a, b = 1, 2 %}{% set (a, b) = (b, a) %}{{ a }}{{ b }}", "21"},
          {"{% set x %}a{{ n }}{% endset %}{{ x }}{% set y | upper | length %}abc{% endset %}{{ y "
           "+ 1 }}",
           "a-74"},
          {"{% filter upper | replace('A', 'x') %}abc{{ n }}{% endfilter %}", "xBC-7"}});
}

TEST(ChatTemplate, Macros) {
  Expect({{"{% macro f(a, b=a) %}{{ a }}-{{ b }} {% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(b=3) }}",
           "1-1 1-2 -3 "},
          {"{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}{{ "
           "f(*m, **d.c) }}",
           "1(2,){'x': 3}1(2, 3){'x': 'y'}"},
          {"{% macro f() %}[{{ caller(1) }}]{% endmacro %}{% call(x) f() %}{{ x }}{{ n }}{% "
           "endcall %}",
           "[1-7]"},
          {"{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
           "3210"},
          {"{% macro f() %}a{% endmacro %}{{ [f][0]() }}{{ f is callable }}{{ f().upper() }}",
           "aTrueA"}});
}

TEST(ChatTemplate, Globals) {
  Expect({{"{{ strftime_now('%d %b %Y %H:%M %%') }}", "26 Jul 2024 12:00 %"},
          {"{{ dict(a=1) }}{{ dict(d.c, z=2) }}{{ dict([('k', 'v')]) }}",
           "{'a': 1}{'x': 'y', 'z': 2}{'k': 'v'}"},
          {"{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a + ns['b'] }}{{ ns.c is defined }}",
           "3False"}});
  ExpectErrors({{"\n{{ raise_exception('no ' ~ n) }}", "t: line 2: no -7"}});
  EXPECT_PRED2(Contains,
               ErrorOf([] { JinjaTemplate("{{ strftime_now('%Y') }}").Render(Json::object()); }),
               "chat_template: line 1: strftime_now");
}

TEST(ChatTemplate, GenerationsAreMarkedByTheBytesTheyWrote) {
  const JinjaTemplate chat(
      "é{% for i in [1, 22] %}{% generation %}{{ i }}é{% endgeneration %}-{% endfor %}");
  const auto rendered = chat.Render(Json::object());
  EXPECT_EQ(rendered.text, "é1é-22é-");
  EXPECT_EQ(rendered.generations, (std::vector<std::pair<size_t, size_t>>{{2, 5}, {6, 10}}));
  ExpectErrors({{"{% macro f() %}{% generation %}a{% endgeneration %}{% endmacro %}{{ f() }}",
                 "generation"}});
}

TEST(ChatTemplate, SyntaxErrorsNameLineAndPlace) {
  ExpectErrors(
      {{"a\n{{ 1", "line 2: the end of the template inside of a tag"},
       {"{% if t %}", "expected 'endif'"},
       {"{{ 1 + }}", "got '}}', expected an expression"},
       {"{{ 'a }}", "a string without its end"},
       {"{# a", "a comment without its end"},
       {"{% raw %}a", "a raw block without its end"},
       {"{{ (1] }}", "an unexpected ']'"},
       {"{{ a ! b }}", "got '!' in a tag"},
       {"{{ $ }}", "got '$' in a tag"},
       {"{% endfor %}", "the statement 'endfor'"},
       {"{% for x %}{% endfor %}", "expected 'in'"},
       {"{% set true = 1 %}", "assigned to"},
       {"{% set f(x) = 1 %}", "expected '%}'"},
       {"{% for loop in m %}{% endfor %}", "'loop' is assigned to"},
       {"{% break %}", "outside of a loop"},
       {"{% for i in m %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", "outside"},
       {"{% macro f(a, a) %}{% endmacro %}", "'a' stands twice"},
       {"{% macro f(a=1, b) %}{% endmacro %}", "without a default"},
       {"{{ f(a=1, a=2) }}", "'a' stands twice"},
       {"{{ f(a=1, 2) }}", "without a name"},
       {"{{ 1 is odd is odd }}", "tests in a row"},
       {"{% call 1 %}{% endcall %}", "without a call"},
       {"{{ '\\x4' }}", "hexadecimal"},
       {"{{ 'a' | nofilter }}", "the filter 'nofilter' is unknown"},
       {"{% for i in [] %}{{ 1 is notest }}{% endfor %}", "the test 'notest' is unknown"}});
  // What a condition may skip is met when it is run.
  Expect({{"{% if not t %}{{ 'a' | nofilter }}{% endif %}ok", "ok"}});
  ExpectErrors({{"{% if t %}\n{{ 'a' | nofilter }}{% endif %}", "line 2: the filter 'nofilter'"}});
}

TEST(ChatTemplate, WhatPythonRaisesIsAnError) {
  ExpectErrors({{"{{ nothing.x }}", "'nothing' is undefined"},
                {"{{ d.zz.x }}", "'dict object' has no attribute 'zz'"},
                {"{{ nothing + 1 }}", "'nothing' is undefined"},
                {"{{ nothing() }}", "'nothing' is undefined"},
                {"{{ 'a' + 1 }}", "there is no str + int"},
                {"{{ [1] < ['a'] }}", "have no order"},
                {"{{ 1 / 0 }}", "division by zero"},
                {"{{ m.append(4) }}", "unsafe"},
                {"{{ d.update({}) }}", "unsafe"},
                {"{{ 5() }}", "a call does not take a int"},
                {"{{ {m: 1} }}", "unhashable"},
                {"{{ 1 | length }}", "length does not take a int"},
                {"{{ m | map('upper', 1) | list }}", "arguments"},
                {"{{ nothing | tojson }}", "'nothing' is undefined"},
                {"{% for i in 5 %}{% endfor %}", "iterating does not take a int"},
                {"{% for a, b in m %}{% endfor %}", "iterating does not take a int"},
                {"{% set a, b = m %}", "got 3 values to unpack, expected 2"},
                {"{% set d.x = 1 %}", "'d' is no namespace"},
                {"{% set ns = namespace(_x=1) %}", "cannot have an attribute '_x'"},
                {"{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "takes at most 1"},
                {"{% macro f(a) %}{% endmacro %}{{ f(b=1) }}", "no parameter 'b'"},
                {"{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}", "No caller"},
                {"{% filter length %}a{% endfilter %}", "a filter block does not take a int"},
                {"{{ 'abc'.index('x') }}", "is not there"},
                {"{{ m[::0] }}", "step is zero"},
                {"{{ 'a' is divisibleby }}", "takes one argument"}});
}

TEST(ChatTemplate, WhatIsNotImplementedIsSaid) {
  ExpectErrors({{"{{ 99999999999999999999 }}", "beyond 64 bits"},
                {"{{ 1e999 }}", "out of range"},
                {"{% include 'x' %}", "the statement 'include'"},
                {"{% extends 'x' %}", "the statement 'extends'"},
                {"{% block a %}{% endblock %}", "the statement 'block'"},
                {"{% for i in m recursive %}{% endfor %}", "recursive"},
                {"{{ 'a' | wordwrap }}", "the filter 'wordwrap'"},
                {"{{ '%s' % 1 }}", "formatting with %"},
                {"{{ '{}'.format(1) }}", "the method 'format'"},
                {"{{ 'Ω' | lower }}", "upper and lower case of 'Ω'"},
                {"{{ (1).real }}", "'real' of a int"},
                {"{{ m | map('string') }}", "printing a generator"},
                {"{{ range(3) }}", "printing a range"},
                {"{{ joiner() }}", "'joiner' is not implemented"},
                {"{{ self }}", "'self' is not implemented"},
                {"{{ né }}", "got 'é' in a tag"},
                {"{{ m[1:, 2] }}", "a slice among several"},
                {"{% for i in m %}{{ loop.changed(i) }}{% endfor %}", "loop.changed"}});
  EXPECT_PRED2(Contains, ErrorOf([] {
                 JinjaTemplate("{{ x }}").Render({{"x", uint64_t{1} << 63}});
               }),
               "beyond 64 bits");
}

TEST(ChatTemplate, WhatATemplateMayDoIsBounded) {
  std::string chain = "1", nested;
  const std::string deep = std::string(300, '(') + "1" + std::string(300, ')');
  for (int i = 0; i < 300; ++i) {
    chain += "+1";
    nested += "{% if t %}";
  }
  for (const std::string& source : {"{{ " + deep + " }}", "{{ " + chain + " }}", nested,
                                    "{{ " + std::string(300, '-') + "1 }}"}) {
    EXPECT_PRED2(Contains, ErrorOf([&] { Rendered(source); }), "nested deeper than 200 levels");
  }
  ExpectErrors(
      {{"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "running deeper than"},
       {"{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor "
        "%}",
        "a value nested deeper than"},
       {"{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", "steps"},
       {"{{ range(1000000) }}", "a range of more than 100000 items"},
       {"{{ 'a' * 10 ** 12 }}", "too large"},
       {"{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% "
        "endfor %}",
        "a text of more than"},
       {"{{ 'a'.replace('', 'b' * 5000) | replace('b', 'c' * 50000) }}", "a text of more than"},
       {"{{ m | tojson(indent=10 ** 9) }}", "a text of more than"},
       {"{{ 9223372036854775807 + 1 }}", "beyond 64 bits"},
       {"{% set ns = namespace(x=1) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% "
        "endfor %}{{ ns.x }}",
        "steps"},
       {"{% set ns = namespace(x=1, y=1) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% "
        "set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "steps"}});
}

TEST(ChatTemplate, AnyBytesPassThrough) {
  const JinjaTemplate chat("{{ x }}{{ x | length }}{{ x[1:] }}{{ x | tojson }}\xff{{ 'a\x80' }}");
  EXPECT_EQ(chat.Render({{"x", "a\xc3("}}).text,
            "a\xc3(3\xc3(\"a\xc3(\"\xff"
            "a\x80");
}

TEST(ChatTemplate, VariablesAreTheCallersOrUndefined) {
  const JinjaTemplate chat("{{ range }}{{ bos_token }}{{ tools is none }}");
  EXPECT_EQ(chat.Render({{"range", 1}, {"tools", nullptr}}).text, "1True");
  EXPECT_PRED2(Contains, ErrorOf([&] { chat.Render(Json::array()); }), "expected the variables");
}

TEST(ChatTemplate, ChatVariablesAreAsTransformersPreparesThem) {
  const Json given = ParseJson(
      R"({"messages": [{"role": "user", "content": null, "name": "x"},
                       {"role": "assistant", "content": "a", "reasoning": "r", "thinking": null}]})",
      "given");
  EXPECT_EQ(ToJsonLine(ChatVariables(given)),
            R"({"messages":[{"role":"user","name":"x"},{"thinking":"r","role":"assistant",)"
            R"("content":"a","reasoning":"r","reasoning_content":"r"}],)"
            R"("tools":null,"documents":null,"add_generation_prompt":false})");
  EXPECT_PRED2(Contains, ErrorOf([] { ChatVariables(3); }), "as an object");
}

TEST(ChatTemplate, CopiesShareOneTemplateAmongThreads) {
  const JinjaTemplate chat("{% for m in messages %}{{ m.role | upper }}{% endfor %}");
  std::vector<std::thread> threads;
  std::vector<std::string> texts(4);
  for (std::string& text : texts) {
    threads.emplace_back([copy = chat, &text] {
      for (int i = 0; i < 50; ++i) text = copy.Render(ParseJson(kVariables, "v")).text;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(texts, std::vector<std::string>(4, "USERASSISTANT"));
}

}  // namespace
}  // namespace retort::model::chat_template_test
