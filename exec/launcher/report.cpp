#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "exec/launcher/call.h"
#include "exec/launcher/launcher.h"

namespace retort::exec {

Reading ReadRequest() {
  constexpr int64_t kMaxArguments = 255;
  static const char* arguments[kMaxArguments + 1];
  struct stat status {};
  if (fstat(kRequestFd, &status) != 0 || status.st_size < static_cast<off_t>(sizeof(Request))) {
    Die("request");
  }
  const void* memory =
      mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, kRequestFd, 0);
  if (memory == MAP_FAILED) Die("request: mmap");
  Reading reading{.request = static_cast<const Request*>(memory), .arguments = arguments};
  reading.size = static_cast<size_t>(status.st_size);
  if (reading.request->arguments > kMaxArguments) Die("too many arguments");
  const char* at = static_cast<const char*>(memory) + sizeof(Request);
  for (int64_t i = 0; i < reading.request->arguments; ++i) {
    arguments[i] = at;
    at += strlen(at) + 1;
  }
  arguments[reading.request->arguments] = nullptr;
  reading.keep = at;
  reading.files = at + strlen(at) + 1;
  return reading;
}

bool SendDescriptor(int socket, const void* data, size_t size, int fd) {
  iovec part{const_cast<void*>(data), size};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return Call(SYS_sendmsg, socket, &message, MSG_NOSIGNAL) == static_cast<long>(size);
}

bool Send(const Report& report, int fd) {
  if (fd < 0) {  // as a program that is confined already may
    return Call(SYS_sendto, kControlFd, &report, sizeof report, MSG_NOSIGNAL, nullptr) ==
           static_cast<long>(sizeof report);
  }
  return SendDescriptor(kControlFd, &report, sizeof report, fd);
}

void Die(const char* what, int error) {
  Report report;
  std::snprintf(report.text, sizeof report.text, "%s: %s", what, strerror(error));
  Send(report);
  _exit(1);
}

}  // namespace retort::exec
