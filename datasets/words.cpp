// words: short stories in the manner of GSM8K, put together from settings and events.
//
// A template is a setting and the set of events told in it (90 templates at difficulty 2).
// Templates are held out as a whole, so a held-out story tells a combination that no training story
// tells, in sentences that training stories use.

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "datasets/internal/families.h"
#include "datasets/internal/steps.h"

namespace retort::datasets {
namespace {

enum class Effect { kAdd, kAddProduct, kTake, kTakeProduct, kMultiply, kDivide };

struct Event {
  const char* name;
  Effect effect;
  const char* text;  // {n} one number; {k} and {m} a product; {P} the pronoun
};

struct Setting {
  const char* name;
  const char* opening;  // {a} the number to start from; {N} a name; {I} an item
  const char* question;
  std::array<Event, 6> events;
};

constexpr std::array kSettings = {
    Setting{"fruit",
            "{N} has {a} {I}.",
            "How many {I} does {N} have now?",
            {{{"find", Effect::kAdd, "{P} finds {n} more."},
              {"bags", Effect::kAddProduct, "{P} buys {k} bags of {m}."},
              {"eat", Effect::kTake, "{P} eats {n}."},
              {"friends", Effect::kTakeProduct, "{P} gives {k} friends {m} each."},
              {"harvest", Effect::kMultiply, "{P} picks until there are {k} times as many."},
              {"piles", Effect::kDivide, "{P} makes {k} equal piles and keeps one."}}}},
    Setting{
        "money",
        "{N} has ${a}.",
        "How many dollars does {N} have now?",
        {{{"earn", Effect::kAdd, "{P} earns ${n}."},
          {"work", Effect::kAddProduct, "{P} works {k} hours for ${m} an hour."},
          {"lunch", Effect::kTake, "{P} spends ${n} on lunch."},
          {"books", Effect::kTakeProduct, "{P} buys {k} books at ${m} each."},
          {"invest", Effect::kMultiply, "{P} turns it into {k} times as much."},
          {"share", Effect::kDivide, "{P} shares it equally among {k} people, one being {N}."}}}},
    Setting{"train",
            "A train carries {a} people.",
            "How many people are on the train now?",
            {{{"board", Effect::kAdd, "{n} get on."},
              {"families", Effect::kAddProduct, "{k} families of {m} get on."},
              {"leave", Effect::kTake, "{n} get off."},
              {"stops", Effect::kTakeProduct, "At each of {k} stops {m} get off."},
              {"crowd", Effect::kMultiply, "It fills up to {k} times as many."},
              {"stay", Effect::kDivide, "Only one in {k} stays on."}}}},
    Setting{"stamps",
            "{N} owns {a} stamps.",
            "How many stamps does {N} own now?",
            {{{"aunt", Effect::kAdd, "An aunt sends {n}."},
              {"letters", Effect::kAddProduct, "{k} letters bring {m} each."},
              {"sell", Effect::kTake, "{P} sells {n}."},
              {"sets", Effect::kTakeProduct, "{P} trades away {k} sets of {m}."},
              {"grow", Effect::kMultiply, "The collection grows to {k} times its size."},
              {"albums", Effect::kDivide, "{P} fills {k} equal albums and sells all but one."}}}},
    Setting{"game",
            "{N} starts a game with {a} points.",
            "What is the score of {N}?",
            {{{"bonus", Effect::kAdd, "A bonus adds {n}."},
              {"wins", Effect::kAddProduct, "{P} wins {k} rounds of {m} points."},
              {"foul", Effect::kTake, "A foul costs {n}."},
              {"defeats", Effect::kTakeProduct, "{P} loses {k} rounds of {m} points."},
              {"boost", Effect::kMultiply, "A card multiplies the score by {k}."},
              {"curse", Effect::kDivide, "A card divides the score by {k}."}}}},
    Setting{"tank",
            "A tank holds {a} litres.",
            "How many litres does it hold now?",
            {{{"rain", Effect::kAdd, "Rain adds {n}."},
              {"buckets", Effect::kAddProduct, "{k} buckets of {m} are poured in."},
              {"leak", Effect::kTake, "{n} leak out."},
              {"cans", Effect::kTakeProduct, "{k} cans of {m} are drawn."},
              {"refill", Effect::kMultiply, "It is filled up to {k} times as much."},
              {"drain", Effect::kDivide, "It is drained until one part in {k} is left."}}}},
};

constexpr std::array<std::pair<const char*, const char*>, 8> kNames = {{{"Tom", "He"},
                                                                        {"Ann", "She"},
                                                                        {"Ben", "He"},
                                                                        {"Eve", "She"},
                                                                        {"Max", "He"},
                                                                        {"Mia", "She"},
                                                                        {"Sam", "He"},
                                                                        {"Zoe", "She"}}};
constexpr std::array kItems = {"apples", "pears", "plums", "nuts", "figs", "limes"};

constexpr int64_t kLimit = 999;  // no running total above it

struct Numbers {
  int64_t n = 0, k = 0, m = 0;
};

// Numbers that keep the running total whole and in [1, kLimit]; false when this draw has none.
bool DrawNumbers(Effect effect, int64_t total, RandomStream& random, Numbers& out) {
  out = {random.Between(2, 99), random.Between(2, 9), random.Between(2, 9)};
  switch (effect) {
    case Effect::kAdd:
      return total + out.n <= kLimit;
    case Effect::kAddProduct:
      return total + out.k * out.m <= kLimit;
    case Effect::kTake:
      return out.n < total;
    case Effect::kTakeProduct:
      return out.k * out.m < total;
    case Effect::kMultiply:
      return total * out.k <= kLimit;
    case Effect::kDivide:
      return total % out.k == 0;
  }
  return false;
}

// Adds the steps of one event and returns the new total.
int64_t Tell(Effect effect, int64_t total, const Numbers& numbers, Steps& steps) {
  int64_t n = numbers.n;
  if (effect == Effect::kAddProduct || effect == Effect::kTakeProduct) {
    n = numbers.k * numbers.m;
    steps.Add(numbers.k, "*", numbers.m, "=", n);
  }
  switch (effect) {
    case Effect::kAdd:
    case Effect::kAddProduct:
      steps.Add(total, "+", n);
      steps.AddColumns(total, n);
      return total + n;
    case Effect::kTake:
    case Effect::kTakeProduct:
      steps.Add(total, "-", n);
      steps.SubtractColumns(total, n);
      return total - n;
    case Effect::kMultiply:
      steps.Add(total, "*", numbers.k);
      steps.MultiplyDigits(total, numbers.k);
      return total * numbers.k;
    case Effect::kDivide:
      steps.Add(total, "/", numbers.k);
      steps.DivideDigits(total, numbers.k);
      return total / numbers.k;
  }
  return total;
}

struct Story {
  int64_t total = 0;
  Steps steps;
  std::string text;     // the event sentences
  std::string numbers;  // in the order of the story
};

bool TellStory(const std::vector<Event>& events, RandomStream& random, Story& story) {
  story.total = random.Between(10, 99);
  story.numbers = StrCat(story.total);
  for (size_t i = 0; i < events.size(); ++i) {
    Numbers numbers;
    if (!DrawNumbers(events[i].effect, story.total, random, numbers)) return false;
    if (i > 0) story.steps.Add(story.total);
    story.total = Tell(events[i].effect, story.total, numbers, story.steps);
    std::string sentence = events[i].text;
    story.numbers += StrCat(",", events[i].name);
    for (const auto& [slot, value] :
         {std::pair{"{n}", numbers.n}, std::pair{"{k}", numbers.k}, std::pair{"{m}", numbers.m}}) {
      if (sentence.find(slot) == std::string::npos) continue;
      sentence = ReplaceAll(std::move(sentence), slot, StrCat(value));
      story.numbers += StrCat(",", value);
    }
    story.text += " " + sentence;
  }
  return true;
}

}  // namespace

void FillWords(int64_t difficulty, RandomStream& random, Problem& problem) {
  const Setting& setting = kSettings[random.Below(kSettings.size())];
  std::vector<Event> events(setting.events.begin(), setting.events.end());
  random.Shuffle(events);
  events.resize(static_cast<size_t>(difficulty));

  Story story;
  const int64_t start_tries = 10'000;  // a story of four events fits about once in ten draws
  int64_t tries = 0;
  while (!TellStory(events, random, story)) {
    RETORT_CHECK(++tries < start_tries, "words: no numbers fit the story ", setting.name);
    story = {};
  }

  const auto& [name, pronoun] = kNames[random.Below(kNames.size())];
  std::string text = StrCat(setting.opening, story.text, " ", setting.question);
  text = ReplaceAll(std::move(text), "{a}", story.numbers.substr(0, 2));
  text = ReplaceAll(std::move(text), "{N}", name);
  text = ReplaceAll(std::move(text), "{P}", pronoun);
  problem.prompt = ReplaceAll(std::move(text), "{I}", kItems[random.Below(kItems.size())]);
  problem.answer = StrCat(story.total);
  problem.solution = story.steps.Text();

  std::vector<std::string> names;
  for (const Event& event : events) names.push_back(event.name);
  std::sort(names.begin(), names.end());
  const std::string id = StrCat(setting.name, "/", Join(names, "+"));
  problem.extra["template"] = id;
  problem.canonical = StrCat("words:", id, "\t", story.numbers);
}

}  // namespace retort::datasets
