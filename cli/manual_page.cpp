// The manual page, as roff.

#include "base/strings.h"
#include "base/version.h"
#include "cli/command_info.h"

namespace retort::cli {
namespace {

// Text as roff takes it: nothing in it is a request or an escape.
std::string Roff(const std::string& text) {
  std::string out = ReplaceAll(ReplaceAll(text, "\\", "\\e"), "-", "\\-");
  out = ReplaceAll(std::move(out), "\n", "\n\\&");
  return "\\&" + out;
}

void AddEntry(std::string& out, const std::string& name, const std::string& help) {
  out += ".TP\n.B " + Roff(name) + "\n" + Roff(help) + "\n";
}

constexpr const char* kEnd = R"roff(.SH EXIT STATUS
.TP
.B 0
Success.
.TP
.B 1
Failure: the message on standard error says where, what was got and what to do.
.TP
.B 2
A command line that cannot be understood.
.TP
.B 130
Stopped by Ctrl\-C, SIGTERM or SIGHUP; what was done is kept, and the message says how to go on.
.SH ENVIRONMENT
.TP
.B COLUMNS
Width of help and of tables on a terminal.
.TP
.B RETORT_ISA
Instruction set to compute with, such as AVX2; by default the best one here.
)roff";

}  // namespace

std::string ManualPage(const CommandInfo& program) {
  std::string out = StrCat(".TH RETORT 1 \"\" \"retort ", kVersion,
                           "\" \"User Commands\"\n.SH NAME\nretort \\- the DeepSeek\\-R1 recipe on "
                           "ordinary CPUs\n.SH SYNOPSIS\n.B retort\n.I COMMAND\n[\\fIFLAGS\\fR]\n"
                           ".SH DESCRIPTION\n");
  out += Roff(program.help) + "\n";
  for (const ArgumentInfo& flag : program.flags) AddEntry(out, FlagText(flag), flag.help);
  out += ".SH COMMANDS\n";
  for (const CommandInfo* command : AllCommands(program)) {
    if (!command->commands.empty()) continue;  // a group: its members follow
    out += ".SS " + Roff(UsageLine(*command)) + "\n" + Roff(command->help) + "\n";
    for (const ArgumentInfo& argument : command->positionals) {
      AddEntry(out, argument.name, argument.help);
    }
    for (const ArgumentInfo& flag : command->flags) {
      if (flag.name != "--help") AddEntry(out, FlagText(flag), HelpOf(flag));
    }
  }
  return out + kEnd;
}

}  // namespace retort::cli
