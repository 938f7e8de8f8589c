// retort score: what it reads, what it writes and how it goes on after an interruption.

#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "base/strings.h"
#include "tests/cli/cli_fixture.h"

namespace retort::cli::score_files_test {
namespace {

namespace fs = std::filesystem;

class ScoreFilesTest : public CliTest {
 protected:
  std::string Path(const std::string& name) const { return folder_ / name; }
  /// Rows 1…count whose response is right but for every third.
  std::string WriteRows(const std::string& name, int count) const {
    std::string text;
    for (int i = 1; i <= count; ++i) {
      text += ToJsonLine({{"id", StrCat("q", i)},
                          {"level", i % 2},
                          {"answer", i},
                          {"ok", i % 5 == 0 ? 0 : 1},
                          {"response", StrCat("#### ", i % 3 == 0 ? -1 : i)}}) +
              "\n";
    }
    return Write(name, text);
  }
  static std::vector<Json> Lines(const std::string& text) {
    std::vector<Json> lines;
    for (const std::string& line : Split(text, '\n')) {
      if (!line.empty()) lines.push_back(ParseJson(line, "line"));
    }
    return lines;
  }
  Json Summary(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Outcome outcome = Retort(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.json();
  }
};

TEST_F(ScoreFilesTest, GroupsAreCountedApart) {
  const std::string file = WriteRows("a.jsonl", 30);
  const Json summary = Summary({"score", file, "--by", "level,none", "--label", "ok"});
  const Json& level = summary["by"]["level"];
  EXPECT_EQ(level["0"]["responses"], 15);
  EXPECT_EQ(level["1"]["right"].get<int>() + level["0"]["right"].get<int>(), 20);
  EXPECT_EQ(level["1"]["accuracy"], 10.0 / 15);
  EXPECT_TRUE(level["1"]["agreement"].is_number());
  EXPECT_EQ(summary["by"]["none"]["(none)"]["responses"], 30);
  EXPECT_EQ(summary["accuracy"], 20.0 / 30);
  EXPECT_EQ(summary["unjudged_share"], 0.0);
  const std::string table = Retort({"score", file, "--by", "level"}).out;
  ExpectContains(table, "accuracy");
  ExpectContains(table, "66.67 %");
  ExpectContains(table, "\nlevel  responses");
}

TEST_F(ScoreFilesTest, KeptColumnsAndDisagreements) {
  const std::string file = WriteRows("a.jsonl", 10);
  ASSERT_EQ(Retort({"score", file, "--keep", "id,level", "--label", "ok", "--out", Path("out"),
                    "--disagreements", Path("differ")})
                .code,
            0);
  const std::vector<Json> rows = Lines(ReadFile(Path("out")));
  ASSERT_EQ(rows.size(), 10u);
  EXPECT_EQ(rows[3]["id"], "q4");
  EXPECT_EQ(rows[3]["level"], 0);
  const std::vector<Json> differ = Lines(ReadFile(Path("differ")));
  ASSERT_EQ(differ.size(), 5u);  // wrong 3, 6, 9 with label 1; right 5, 10 with label 0
  EXPECT_EQ(differ[0]["row"], 3);
  EXPECT_EQ(differ[0]["id"], "q3");
  EXPECT_EQ(differ[0]["label"], true);
  EXPECT_EQ(differ[0]["verdict"], "wrong");
  EXPECT_EQ(differ[0]["gold"], "3");
  EXPECT_EQ(differ[0]["response"], "#### -1");
  EXPECT_EQ(differ[0]["extracted"], "-1");
  ExpectContains(differ[0]["reason"], "different");
  EXPECT_EQ(differ[1]["verdict"], "right");
  EXPECT_EQ(differ[1]["label"], false);
  EXPECT_EQ(Retort({"score", file, "--keep", "score", "--out", Path("x")}).code, 2);
  EXPECT_EQ(Retort({"score", file, "--disagreements", Path("x")}).code, 2);
  EXPECT_EQ(
      Retort({"score", file, "--label", "ok", "--out", Path("x"), "--disagreements", Path("x")})
          .code,
      1);
}

TEST_F(ScoreFilesTest, CsvAndCompressedFilesAndPipes) {
  const std::string csv = "answer,response,ok\n1,\"#### 1\",1\n2,\"so\n#### 3\",no\n";
  const std::string file = Write("a.csv", csv);
  EXPECT_EQ(Summary({"score", file, "--label", "ok"})["agreement"], 1.0);
  const Outcome piped = Retort({"score", "-", "--format", "csv", "--json"}, csv);
  EXPECT_EQ(piped.json()["right"], 1);
  EXPECT_EQ(Retort({"score", file, "--format", "xml"}).code, 2);
  const std::string rows = WriteRows("b.jsonl", 1000);
  ASSERT_EQ(Shell("gzip -k " + rows).code, 0);
  EXPECT_EQ(Summary({"score", rows + ".gz"})["responses"], 1000);
  EXPECT_EQ(Shell("gzip -c " + rows + " | $RETORT score - --json").json()["responses"], 1000);
  ASSERT_EQ(Shell("head -c 3000 " + rows + ".gz > " + Path("cut.gz")).code, 0);
  const Outcome cut = Retort({"score", Path("cut.gz")});
  EXPECT_EQ(cut.code, 1);
  ExpectContains(cut.err, "cut off at byte 3000");
}

TEST_F(ScoreFilesTest, ChatAndBatchLayouts) {
  const std::string file = Write(
      "a.jsonl",
      R"({"answer": 4, "response": [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "#### 4"}]})"
      "\n"
      R"({"answer": 4, "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "#### 4"}}, {"message": {"content": "#### 5"}}]}}, "error": null})"
      "\n"
      R"({"answer": 4, "choices": [{"message": {"content": "#### 4"}}]})"
      "\n"
      R"({"answer": true, "response": null})"
      "\n");
  const Json summary = Summary({"score", file, "--out", Path("out")});
  EXPECT_EQ(summary["rows"], 4);
  EXPECT_EQ(summary["responses"], 5);
  EXPECT_EQ(summary["right"], 3);
  const Json null = Lines(ReadFile(Path("out"))).back();
  EXPECT_EQ(null["verdict"], "wrong");
  EXPECT_EQ(null["reason"], "no-answer");
  const std::string nested = Write(
      "b.jsonl", R"({"answer": "4", "raw": {"choices": [{"message": {"content": "#### 4"}}]}})"
                 "\n");
  EXPECT_EQ(Summary({"score", nested, "--response", "raw.choices.-1.message.content"})["right"], 1);
}

