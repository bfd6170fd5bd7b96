/*
 * The two states of a connection in which a TLS handshake goes on, and what the embedder is told of a client's TLS.
 *
 * A step costs up to a millisecond of the processor, so the engine gives these a bounded share of a turn, behind
 * everything else (tls_push). A client whose handshake fails gets the alert and a record with the reason.
 */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tls_openssl.h"

void tls_client_begin(struct engine *engine, struct connection *connection) {
  if (!tls_accept(engine, &connection->client, connection->listener)) {
    connection_end(engine, connection, REASON_INTERNAL_ERROR);
    return;
  }
  connection->state = STATE_CLIENT_TLS;
  tls_push(engine, connection);
}

static void client_failed(struct engine *engine, struct connection *connection) {
  const char *why = NULL;
  tls_failure(&connection->client, &why);
  counter_add(&engine->tls_refused, 1);
  connection_keep_why(connection, "tlsError", why != NULL ? why : "reset during the handshake");
  if (why == NULL) {
    connection_end(engine, connection, REASON_CLIENT_ABORTED);
  } else {
    linger_begin(engine, connection, false, REASON_TLS_FAILED);
  }
}

void tls_client_run(struct engine *engine, struct connection *connection) {
  switch (tls_handshake(engine, &connection->client)) {
    case TLS_MORE:
      if (connection->client.readable) tls_push(engine, connection);
      return;
    case TLS_FAILED: client_failed(engine, connection); return;
    case TLS_DONE: break;
  }
  counter_add(&engine->tls_accepted, 1);
  if (tls_resumed(&connection->client)) counter_add(&engine->tls_resumed, 1);
  connection->state = STATE_READING_REQUEST;
  handshake_read_request(engine, connection);
}

void tls_backend_run(struct engine *engine, struct connection *connection) {
  const char *why = NULL;
  switch (tls_handshake(engine, &connection->backend)) {
    case TLS_MORE:
      if (connection->backend.readable) tls_push(engine, connection);
      return;
    case TLS_FAILED: {
      int error = tls_failure(&connection->backend, &why);
      counter_add(&engine->tls_unconnected, 1);
      upstream_failed(engine, connection, error, why);
      return;
    }
    case TLS_DONE: break;
  }
  counter_add(&engine->tls_connected, 1);
  tls_settle(&connection->backend);
  upstream_secured(engine, connection);
}

bool tls_resumed(const struct side *side) { return SSL_session_reused(side->tls->ssl) == 1; }

/* What is wrong with the client's certificate: X509_V_OK when it is good or none was asked for. */
static long client_problem(const struct tls *tls) {
  if ((SSL_get_verify_mode(tls->ssl) & SSL_VERIFY_PEER) == 0) return X509_V_OK;
  if (tls->verify_error != X509_V_OK) return tls->verify_error;
  const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
  if (certificate == NULL) return X509_V_ERR_UNSPECIFIED;
  /* A session that is resumed brings the verdict of its first handshake; time has gone on since. */
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) return X509_V_ERR_CERT_HAS_EXPIRED;
  return SSL_get_verify_result(tls->ssl);
}

bool tls_unverified(const struct side *side) { return client_problem(side->tls) != X509_V_OK; }

/* RFC 2253, in which no control character comes through. */
static size_t print_subject(const struct tls *tls, char *out, size_t size) {
  const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
  BIO *bio = certificate != NULL ? BIO_new(BIO_s_mem()) : NULL;
  char *text = NULL;
  if (bio == NULL) return 0;
  X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  long length = BIO_get_mem_data(bio, &text);
  size_t copied = length > 0 ? (size_t)length : 0;
  if (copied > size) copied = size;
  memcpy(out, text, copied);
  BIO_free(bio);
  return copied;
}

uint32_t tls_describe(const struct side *side, char *out, size_t size) {
  const struct tls *tls = side->tls;
  long problem = client_problem(tls);
  const char *name = tls->server_name != NULL ? tls->server_name : "";
  bool asked = (SSL_get_verify_mode(tls->ssl) & SSL_VERIFY_PEER) != 0;
  const uint8_t *alpn = (const uint8_t *)"";
  unsigned alpn_length = 0;
  SSL_get0_alpn_selected(tls->ssl, &alpn, &alpn_length);
  int length = snprintf(out, size, "%s\n%s\n%s\n%.*s\n%s\n%s\n", SSL_get_version(tls->ssl),
                        SSL_get_cipher_name(tls->ssl), name, (int)alpn_length, (const char *)alpn,
                        asked && problem == X509_V_OK ? "verified" : "",
                        problem != X509_V_OK ? X509_verify_cert_error_string(problem) : "");
  if (length < 0 || (size_t)length >= size) return 0;
  return (uint32_t)((size_t)length + print_subject(tls, out + length, size - (size_t)length));
}

void tls_forget(struct side *side) {
  free(side->tls->server_name);
  side->tls->server_name = NULL;
}

void tls_settle(struct side *side) {
  struct tls *tls = side->tls;
  sni_drop(tls->table);
  tls->table = NULL;
  tls->chosen = NULL;
  tls_context_drop(tls->context);
  tls->context = NULL;
}
