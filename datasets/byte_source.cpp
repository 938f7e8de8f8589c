#include "datasets/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"

namespace retort::datasets {
namespace {

constexpr size_t kPieceBytes = 128 << 10;
constexpr size_t kMagicBytes = 4;

bool IsGzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

bool IsZstandard(std::string_view bytes) {
  if (bytes.size() < kMagicBytes) return false;
  const bool skippable = (bytes[0] & 0xF0) == 0x50 && bytes.substr(1, 3) == "\x2A\x4D\x18";
  return skippable || bytes.starts_with("\x28\xB5\x2F\xFD");
}

}  // namespace

/// Turns compressed bytes into plain ones, a piece at a time.
class ByteSource::Decoder {
 public:
  enum class State { kGoesOn, kBetween, kCorrupt };  ///< between two members: may end here
  virtual ~Decoder() = default;
  /// Takes from `input` and fills `output` from its start; `size` tells how far.
  virtual State Decode(std::string_view& input, std::string& output, size_t& size) = 0;
  virtual const char* format() const = 0;
};

class ByteSource::Gzip : public Decoder {
 public:
  Gzip() {
    constexpr int kGzipOnly = 16;
    RETORT_CHECK(inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK, "cannot start gzip");
  }
  ~Gzip() override { inflateEnd(&stream_); }
  const char* format() const override { return "gzip"; }

  State Decode(std::string_view& input, std::string& output, size_t& size) override {
    size = 0;
    if (between_) {
      // Tapes and block devices pad with zeros, which gzip skips.
      input.remove_prefix(std::min(input.find_first_not_of('\0'), input.size()));
      if (input.empty()) return State::kBetween;
      if (inflateReset(&stream_) != Z_OK) return State::kCorrupt;
      between_ = false;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = static_cast<uInt>(output.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    input.remove_prefix(input.size() - stream_.avail_in);
    size = output.size() - stream_.avail_out;
    if (code == Z_STREAM_END) {
      between_ = true;
      return State::kBetween;
    }
    return code == Z_OK || code == Z_BUF_ERROR ? State::kGoesOn : State::kCorrupt;
  }

 private:
  z_stream stream_{};
  bool between_ = false;
};

class ByteSource::Zstandard : public Decoder {
 public:
  Zstandard() : stream_(ZSTD_createDStream()) { RETORT_CHECK(stream_, "cannot start Zstandard"); }
  ~Zstandard() override { ZSTD_freeDStream(stream_); }
  const char* format() const override { return "Zstandard"; }

  State Decode(std::string_view& input, std::string& output, size_t& size) override {
    size = 0;
    if (between_ && input.empty()) return State::kBetween;
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const size_t left = ZSTD_decompressStream(stream_, &out, &in);
    input.remove_prefix(in.pos);
    size = out.pos;
    if (ZSTD_isError(left)) return State::kCorrupt;
    between_ = left == 0;
    return between_ ? State::kBetween : State::kGoesOn;
  }

 private:
  ZSTD_DStream* stream_;
  bool between_ = false;
};

ByteSource::ByteSource(const std::string& path) : name_(path) {
  if (path == "-") {
    name_ = "standard input";
    fd_ = STDIN_FILENO;
    return;
  }
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  RETORT_CHECK(fd_ >= 0 || errno != ENOENT, path, ": no such file; check the path");
  if (fd_ < 0) FailErrno(path, "open");
  struct stat status {};
  const bool folder = ::fstat(fd_, &status) == 0 && S_ISDIR(status.st_mode);
  if (folder) ::close(fd_);
  RETORT_CHECK(!folder, path, ": is a folder, expected a file of rows");
}

ByteSource::~ByteSource() {
  if (fd_ != STDIN_FILENO) ::close(fd_);
}

std::string_view ByteSource::ReadRaw() {
  raw_.resize(kPieceBytes);
  ssize_t size = 0;
  do {
    size = ::read(fd_, raw_.data(), raw_.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) FailErrno(name_, "read on");
  consumed_ += size;
  return std::string_view(raw_).substr(0, static_cast<size_t>(size));
}

std::string_view ByteSource::Next() {
  if (!started_) {
    started_ = true;
    // A pipe may hand out single bytes; the first four tell the format.
    std::string head;
    while (head.size() < kMagicBytes) {
      const std::string_view more = ReadRaw();
      if (more.empty()) break;
      head += more;
    }
    raw_ = std::move(head);
    input_ = raw_;
    if (IsGzip(input_)) decoder_ = std::make_unique<Gzip>();
    if (IsZstandard(input_)) decoder_ = std::make_unique<Zstandard>();
    if (decoder_) {
      output_.resize(kPieceBytes);
    } else if (!input_.empty()) {
      return input_;
    }
  }
  if (!decoder_) return ReadRaw();

  for (;;) {
    if (input_.empty()) input_ = ReadRaw();
    const bool at_end = input_.empty();
    size_t size = 0;
    const auto state = decoder_->Decode(input_, output_, size);  // at the end what it held back
    const int64_t offset = consumed_ - static_cast<int64_t>(input_.size());
    RETORT_CHECK(state != Decoder::State::kCorrupt, name_, ": corrupt ", decoder_->format(),
                 " data at byte ", offset, "; make the file anew");
    if (size > 0) return std::string_view(output_).substr(0, size);
    RETORT_CHECK(!at_end || state == Decoder::State::kBetween, name_, ": the ", decoder_->format(),
                 " data is cut off at byte ", offset, "; make the file anew");
    if (at_end) return {};
  }
}

}  // namespace retort::datasets
