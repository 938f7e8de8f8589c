#pragma once
// Random Mini programs that use the whole language, most of them well-typed.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/strings.h"

namespace retort {

class RandomMini {
 public:
  explicit RandomMini(uint64_t index)
      : random_({.seed = 11, .purpose = "mini", .problem = index}) {}

  struct Sample {
    std::string program;
    Json input;
  };
  /// main(a,b,l,s): two numbers, a list of numbers and a text.
  Sample Next() {
    Sample sample;
    sample.input = {{"a", random_.Between(-9, 20)}, {"b", random_.Between(0, 9)}};
    sample.input["l"] = Json::array();
    for (uint64_t i = random_.Below(6); i > 0; --i) {
      sample.input["l"].push_back(random_.Between(-9, 30));
    }
    sample.input["s"] = Letters();
    program_ = "def main(a,b,l,s):\n x=0\n y=1\n r=[]\n";
    Block(1, 2 + random_.Below(4), 0, false);
    static const std::vector<std::string> kResults = {"x", "y", "r", "[x,y]", "[r,x>y]", "s", "l"};
    program_ += " return " + (random_.Below(3) ? random_.Pick(kResults) : Number(2)) + "\n";
    sample.program = program_;
    return sample;
  }

 private:
  std::string Letters() {
    std::string text;
    for (uint64_t i = random_.Below(5); i > 0; --i)
      text += static_cast<char>('a' + random_.Below(3));
    return text;
  }
  std::string Pick(const std::vector<std::string>& items) { return random_.Pick(items); }

  std::string Number(int depth) {
    if (depth == 0 || random_.Below(3) == 0) {
      if (random_.Below(60) == 0) return Pick({"l", "s", "True"});  // now and then a wrong type
      return random_.Below(2) ? StrCat(random_.Between(-3, 12)) : Pick({"a", "b", "x", "y"});
    }
    switch (random_.Below(9)) {
      case 0:
        return "len(" + Pick({"l", "r", "s"}) + ")";
      case 1:
        return Pick({"sum(", "max(", "min("}) + List(depth - 1) + ")";
      case 2:
        return StrCat(Pick({"min(", "max("}), Number(depth - 1), ",", Number(depth - 1), ")");
      case 3:
        return "abs(" + Number(depth - 1) + ")";
      case 4:
        return StrCat(Pick({"l", "r"}), "[", Number(depth - 1), "]");
      case 5:
        return "-(" + Number(depth - 1) + ")";
      default:
        return StrCat("(", Number(depth - 1), Pick({"+", "-", "*", "//", "%"}), Number(depth - 1),
                      ")");
    }
  }

  std::string List(int depth) {
    if (depth == 0) return Pick({"l", "r", "l[1:]", "[]"});
    switch (random_.Below(5)) {
      case 0:
        return StrCat("[", Number(depth - 1), ",", Number(depth - 1), "]");
      case 1:
        return "sorted(" + List(depth - 1) + ")";
      case 2:
        return StrCat(List(0), "+", List(0));
      case 3:
        return StrCat("l[", random_.Below(2) ? Number(0) : "", ":",
                      random_.Below(2) ? Number(0) : "", "]");
      default:
        return StrCat("[", Number(0), "]*", random_.Below(4));
    }
  }

  std::string Condition(int depth) {
    switch (random_.Below(depth > 0 ? 7 : 4)) {
      case 0:
        return StrCat(Number(1), Pick({"==", "!="}), Number(1));
      case 1:
        return StrCat(Number(0), Pick({" in ", " not in "}), Pick({"l", "r", "[1,2,3]"}));
      case 2:
        return Pick({"'a' in s", "s=='ab'", "s[:1]<\"b\"", "s+'a'>='ba'", "l==r", "l!=[1,[2]]"});
      case 4:
        return "not " + Condition(depth - 1);
      case 5:
        return StrCat(Condition(depth - 1), " and ", Condition(depth - 1));
      case 6:
        return StrCat("(", Condition(depth - 1), " or ", Condition(depth - 1), ")");
      default:
        return StrCat(Number(1), Pick({"<", "<=", ">", ">="}), Number(1));
    }
  }

  void Line(int indent, const std::string& text) {
    program_ += std::string(static_cast<size_t>(indent), ' ') + text + "\n";
  }

  void Block(int indent, uint64_t count, int depth, bool loop) {
    for (; count > 0; --count) Statement(indent, depth, loop);
  }

  void Statement(int indent, int depth, bool loop) {
    switch (random_.Below(depth < 3 ? 14 : 9)) {
      case 0:
        return Line(indent, "r.append(" + Number(2) + ")");
      case 1:
        return Line(indent, Pick({"r=", "l="}) + List(2));
      case 2:
        return Line(indent,
                    StrCat(Pick({"l[", "r["}), Number(1), "]", Pick({"=", "+=", "-="}), Number(1)));
      case 3:
        return Line(indent,
                    Pick({"s=s+'b'", "s+=\"ca\"", "s=s[1:]", "s=s*2", "pass", "r=l", "x=1;y=2"}));
      case 4:
        return Line(indent,
                    StrCat(Pick({"x", "y"}), Pick({"+=", "-=", "*=", "//=", "%="}), Number(1)));
      case 5:
        if (loop) {
          return Line(indent,
                      StrCat("if ", Condition(0), ": ", Pick({"break", "continue", "return x"})));
        }
        [[fallthrough]];
      default:
        return Line(indent, Pick({"x=", "y="}) + Number(2));
      case 9:
      case 10:
        Line(indent, StrCat("if ", Condition(2), ":"));
        Block(indent + 1, 1 + random_.Below(2), depth + 1, loop);
        if (random_.Below(3) == 0) Line(indent, StrCat("elif ", Condition(1), ": x=", Number(1)));
        if (random_.Below(2) == 0) {
          Line(indent, "else:");
          Block(indent + 2, 1, depth + 1, loop);
        }
        return;
      case 11:
        Line(indent, StrCat("for i in range(", random_.Below(3) ? "" : "1,", Number(0),
                            random_.Below(3) ? "" : ",2", "):"));
        return Block(indent + 1, 1 + random_.Below(2), depth + 1, true);
      case 12:
        Line(indent,
             StrCat("for ", Pick({"v", "x"}), " in ", Pick({"l", "s", "r", "sorted(l)"}), ":"));
        Block(indent + 1, 1, depth + 1, true);
        return Line(indent + 1, "y+=1");
      case 13:
        Line(indent, StrCat("while ", Condition(0), ":"));
        Block(indent + 1, 1, depth + 1, true);
        Line(indent + 1, Pick({"x+=1", "y-=1", "x=x//2;y=y+1"}));
        return Line(indent + 1, "if x>60 or y<-60: break");
    }
  }

  RandomStream random_;
  std::string program_;
};

}  // namespace retort
