// Reads every #include line of the rooms against the table of rooms in the root CMakeLists.txt
// (handed over in layering.txt, see the CMakeLists.txt beside this file).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"

namespace retort {
namespace {
namespace fs = std::filesystem;

struct Room {
  std::set<std::string> rooms, public_libs, private_libs;
};

struct Table {
  std::map<std::string, Room> rooms;
  std::map<std::string, std::string> prefixes;  // of third-party headers -> library
};

Table ParseTable(const std::string& text) {
  Table table;
  for (const std::string& line : Split(text, '\n')) {
    std::istringstream words(line);
    std::string fact, name, word;
    words >> fact >> name;
    while (words >> word) {
      if (fact == "room") table.rooms[name].rooms.insert(word);
      if (fact == "public") table.rooms[name].public_libs.insert(word);
      if (fact == "private") table.rooms[name].private_libs.insert(word);
      if (fact == "headers") table.prefixes[word] = name;
    }
    if (fact == "room") table.rooms[name];
  }
  return table;
}

/// The room that a path lies in, the innermost; "" when in none.
std::string RoomOf(const Table& table, std::string path) {
  while (path.find('/') != std::string::npos) {
    path.erase(path.rfind('/'));
    if (table.rooms.contains(path)) return path;
  }
  return "";
}

/// What is wrong with one line of a file of `room`, or "".
std::string Violation(const Table& table, const std::string& room, const std::string& file,
                      std::string_view line) {
  line = Trim(line);
  if (line.substr(0, 1) != "#") return "";
  line = Trim(line.substr(1));
  if (line.substr(0, 7) != "include") return "";
  line = Trim(line.substr(7));
  if (line.empty() || (line[0] != '"' && line[0] != '<')) return "";  // a macro: Highway does so
  const std::string path(line.substr(1, line.find_first_of("\">", 1) - 1));
  const Room& own = table.rooms.at(room);

  const std::string other = line[0] == '"' ? RoomOf(table, path) : "";
  if (!other.empty()) {
    if (other != room && !own.rooms.contains(other))
      return StrCat(room, " may not include ", other);
    const auto is_private = [](const std::string& header) {
      return header.find("/internal/") != std::string::npos;
    };
    if (!is_private(path)) return "";
    if (other != room) return StrCat(path, " is private to ", other);
    const bool hidden = file.ends_with(".cpp") || is_private(file);
    return hidden ? "" : StrCat(path, " is private: it is not installed");
  }
  const auto library =
      std::find_if(table.prefixes.begin(), table.prefixes.end(),
                   [&](const auto& entry) { return path.starts_with(entry.first); });
  if (library != table.prefixes.end()) {
    const std::string& name = library->second;
    if (own.public_libs.contains(name)) {
      // Public through one header of the room; everybody else includes that header.
      return file == "base/json.h" ? "" : "include base/json.h instead";
    }
    if (!own.private_libs.contains(name)) return StrCat(room, " does not own ", name);
    const bool hidden = file.ends_with(".cpp") || file.ends_with("-inl.h");
    return hidden ? "" : StrCat(name, " is private: only .cpp files may include it");
  }
  if (line[0] == '"') return "quoted, but not a path into a room";
  return "";
}

const Table& RealTable() {
  static const Table table = ParseTable(ReadFile(RETORT_LAYERING_TABLE));
  return table;
}

TEST(IncludeLines, TheTableIsTheOneOfTheHouse) {
  const Table& table = RealTable();
  EXPECT_EQ(table.rooms.size(), 18u);
  EXPECT_TRUE(table.rooms.at("base").rooms.empty());
  EXPECT_FALSE(table.rooms.at("distill").rooms.contains("rl"));
  EXPECT_FALSE(table.rooms.at("rl").rooms.contains("distill"));
  EXPECT_FALSE(table.rooms.at("verifiers").rooms.contains("nn"));
  EXPECT_FALSE(table.rooms.at("verifiers/math").rooms.contains("exec"));
}

// Calls `visit(room, file, lines)` for every header and source of the rooms.
template <class Visit>
void ForFiles(const Visit& visit) {
  for (const auto& [room, unused] : RealTable().rooms) {
    const fs::path folder = fs::path(RETORT_SOURCE_DIR) / room;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      const std::string file = fs::relative(entry.path(), RETORT_SOURCE_DIR);
      if (RoomOf(RealTable(), file) != room) continue;  // of a room within
      visit(room, file, Split(ReadFile(entry.path()), '\n'));
    }
  }
}

TEST(IncludeLines, EveryRoomKeepsToTheTable) {
  int files = 0;
  ForFiles([&](const std::string& room, const std::string& file, const auto& lines) {
    ++files;
    int number = 0;
    for (const std::string& line : lines) {
      ++number;
      EXPECT_EQ(Violation(RealTable(), room, file, line), "") << file << ":" << number;
    }
  });
  EXPECT_GT(files, 10);
}

// So a header that leaves out what it needs does not compile.
TEST(IncludeLines, EveryFileIncludesItsOwnHeaderFirst) {
  int headers = 0;
  ForFiles([&](const std::string&, const std::string& file, const auto& lines) {
    if (file.ends_with(".h")) {
      EXPECT_TRUE(file.ends_with("-inl.h") || lines.front() == "#pragma once") << file;
      return;
    }
    fs::path header = fs::path(file).replace_extension(".h");
    const fs::path hidden = header.parent_path() / "internal" / header.filename();
    if (fs::exists(fs::path(RETORT_SOURCE_DIR) / hidden)) header = hidden;
    if (fs::exists(fs::path(RETORT_SOURCE_DIR) / header)) {
      ++headers;
      const auto first = std::ranges::find_if(
          lines, [](const std::string& line) { return line.starts_with("#include"); });
      EXPECT_EQ(*first, StrCat("#include \"", header.string(), "\"")) << file;
    }
  });
  EXPECT_GT(headers, 100);
}

// The linker takes one of two classes of the same name for both, and nothing tells.
TEST(IncludeLines, NoTwoClassesHaveOneName) {
  std::map<std::string, std::string> places;
  ForFiles([&](const std::string&, const std::string& file, const auto& lines) {
    std::string space;
    bool anonymous = false;
    for (const std::string& line : lines) {
      std::istringstream words(line);
      std::string kind, name;
      words >> kind >> name;
      if (kind == "namespace" && name == "{") anonymous = true;
      if (line == "}  // namespace") anonymous = false;
      if (kind == "namespace" && name != "{") space = name;
      if (kind == "enum" && name == "class") words >> name;
      const bool defines = line.ends_with('{') && !line.starts_with(' ') &&
                           (kind == "class" || kind == "struct" || kind == "enum");
      if (!defines || anonymous || name.find("::") != std::string::npos) continue;
      const auto [place, is_new] = places.emplace(space + "::" + name, file);
      EXPECT_TRUE(is_new) << space << "::" << name << " in " << place->second << " and " << file;
    }
  });
  EXPECT_GT(places.size(), 100u);
}

// The library's own parser knows no bounds: text from outside goes through base/json.h. What else
// calls it only asks whether a text is JSON.
TEST(IncludeLines, JsonIsParsedWithinBounds) {
  std::set<std::string> callers;
  ForFiles([&](const std::string&, const std::string& file, const auto& lines) {
    const std::string text = Join(lines, "\n");
    for (const char* call : {"son::parse(", "son::accept(", "son::sax_parse("}) {
      if (text.find(call) != std::string::npos) callers.insert(file);
    }
  });
  EXPECT_EQ(callers, (std::set<std::string>{"base/json.cpp", "verifiers/code/codeio_answer.cpp"}));
}

TEST(IncludeLines, ViolationsAreSeen) {
  const Table& table = RealTable();
  const auto judge = [&](const char* room, const char* file, const char* line) {
    return Violation(table, room, file, line);
  };
  EXPECT_EQ(judge("nn", "nn/x.cpp", "#include \"base/error.h\""), "");
  EXPECT_EQ(judge("nn", "nn/x.cpp", "#include <vector>"), "");
  EXPECT_EQ(judge("nn", "nn/x.cpp", "#include <hwy/highway.h>"), "");
  EXPECT_EQ(judge("nn", "nn/simd-inl.h", "#include \"hwy/highway.h\""), "");
  EXPECT_EQ(judge("nn", "nn/x.cpp", "// #include \"rl/x.h\""), "");
  EXPECT_EQ(judge("base", "base/json.h", "#include <nlohmann/json.hpp>"), "");

  EXPECT_NE(judge("nn", "nn/x.cpp", "#include \"model/x.h\""), "");
  EXPECT_NE(judge("nn", "nn/x.cpp", "  #  include \"model/x.h\"  // why"), "");
  EXPECT_NE(judge("distill", "distill/x.cpp", "#include \"rl/x.h\""), "");
  EXPECT_NE(judge("nn", "nn/x.h", "#include \"hwy/highway.h\""), "");
  EXPECT_NE(judge("model", "model/x.cpp", "#include <hwy/highway.h>"), "");
  EXPECT_NE(judge("model", "model/x.cpp", "#include <nlohmann/json.hpp>"), "");
  EXPECT_NE(judge("base", "base/options.h", "#include <nlohmann/json.hpp>"), "");
  EXPECT_NE(judge("train", "train/x.cpp", "#include <sqlite3.h>"), "");
  EXPECT_NE(judge("nn", "nn/x.cpp", "#include <gtest/gtest.h>"), "");
  EXPECT_EQ(judge("nn", "nn/x.cpp", "#include \"nn/internal/x.h\""), "");
  EXPECT_EQ(judge("nn", "nn/internal/x.h", "#include \"nn/internal/y.h\""), "");
  EXPECT_NE(judge("nn", "nn/x.h", "#include \"nn/internal/x.h\""), "");
  EXPECT_NE(judge("model", "model/x.cpp", "#include \"nn/internal/x.h\""), "");
  EXPECT_NE(judge("verifiers/math", "verifiers/math/x.cpp", "#include \"exec/x.h\""), "");
  EXPECT_NE(judge("verifiers/math", "verifiers/math/x.cpp", "#include \"verifiers/x.h\""), "");
  EXPECT_NE(judge("nn", "nn/x.cpp", "#include \"x.h\""), "");
  EXPECT_NE(judge("nn", "nn/x.cpp", "#include \"../rl/x.h\""), "");
  EXPECT_NE(judge("nn", "nn/x.cpp", "#include \"tests/support/x.h\""), "");
}

}  // namespace
}  // namespace retort
