#include "verifiers/math/math.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/options.h"
#include "base/strings.h"
#include "verifiers/math/internal/equal.h"
#include "verifiers/math/internal/parse.h"
#include "verifiers/math/internal/phrase.h"
#include "verifiers/math/internal/words.h"
#include "verifiers/text/ascii.h"

namespace retort::verifiers {

namespace {

constexpr size_t kShownGold = 80;  // bytes of a gold answer in a message

// What a verdict may cost, in units of Budget: to read one answer, to compare the two, and to look
// at one alone when that led to nothing. What an answer costs alone, it costs in a comparison too:
// within the smaller part it cannot be what the larger one did not do for.
constexpr int64_t kReading = 10'000'000, kComparing = 40'000'000, kAlone = 8'000'000;

// "(B) 5 apples", "C. Because …", "option b" where the gold answer is a capital letter; "" else.
std::string ChoiceLetter(std::string_view answer) {
  while (answer.starts_with('$')) answer.remove_prefix(1);
  for (const std::string_view choose : {"故", "选", "项", "择"}) {
    if (answer.starts_with(choose)) answer.remove_prefix(choose.size());
  }
  if (answer.starts_with("\\text") || answer.starts_with("\\math")) {
    answer.remove_prefix(std::min(answer.find('{'), answer.size() - 1) + 1);
  }
  bool named = false;
  for (const std::string_view word : {"Option ", "option ", "Choice ", "choice "}) {
    if (!answer.starts_with(word)) continue;
    answer.remove_prefix(word.size());
    named = true;
  }
  if (answer.starts_with('(')) answer.remove_prefix(1);
  if (answer.empty() || Lower(answer[0]) < 'a' || Lower(answer[0]) > 'j') return {};
  const std::string letter(
      1, IsLower(answer[0]) ? static_cast<char>(answer[0] - 'a' + 'A') : answer[0]);
  answer.remove_prefix(1);
  if (answer.empty() || answer == "}") return letter;
  const bool mark = answer[0] == ')' || answer[0] == '.' || answer[0] == ':';
  if (mark && answer.size() == 1) return letter;
  if (named && answer[0] == '}') return letter;
  return mark && (answer[1] == ' ' || answer[1] == '}' || answer[1] == '\\') ? letter
                                                                             : std::string();
}

// A quotient of two numbers, whatever its sign.
bool IsFraction(const Tree& tree, NodeId id) {
  while (tree[id].op == Op::kNegate || tree[id].op == Op::kQuantity) id = tree.Child(id, 0);
  return tree[id].op == Op::kDivide && tree[tree.Child(id, 0)].op == Op::kNumber &&
         tree[tree.Child(id, 1)].op == Op::kNumber;
}

// 12/3 for 4, 2/4 for 1/2; where the gold answer is a number as well and has no decimal point.
bool IsUnreduced(const Tree& tree, NodeId gold, NodeId answer) {
  NodeId number = gold;
  while (tree[number].op == Op::kNegate || tree[number].op == Op::kQuantity)
    number = tree.Child(number, 0);
  const bool whole =
      tree[number].op == Op::kNumber && tree[number].text.find('.') == std::string_view::npos;
  if (!IsFraction(tree, answer) || !(whole || IsFraction(tree, gold))) return false;
  return NormalForm(tree, gold) != NormalForm(tree, answer);
}

// An answer, and how it is written in one way for all.
struct Reading {
  std::optional<NodeId> node;  ///< nothing where it cannot be read
  std::string form;
};

template <class Read>
Reading ReadWithin(const Tree& tree, const Read& read) {
  Reading reading;
  const bool enough = Within(tree, kReading, [&] {
    reading.node = read();
    if (reading.node) reading.form = NormalForm(tree, *reading.node);
  });
  return enough ? reading : Reading{};
}

// All of an answer, but of a sentence that states one value that value.
std::optional<NodeId> ParseStated(std::string_view text, Tree& tree) {
  const auto whole = ParseAnswer(text, tree);
  if (whole && (tree[*whole].op == Op::kText || tree[*whole].op == Op::kOpaque)) {
    const std::string_view stated = StatedValue(text);
    const auto value = stated.empty() ? std::nullopt : ParseFormula(stated, tree);
    if (value && tree[*value].op != Op::kText) return value;
  }
  return whole;
}

// A gold answer that announces nothing is the answer itself, all of it, but for a sentence that
// states one value.
std::optional<NodeId> ParseGold(std::string_view text, const std::optional<ExtractedAnswer>& found,
                                Tree& tree) {
  if (found) return ParseAnswer(found->text, tree);
  return ParseStated(text, tree);
}

// Where a gold answer is a solution that announces its answer.
std::optional<ExtractedAnswer> AnnouncedGold(std::string_view text) {
  return ExtractAnswer(text, Extraction::kAnnounced);
}

Reading ReadGold(std::string_view text, const std::optional<ExtractedAnswer>& found, Tree& tree) {
  return ReadWithin(tree, [&] { return ParseGold(text, found, tree); });
}

// The problem asks for a value, and the answer only says the problem's own formula again.
bool Echoes(const Response& response, const Tree& tree, NodeId gold, NodeId answer,
            const Verdict& verdict) {
  const Node& said = tree[answer];
  const bool formula =
      (said.scalar && said.count > 0 && said.op != Op::kNegate) || said.op == Op::kRelation;
  const bool value = KindOf(tree, gold) == "number" || KindOf(tree, gold) == "expression";
  if (!formula || !value || IsFraction(tree, answer)) return false;
  if (verdict.normal_form == verdict.gold_normal_form) return false;
  const std::string key = TextKey(Respelled(verdict.extracted));
  constexpr size_t kShortest = 3;
  return key.size() >= kShortest &&
         TextKey(Respelled(response.problem.prompt)).find(key) != std::string::npos;
}

// A response that says what the gold answer says, word by word, in a tag, a box, a phrase or alone.
std::optional<ExtractionRule> SaysTheSame(const Response& response) {
  const std::string_view gold = Trim(response.problem.answer);
  if (gold.empty() || response.text.find(gold) == std::string_view::npos) return std::nullopt;
  if (Trim(AfterThinking(WithinTurn(response.text))) == gold) return ExtractionRule::kWhole;
  const auto announced = ExtractAnswer(response.text, Extraction::kAnnounced);
  return announced && announced->text == gold ? std::optional(announced->rule) : std::nullopt;
}

class MathVerifier final : public Verifier {
 public:
  explicit MathVerifier(const MathOptions& options) : options_(options) {}

