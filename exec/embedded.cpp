// The launcher travels inside the library, so that it is there wherever the library is.

#include "exec/internal/sandbox_impl.h"

asm(R"(
  .section .rodata
  .balign 16
  .global retort_launcher_program
  .global retort_launcher_library
  .global retort_launcher_end
retort_launcher_program:
  .incbin ")" RETORT_LAUNCHER_PROGRAM R"("
retort_launcher_library:
  .incbin ")" RETORT_LAUNCHER_LIBRARY R"("
retort_launcher_end:
  .byte 0
  .previous
)");

extern "C" const char retort_launcher_program[], retort_launcher_library[], retort_launcher_end[];

namespace retort::exec {

std::string_view LauncherProgram() { return {retort_launcher_program, retort_launcher_library}; }

std::string_view LauncherLibrary() { return {retort_launcher_library, retort_launcher_end}; }

}  // namespace retort::exec
