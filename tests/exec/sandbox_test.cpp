#include "exec/sandbox.h"

#include <gtest/gtest.h>

namespace retort::exec {
namespace {

TEST(Sandbox, Runs) {
  const Sandbox sandbox;
  std::cerr << sandbox.layers().Names() << "\n";
  RunResult r = sandbox.Run({.command = {"/bin/cat"}}, "hello");
  EXPECT_TRUE(r.Success()) << r.message << r.err;
  EXPECT_EQ(r.out, "hello");
  r = sandbox.Run({.command = {"/bin/sh", "-c", "ls -la / /proc /work /dev; id; echo $$"}, .limits = {.processes = 5}});
  std::cerr << r.out << r.err << r.message << EnumName(r.ending) << r.layers.Names() << "\n";
}
}  // namespace
}  // namespace retort::exec