  std::string CannotJudge(const Problem& problem) const override {
    if (problem.answer.empty()) return "it has no gold answer";
    Tree tree;
    const auto gold = AnnouncedGold(problem.answer);
    if (ReadGold(problem.answer, gold, tree).node) return "";
    const std::string_view shown = std::string_view(problem.answer).substr(0, kShownGold);
    return StrCat("its gold answer cannot be read: '", ToValidUtf8(shown), "'");
  }

  std::string Evidence(const Response& response) const override {
    Tree::Notes notes;
    const Verdict verdict = Compare(response, &notes);
    if (verdict.normal_form == verdict.gold_normal_form && !verdict.normal_form.empty()) {
      return "both have one normal form";
    }
    std::string text = std::move(notes.compared);
    const auto kind = [&](std::string_view name) {
      return verdict.reason.find(name) != std::string::npos;
    };
    const bool unread = kind("bad-gold") || kind("/text/") || kind("/phrase/");
    if ((unread || text.empty()) && !notes.unread.empty()) {
      text += StrCat(text.empty() ? "" : "; ", notes.unread);
    }
    return text;
  }

  Verdict Judge(const Response& response) const override {
    Verdict verdict = Compare(response);
    if (verdict.status == VerdictStatus::kRight || verdict.reason == "bad-gold") return verdict;
    if (const auto rule = SaysTheSame(response); rule && Allows(*rule)) {
      verdict.status = VerdictStatus::kRight;
      verdict.score = 1;
      verdict.extracted = Trim(response.problem.answer);
      const size_t kind = verdict.reason.find('/'), end = verdict.reason.rfind('/');
      const std::string said = kind < end ? verdict.reason.substr(kind, end - kind) : "/text";
      verdict.reason = StrCat("equal", said, "/", EnumName(*rule));
    }
    return verdict;
  }

 private:
  // Whether the extraction that was asked for looks there.
  bool Allows(ExtractionRule rule) const {
    switch (options_.extraction) {
      case Extraction::kAny:
        return true;
      case Extraction::kAnnounced:
        return rule != ExtractionRule::kWhole;
      case Extraction::kAnswerTag:
        return rule == ExtractionRule::kAnswerTag;
      case Extraction::kBoxed:
        return rule == ExtractionRule::kBoxed;
      default:
        return false;
    }
  }

