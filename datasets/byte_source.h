#pragma once
// The bytes of a file or of standard input, whether or not they are compressed.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace retort::datasets {

/// Reads a stream in pieces. What begins like gzip or Zstandard is decompressed; several members or
/// frames one after the other are one stream, as their own programs take them. Memory is constant.
class ByteSource {
 public:
  /// "-" reads standard input. Throws Error when the file cannot be opened.
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// The next piece, valid until the next call; empty at the end. Throws Error, naming the offset
  /// in the file, on a stream that is cut off or corrupt, and when the file cannot be read on.
  std::string_view Next();
  /// Read of the file itself so far: compressed bytes, where it is compressed.
  int64_t consumed() const { return consumed_; }
  /// The path, or "standard input".
  const std::string& name() const { return name_; }

 private:
  class Decoder;
  class Gzip;
  class Zstandard;

  std::string_view ReadRaw();

  std::string name_;
  int fd_ = -1;
  int64_t consumed_ = 0;
  bool started_ = false;
  std::string raw_;                   // as read
  std::string_view input_;            // what of it is still to be decoded
  std::string output_;                // as decoded
  std::unique_ptr<Decoder> decoder_;  // none for plain bytes
};

}  // namespace retort::datasets
