// 26. Sockets by the bare calls. -> exited
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <initializer_list>
int main(int, char** words) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<unsigned short>(atoi(words[3])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  strcpy(local.sun_path + 1, words[4]);
  for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW}) {
      if (socket(family, type, 0) >= 0) write(1, "ESCAPED", 7);
    }
  }
  // A pair that it may have cannot be turned outside.
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0) {
    if (connect(pair[0], reinterpret_cast<sockaddr*>(&local), sizeof local) == 0) {
      write(1, "ESCAPED", 7);
    }
    if (sendto(pair[0], "x", 1, 0, reinterpret_cast<sockaddr*>(&local), sizeof local) == 1) {
      write(1, "ESCAPED", 7);
    }
  }
}
