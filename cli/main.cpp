#include "cli/program.h"

int main(int argc, char** argv) { return retort::cli::RunProgram(argc, argv); }
