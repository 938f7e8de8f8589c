// Rows from plain and compressed JSON Lines and CSV, from files and from standard input.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>

#include "base/file.h"
#include "base/folder.h"
#include "datasets/jsonl.h"
#include "tests/support/error_of.h"

namespace retort::datasets::row_reader_test {
namespace {

std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstandard(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

class RowReaderTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& bytes) const {
    const auto path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  /// "number:row" or "number:!error without the path", a line each.
  static std::string Rows(const std::string& path, RowFormat format = RowFormat::kAuto) {
    JsonlReader reader(path, format);
    std::string rows;
    for (JsonlLine line; reader.Next(line);) {
      EXPECT_NE(line.row.has_value(), !line.error.empty());
      EXPECT_TRUE(line.row || line.error.starts_with(reader.Where(line.number) + ": "));
      rows += StrCat(line.number, ":", line.row ? ToJsonLine(*line.row) : "!" + line.error, "\n");
    }
    if (path != "-") {
      EXPECT_EQ(reader.consumed(), static_cast<int64_t>(std::filesystem::file_size(path)));
    }
    return rows;
  }
  std::string Csv(const std::string& text) const { return Rows(File("a.csv", text)); }

  TemporaryFolder folder_;
};

void ExpectPart(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << " is not in " << text;
}

TEST_F(RowReaderTest, CompressedFilesReadAsPlainOnes) {
  std::string text, expected;
  for (int i = 1; i <= 30000; ++i) {
    text += StrCat("{\"n\":", i, "}\n");
    expected += StrCat(i, ":{\"n\":", i, "}\n");
  }
  const std::string half = text.substr(0, 100003), rest = text.substr(100003);
  for (const std::string& bytes :
       {text, Gzip(text), Zstandard(text), Gzip(half) + Gzip(rest),
        Zstandard(half) + Zstandard("") + Zstandard(rest), Gzip(text) + std::string(700, '\0'),
        std::string("\x50\x2A\x4D\x18\x03\0\0\0abc", 11) + Zstandard(text)}) {
    EXPECT_EQ(Rows(File("rows", bytes)), expected);  // by content, whatever the name
  }
  for (const std::string& bytes : {Gzip(""), Zstandard(""), std::string()}) {
    EXPECT_EQ(Rows(File("rows", bytes)), "");
  }
}

TEST_F(RowReaderTest, StreamsCutOffOrCorruptNameTheOffset) {
  std::string text;
  for (int i = 0; i < 30000; ++i) text += StrCat("{\"n\":", i * 7919 % 30011, "}\n");
  for (const std::string& whole : {Gzip(text), Zstandard(text)}) {
    const std::string cut = whole.substr(0, whole.size() - 5);
    const std::string cut_off = ErrorOf([&] { Rows(File("rows.gz", cut)); });
    ExpectPart(cut_off, "rows.gz: the ");
    ExpectPart(cut_off, StrCat("cut off at byte ", cut.size()));
    std::string corrupt = whole;
    for (size_t i = 0; i < 64; ++i) corrupt[whole.size() / 2 + i] ^= '\x5A';
    ExpectPart(ErrorOf([&] { Rows(File("rows.gz", corrupt)); }), " data at byte ");
    ExpectPart(ErrorOf([&] { Rows(File("rows.gz", whole + "garbage")); }), "corrupt");
  }
}

TEST_F(RowReaderTest, StandardInputMayBeCompressedToo) {
  const std::string text = "{\"a\":1}\n\n{\"a\":2}\n";
  for (const std::string& bytes : {text, Gzip(text), Zstandard(text)}) {
    const int kept = ::dup(STDIN_FILENO);
    const int file = ::open(File("in", bytes).c_str(), O_RDONLY);
    ::dup2(file, STDIN_FILENO);
    EXPECT_EQ(Rows("-"), "1:{\"a\":1}\n3:{\"a\":2}\n");
    EXPECT_EQ(JsonlReader("-").Where(3), "standard input:3");
    ::dup2(kept, STDIN_FILENO);
    ::close(kept);
    ::close(file);
  }
}

TEST_F(RowReaderTest, CsvGivesRowsOfTexts) {
  EXPECT_EQ(Csv("\xEF\xBB\xBFid,text,n\r\n"
                "1,\"a, \"\"b\"\"\",3.50\r\n"
                "\r\n"
                "2,\"two\r\nlines\",\r\n"
                "3,in\"side,\"\"\n"
                "4,last,\xC3\xA9"),
            "2:{\"id\":\"1\",\"text\":\"a, \\\"b\\\"\",\"n\":\"3.50\"}\n"
            "4:{\"id\":\"2\",\"text\":\"two\\r\\nlines\",\"n\":\"\"}\n"
            "6:{\"id\":\"3\",\"text\":\"in\\\"side\",\"n\":\"\"}\n"
            "7:{\"id\":\"4\",\"text\":\"last\",\"n\":\"é\"}\n");
  EXPECT_EQ(Csv("a,b\n"), "");
  EXPECT_EQ(Csv(""), "");
}

TEST_F(RowReaderTest, CsvIsToldByNameOrByFlag) {
  const std::string text = "a\n1\n", row = "2:{\"a\":\"1\"}\n";
  EXPECT_EQ(Rows(File("x.CSV", text)), row);
  EXPECT_EQ(Rows(File("x.csv.gz", Gzip(text))), row);
  EXPECT_EQ(Rows(File("x.csv.zst", Zstandard(text))), row);
  EXPECT_EQ(Rows(File("x.txt", text), RowFormat::kCsv), row);
  EXPECT_EQ(Rows(File("y.csv", "{\"a\":1}\n"), RowFormat::kJsonl), "1:{\"a\":1}\n");
}

TEST_F(RowReaderTest, BadCsvRowsNameTheirLineAndDoNotEndTheReading) {
  const std::string rows = Csv("a,b\n1,2,3\n\"x\ny\",2\n1\n\"a\"b,2\n\xFF,1\n5,6\n");
  ExpectPart(rows, "a.csv:2: got 3 fields, the header names 2 columns");
  ExpectPart(rows, "3:{\"a\":\"x\\ny\",\"b\":\"2\"}\n");
  ExpectPart(rows, "a.csv:5: got 1 fields");
  ExpectPart(rows, "a.csv:6: field 1 goes on after its closing quote");
  ExpectPart(rows, "a.csv:7: column 'a' is not UTF-8");
  ExpectPart(rows, "8:{\"a\":\"5\",\"b\":\"6\"}\n");
  ExpectPart(Csv("a,b\n1,\"open\n2,3\n"), "a.csv:2: a quoted field begins here and does not end");
  ExpectPart(ErrorOf([&] { Csv("a,b,a\n1,2,3\n"); }), "a.csv:1: the header names the column 'a'");
}

TEST_F(RowReaderTest, ProblemsMayBeCsv) {
  const auto problems =
      LoadProblems(File("p.csv.gz", Gzip("question,answer,level\n1+1?,2,easy\n")), {});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].prompt, "1+1?");
  EXPECT_EQ(problems[0].answer, "2");
  EXPECT_EQ(problems[0].extra["level"], "easy");
}

}  // namespace
}  // namespace retort::datasets::row_reader_test
