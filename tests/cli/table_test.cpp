#include "cli/parts/table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace retort::cli::table_test {
namespace {

TEST(Table, NumbersGoRightAndWordsLeft) {
  EXPECT_EQ(FormatTable({{"name", "n"}, {{"a", "1"}, {"über", "12.5"}}}),
            "name     n\n"
            "----  ----\n"
            "a        1\n"
            "über  12.5\n");
}

TEST(Table, TextFromOutsideCannotDriveTheTerminal) {
  EXPECT_EQ(OneLine("a\nb\t\x1b[2J\xff"), "a\\nb\\t\\x1b[2J\\xff");
}

TEST(Table, NarrowTablesBreakHeadsAndShortenTextsButNeverNumbers) {
  const Table table{
      {"family", "right if direct", "text"},
      {{"multiplication", "123,456,789", "a long text that goes on and on"}, {"b", "7", "short"}}};
  EXPECT_EQ(FormatTable(table, 0).find("right if direct"), size_t{16});
  EXPECT_EQ(FormatTable(table, 40),
            "                 right if\n"
            "family             direct  text\n"
            "------------  -----------  -------------\n"
            "multiplicat…  123,456,789  a long text …\n"
            "b                       7  short\n");
  EXPECT_EQ(FormatTable(table, 15),
            "family           multipl…\n"
            "right if direct  123,456,789\n"
            "text             a long …\n"
            "\n"
            "family           b\n"
            "right if direct  7\n"
            "text             short\n");
}

TEST(Table, ShortensByCharactersNotBytes) {
  EXPECT_EQ(Shorten("äöü", 3), "äöü");
  EXPECT_EQ(Shorten("äöüß", 3), "äö…");
  EXPECT_EQ(Shorten(std::string(10000, 'x'), 5), "xxxx…");
}

TEST(Table, NumbersForPeople) {
  EXPECT_EQ(Thousands(1234567), "1,234,567");
  EXPECT_EQ(Thousands(-123), "-123");
  EXPECT_EQ(Thousands(-1234), "-1,234");
  EXPECT_EQ(Bytes(1536), "1.5 KiB");
  EXPECT_EQ(Percent(0.5), "50.0 %");
  EXPECT_EQ(Percent(NAN), "-");
  EXPECT_EQ(Duration(4.54), "4.5 s");
  EXPECT_EQ(Duration(3723), "1:02:03");
  EXPECT_EQ(Duration(123), "2:03");
}

}  // namespace
}  // namespace retort::cli::table_test
