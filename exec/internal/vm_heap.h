#pragma once
// The values of one run of a Mini program, the operations on them, and what they cost; private to
// this room.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "exec/vm.h"

namespace retort::exec {

struct VmList;
using VmText = const std::string*;
/// Texts and lists belong to the heap.
using VmValue = std::variant<int64_t, bool, VmText, VmList*>;
struct VmList {
  std::vector<VmValue> items;
};

/// Texts and lists live until the end of the run, so that lists which hold each other leak nothing.
/// Every operation that fails throws Error with the line; ending() says what kind of end that is.
class VmHeap {
 public:
  explicit VmHeap(const VmLimits& limits) : limits_(limits) {}
  VmHeap(const VmHeap&) = delete;
  VmHeap& operator=(const VmHeap&) = delete;

  void SetLine(int line) { line_ = line; }
  VmEnding ending() const { return ending_; }
  int64_t steps() const { return steps_; }

  template <class... Args>
  [[noreturn]] void Stop(const Args&... args) const {
    if (line_ == 0) Fail("input: ", args...);
    Fail("line ", line_, ": ", args...);
  }
  void SpendSteps(size_t count);
  void SpendCells(size_t count);

  VmValue NewText(std::string text);
  VmList* NewList(std::vector<VmValue> items);
  void Append(VmList* list, VmValue value);
  VmValue FromJson(const Json& json, int depth = 0);
  Json ToJson(const VmValue& value, int depth = 0);

  int64_t Bounded(int64_t value) const;
  int64_t Number(const VmValue& value) const;
  bool Boolean(const VmValue& value) const;
  VmList* List(const VmValue& value) const;

  /// `update` is that of "x+=1": there Python changes a list itself, and all that share it.
  VmValue Binary(std::string_view op, bool update, const VmValue& left, const VmValue& right);
  /// The element that an index means, counted from the end when negative.
  size_t Place(int64_t index, size_t size) const;
  VmValue Item(const VmValue& whole, int64_t index);
  size_t Size(const VmValue& value) const;
  /// From `begin` to before `end`, both within 0 … Size(whole).
  VmValue Slice(const VmValue& whole, int64_t begin, int64_t end);
  VmValue Call(std::string_view function, const std::vector<VmValue>& arguments);

 private:
  VmValue Order(std::string_view op, const VmValue& left, const VmValue& right);
  VmValue Arithmetic(std::string_view op, int64_t a, int64_t b) const;
  VmValue Repeat(const VmValue& whole, int64_t times);
  bool Equal(const VmValue& a, const VmValue& b, int depth);
  bool Contains(const VmValue& whole, const VmValue& part);
  VmValue Sorted(const std::vector<VmValue>& items);

  const VmLimits& limits_;
  std::deque<std::string> texts_;
  std::deque<VmList> lists_;
  VmEnding ending_ = VmEnding::kError;
  int line_ = 0;
  int64_t steps_ = 0, cells_ = 0;
};

}  // namespace retort::exec