TEST_F(ScoreFilesTest, APanelJudgesFiles) {
  const std::string file =
      Write("a.jsonl", R"({"answer": 4, "response": "<think>x</think><answer>4</answer>"})"
                       "\n"
                       R"({"answer": 4, "response": "#### 4"})"
                       "\n"
                       R"({"answer": "", "response": "<think>x</think><answer>4</answer>"})"
                       "\n");
  const Json summary =
      Summary({"score", file, "--out", Path("out"), "--panel",
               R"([{"verifier": "math"}, {"verifier": "format", "weight": 0.5}])"});
  EXPECT_EQ(summary["right"], 1);
  EXPECT_EQ(summary["wrong"], 1);
  EXPECT_EQ(summary["unjudged"], 1);
  const std::vector<Json> rows = Lines(ReadFile(Path("out")));
  EXPECT_EQ(rows[0]["score"], 1.5);
  EXPECT_EQ(rows[1]["score"], 1.0);
  EXPECT_TRUE(rows[2]["score"].is_null());
  ASSERT_EQ(rows[1]["judges"].size(), 2u);
  EXPECT_EQ(rows[1]["judges"][0]["verifier"], "math");
  EXPECT_EQ(rows[1]["judges"][0]["verdict"], "right");
  EXPECT_EQ(rows[1]["judges"][1]["verdict"], "wrong");
  ExpectContains(rows[1]["reason"], "; format: ");
}

TEST_F(ScoreFilesTest, AJudgeThatJudgesNothingIsAWarning) {
  const std::string file = WriteRows("a.jsonl", 3);
  const Outcome code = Retort({"score", file, "--verifier", "code", "--json"});
  EXPECT_EQ(code.code, 0);
  ExpectContains(code.err, "warning: code judged none of the 3 responses (no-tests in 3)");
  EXPECT_TRUE(code.json()["accuracy"].is_null());
  EXPECT_EQ(code.json()["unjudged_share"], 1.0);
  const Outcome panel =
      Retort({"score", file, "--panel", R"([{"verifier": "math"}, {"verifier": "countdown"}])"});
  ExpectContains(panel.err, "warning: countdown judged none");
  EXPECT_EQ(Retort({"score", file}).err, "");
}

