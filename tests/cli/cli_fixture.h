#pragma once
// Runs the program as a user does: a process with arguments and standard input, whose two outputs
// and exit code are looked at.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"

extern char** environ;

namespace retort::cli {

struct Outcome {
  int code = -1;  ///< exit code, or 128 + the signal that ended it
  std::string out, err;

  Json json() const { return ParseJson(out, "standard output"); }
};

/// A folder of its own per test, with the program at hand.
class CliTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    const auto path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  /// Starts `retort ARGUMENTS…`; its outputs go to files of the folder.
  pid_t Start(const std::vector<std::string>& arguments, const std::string& input = "") const {
    std::vector<std::string> words = arguments;
    words.insert(words.begin(), Program());
    return StartProgram(std::move(words), input);
  }

  pid_t StartProgram(std::vector<std::string> words, const std::string& input) const {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string in = Write(".stdin", input), out = folder_ / ".stdout",
                      err = folder_ / ".stderr";
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, in.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    EXPECT_EQ(failed, 0) << "cannot start " << argv[0] << "; build the target 'retort'";
    return pid;
  }

  Outcome Wait(pid_t pid) const {
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            ReadFile(folder_ / ".stdout"), ReadFile(folder_ / ".stderr")};
  }

  Outcome Retort(const std::vector<std::string>& arguments, const std::string& input = "") const {
    return Wait(Start(arguments, input));
  }

  /// A command line of bash, in which $RETORT is the program.
  Outcome Shell(const std::string& command) const {
    ::setenv("RETORT", Program().c_str(), 1);
    return Wait(StartProgram({"/bin/bash", "-c", command}, ""));
  }

  static std::string Program() {
    return (std::filesystem::path(RETORT_BINARY_DIR) / "retort").string();
  }

  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

inline void ExpectContains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
}

}  // namespace retort::cli
