#pragma once
// Small helpers of the file-format tests.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "base/error.h"
#include "tests/support/error_of.h"

namespace retort::model {

/// For EXPECT_PRED2(Contains, text, part).
inline bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A scratch folder of the running test.
inline std::filesystem::path TestFolder() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) /
                                 StrCat("retort_", info->test_suite_name(), "_", info->name());
  std::filesystem::create_directories(folder);
  return folder;
}

/// Without the sync of an atomic write: thousands of files in a second.
inline std::filesystem::path WritePlain(const std::filesystem::path& path,
                                        const std::string& bytes) {
  std::filesystem::remove(path);  // some file systems sync a file that replaces its old content
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

}  // namespace retort::model
