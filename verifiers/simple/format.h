#pragma once
// Verifier "format": is the response `<think>…</think><answer>…</answer>`, one of each, in order,
// with nothing but white space around? Score 1 or 0; the reason names the first fault:
// "repeated-tag", "unclosed-tag", "tag-order", "no-think", "no-answer", "text-outside",
// "empty-think", "empty-answer", "no-box", or "well-formed".

#include <memory>

#include "verifiers/text/verifier.h"

namespace retort::verifiers {

struct FormatOptions {
  bool require_think = true;
  bool allow_empty_think = false;
  bool require_answer = true;
  bool require_boxed = false;

  template <class V>
  void Visit(V& v) {
    v("require_think", require_think, "Demand a think block; without, it may be left out.");
    v("allow_empty_think", allow_empty_think, "Accept a think block that holds only white space.");
    v("require_answer", require_answer,
      "Demand an answer block; without, free text may follow the think block instead.");
    v("require_boxed", require_boxed, "Demand a closed \\boxed{…} after the think block.");
  }
};

std::unique_ptr<Verifier> MakeFormatVerifier(const FormatOptions& options);

}  // namespace retort::verifiers