TEST_F(ScoreFilesTest, AColumnThatNoRowHasIsAWarning) {
  const std::string file = WriteRows("a.jsonl", 3);
  const Outcome outcome =
      Retort({"score", file, "--by", "splti", "--keep", "idd,level", "--out", folder_ / "v.jsonl"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  ExpectContains(outcome.err, "warning: no row has anything in column 'splti'");
  ExpectContains(outcome.err, "warning: no row has anything in column 'idd'");
  EXPECT_EQ(outcome.err.find("'level'"), std::string::npos) << outcome.err;
}

// What lies beside --out under the names of unfinished work may be somebody else's.
TEST_F(ScoreFilesTest, AForeignFileBesideTheOutputStays) {
  const std::string file = WriteRows("a.jsonl", 3);
  const std::string foreign = Write("v.jsonl.partial.rows", "my notes\n");
  const Outcome outcome = Retort({"score", file, "--out", folder_ / "v.jsonl"});
  EXPECT_EQ(outcome.code, 1);
  ExpectContains(outcome.err, "v.jsonl.partial.rows: is in the way");
  EXPECT_EQ(ReadFile(foreign), "my notes\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "v.jsonl.partial"));
}

TEST_F(ScoreFilesTest, RowsOfHostileDepthAreRowErrors) {
  const std::string deep(120000, '[');
  const std::string file =
      Write("a.jsonl", "{\"answer\":1,\"response\":\"#### 1\"}\n" + deep + "\n" + deep +
                           std::string(120000, ']') + "\n{\"answer\":1,\"answer\":2}\n" +
                           "{\"answer\":1e999,\"response\":\"\"}\n");
  const Outcome outcome = Retort({"score", file, "--json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.json()["rows"], 1);
  EXPECT_EQ(outcome.json()["first_bad_lines"], Json({2, 3, 4, 5}));
  ExpectContains(outcome.err, "nested deeper than 512");
  ExpectContains(outcome.err, "\"answer\" occurs twice");
  ExpectContains(outcome.err, "out of range");
}

TEST_F(ScoreFilesTest, OutputsOfEveryKind) {
  const std::string file = WriteRows("a.jsonl", 400);
  ASSERT_EQ(Retort({"score", file, "--out", Path("out")}).code, 0);
  const std::string expected = ReadFile(Path("out"));
  for (const std::string name : {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
    const Outcome piped = Shell("$RETORT score " + file + " --json --out " + name + " | cat");
    EXPECT_EQ(piped.out, expected) << name;
    EXPECT_EQ(ParseJson(piped.err, "summary")["responses"], 400);
  }
  EXPECT_EQ(Shell("$RETORT score " + file + " --out /dev/stderr").err, expected);
  EXPECT_EQ(Shell("$RETORT score " + file + " --out >(cat > " + Path("by") + "); wait $!").code, 0);
  EXPECT_EQ(ReadFile(Path("by")), expected);
  EXPECT_EQ(Shell("mkfifo " + Path("p") + "; cat " + Path("p") + " > " + Path("got") +
                  " & $RETORT score " + file + " --out " + Path("p") + "; wait")
                .code,
            0);
  EXPECT_EQ(ReadFile(Path("got")), expected);
  EXPECT_TRUE(fs::is_fifo(Path("p")));
  EXPECT_EQ(Retort({"score", file, "--out", "/dev/null"}).code, 0);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(fs::is_symlink(fs::symlink_status("/dev/stdout")));
  fs::create_symlink("target", Path("link"));
  EXPECT_EQ(Retort({"score", file, "--out", Path("link")}).code, 0);
  EXPECT_EQ(ReadFile(Path("target")), expected);
  EXPECT_TRUE(fs::is_symlink(fs::symlink_status(Path("link"))));
}

TEST_F(ScoreFilesTest, InputsAreRefusedAsOutputs) {
  const std::string file = WriteRows("a.jsonl", 3), before = ReadFile(file);
  ASSERT_EQ(Retort({"score", file, "--out", Path("old")}).code, 0);
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"score", file, "--out", file},
           {"score", file, "--label", "ok", "--disagreements", file},
           {"score", file, "--compare", Path("old"), "--out", Path("old")}}) {
    const Outcome outcome = Retort(arguments);
    EXPECT_EQ(outcome.code, 1);
    ExpectContains(outcome.err, "is an input of this command");
  }
  EXPECT_EQ(ReadFile(file), before);
  EXPECT_EQ(Shell("$RETORT score - --out " + file + " < " + file).code, 1);
  EXPECT_EQ(ReadFile(file), before);
}

TEST_F(ScoreFilesTest, AReaderThatLeavesEndsItQuietly) {
  const std::string file = WriteRows("a.jsonl", 20000);
  for (const std::string trap : {"", "trap '' PIPE; "}) {  // SIGPIPE as usual, and ignored
    const Outcome outcome = Shell(trap + "$RETORT score " + file + " --out - 2> " + Path("err") +
                                  " | head -n 1; echo ${PIPESTATUS[0]}");
    const std::vector<std::string> lines = Split(outcome.out, '\n');
    ExpectContains(lines.at(0), "\"row\":1,");
    EXPECT_TRUE(lines.at(1) == "141" || lines.at(1) == "1") << lines.at(1);
    EXPECT_EQ(ReadFile(Path("err")), "");
  }
}

TEST_F(ScoreFilesTest, RowsWithAnErrorCarryKeptColumnsToo) {
  const std::string file = Write("a.jsonl", R"({"id": "a", "answer": 1, "response": "#### 1"})"
                                            "\n"
                                            R"({"id": "b", "level": {"n": 2}, "answer": 1})"
                                            "\n{bad\n");
  EXPECT_EQ(Retort({"score", file, "--keep", "id,level.n", "--out", Path("out")}).code, 1);
  const std::vector<Json> rows = Lines(ReadFile(Path("out")));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["id"], "a");
  EXPECT_EQ(rows[0]["level.n"], nullptr);
  ASSERT_TRUE(rows[1].contains("error"));
  EXPECT_EQ(rows[1]["id"], "b");
  EXPECT_EQ(rows[1]["level.n"], 2);
  ASSERT_TRUE(rows[2].contains("error"));
  EXPECT_EQ(rows[2].at("id"), nullptr);  // nothing of it can be read
}

TEST_F(ScoreFilesTest, WhereOutGrowsIsNoPlaceForOthers) {
  const std::string file = WriteRows("a.jsonl", 3);
  for (const std::string beside : {"out.partial", "out.partial.rows"}) {
    const Outcome outcome = Retort({"score", file, "--label", "ok", "--out", Path("out"),
                                    "--disagreements", Path("./" + beside)});
    EXPECT_EQ(outcome.code, 1);
    ExpectContains(outcome.err, "grows in that place");
    EXPECT_FALSE(fs::exists(Path("out")));
    fs::copy_file(file, Path(beside));  // nor are its rows read from there
    ExpectContains(Retort({"score", Path(beside), "--out", Path("out"), "--resume"}).err,
                   "is an input of this command");
    EXPECT_EQ(ReadFile(Path(beside)), ReadFile(file));
    fs::remove(Path(beside));
  }
}

TEST_F(ScoreFilesTest, APlantedPartialFileIsNotTouched) {
  const std::string file = WriteRows("a.jsonl", 3), theirs = Write("theirs", "");
  for (const std::string beside : {"out.partial", "out.partial.rows"}) {
    for (const int kind : {0, 1, 2}) {
      if (kind == 0) fs::create_symlink(theirs, Path(beside));
      if (kind == 1) fs::create_hard_link(theirs, Path(beside));
      if (kind == 2) mkfifo(Path(beside).c_str(), 0600);
      for (const std::string resume : {"--resume=false", "--resume"}) {
        const Outcome outcome = Retort({"score", file, "--out", Path("out"), resume});
        EXPECT_EQ(outcome.code, 1);
        ExpectContains(outcome.err, Path(beside) + ": is a link, a pipe");
      }
      EXPECT_EQ(ReadFile(theirs), "");
      fs::remove(Path(beside));
    }
  }
}

// A pipe that stays open keeps the program waiting for more rows: it is killed where it stands.
class ScoreResumeTest : public ScoreFilesTest {
 protected:
  static constexpr int kRows = 900;

  /// Feeds the first `rows` and stops it by `signal`.
  Outcome Stop(const std::string& rows, int signal, std::vector<std::string> arguments = {}) {
    const std::string fifo = Path("rows");
    EXPECT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    std::signal(SIGPIPE, SIG_IGN);
    arguments.insert(arguments.begin(), {"score", fifo, "--out", Path("out"), "--keep", "id"});
    const pid_t pid = Start(arguments);
    std::ofstream pipe(fifo);
    pipe << rows << std::flush;
    for (int i = 0; i < 500 && !HasVerdicts(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    kill(pid, signal);
    pipe.close();
    return Wait(pid);
  }
  bool HasVerdicts() const {
    std::error_code none;
    return fs::file_size(Path("out.partial"), none) > 0 && !none;
  }
  std::string Expected(const std::string& file) const {
    EXPECT_EQ(Retort({"score", file, "--out", Path("whole"), "--keep", "id"}).code, 0);
    return ReadFile(Path("whole"));
  }
};

// Nothing more comes, and nobody asks it to stop.
TEST_F(ScoreResumeTest, WhatWasJudgedIsSafeWhileAPipeBringsNothing) {
  const std::string rows = ReadFile(WriteRows("a.jsonl", 5));
  const std::string fifo = Path("rows");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::signal(SIGPIPE, SIG_IGN);
  const pid_t pid = Start({"score", fifo, "--out", Path("out")});
  std::ofstream pipe(fifo);
  pipe << rows << std::flush;
  const auto kept = [&] {
    return fs::exists(Path("out.partial")) ? Split(Trim(ReadFile(Path("out.partial"))), '\n').size()
                                           : 0;
  };
  for (int i = 0; i < 6000 && kept() < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(kept(), 5u);
  kill(pid, SIGKILL);
  Wait(pid);
}

TEST_F(ScoreResumeTest, WhatWasJudgedIsKeptAndGoneOnWith) {
  const std::string file = WriteRows("a.jsonl", kRows), rows = ReadFile(file);
  const std::string expected = Expected(file);
  const std::string first = rows.substr(0, rows.size() / 2);
  const Outcome stopped = Stop(first, SIGTERM);
  EXPECT_EQ(stopped.code, 130);
  ExpectContains(stopped.err, "retort: interrupted: ");
  ExpectContains(stopped.err, "out.partial");
  ExpectContains(stopped.err, "--resume");
  EXPECT_FALSE(fs::exists(Path("out")));
  const std::string partial = ReadFile(Path("out.partial"));
  EXPECT_TRUE(expected.starts_with(partial));
  EXPECT_TRUE(partial.ends_with("\n"));
  // Not started anew over it.
  const Outcome again = Retort({"score", file, "--out", Path("out"), "--keep", "id"});
  EXPECT_EQ(again.code, 1);
  ExpectContains(again.err, "--resume");
  EXPECT_EQ(ReadFile(Path("out.partial")), partial);
  // Other rows, other options.
  std::string other = rows;
  other[other.find("#### ") + 5] = '7';
  const Outcome rest = Retort(
      {"score", Write("other.jsonl", other), "--out", Path("out"), "--keep", "id", "--resume"});
  EXPECT_EQ(rest.code, 1);
  ExpectContains(rest.err, "belong to other rows");
  const Outcome few = Retort({"score", Write("few.jsonl", rows.substr(0, rows.find('\n') + 1)),
                              "--out", Path("out"), "--keep", "id", "--resume"});
  EXPECT_EQ(few.code, 1);
  ExpectContains(few.err, "belong to other rows");
  const Outcome options = Retort({"score", file, "--out", Path("out"), "--keep", "id", "--resume",
                                  "--option", "extraction=boxed"});
  EXPECT_EQ(options.code, 1);
  ExpectContains(options.err, "other columns, judges");
  EXPECT_EQ(ReadFile(Path("out.partial")), partial);
  // The rest.
  const Outcome resumed =
      Retort({"score", file, "--out", Path("out"), "--keep", "id", "--resume", "--json", "--label",
              "ok", "--by", "level", "--disagreements", Path("differ")});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  ASSERT_EQ(Retort({"score", file, "--label", "ok", "--keep", "id", "--disagreements",
                    Path("differ whole")})
                .code,
            0);
  EXPECT_EQ(ReadFile(Path("differ")), ReadFile(Path("differ whole")));
  EXPECT_EQ(ReadFile(Path("out")), expected);
  EXPECT_EQ(resumed.json()["rows"], kRows);
  EXPECT_EQ(resumed.json()["right"], kRows - kRows / 3);
  EXPECT_TRUE(resumed.json()["agreement"].is_number());
  EXPECT_EQ(resumed.json()["by"]["level"]["1"]["responses"], kRows / 2);
  EXPECT_FALSE(fs::exists(Path("out.partial")));
  EXPECT_FALSE(fs::exists(Path("out.partial.rows")));
}

TEST_F(ScoreResumeTest, TwoDoNotWriteOneFile) {
  const std::string fifo = Path("rows"), file = WriteRows("a.jsonl", 3);
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const pid_t pid = Start({"score", fifo, "--out", Path("out")});
  std::ofstream pipe(fifo);  // opened when the first one is
  pipe << ReadFile(file) << std::flush;
  for (int i = 0; i < 2000 && !HasVerdicts(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fs::create_directory(Path("second"));
  for (const char* resume : {"--resume", "--resume=false"}) {
    const Outcome second =
        Shell("$RETORT score " + file + " --out " + Path("out") + " " + resume + " > " +
              Path("second/out") + " 2> " + Path("second/err") + "; exit $?");
    EXPECT_EQ(second.code, 1);
    ExpectContains(ReadFile(Path("second/err")),
                   StrCat("is being written by retort score (process ", pid, " on "));
  }
  pipe.close();
  EXPECT_EQ(Wait(pid).code, 0);
  EXPECT_EQ(Lines(ReadFile(Path("out"))).size(), 3u);
}

TEST_F(ScoreResumeTest, AKilledProcessLosesOnlyWhatWasUnderWay) {
  const std::string file = WriteRows("a.jsonl", kRows), rows = ReadFile(file);
  const std::string expected = Expected(file);
  EXPECT_EQ(Stop(rows, SIGKILL).code, 128 + SIGKILL);
  const std::string partial = ReadFile(Path("out.partial"));
  EXPECT_TRUE(expected.starts_with(partial));
  EXPECT_GT(partial.size(), 0u);
  // Torn where a write was cut, in both files.
  std::ofstream(Path("out.partial"), std::ios::app) << "{\"row\": 12";
  std::ofstream(Path("out.partial.rows"), std::ios::app) << "{\"rows\": 9";
  ASSERT_EQ(Retort({"score", file, "--out", Path("out"), "--keep", "id", "--resume"}).code, 0);
  EXPECT_EQ(ReadFile(Path("out")), expected);
}

TEST_F(ScoreResumeTest, PanelsListsAndBadLinesAreGoneOnWith) {
  std::string rows;
  for (int i = 0; i < kRows; ++i) {
    rows += i % 7 == 3
                ? "{bad\n"
                : ToJsonLine({{"answer", i},
                              {"response", {StrCat("#### ", i), nullptr, "<answer>1</answer>"}}}) +
                      "\n";
  }
  const std::string file = Write("a.jsonl", rows);
  const std::vector<std::string> panel{"--panel", R"([{"verifier":"math"},{"verifier":"format"}])"};
  const auto score = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), panel.begin(), panel.end());
    return Retort(arguments);
  };
  ASSERT_EQ(score({"score", file, "--keep", "id", "--out", Path("whole")}).code, 1);
  // The messages of bad lines name the file, so it is given by the same name.
  ASSERT_EQ(Stop(rows, SIGKILL, panel).code, 128 + SIGKILL);
  const Outcome whole = score({"score", file, "--keep", "id", "--json"});
  const Outcome resumed =
      score({"score", file, "--keep", "id", "--out", Path("out"), "--resume", "--json"});
  ASSERT_EQ(resumed.code, 1) << resumed.err;
  for (const char* key : {"rows", "responses", "right", "wrong", "unjudged", "bad_lines"}) {
    EXPECT_EQ(resumed.json()[key], whole.json()[key]) << key;
  }
  EXPECT_EQ(ReplaceAll(ReadFile(Path("out")), Path("rows") + ":", file + ":"),
            ReadFile(Path("whole")));
}

TEST_F(ScoreResumeTest, ResumeNeedsAFile) {
  const std::string file = WriteRows("a.jsonl", 3);
  EXPECT_EQ(Retort({"score", file, "--resume"}).code, 2);
  EXPECT_EQ(Retort({"score", file, "--resume", "--out", "/dev/null"}).code, 1);
  // Nothing to go on with.
  const Outcome anew = Retort({"score", file, "--resume", "--out", Path("out")});
  EXPECT_EQ(anew.code, 0);
  ExpectContains(anew.err, "starting at the first row");
  EXPECT_TRUE(fs::exists(Path("out")));
}

}  // namespace
}  // namespace retort::cli::score_files_test
