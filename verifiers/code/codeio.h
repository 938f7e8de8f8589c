#pragma once
// Verifier "codeio": what does this program give for this input, or which input gives this output?
// (CodeI/O, arXiv 2502.07316.) Problem::extra holds
//
//   {"direction": "output" or "input", "language": "mini" or "python", "program": "…",
//    "input": {"a": 4}, "output": 23}
//
// `program` (or `refcode`, as published) defines main in Mini (exec/vm.h), main_solution in Python;
// "entry" names another function. `input` is needed for "output" and used, where it is there, for
// the order of the arguments. An output is compared with the stored one (IsClose); an input is
// executed: any that gives the output is right.
//
// The answer is the content of the last <answer> tag, JSON: an output "23", an input "4,[1,2]" (the
// arguments in order) or {"a": 4, "l": [1,2]}; or, as published, the last complete JSON object of
// the response, {"output": …} or {"input": {…}}. Text before the last </think> is not searched.
//
// Reasons, with a DETAIL of up to 200 bytes: "equal", "feasible" (right); "no-answer", "malformed",
// "different", "bad-arguments", "other-output/OUTPUT", "exception/WHAT", "limit/WHICH" (wrong);
// "bad-task/WHAT", "no-sandbox/WHY" (unjudged).

#include <array>
#include <memory>
#include <utility>

#include "exec/sandbox.h"
#include "exec/vm.h"
#include "verifiers/text/verifier.h"

namespace retort::verifiers {

enum class CodeioAnswer { kAny, kTag, kJson };
constexpr auto EnumNames(CodeioAnswer) {
  return std::array{std::pair{CodeioAnswer::kAny, "any"}, std::pair{CodeioAnswer::kTag, "tag"},
                    std::pair{CodeioAnswer::kJson, "json"}};
}

struct CodeioOptions {
  CodeioAnswer answer = CodeioAnswer::kAny;
  exec::VmLimits mini;
  exec::Limits python;

  template <class V>
  void Visit(V& v) {
    v("answer", answer,
      "Where the answer may stand: tag, json (the last object), or any: json where there is no "
      "tag.");
    v("mini", mini, "Budgets of a Mini program.");
    v("python", python, "Limits of a Python program.");
  }
};

std::unique_ptr<Verifier> MakeCodeioVerifier(const CodeioOptions& options);

}  // namespace retort::verifiers
