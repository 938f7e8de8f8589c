// Golds and responses made to blow up, hang or fool the judge. Each row of hostile.jsonl is a name
// and a text in parts: a string; [parts…, n], n times the parts, "§" in them being the number of
// the turn; {"bytes": hex}. Each text is judged as it is and shortened to sizes that are still
// read. Nothing here is timed: work is what is allocated for a verdict, a test that hangs runs into
// the time-out of its program, and bench/shows/hostile.py prints the slowest verdicts.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <new>
#include <set>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "base/strings.h"
#include "verifiers/registry.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounts = false;
static int64_t allocations = 0;
#else
constexpr bool kCounts = true;
static thread_local int64_t allocations = 0;
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace retort::verifiers::hostile_test {
namespace {

std::string Bytes(const std::string& hex) {
  std::string out;
  std::istringstream in(hex);
  for (std::string two; in >> std::ws >> std::setw(2) >> two;) {
    out += static_cast<char>(std::stoi(two, nullptr, 16));
  }
  return out;
}

/// Appends `part`, outer repetitions shortened to `share` of their turns.
void Expand(const Json& part, double share, int64_t turn, std::string& out) {
  constexpr std::string_view kTurn = "§";
  if (part.is_object()) {
    out += Bytes(part["bytes"].get<std::string>());
  } else if (part.is_string()) {
    const auto& text = part.get_ref<const std::string&>();
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(kTurn, at), text.size());
      out.append(text, at, end - at);
      if (end < text.size()) out += std::to_string(turn);
      at = end + kTurn.size();
    }
  } else {
    const double turns = part.back().get<double>() * share;
    for (int64_t i = 1; i <= std::max<int64_t>(1, static_cast<int64_t>(turns)); ++i) {
      for (size_t j = 0; j + 1 < part.size(); ++j) Expand(part[j], 1, i, out);
    }
  }
}

std::string Text(const Json& row, double share) {
  std::string out;
  for (const Json& part : row["text"]) Expand(part, share, 0, out);
  return out;
}

struct Row {
  std::string name;
  std::vector<std::string> texts;  ///< the whole first
};

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = [] {
    const auto path = std::filesystem::path(RETORT_SOURCE_DIR) / "tests/verifiers/hostile.jsonl";
    std::istringstream lines(ReadFile(path));
    std::vector<Row> out;
    for (std::string line; std::getline(lines, line);) {
      const Json json = ParseJson(line, path.string() + ":" + std::to_string(out.size() + 1));
      Row row{json["name"].get<std::string>(), {Text(json, 1)}};
      for (const size_t size : {19'000u, 2'500u}) {
        const size_t whole = row.texts[0].size();
        if (whole <= size) continue;
        row.texts.push_back(Text(json, static_cast<double>(size) / static_cast<double>(whole)));
      }
      out.push_back(std::move(row));
    }
    return out;
  }();
  return rows;
}

struct Pair {
  std::string gold, response;
  bool same = false;  ///< the response is the gold answer, letter by letter
};

std::string Show(const Verdict& verdict) {
  return EnumName(verdict.status) + " " + FormatNumber(verdict.score) + " " + verdict.reason + " " +
         verdict.extracted;
}

/// Two threads judge what `pairs` makes of each text, one from the end.
void Judge(const std::function<std::vector<Pair>(const std::string& text)>& pairs) {
  const auto verifier = MakeVerifier("math", Json::object(), "test");
  const auto judge_all = [&](bool backwards, std::vector<std::string>& shown) {
    shown.resize(Rows().size());
    for (size_t i = 0; i < Rows().size(); ++i) {
      const size_t at = backwards ? Rows().size() - 1 - i : i;
      const Row& row = Rows()[at];
      for (const std::string& text : row.texts) {
        for (const Pair& pair : pairs(text)) {
          Problem problem;
          problem.answer = pair.gold;
          const Verdict verdict = verifier->Judge({.text = pair.response, .problem = problem});
          const bool right = verdict.status == VerdictStatus::kRight;
          if (verdict.reason.empty() || !IsUtf8(verdict.extracted) || (right && !pair.same)) {
            ADD_FAILURE() << row.name << ", " << text.size() << " bytes: gold "
                          << pair.gold.substr(0, 80) << " | response "
                          << pair.response.substr(0, 80) << " | " << Show(verdict).substr(0, 200);
          }
          shown[at] += Show(verdict).substr(0, 300) + "\n";
        }
      }
    }
  };
  std::array<std::vector<std::string>, 2> shown;
  std::thread forwards(judge_all, false, std::ref(shown[0]));
  judge_all(true, shown[1]);
  forwards.join();
  for (size_t i = 0; i < Rows().size(); ++i) EXPECT_EQ(shown[0][i], shown[1][i]) << Rows()[i].name;
}

