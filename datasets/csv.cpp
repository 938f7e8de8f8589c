#include "datasets/csv.h"

#include <utility>

#include "base/error.h"

namespace retort::datasets {

void CsvRecord::Clear() { *this = {}; }

void CsvRecord::EndField() {
  fields_.push_back(std::exchange(field_, {}));
  state_ = State::kStart;
}

bool CsvRecord::AddLine(std::string_view line) {
  if (state_ == State::kQuoted) field_ += '\n';
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (state_ == State::kQuoted) {
      if (c == '"') {
        state_ = State::kAfterQuote;
      } else {
        field_ += c;
      }
    } else if (c == ',') {
      EndField();
    } else if (c == '\r' && i + 1 == line.size()) {
      break;  // of CRLF
    } else if (c == '"' && state_ != State::kPlain) {
      if (state_ == State::kAfterQuote) field_ += c;  // a doubled quote
      state_ = State::kQuoted;
    } else {
      if (state_ == State::kAfterQuote && error_.empty()) {
        error_ = StrCat("field ", fields_.size() + 1,
                        " goes on after its closing quote; write a quote inside a field twice");
      }
      state_ = State::kPlain;
      field_ += c;
    }
  }
  if (state_ == State::kQuoted) return false;
  EndField();
  return true;
}

}  // namespace retort::datasets
