/*
 * The state of a connection whose PROXY header is awaited: before TLS, before the request's head, within the same time.
 *
 * The header is peeked at until it is whole, and then exactly it is taken: what is behind it stays in the socket for
 * whoever reads next. From then on the connection is the client's that it names, in everything.
 */
#include <errno.h>
#include <sys/socket.h>

#include "internal.h"

static void turn_away(struct engine *engine, struct connection *connection, const char *why) {
  connection_keep_why(connection, "proxyError", why);
  connection_end(engine, connection, REASON_MALFORMED_PROXY_HEADER);
}

/* Takes the header out of the socket. */
static bool take(struct engine *engine, struct side *side, uint32_t length) {
  ssize_t count;
  do {
    count = recv(side->fd, engine->scratch, length, 0);
  } while (count < 0 && errno == EINTR);
  side->readable = side->wire = true; /* what is behind it is still to be read */
  return count == (ssize_t)length;
}

static void finish(struct engine *engine, struct connection *connection, const struct proxy_header *header) {
  if (!take(engine, &connection->client, header->length)) {
    connection_end(engine, connection, REASON_CLIENT_ABORTED);
    return;
  }
  if (header->named) {
    connection->address = header->address;
    connection->port = header->port;
  }
  connection_begin(engine, connection);
}

void proxy_begin(struct engine *engine, struct connection *connection) {
  connection->state = STATE_CLIENT_PROXY;
  proxy_run(engine, connection);
}

void proxy_run(struct engine *engine, struct connection *connection) {
  struct side *client = &connection->client;
  bool ending = client->hup; /* known before reading: then everything that comes is there already */
  if (!client->readable) return;
  ssize_t count = side_peek(client, engine->scratch, PROXY_BYTES_MAX);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    connection_end(engine, connection, REASON_CLIENT_ABORTED);
    return;
  }
  struct proxy_header header;
  switch (proxy_parse(engine->scratch, (size_t)count, &header)) {
    case PROXY_DONE: finish(engine, connection, &header); return;
    case PROXY_MALFORMED: turn_away(engine, connection, header.why); return;
    case PROXY_MORE: break;
  }
  client->readable = false; /* the next event brings more, or the end */
  if (ending) connection_end(engine, connection, REASON_CLIENT_ABORTED);
}
