#include "fuzz/fuzz.h"
#include "verifiers/math/internal/parse.h"
#include "verifiers/text/extract.h"

namespace retort {

using namespace verifiers;

void FuzzParse(std::string_view text) {
  Tree tree;
  const auto id = ParseAnswer(text, tree);
  if (!id) return;
  Require(text.size() <= kMaxAnswerBytes, "an answer beyond the bounds was read");
  Require(*id >= 0 && *id < tree.size(), "the answer is not in its tree");
  for (NodeId node = 0; node < tree.size(); ++node) {
    for (const NodeId child : tree.Children(node)) {
      Require(child >= 0 && child < node, "a parent comes before its child");
    }
  }
  const std::string form = NormalForm(tree, *id);
  Require(form.size() < 8192, "a normal form is not bounded");
  Tree second;
  const auto again = ParseAnswer(text, second);
  Require(again && NormalForm(second, *again) == form, "a second reading differs");
}

}  // namespace retort
