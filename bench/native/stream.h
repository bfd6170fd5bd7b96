/* A client's socket, plain or with TLS, behind the calls that the modes make of it. TLS is the system's OpenSSL, its own CPU is
 * the load's. What a message becomes goes out in one send, as a browser's or Node's does; what the socket does not take
 * is kept by the stream. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H
#include <stddef.h>
#include <sys/types.h>

struct ssl_st;
struct ssl_session_st;

struct stream {
  int fd;
  struct ssl_st *ssl; /* NULL: plain */
};

/* What is offered to servers, and nothing else: so what is negotiated is known. `version` is "1.2" or "1.3". */
void stream_offer(const char *version);

/* Makes a connected, or connecting, stream one of TLS, resuming *session when there is one; the ticket that the server gives goes
 * there too. NULL: a full handshake, and tickets are let go. */
void stream_secure(struct stream *stream, struct ssl_session_st **session);

/* 1 = done, or plain; 0 = not complete yet; -1 = failed. */
int stream_handshake(struct stream *stream);
int stream_resumed(const struct stream *stream);

/* As send: what was taken, -1 with errno. */
ssize_t stream_send(struct stream *stream, const void *bytes, size_t length);
/* Sends what is kept. 1 = nothing is left, 0 = the socket is full, -1 = broken. */
int stream_flush(struct stream *stream);
/* As recv: 0 at the end, -1 with errno. */
ssize_t stream_receive(struct stream *stream, void *bytes, size_t capacity);
/* Ends what we send, in order. */
int stream_shut(struct stream *stream);
void stream_close(struct stream *stream);

#endif
