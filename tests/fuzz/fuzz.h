#pragma once
// What the fuzzers run. Each function takes any bytes and aborts with a message when something that
// must hold does not. A libFuzzer program is one *_fuzz.cpp with RETORT_FUZZER set to its function;
// seeds_test.cpp runs all of them over seeds/.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace retort {

void FuzzExtract(std::string_view text);       ///< extract.h
void FuzzParse(std::string_view text);         ///< parse.h and normal forms
void FuzzEqual(std::string_view text);         ///< "math": the first line is the gold answer
void FuzzJson(std::string_view text);          ///< base/json.h
void FuzzCsv(std::string_view text);           ///< datasets/jsonl.h, as CSV
void FuzzRows(std::string_view bytes);         ///< datasets/jsonl.h, compressed or not
void FuzzWire(std::string_view text);          ///< verifiers/code: a program's answer
void FuzzChatTemplate(std::string_view text);  ///< model/chat_template.h
void FuzzTokenizer(std::string_view input);    ///< model/tokenizer.h
void FuzzConfig(std::string_view text);        ///< model/config.h
void FuzzSafetensors(std::string_view bytes);  ///< model/safetensors.h

inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

}  // namespace retort

#ifdef RETORT_FUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  retort::RETORT_FUZZER({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
