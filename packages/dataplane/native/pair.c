/*
 * Pairs of sockets between the engine and its embedder: the engine has one end as a client's or a backend's socket, the
 * embedder the other as the client's.
 *
 * What is written to one end and not read at the other is the kernel's memory, of which a client can have as much as it has
 * pairs (a stream of HTTP/2 each): so it is bounded, both ways. And pairs leave the descriptors of the reserve alone: it is
 * a request that is refused for want of one, not a log or the bus that fails.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* As much as one read of the engine's takes. Bookkeeping included, the kernel makes it twice that. */
#define PAIR_SEND_BYTES (64 << 10)

/* The kernel gives the lowest number that is free, so this many are open at least. */
static bool is_reserved(int fd) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd + DESCRIPTOR_RESERVE >= limit.rlim_cur;
}

bool pair_open(int fds[2]) {
  int size = PAIR_SEND_BYTES;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) return false;
  for (int end = 0; end < 2; end++) setsockopt(fds[end], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (!is_reserved(fds[0]) && !is_reserved(fds[1])) return true;
  close(fds[0]);
  close(fds[1]);
  errno = EMFILE;
  return false;
}
