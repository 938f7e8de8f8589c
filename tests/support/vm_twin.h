#pragma once
// A second reading of Mini, kept simple: no tree, no tokens, no budgets. Statements are lines, and
// an expression is evaluated while its text is read, again each time it is reached.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/strings.h"

namespace retort {

class VmTwin {
 public:
  /// Null when the program goes wrong.
  static std::optional<Json> Run(const std::string& program, const Json& input) {
    try {
      VmTwin twin(program, input);
      if (twin.Block(1, twin.End(1)) != 'r') return std::nullopt;
      return twin.result_->json();
    } catch (const Wrong&) {
      return std::nullopt;
    }
  }

 private:
  struct Wrong {};
  struct Thing;
  using Ref = std::shared_ptr<Thing>;
  struct Thing {
    char type = 'i';  // i, b, t(ext), l(ist)
    int64_t number = 0;
    std::string text;
    std::vector<Ref> items;
    Json json() const {
      if (type == 'i') return number;
      if (type == 'b') return number != 0;
      if (type == 't') return text;
      Json list = Json::array();
      for (const Ref& item : items) list.push_back(item->json());
      return list;
    }
  };
  static Ref Int(int64_t n) {
    if (n > 1'000'000'000'000'000 || n < -1'000'000'000'000'000) throw Wrong();
    return std::make_shared<Thing>(Thing{'i', n, "", {}});
  }
  static Ref Bool(bool b) { return std::make_shared<Thing>(Thing{'b', b, "", {}}); }
  static Ref Text(std::string s) {
    return std::make_shared<Thing>(Thing{'t', 0, std::move(s), {}});
  }
  static Ref List(std::vector<Ref> items) {
    return std::make_shared<Thing>(Thing{'l', 0, "", std::move(items)});
  }
  static Ref Of(const Json& json) {
    if (json.is_boolean()) return Bool(json.get<bool>());
    if (json.is_number_integer()) return Int(json.get<int64_t>());
    if (json.is_string()) return Text(json.get<std::string>());
    std::vector<Ref> items;
    for (const Json& item : json) items.push_back(Of(item));
    return List(items);
  }
  static int64_t N(const Ref& r) { return r->type == 'i' ? r->number : throw Wrong(); }
  static bool B(const Ref& r) { return r->type == 'b' ? r->number != 0 : throw Wrong(); }
  static Ref L(const Ref& r) { return r->type == 'l' ? r : throw Wrong(); }

  VmTwin(const std::string& program, const Json& input) : lines_(Split(program, '\n')) {
    for (const auto& [name, value] : input.items()) variables_[name] = Of(value);
  }

  static size_t Indent(const std::string& line) { return line.find_first_not_of(' '); }
  bool Blank(size_t i) const { return Trim(lines_[i]).empty(); }
  // The line after the block that begins at `i`.
  size_t End(size_t i) const {
    size_t end = i;
    while (end < lines_.size() && (Blank(end) || Indent(lines_[end]) >= Indent(lines_[i]))) ++end;
    return end;
  }

  // The line after the statement that begins at `i`.
  size_t After(size_t i, size_t end) const {
    return i + 1 < end && Indent(lines_[i + 1]) > Indent(lines_[i]) ? End(i + 1) : i + 1;
  }

  // 'n'ext, 'b'reak, 'c'ontinue or 'r'eturn.
  char Block(size_t begin, size_t end) {
    for (size_t i = begin; i < end;) {
      if (Blank(i)) {
        ++i;
        continue;
      }
      const std::string line(Trim(lines_[i]));
      const size_t after = After(i, end);
      char flow = 'n';
      if (line.starts_with("if ")) {
        bool done = false;
        size_t arm = i;
        do {
          const std::string head(Trim(lines_[arm]));
          const size_t next = After(arm, end);
          if (!done && (head.starts_with("else:") || B(Head(head.substr(head.find(' ')))))) {
            done = true;
            if (head.starts_with("else:")) rest_ = std::string(Trim(head.substr(5)));
            flow = Body(arm, next);
          }
          arm = next;
        } while (arm < end && (Trim(lines_[arm]).starts_with("elif ") ||
                               Trim(lines_[arm]).starts_with("else:")));
        i = arm;
      } else if (line.starts_with("while ")) {
        while (flow == 'n' && B(Head(line.substr(6)))) flow = Turn(i, after);
        i = after;
      } else if (line.starts_with("for ")) {
        flow = For(i, after, line);
        i = after;
      } else {
        flow = Simple(line);
        i = after;
      }
      if (flow == 'x') flow = 'n';  // a loop that was left
      if (flow != 'n') return flow;
    }
    return 'n';
  }

