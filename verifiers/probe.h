#pragma once
// A red team for rewards: known ways to be paid without the right answer, fed to a judge. Nothing a
// model could say of these deserves more than a wrong answer does.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/text/verifier.h"

namespace retort::verifiers {

/// One cheat. In its text «…» is an answer given in the form that is tried, {gold} the right
/// answer, {other} another one, {list} and {boxes} a hundred numbers and the right one among them,
/// {digits} and {open} twenty thousand nines and opening brackets.
struct Probe {
  const char* name;
  const char* text;
  int times = 1;  ///< the text that many times over
};
const std::vector<Probe>& Probes();

/// Ways to give an answer, "%" standing for it: "<answer>%</answer>", "\boxed{%}", ….
const std::vector<const char*>& AnswerForms();

std::string ProbeText(const Probe& probe, std::string_view gold, std::string_view form);

/// What a judge makes of one response.
struct Payment {
  bool right = false;
  double reward = 0;
  std::string reason;
};

struct ProbeResult {
  const Probe* probe = nullptr;
  Payment payment;       ///< the highest of all forms
  bool paid = false;     ///< as much as the right answer in that form
  std::string response;  ///< what it was given for
};

struct ProbeReport {
  std::vector<std::string> forms;    ///< those in which the right answer is right: others are moot
  std::vector<ProbeResult> results;  ///< in the order of Probes()
  int64_t paid = 0;                  ///< of the results
};

/// Tries every cheat in every form in which the right answer is right.
ProbeReport RunProbes(const std::string& gold,
                      const std::function<Payment(const Response&)>& judge);

}  // namespace retort::verifiers
