#include "exec/sandbox.h"

#include <gtest/gtest.h>

#include <chrono>

#include "exec/python_host.h"

namespace retort::exec {
namespace {

TEST(Sandbox, Runs) {
  for (bool ns : {true, false}) {
    const Sandbox sandbox({.namespaces = ns});
    std::cerr << sandbox.layers().Names() << "\n";
    RunResult r = sandbox.Run({.command = {"/bin/cat"}}, "hello");
    EXPECT_TRUE(r.Success()) << r.message << r.err;
    EXPECT_EQ(r.out, "hello");
    r = sandbox.Run({.command = {"/bin/sh", "-c",
                                 "ls -la /usr /proc .; echo $$; echo hi > x; echo ho > /tmp/x; cat "
                                 "/proc/1/environ; cat /etc/passwd"},
                     .tools = true,
                     .limits = {.processes = 5}});
    std::cerr << r.out << r.err << r.message << EnumName(r.ending) << r.layers.Names() << "\n";
    auto t = [] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
          .count();
    };
    double b = t();
    for (int i = 0; i < 100; ++i) sandbox.Run({.command = {"/bin/true"}});
    std::cerr << "true " << (t() - b) * 10 << " ms\n";
    const PythonHost cold(sandbox,
                          {"def main(): print('hi', __import__('os').listdir('.'))", false}),
        warm(sandbox, {"def main(): print('hi', __import__('os').listdir('.'))"});
    for (const PythonHost* h : {&cold, &warm}) {
      RunResult r = h->Start({})->Finish();
      std::cerr << EnumName(r.ending) << r.message << r.out << r.err << r.layers.Names() << "\n";
      b = t();
      for (int i = 0; i < 100; ++i) h->Start({})->Finish();
      std::cerr << "python " << (t() - b) * 10 << " ms\n";
    }
  }
}
}  // namespace
}  // namespace retort::exec
