/*
 * The closed list of close reasons: why a connection ended, as the access log names it.
 *
 * docs/architecture.md explains each one; a test holds the two lists against each other. Append only: the position is
 * the code that event records carry.
 */
#ifndef SLUICE_REASONS_H
#define SLUICE_REASONS_H

#define SLUICE_REASONS(X)                                                                                              \
  X(CLIENT_CLOSED, "client-closed")                                                                                    \
  X(BACKEND_CLOSED, "backend-closed")                                                                                  \
  X(CLIENT_RESET, "client-reset")                                                                                      \
  X(BACKEND_RESET, "backend-reset")                                                                                    \
  X(CLIENT_VANISHED, "client-vanished")                                                                                \
  X(BACKEND_VANISHED, "backend-vanished")                                                                              \
  X(IDLE_TIMEOUT, "idle-timeout")                                                                                      \
  X(HALF_CLOSE_TIMEOUT, "half-close-timeout")                                                                          \
  X(LIFETIME, "lifetime")                                                                                              \
  X(DRAIN_TIMEOUT, "drain-timeout")                                                                                    \
  X(WORKER_LOST, "worker-lost")                                                                                        \
  X(REFUSED, "refused")                                                                                                \
  X(RELAYED, "relayed")                                                                                                \
  X(RELAY_TRUNCATED, "relay-truncated")                                                                                \
  X(CLIENT_ABORTED, "client-aborted")                                                                                  \
  X(REQUEST_TIMEOUT, "request-timeout")                                                                                \
  X(INTERNAL_ERROR, "internal-error")                                                                                  \
  X(ENDPOINT_UNHEALTHY, "endpoint-unhealthy")                                                                          \
  X(ENDPOINT_DRAINING, "endpoint-draining")                                                                            \
  X(ENDPOINT_REMOVED, "endpoint-removed")                                                                              \
  X(ROUTE_REMOVED, "route-removed")                                                                                    \
  X(LISTENER_REMOVED, "listener-removed")                                                                              \
  X(TLS_FAILED, "tls-failed")                                                                                          \
  X(CLIENT_TRUNCATED, "client-truncated")                                                                              \
  X(BACKEND_TRUNCATED, "backend-truncated")                                                                            \
  X(MALFORMED_PROXY_HEADER, "malformed-proxy-header")                                                                  \
  X(HTTP2_FLOOD, "http2-flood")                                                                                        \
  X(HTTP2_PROTOCOL, "http2-protocol")

#define SLUICE_REASON_ENUM(name, text) REASON_##name,
enum reason { SLUICE_REASONS(SLUICE_REASON_ENUM) REASON_COUNT };
#undef SLUICE_REASON_ENUM

/* The text of a reason; reason_parse answers -1 for a text that is none. */
const char *reason_text(enum reason reason);
int reason_parse(const char *text);

#endif
