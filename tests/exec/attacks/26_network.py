# 26. Network: TCP, UDP, DNS, abstract sockets. -> exited
import socket, sys
port, name = int(sys.argv[3]), sys.argv[4]
def tcp():
    socket.create_connection(("127.0.0.1", port), 1)
def udp():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
def dns():
    socket.getaddrinfo("localhost.localdomain.test", 80)
def local():
    socket.socket(socket.AF_UNIX).connect("\0" + name)
def listening():
    socket.socket().bind(("127.0.0.1", 0))
def raw():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
for attempt in (tcp, udp, dns, local, listening, raw):
    try:
        attempt()
        print("ESCAPED:", attempt.__name__)
    except OSError:
        pass
