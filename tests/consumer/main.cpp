#include <iostream>

#include "base/executor.h"
#include "base/json.h"
#include "verifiers/verifier.h"

int main() {
  const retort::Executor executor(2);
  int tiles[2] = {0, 0};
  executor.ParallelFor(2, [&](int64_t tile, int) { ++tiles[tile]; });
  const retort::Json json = retort::ParseJson(R"({"answer": 42})", "consumer");
  std::cout << retort::ToJsonLine(json) << '\n';
  return tiles[0] == 1 && tiles[1] == 1 && json["answer"] == 42 ? 0 : 1;
}