  // What stands between a keyword and its colon; `rest_` is what follows on the line.
  Ref Head(const std::string& text) {
    Ref value = Eval(text);
    Take(":");
    rest_ = std::string(Trim(text_.substr(at_)));
    return value;
  }
  char Body(size_t i, size_t after) { return rest_.empty() ? Block(i + 1, after) : Simple(rest_); }
  char Turn(size_t i, size_t after) {
    const char flow = Body(i, after);
    return flow == 'c' ? 'n' : flow == 'b' ? 'x' : flow;
  }

  char For(size_t i, size_t after, const std::string& line) {
    const size_t in = line.find(" in ");
    const std::string name(Trim(line.substr(4, in - 4)));
    std::string head = line.substr(in + 4);
    std::vector<Ref> values;
    if (head.starts_with("range(")) {
      Start(head);
      const std::vector<Ref> n = (at_ = 6, Arguments(")"));
      Take(":");
      rest_ = std::string(Trim(text_.substr(at_)));
      const int64_t step = n.size() == 3 ? N(n[2]) : 1;
      const int64_t first = n.size() == 1 ? 0 : N(n[0]), last = N(n[n.size() == 1 ? 0 : 1]);
      if (step == 0) throw Wrong();
      for (int64_t k = first; step > 0 ? k < last : k > last; k += step) values.push_back(Int(k));
    } else {
      const Ref whole = Head(head);
      if (whole->type == 't') {
        for (const char c : whole->text) values.push_back(Text(std::string(1, c)));
      } else {
        const std::string rest = rest_;
        for (size_t k = 0; k < L(whole)->items.size(); ++k) {
          variables_[name] = whole->items[k];
          rest_ = rest;
          const char flow = Turn(i, after);
          if (flow != 'n') return flow;
        }
      }
    }
    const std::string rest = rest_;
    for (const Ref& value : values) {
      variables_[name] = value;
      rest_ = rest;
      const char flow = Turn(i, after);
      if (flow != 'n') return flow;
    }
    return 'n';
  }

  char Simple(const std::string& line) {
    // Semicolons: texts of the tests hold none.
    if (const size_t semicolon = line.find(';'); semicolon != std::string::npos) {
      const char flow = Simple(std::string(Trim(line.substr(0, semicolon))));
      const std::string rest(Trim(line.substr(semicolon + 1)));
      return flow != 'n' || rest.empty() ? flow : Simple(rest);
    }
    if (line == "break" || line == "continue") return line[0];
    if (line == "pass") return 'n';
    if (line.starts_with("return")) {
      result_ = Eval(line.substr(6));
      return 'r';
    }
    size_t name_end = 0;
    while (name_end < line.size() && IsName(line[name_end])) ++name_end;
    const std::string name = line.substr(0, name_end);
    if (line.substr(name_end).starts_with(".append(")) {
      const Ref value = Eval(line.substr(name_end + 8));
      L(Variable(name))->items.push_back(value);
      return 'n';
    }
    // The first '=' outside of brackets ends the target.
    size_t equals = name_end;
    for (int depth = 0; depth > 0 || line[equals] != '='; ++equals) {
      if (line[equals] == '[') ++depth;
      if (line[equals] == ']') --depth;
    }
    size_t target_end = equals;
    while (std::string("+-*/%").find(line[target_end - 1]) != std::string::npos) --target_end;
    const std::string target(Trim(line.substr(0, target_end)));
    const std::string op(line.substr(target_end, equals - target_end));
    const std::string right = line.substr(equals + 1);
    Ref value;
    if (op.empty()) {
      value = Eval(right);
    } else {
      const Ref old = Eval(target);
      const Ref more = Eval(right);
      if (old->type == 'l') throw Wrong();
      value = Apply(op, old, more);
    }
    if (target == name) {
      variables_[name] = value;
      return 'n';
    }
    const size_t open = LastOpen(target);
    const Ref list = L(Eval(target.substr(0, open)));
    const int64_t index = N(Eval(target.substr(open + 1)));
    list->items.at(At(index, list->items.size())) = value;
    return 'n';
  }
  static size_t LastOpen(const std::string& target) {
    int depth = 0;
    for (size_t i = target.size(); i-- > 0;) {
      if (target[i] == ']') ++depth;
      if (target[i] == '[' && --depth == 0) return i;
    }
    throw Wrong();
  }

  // --- expressions: read and evaluated at once ---

