#pragma once
// What both halves of the interpreter use.

#include <string>

#include "base/error.h"
#include "model/internal/jinja_interpreter.h"

namespace retort::model::jinja {

/// Functions that every template has.
bool IsGlobal(std::string_view name);

/// One level of what runs: a step, and a bound on the stack.
class Interpreter::Deeper {
 public:
  static constexpr int kDeepest = 1200;

  Deeper(Interpreter& interpreter, const Node& node) : interpreter_(interpreter) {
    interpreter.line_ = node.line;
    interpreter.budget_.Spend(1);
    RETORT_CHECK(interpreter.depth_ < kDeepest, "running deeper than ", kDeepest, " levels");
    ++interpreter.depth_;
  }
  ~Deeper() { --interpreter_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Interpreter& interpreter_;
};

/// While it lives, what is written goes here.
class Interpreter::Captured {
 public:
  explicit Captured(Interpreter& interpreter)
      : interpreter_(interpreter), before_(std::exchange(interpreter.out_, &text_)) {}
  ~Captured() { interpreter_.out_ = before_; }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  std::string Take() {
    interpreter_.out_ = before_;
    return std::move(text_);
  }

 private:
  Interpreter& interpreter_;
  std::string* before_;
  std::string text_;
};

}  // namespace retort::model::jinja
