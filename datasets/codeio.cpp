// codeio-output, codeio-input: small Mini programs; predict what one gives, or find what gives it.
//
// The split is on the program: a held-out program was never seen with any input. Programs are
// random and kept when a run of them is short, small and depends on its input.

#include "datasets/internal/codeio.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/strings.h"
#include "datasets/internal/families.h"
#include "exec/vm.h"

namespace retort::datasets {
namespace {

// Numbers of one or two digits: the facts are those of the other families.
constexpr exec::VmLimits kSmall{.steps = 2000, .cells = 20'000, .integer = 99};
constexpr size_t kOtherInputs = 8;

class ProgramWriter {
 public:
  ProgramWriter(int64_t difficulty, RandomStream& random)
      : difficulty_(difficulty), random_(random) {}

  std::string Program() {
    two_numbers_ = difficulty_ >= 2 && random_.Below(2);
    list_ = difficulty_ >= 2 && random_.Below(2);
    const bool length = list_ && random_.Below(2);
    text_ = StrCat("def main(a", two_numbers_ ? ",b" : "", list_ ? ",l" : "", "):\n");
    Line(1, StrCat("x=a", random_.Below(2) ? "*" : "+", length ? "len(l)" : Constant(2, 9)));
    for (int64_t i = 1; i <= difficulty_; ++i) Statement(i == difficulty_);
    Line(1, "return x");
    text_.pop_back();
    return text_;
  }
  /// No argument is there for nothing.
  bool UsesAllArguments() const {
    const auto uses = [&](const char* what) { return text_.find(what) != std::string::npos; };
    const bool number = uses("=b\n") || uses(">b:") || uses("<b:");
    return (!two_numbers_ || number) && (!list_ || uses("(l)") || uses("in l:"));
  }

  Json Input() {
    Json input = {{"a", random_.Between(1, 40)}};
    if (two_numbers_) input["b"] = random_.Between(1, 12);
    if (list_) {
      input["l"] = Json::array();
      const int64_t count = random_.Between(2, 4);
      for (int64_t i = 0; i < count; ++i) input["l"].push_back(random_.Between(1, 12));
    }
    return input;
  }

 private:
  std::string Constant(int64_t low, int64_t high) { return StrCat(random_.Between(low, high)); }
  void Line(size_t indent, const std::string& text) {
    text_ += std::string(indent, ' ') + text + "\n";
  }
  // A change of x that the steps show as one fact.
  std::string Update() {
    switch (random_.Below(two_numbers_ ? 4 : 3)) {
      case 0:
        return "x+=" + Constant(1, 12);
      case 1:
        return "x-=" + Constant(1, 12);
      case 2:
        return "x*=" + Constant(2, 4);
      default:
        return random_.Below(2) ? "x+=b" : "x-=b";
    }
  }
  std::string Condition() {
    const std::string bound = two_numbers_ && random_.Below(2) ? "b" : Constant(5, 30);
    return StrCat("x", random_.Below(2) ? "<" : ">", bound);
  }

  void Branch() {
    const std::string then = Update();
    std::string otherwise = then;
    while (otherwise == then) otherwise = Update();
    Line(1, StrCat("if ", Condition(), ": ", then));
    Line(1, "else: " + otherwise);
  }

  // The last statement is no plain update where there may be others: a difficulty has its own form.
  void Statement(bool last) {
    const uint64_t kinds = difficulty_ >= 4 ? 6 : difficulty_ >= 3 ? 4 : difficulty_ >= 2 ? 2 : 1;
    switch (last && kinds > 1 ? 1 + random_.Below(kinds - 1) : random_.Below(kinds)) {
      case 0:
        return Line(1, Update());
      case 1:
        return Branch();
      case 2:
        if (list_) return Line(1, "x+=" + std::string(random_.Below(2) ? "max(l)" : "min(l)"));
        return Line(1, "x%=" + Constant(11, 40));
      case 3:
        Line(1, list_ ? "for v in l:" : StrCat("for i in range(", Constant(2, 4), "):"));
        return Line(2, list_              ? (random_.Below(2) ? "x+=v" : "x-=v")
                       : random_.Below(2) ? "x+=i"
                                          : Update());
      case 4:
        Line(1, StrCat("while x>", Constant(20, 50), ":"));
        return Line(2, "x-=" + Constant(7, 19));
      default:
        Line(1, list_ ? "for v in l:" : StrCat("for i in range(", Constant(2, 4), "):"));
        Line(2, StrCat("if ", list_ ? "v" : "x", random_.Below(2) ? "<" : ">", Constant(4, 9), ": ",
                       random_.Below(2) ? "x+=" : "x-=", list_ ? "v" : "i+" + Constant(1, 9)));
        return;
    }
  }

  int64_t difficulty_;
  RandomStream& random_;
  bool two_numbers_ = false, list_ = false;
  std::string text_;
};

// "4,[1,2]": the arguments in order.
std::string Arguments(const Json& input) {
  std::string text;
  for (const auto& [name, value] : input.items()) text += (text.empty() ? "" : ",") + value.dump();
  return text;
}

struct Task {
  std::string program;
  Json input;
  int64_t output = 0;
  std::vector<exec::VmStep> steps;
};

// The program gives other outputs for most other inputs: a guess does not pay.
bool DependsOnInput(const exec::VmProgram& program, const Task& task, ProgramWriter& writer) {
  std::set<int64_t> outputs;
  for (size_t i = 0; i < kOtherInputs; ++i) {
    const exec::VmResult run = program.Run(writer.Input(), kSmall);
    if (run.ending == exec::VmEnding::kReturned) outputs.insert(run.output.get<int64_t>());
  }
  outputs.erase(task.output);
  return outputs.size() >= 3;
}

Task DrawTask(int64_t difficulty, RandomStream& random) {
  const size_t most_steps = static_cast<size_t>(5 + 4 * difficulty);
  for (;;) {
    ProgramWriter writer(difficulty, random);
    Task task{writer.Program(), writer.Input(), 0, {}};
    const exec::VmProgram program(task.program);
    const exec::VmResult run = program.Run(task.input, kSmall, &task.steps);
    if (run.ending != exec::VmEnding::kReturned || task.steps.size() > most_steps ||
        !writer.UsesAllArguments()) {
      continue;
    }
    task.output = run.output.get<int64_t>();
    if (FitsIoRules(task.input) && FitsIoRules(task.output) &&
        DependsOnInput(program, task, writer)) {
      return task;
    }
  }
}

void FillTask(const Task& task, const char* direction, Problem& problem) {
  problem.extra = {{"direction", direction},
                   {"language", "mini"},
                   {"program", task.program},
                   {"input", task.input},
                   {"output", task.output}};
}

// What x was before an update, from what it is after: "23-3=20" for "x=20+3=23". Steps that cannot
// be undone are told as they happened.
std::string Undone(const exec::VmStep& step) {
  const char* inverse = step.op == "+"   ? "-"
                        : step.op == "-" ? "+"
                        : step.op == "*" ? "/"
                                         : nullptr;
  if (step.target != "x" || !inverse || step.right == "0") return step.Text();
  return StrCat(step.value, inverse, step.right, "=", step.left);
}

}  // namespace

bool FitsIoRules(const Json& value) {
  constexpr size_t kMaxBytes = 1024, kMaxItems = 20, kMaxText = 100;
  const auto fits = [](const auto& self, const Json& part) -> bool {
    if (part.is_string()) return part.get_ref<const std::string&>().size() < kMaxText;
    if (!part.is_structured()) return true;
    return part.size() < kMaxItems &&
           std::ranges::all_of(part, [&](const Json& item) { return self(self, item); });
  };
  return !value.is_null() && fits(fits, value) && ToJsonLine(value).size() < kMaxBytes;
}

void FillCodeioOutput(int64_t difficulty, RandomStream& random, Problem& problem) {
  const Task task = DrawTask(difficulty, random);
  FillTask(task, "output", problem);
  std::vector<std::string> steps;
  for (const exec::VmStep& step : task.steps) steps.push_back(step.Text());
  problem.prompt = StrCat(task.program, "\nmain(", Arguments(task.input), ")=?");
  problem.answer = StrCat(task.output);
  problem.solution = Join(steps, ";");
  problem.canonical = StrCat("codeio:", task.program, "\t", Arguments(task.input));
}

void FillCodeioInput(int64_t difficulty, RandomStream& random, Problem& problem) {
  const Task task = DrawTask(difficulty, random);
  FillTask(task, "input", problem);
  std::vector<std::string> steps;
  for (auto step = task.steps.rbegin(); step != task.steps.rend(); ++step) {
    steps.push_back(Undone(*step));
  }
  problem.prompt = StrCat(task.program, "\nmain(?)=", task.output);
  problem.answer = Arguments(task.input);
  problem.solution = Join(steps, ";");
  problem.canonical = StrCat("codeio:", task.program, "\t=", task.output);
}

}  // namespace retort::datasets