  Verdict Compare(const Response& response, Tree::Notes* notes = nullptr) const {
    const auto gold = AnnouncedGold(response.problem.answer);
    const auto answer = ExtractAnswer(response.text, options_.extraction);
    Verdict verdict;
    if (answer) {
      verdict.extracted = ToValidUtf8(std::string_view(answer->text).substr(0, kMaxAnswerBytes));
    }
    Tree tree;
    tree.notes = notes;
    Reading gold_read = ReadGold(response.problem.answer, gold, tree);
    if (!gold_read.node) {
      verdict.reason = "bad-gold";
      return verdict;
    }
    // The gold answer can be read: what the response does not say is its own fault.
    verdict.status = VerdictStatus::kWrong;
    if (!answer) {
      verdict.reason = "no-answer";
      return verdict;
    }
    NodeId gold_value = *gold_read.node;
    const Node gold_node = tree[gold_value];
    const bool choice =
        gold_node.op == Op::kSymbol && gold_node.text.size() == 1 && IsUpper(gold_node.text[0]);
    const std::string letter = choice ? ChoiceLetter(answer->text) : std::string();
    // Said as the gold answer says it: there is nothing more to read.
    const std::string_view gold_text =
        gold ? std::string_view(gold->text) : response.problem.answer;
    const bool verbatim = letter.empty() && answer->text == gold_text;
    Reading read = verbatim ? Reading{gold_read.node, gold_read.form} : ReadWithin(tree, [&] {
      return ParseStated(letter.empty() ? answer->text : letter, tree);
    });
    if (!read.node) {
      // Marks that stand for nothing, or an answer beyond the bounds.
      verdict.reason = TextKey(answer->text).empty() ? "no-answer" : "too-large";
      return verdict;
    }
    NodeId value = *read.node;
    verdict.gold_normal_form = std::move(gold_read.form);
    verdict.normal_form = std::move(read.form);
    // "which is \\boxed{25} percent": what stands in the box may be all that was asked for.
    const bool percent =
        options_.percent_as_number || answer->outside_percent || (gold && gold->outside_percent);
    const EqualOptions equal{.decimals = static_cast<int>(options_.decimals),
                             .percent_as_number = percent,
                             .relation_for_set = options_.relation_for_set,
                             .rename_variables = options_.rename_variables};
    Sameness same = Sameness::kUnknown;
    const bool enough = Within(tree, kComparing, [&] {
      const bool identical = verdict.normal_form == verdict.gold_normal_form;
      same = identical ? Sameness::kSame : SameAnswer(tree, gold_value, value, equal);
    });
    if (!enough || same == Sameness::kUnknown) {
      // Each of the gold answer's items may have been compared with the whole response.
      const Node& whole = tree[gold_value];
      const int64_t items = whole.scalar ? 1 : std::clamp(whole.count, 1, 8);
      bool gold_defined = true, response_stands = false;
      Within(tree, kAlone, [&] { gold_defined = StandsAlone(tree, gold_value, equal, IsDefined); });
      Within(tree, kAlone / items,
             [&] { response_stands = StandsAlone(tree, value, equal, HasValue); });
      // A gold answer that is merely dear to compute excuses no response that has no value.
      const bool unjudged = response_stands || !gold_defined;
      if (unjudged) verdict.status = VerdictStatus::kUnjudged;
      verdict.reason = unjudged ? "too-complex" : "no-value";
      return verdict;
    }
    const char* word = same == Sameness::kDifferent ? "different"
                       : same == Sameness::kAgrees  ? "agrees"
                                                    : "equal";
    bool right = same != Sameness::kDifferent;
    if (right && options_.literal_fractions && IsUnreduced(tree, *gold_read.node, *read.node)) {
      right = false;
      word = "unreduced";
    }
    if (right && options_.echo && Echoes(response, tree, *gold_read.node, *read.node, verdict)) {
      right = false;
      word = "echo";
    }
    verdict.status = right ? VerdictStatus::kRight : VerdictStatus::kWrong;
    verdict.score = right ? 1 : 0;
    verdict.reason = word;
    verdict.reason += '/';
    verdict.reason += KindOf(tree, *gold_read.node);
    verdict.reason += '/';
    verdict.reason += EnumName(answer->rule);
    return verdict;
  }

  MathOptions options_;
};

}  // namespace

std::unique_ptr<Verifier> MakeMathVerifier(const MathOptions& options) {
  RETORT_CHECK(options.decimals >= 0 && options.decimals <= 100, "decimals: got ", options.decimals,
               ", expected 0 to 100.");
  return std::make_unique<MathVerifier>(options);
}

}  // namespace retort::verifiers
