#include "verifiers/registry.h"

#include "base/options.h"
#include "base/strings.h"
#include "verifiers/code/code.h"
#include "verifiers/code/codeio.h"
#include "verifiers/math/math.h"
#include "verifiers/simple/countdown.h"
#include "verifiers/simple/format.h"

namespace retort::verifiers {

namespace {

template <class Options, std::unique_ptr<Verifier> (*make)(const Options&)>
VerifierEntry Entry(std::string name, std::string help, bool needs_answer = true) {
  return {std::move(name),
          std::move(help),
          [](const Json& json, const std::string& where) {
            Options options;
            ReadOptions(json, where, options);
            return make(options);
          },
          [] { return WriteOptions(Options{}); },
          [](const std::function<void(const std::vector<Field>&)>& show) {
            Options options;
            show(ListFields(options));
          },
          needs_answer};
}

}  // namespace

const std::vector<VerifierEntry>& Verifiers() {
  static const std::vector<VerifierEntry> table{
      Entry<CodeOptions, MakeCodeVerifier>(
          "code", "A program against tests: standard input, calls of a function, assert scripts.",
          false),
      Entry<CodeioOptions, MakeCodeioVerifier>(
          "codeio", "The output of a program, or an input that gives one, by execution.", false),
      Entry<CountdownOptions, MakeCountdownVerifier>(
          "countdown", "An expression that makes the target from the given numbers."),
      Entry<FormatOptions, MakeFormatVerifier>(
          "format", "Think and answer tags, one of each, in order, nothing outside."),
      Entry<MathOptions, MakeMathVerifier>("math",
                                           "The final answer against the gold answer, exactly."),
  };
  return table;
}

std::unique_ptr<Verifier> MakeVerifier(const std::string& name, const Json& options,
                                       const std::string& where) {
  std::vector<std::string> names;
  for (const VerifierEntry& entry : Verifiers()) {
    if (entry.name == name) return entry.make(options, where);
    names.push_back(entry.name);
  }
  Fail(where, ": unknown verifier '", name, "'.", DidYouMean(name, names),
       " Known verifiers: ", Join(names, ", "), ".");
}

}  // namespace retort::verifiers
