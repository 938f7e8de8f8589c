// Landlock (landlock(7)): what the process and its children may reach, whatever their user. The
// numbers are those of the kernel's interface; the headers of Debian 12 know only the first
// version.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exec/launcher/launcher.h"

namespace retort::exec {
namespace {

constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;

enum Right : uint64_t {
  kExecute = 1 << 0,
  kWriteFile = 1 << 1,
  kReadFile = 1 << 2,
  kReadDir = 1 << 3,
  kMakeChar = 1 << 6,
  kMakeSocket = 1 << 9,
  kMakeBlock = 1 << 11,
  kRefer = 1 << 13,       // version 2
  kTruncate = 1 << 14,    // version 3
  kIoctlDevice = 1 << 15  // version 5
};
constexpr uint64_t kFirstRights = (1 << 13) - 1;
constexpr uint64_t kFileRights = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDevice;

struct Attributes {
  uint64_t files = 0;
  uint64_t network = 0;  // version 4: TCP bind, connect
  uint64_t scope = 0;    // version 6: abstract sockets, signals
};

struct [[gnu::packed]] PathRule {
  uint64_t rights;
  int32_t fd;
};

void AllowPath(int ruleset, const char* path, uint64_t rights) {
  const int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return;  // this system does without
  struct stat status {};
  if (fstat(fd, &status) != 0) Die("landlock: fstat");
  if (!S_ISDIR(status.st_mode)) rights &= kFileRights;
  const PathRule rule{rights, fd};
  if (syscall(kAddRule, ruleset, 1, &rule, 0) != 0) Die("landlock_add_rule");
  close(fd);
}

}  // namespace

int LandlockVersion() {
  const long version = syscall(kCreateRuleset, nullptr, 0, 1);
  return version > 0 ? static_cast<int>(version) : 0;
}

void Restrict(const Request& request) {
  const int version = LandlockVersion();
  if (version == 0) Die("landlock");
  Attributes attributes{.files = kFirstRights};
  if (version >= 2) attributes.files |= kRefer;
  if (version >= 3) attributes.files |= kTruncate;
  if (version >= 4) attributes.network = 3;
  if (version >= 5) attributes.files |= kIoctlDevice;
  if (version >= 6) attributes.scope = 3;
  const int ruleset = static_cast<int>(syscall(kCreateRuleset, &attributes, sizeof attributes, 0));
  if (ruleset < 0) Die("landlock_create_ruleset");

  const uint64_t read = kReadFile | kReadDir;
  const uint64_t all =
      attributes.files & ~uint64_t{kMakeChar | kMakeBlock | kMakeSocket | kIoctlDevice};
  for (const char* path : {"/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin"}) {
    AllowPath(ruleset, path, read | kExecute);
  }
  for (const char* path : {"/etc/ld.so.cache", "/etc/alternatives"}) {
    AllowPath(ruleset, path, read);
  }
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    AllowPath(ruleset, path, attributes.files & (kReadFile | kWriteFile | kTruncate));
  }
  // A tool chain starts the system's programs only, never what it wrote.
  AllowPath(ruleset, ".", request.flags & kTools ? all & ~uint64_t{kExecute} : all);
  if (request.flags & kUseNamespaces) {
    for (const char* path : {"/tmp", "/dev/shm"}) AllowPath(ruleset, path, all);
    AllowPath(ruleset, "/proc", read);
  }
  if (syscall(kRestrictSelf, ruleset, 0) != 0) Die("landlock_restrict_self");
  close(ruleset);
}

}  // namespace retort::exec
