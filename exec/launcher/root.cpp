// A root directory of its own, in memory (mount_namespaces(7), pivot_root(2)).

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "exec/launcher/launcher.h"

namespace retort::exec {
namespace {

constexpr const char* kPlace = "/tmp";  // where the new root is built

void MountMemory(const char* place, const Request& request, const char* mode) {
  char options[96];
  std::snprintf(options, sizeof options, "size=%lld,nr_inodes=4096,mode=%s",
                static_cast<long long>(request.file_bytes), mode);
  if (mount("retort", place, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0) Die("mount tmpfs");
}

// A file system mounted by somebody else keeps the flags it was locked with.
void MakeReadOnly(const char* place, bool what_is_below = true) {
#ifdef SYS_mount_setattr
  struct {
    uint64_t set, clear, propagation, userns;
  } attributes{1 /* RDONLY */ | 2 /* NOSUID */, 0, 0, 0};
  const unsigned flags = what_is_below ? 0x8000 /* AT_RECURSIVE */ : 0;
  if (syscall(SYS_mount_setattr, AT_FDCWD, place, flags, &attributes, sizeof attributes) == 0) {
    return;
  }
#endif
  struct statvfs now {};
  if (statvfs(place, &now) != 0) Die("statvfs");
  unsigned long all = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID;
  if (now.f_flag & ST_NODEV) all |= MS_NODEV;
  if (now.f_flag & ST_NOEXEC) all |= MS_NOEXEC;
  if (now.f_flag & ST_NOATIME) all |= MS_NOATIME;
  if (now.f_flag & ST_NODIRATIME) all |= MS_NODIRATIME;
  if (now.f_flag & ST_RELATIME) all |= MS_RELATIME;
  if (mount(nullptr, place, nullptr, all, nullptr) != 0) Die("remount read-only");
}

// Shows a file or folder of the old root at the same path of the new one; a link becomes a link.
void Show(const char* path, bool writable = false) {
  char place[64];
  std::snprintf(place, sizeof place, "%s%s", kPlace, path);
  struct stat status {};
  if (lstat(path, &status) != 0) return;  // this system does without
  if (S_ISLNK(status.st_mode)) {
    char target[256];
    const ssize_t size = readlink(path, target, sizeof target - 1);
    if (size <= 0) Die("readlink");
    target[size] = '\0';
    if (symlink(target, place) != 0) Die("symlink");
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    if (mkdir(place, 0755) != 0) Die("mkdir");
  } else {
    const int fd = open(place, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0) Die("create a mount point");
    close(fd);
  }
  if (mount(path, place, nullptr, MS_BIND | MS_REC, nullptr) != 0) Die("bind");
  if (!writable) MakeReadOnly(place);
}

// Processes of this namespace and nothing else, where the kernel can. It must see another /proc, in
// full, to allow it: a container may have none, and then there is none here.
void MountProc(const char* place) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("proc", place, "proc", kFlags, "subset=pid") == 0) return;
  if (errno == EINVAL) mount("proc", place, "proc", kFlags, nullptr);
}

}  // namespace

void BuildRoot(const Request& request) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) Die("mount private");
  MountMemory(kPlace, request, "755");
  for (const char* path : {"/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin"}) Show(path);
  const mode_t mask = umask(0);
  for (const char* folder : {"/tmp/etc", "/tmp/dev", "/tmp/proc", "/tmp/work", "/tmp/tmp"}) {
    if (mkdir(folder, 0755) != 0) Die("mkdir");
  }
  if (mkdir("/tmp/dev/shm", 0755) != 0) Die("mkdir");
  umask(mask);
  for (const char* path : {"/etc/ld.so.cache", "/etc/alternatives"}) Show(path);
  for (const char* device :
       {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    Show(device, true);
  }
  MountProc("/tmp/proc");
  if (chdir(kPlace) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) Die("pivot_root");
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) Die("leave the old root");
  if (chdir("/work") != 0) Die("chdir");
}

void CoverWork(const Request& request) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) Die("mount private");
  // One memory for the three, of which each shows a part.
  MountMemory("/tmp", request, "700");
  struct Part {
    const char *folder, *place;
  };
  for (const Part& part :
       {Part{"/tmp/work", "/work"}, {"/tmp/shm", "/dev/shm"}, {"/tmp/tmp", "/tmp"}}) {
    if (mkdir(part.folder, 0700) != 0) Die("mkdir");
    if (mount(part.folder, part.place, nullptr, MS_BIND, nullptr) != 0) Die("bind");
  }
  MountProc("/proc");
  if (chdir("/work") != 0) Die("chdir");
}

void FreezeRoot() { MakeReadOnly("/", false); }

}  // namespace retort::exec