  static bool IsName(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
  void Start(const std::string& text) { text_ = text, at_ = 0; }
  Ref Eval(const std::string& text) {
    Start(text);
    return Or(true);
  }
  void Space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool See(const std::string& token) {
    Space();
    if (text_.compare(at_, token.size(), token) != 0) return false;
    return !IsName(token[0]) || at_ + token.size() >= text_.size() ||
           !IsName(text_[at_ + token.size()]);
  }
  bool Take(const std::string& token) {
    if (!See(token)) return false;
    at_ += token.size();
    return true;
  }
  Ref Variable(const std::string& name) {
    const auto found = variables_.find(name);
    return found == variables_.end() ? throw Wrong() : found->second;
  }

  // `live` is false in the part that a short circuit skips: it is read, its value does not matter.
  Ref Or(bool live) {
    Ref left = And(live);
    while (Take("or")) {
      const bool known = live && B(left);
      const Ref right = And(live && !known);
      if (live && !known) left = Bool(B(right));
    }
    return left;
  }
  Ref And(bool live) {
    Ref left = Not(live);
    while (Take("and")) {
      const bool known = live && !B(left);
      const Ref right = Not(live && !known);
      if (live && !known) left = Bool(B(right));
    }
    return left;
  }
  Ref Not(bool live) {
    if (!Take("not")) return Comparison(live);
    const Ref inner = Not(live);
    return live ? Bool(!B(inner)) : inner;
  }
  Ref Comparison(bool live) {
    const Ref left = Sum(live);
    for (const std::string op : {"==", "!=", "<=", ">=", "<", ">", "in", "not in"}) {
      if (!Take(op)) continue;
      const Ref right = Sum(live);
      return live ? Apply(op, left, right) : left;
    }
    return left;
  }
  Ref Sum(bool live) {
    Ref left = Product(live);
    while (See("+") || See("-")) {
      const std::string op(1, text_[at_++]);
      const Ref right = Product(live);
      if (live) left = Apply(op, left, right);
    }
    return left;
  }
  Ref Product(bool live) {
    Ref left = Unary(live);
    while (See("*") || See("//") || See("%")) {
      const std::string op = See("//") ? "//" : std::string(1, text_[at_]);
      at_ += op.size();
      const Ref right = Unary(live);
      if (live) left = Apply(op, left, right);
    }
    return left;
  }
  Ref Unary(bool live) {
    if (!Take("-")) return Postfix(live);
    const Ref inner = Unary(live);
    return live ? Int(-N(inner)) : inner;
  }
  Ref Postfix(bool live) {
    Ref whole = Atom(live);
    while (Take("[")) {
      const Ref begin = See(":") ? nullptr : Or(live);
      if (!Take(":")) {
        Take("]");
        if (live) whole = Part(whole, N(begin));
        continue;
      }
      const Ref end = See("]") ? nullptr : Or(live);
      Take("]");
      if (live) whole = Slice(whole, begin, end);
    }
    return whole;
  }
  std::vector<Ref> Arguments(const std::string& close, bool live = true) {
    std::vector<Ref> items;
    while (!Take(close)) {
      items.push_back(Or(live));
      Take(",");
    }
    return items;
  }
  Ref Atom(bool live) {
    Space();
    if (Take("(")) {
      const Ref inner = Or(live);
      Take(")");
      return inner;
    }
    if (Take("[")) return List(Arguments("]", live));
    if (Take("True")) return Bool(true);
    if (Take("False")) return Bool(false);
    const char c = text_.at(at_);
    if (c == '"' || c == '\'') {
      std::string text;
      for (++at_; text_[at_] != c; ++at_) text += text_[at_];
      ++at_;
      return Text(text);
    }
    std::string word;
    while (at_ < text_.size() && IsName(text_[at_])) word += text_[at_++];
    if (word.empty()) throw std::logic_error("the twin cannot read: " + text_);
    if (std::isdigit(static_cast<unsigned char>(word[0]))) return Int(std::stoll(word));
    if (Take("(")) {
      const std::vector<Ref> arguments = Arguments(")", live);
      return live ? Call(word, arguments) : Int(0);
    }
    return live ? Variable(word) : Int(0);
  }

  static size_t At(int64_t index, size_t size) {
    if (index < 0) index += static_cast<int64_t>(size);
    if (index < 0 || index >= static_cast<int64_t>(size)) throw Wrong();
    return static_cast<size_t>(index);
  }
  static Ref Part(const Ref& whole, int64_t index) {
    if (whole->type == 't') return Text(std::string(1, whole->text[At(index, whole->text.size())]));
    return L(whole)->items[At(index, whole->items.size())];
  }
  static Ref Slice(const Ref& whole, const Ref& begin, const Ref& end) {
    const bool text = whole->type == 't';
    const auto size = static_cast<int64_t>(text ? whole->text.size() : L(whole)->items.size());
    const auto place = [&](const Ref& r, int64_t otherwise) {
      int64_t n = r ? N(r) : otherwise;
      if (n < 0) n += size;
      return n < 0 ? 0 : n > size ? size : n;
    };
    const int64_t first = place(begin, 0), last = place(end, size);
    Ref part = text ? Text("") : List({});
    for (int64_t i = first; i < last; ++i) {
      if (text) part->text += whole->text[static_cast<size_t>(i)];
      if (!text) part->items.push_back(whole->items[static_cast<size_t>(i)]);
    }
    return part;
  }
  static bool Same(const Ref& a, const Ref& b) {
    const bool plain_a = a->type == 'i' || a->type == 'b',
               plain_b = b->type == 'i' || b->type == 'b';
    if (plain_a || plain_b) return plain_a && plain_b && a->number == b->number;
    if (a->type != b->type || a->text != b->text || a->items.size() != b->items.size())
      return false;
    for (size_t i = 0; i < a->items.size(); ++i) {
      if (!Same(a->items[i], b->items[i])) return false;
    }
    return true;
  }
  static int64_t FloorDivide(int64_t a, int64_t b) {
    if (b == 0) throw Wrong();
    int64_t quotient = 0;  // by its definition: the largest q with q*|b| <= a*sign
    if (b < 0) a = -a, b = -b;
    quotient = a / b;
    while (quotient * b > a) --quotient;
    return quotient;
  }
  static Ref Apply(const std::string& op, const Ref& a, const Ref& b) {
    if (op == "==") return Bool(Same(a, b));
    if (op == "!=") return Bool(!Same(a, b));
    if (op == "in" || op == "not in") {
      bool found = false;
      if (b->type == 't') {
        if (a->type != 't') throw Wrong();
        found = b->text.find(a->text) != std::string::npos;
      } else {
        for (const Ref& item : L(b)->items) found = found || Same(item, a);
      }
      return Bool(found == (op == "in"));
    }
    if (op[0] == '<' || op[0] == '>') {
      int64_t order = 0;
      if (a->type == 't' && b->type == 't') {
        order = a->text.compare(b->text);
      } else {
        order = N(a) - N(b);
      }
      return Bool(op == "<"    ? order < 0
                  : op == "<=" ? order <= 0
                  : op == ">"  ? order > 0
                               : order >= 0);
    }
    if (op == "+" && a->type == 't' && b->type == 't') return Text(a->text + b->text);
    if (op == "+" && a->type == 'l') {
      std::vector<Ref> items = a->items;
      for (const Ref& item : L(b)->items) items.push_back(item);
      return List(items);
    }
    if (op == "*" && (a->type == 't' || a->type == 'l')) {
      Ref all = a->type == 't' ? Text("") : List({});
      for (int64_t i = 0; i < N(b); ++i) {
        all->text += a->text;
        for (const Ref& item : a->items) all->items.push_back(item);
      }
      return all;
    }
    const int64_t x = N(a), y = N(b);
    if (op == "+") return Int(x + y);
    if (op == "-") return Int(x - y);
    if (op == "*") {
      const auto wide = static_cast<long double>(x) * static_cast<long double>(y);
      if (wide > 2e15L || wide < -2e15L) throw Wrong();
      return Int(x * y);
    }
    return Int(op == "//" ? FloorDivide(x, y) : x - FloorDivide(x, y) * y);
  }
  static Ref Call(const std::string& function, const std::vector<Ref>& arguments) {
    const Ref& first = arguments.at(0);
    if (function == "len") {
      return Int(
          static_cast<int64_t>(first->type == 't' ? first->text.size() : L(first)->items.size()));
    }
    if (function == "abs") return Int(N(first) < 0 ? -N(first) : N(first));
    const std::vector<Ref> items = arguments.size() > 1 ? arguments : L(first)->items;
    if (function == "sum") {
      Ref total = Int(0);
      for (const Ref& item : items) total = Int(total->number + N(item));
      return total;
    }
    if (function == "sorted") {  // insertion
      Ref sorted = List({});
      for (const Ref& item : items) {
        auto place = sorted->items.begin();
        while (place != sorted->items.end() && B(Apply("<=", *place, item))) ++place;
        if (item->type != 't') N(item);
        sorted->items.insert(place, item);
      }
      return sorted;
    }
    if (items.empty()) throw Wrong();
    Ref best = items[0];
    N(best);
    for (const Ref& item : items) {
      if (function == "min" ? N(item) < N(best) : N(item) > N(best)) best = item;
    }
    return best;
  }

  std::vector<std::string> lines_;
  std::map<std::string, Ref> variables_;
  Ref result_;
  std::string text_, rest_;
  size_t at_ = 0;
};

}  // namespace retort