std::string Tagged(const std::string& text) { return "<answer>" + text + "</answer>"; }

TEST(Hostile, ResponsesAreNeverRight) {
  Judge([](const std::string& text) {
    return std::vector<Pair>{{"26", Tagged(text)},
                             {"26", "\\boxed{" + text + "}"},
                             {"x^2+26y", "The answer is $" + text + "$."}};
  });
}

TEST(Hostile, GoldsNeverMakeAResponseRight) {
  Judge([](const std::string& text) {
    return std::vector<Pair>{{text, "\\boxed{26}"}, {text, Tagged("\\sqrt{26}+x")}};
  });
}

TEST(Hostile, GoldAndResponseMayBeTheSame) {
  Judge([](const std::string& text) { return std::vector<Pair>{{text, Tagged(text), true}}; });
}

TEST(Hostile, WhatIsAlmostTheSameIsNotRight) {
  Judge([](const std::string& text) {
    // Extraction looks inside these, on both sides.
    for (const char* mark : {"boxed", "<answer>", "<think>", "####"}) {
      if (text.find(mark) != std::string::npos) return std::vector<Pair>{};
    }
    return std::vector<Pair>{{text, Tagged(text + "+1")}};
  });
}

constexpr size_t kShort = 4096;

/// Calls `look` with every text of up to kShort bytes in every part: as response to golds of all
/// kinds and, if `as_gold`, as gold and as both.
void ForEachShort(bool as_gold,
                  const std::function<void(const std::string& name, const Pair&)>& look) {
  for (const Row& row : Rows()) {
    for (const std::string& text : row.texts) {
      if (text.size() > kShort) continue;
      for (const char* gold :
           {"26", "x^2+26y", "1, 2, \\sqrt{3}", "y = 2x+1", "x < 3", "(1, \\sqrt{2}) \\cup [3, 4]",
            "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "n!", "\\{n!, \\binom{n}{k}\\}"}) {
        look(row.name, {gold, Tagged(text)});
      }
      if (!as_gold) continue;
      look(row.name, {text, Tagged("26")});
      look(row.name, {text, Tagged(text + "+0\\pi")});
    }
  }
}

TEST(Hostile, TheWorkForAShortTextIsBounded) {
  if (!kCounts) GTEST_SKIP() << "a sanitizer allocates";
  constexpr int64_t kMostAllocations = 1'000'000;
  const auto verifier = MakeVerifier("math", Json::object(), "test");
  std::pair<int64_t, std::string> most;
  ForEachShort(true, [&](const std::string& name, const Pair& pair) {
    Problem problem;
    problem.answer = pair.gold;
    const int64_t before = allocations;
    verifier->Judge({.text = pair.response, .problem = problem});
    most = std::max(most, {allocations - before, name + " | " + pair.gold.substr(0, 80)});
  });
  EXPECT_LE(most.first, kMostAllocations) << most.second;
  RecordProperty("most_allocations", std::to_string(most.first) + " " + most.second);
}

// In a process that may have so much more than it has: whoever asks for more dies there.
TEST(Hostile, TheMemoryForAShortTextIsBounded) {
  if (!kCounts) GTEST_SKIP() << "a sanitizer reserves all addresses";
  constexpr rlim_t kMore = 64 << 20;
  const auto verifier = MakeVerifier("math", Json::object(), "test");
  Rows();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t most = static_cast<rlim_t>(pages) * static_cast<rlim_t>(getpagesize()) + kMore;
    const rlimit limit{most, most};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    ForEachShort(true, [&](const std::string& name, const Pair& pair) {
      const std::string line = name + "\n";
      if (write(ends[1], line.data(), line.size()) < 0) _exit(3);
      Problem problem;
      problem.answer = pair.gold;
      verifier->Judge({.text = pair.response, .problem = problem});
    });
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<size_t>(size));
    said.erase(0, said.rfind('\n', said.size() - 2) + 1);
  }
  close(ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status << " in " << said;
}

// What a response says can make it wrong, never unjudged: only the gold answer can.
TEST(Hostile, NoResponseChoosesToBeUnjudged) {
  const auto verifier = MakeVerifier("math", Json::object(), "test");
  std::set<std::string> open;
  ForEachShort(false, [&](const std::string& name, const Pair& pair) {
    Problem problem;
    problem.answer = pair.gold;
    const Verdict verdict = verifier->Judge({.text = pair.response, .problem = problem});
    if (verdict.status == VerdictStatus::kUnjudged) open.insert(name + " | " + pair.gold);
  });
  EXPECT_TRUE(open.empty()) << Join({open.begin(), open.end()}, "\n");
}

}  // namespace
}  // namespace retort::verifiers::hostile_test
