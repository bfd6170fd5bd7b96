/*
 * Opening a listening socket: address, port, and the options that accepted sockets inherit from it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

void keepalive_set(int fd, const struct keepalive_options *options) {
  int on = 1, idle = (int)options->idle_s, interval = (int)options->interval_s, count = (int)options->count;
  int timeout = (int)options->user_timeout_ms;
  if (idle > 0) {
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  }
  if (timeout > 0) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

/* What accepted sockets inherit from their listener: no syscall a connection. */
static void set_inherited(int fd, const struct listen_options *options) {
  int on = 1, defer = (int)options->defer_accept_s;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  keepalive_set(fd, &options->keepalive);
  if (defer > 0) setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof defer);
}

static socklen_t parse_address(const struct listen_options *options, union address *address) {
  memset(address, 0, sizeof *address);
  if (inet_pton(AF_INET, options->address, &address->v4.sin_addr) == 1) {
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(options->port);
    return sizeof address->v4;
  }
  if (inet_pton(AF_INET6, options->address, &address->v6.sin6_addr) == 1) {
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(options->port);
    return sizeof address->v6;
  }
  errno = EINVAL;
  return 0;
}

int listener_open(const struct listen_options *options, uint16_t *port, const char **syscall_name) {
  union address address;
  int on = 1, off = 0;
  *syscall_name = "inet_pton";
  socklen_t length = parse_address(options, &address);
  if (length == 0) return -1;
  *syscall_name = "socket";
  int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options->reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  set_inherited(fd, options);
  *syscall_name = "bind";
  bool bound = bind(fd, &address.any, length) == 0;
  if (bound) *syscall_name = "listen";
  if (bound && listen(fd, (int)options->backlog) == 0 && getsockname(fd, &address.any, &length) == 0) {
    *port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    return fd;
  }
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}
