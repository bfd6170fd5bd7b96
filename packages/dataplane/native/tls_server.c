/*
 * Contexts for clients, and how a handshake comes to one: it begins with the front context, which is the same for every
 * listener and holds the ticket keys' callback, and goes on with the one that the server name chooses.
 *
 * OpenSSL takes certificates, ciphers and authorities from the chosen context, but not the least version, whether a client
 * certificate is asked for, nor what sessions may be resumed: these are set again here, before anything is negotiated.
 * A client certificate that is not good does not fail the handshake: the request is answered with the reason (and
 * engine_connect refuses to dial for it); a client without one is turned away by the handshake.
 */
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_openssl.h"

#define CIPHERS                                                                                                        \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                           \
  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

static int on_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_length, const uint8_t *in, unsigned in_length, void *data) {
  (void)data;
  const struct tls *tls = SSL_get_app_data(ssl);
  const struct tls_context *context = tls->chosen;
  uint8_t *protocol = NULL;
  if (context == NULL || context->alpn_length == 0) return SSL_TLSEXT_ERR_NOACK;
  int found = SSL_select_next_proto(&protocol, out_length, context->alpn, context->alpn_length, in, in_length);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = protocol;
  return SSL_TLSEXT_ERR_OK;
}

static int on_client_certificate(int good, X509_STORE_CTX *store) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct tls *tls = SSL_get_app_data(ssl);
  if (!good && tls->verify_error == X509_V_OK) {
    tls->verify_error = X509_STORE_CTX_get_error(store);
    SSL_set_num_tickets(ssl, 0); /* nothing to come back with; TLS 1.2: tls_on_ticket */
  }
  return 1;
}

/* Letters, digits, `-`, `_`; no label is empty. The router reads hosts alike: a name that one of them took for another
 * listener's would pass by what that one asks of its clients. */
static bool read_labels(const uint8_t *bytes, size_t length, char *name) {
  int previous = '.';
  for (size_t i = 0; i < length; i++) {
    int character = bytes[i];
    bool good = character == '.' ? previous != '.' : isalnum(character) || character == '-' || character == '_';
    if (!good) return false;
    name[i] = (char)tolower(character);
    previous = character;
  }
  name[length] = 0;
  return previous != '.';
}

/* The client's server name in lower case, without the dot of an absolute name, "" for none. False: it is malformed. */
static bool read_server_name(SSL *ssl, char name[SERVER_NAME_MAX + 1]) {
  const uint8_t *bytes = NULL;
  size_t length = 0;
  name[0] = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &length) != 1) return true;
  if (length < 5 || (size_t)(bytes[0] << 8 | bytes[1]) != length - 2 || bytes[2] != TLSEXT_NAMETYPE_host_name) return false;
  size_t name_length = (size_t)(bytes[3] << 8 | bytes[4]);
  if (name_length > length - 5) return false;
  if (name_length > 1 && bytes[4 + name_length] == '.') name_length--;
  return name_length <= SERVER_NAME_MAX && read_labels(bytes + 5, name_length, name);
}

static bool take_context(SSL *ssl, const struct tls_context *context) {
  bool auth = context->client_auth;
  if (SSL_set_SSL_CTX(ssl, context->ssl) == NULL) return false;
  SSL_set_verify(ssl, auth ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, on_client_certificate);
  return SSL_set_min_proto_version(ssl, context->min_version) == 1 &&
         SSL_set_session_id_context(ssl, context->session_context, sizeof context->session_context) == 1;
}

static int on_client_hello(SSL *ssl, int *alert, void *data) {
  (void)data;
  struct tls *tls = SSL_get_app_data(ssl);
  char name[SERVER_NAME_MAX + 1];
  *alert = SSL_AD_DECODE_ERROR;
  tls->why = "malformed server name";
  if (!read_server_name(ssl, name)) return SSL_CLIENT_HELLO_ERROR;
  const struct tls_context *context = sni_find(tls->table, name);
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  tls->why = name[0] != 0 ? "no listener has this server name" : "no server name, and no listener without a hostname";
  if (context == NULL) return SSL_CLIENT_HELLO_ERROR;
  *alert = SSL_AD_INTERNAL_ERROR;
  tls->why = "no memory";
  free(tls->server_name);
  tls->server_name = strdup(name);
  if (tls->server_name == NULL || !take_context(ssl, context)) return SSL_CLIENT_HELLO_ERROR;
  tls->chosen = context;
  tls->why = NULL;
  return SSL_CLIENT_HELLO_SUCCESS;
}

static SSL_CTX *front;

static void make_front(void) {
  char error[TLS_ERROR_BYTES];
  struct tls_context *context = tls_context_new(TLS_server_method(), false, error);
  if (context == NULL) return;
  front = context->ssl; /* for good */
  SSL_CTX_set_client_hello_cb(front, on_client_hello, NULL);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(front, tls_on_ticket);
  SSL_CTX_set_num_tickets(front, 1);
  free(context);
}

SSL_CTX *tls_front(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_front);
  return front;
}

static bool ask_for_certificates(struct tls_context *context, const char *authorities, char *error) {
  STACK_OF(X509_NAME) *names = NULL;
  X509_STORE *store = tls_read_authorities(authorities, &names, error);
  if (store == NULL) return false;
  SSL_CTX_set_cert_store(context->ssl, store);
  SSL_CTX_set_client_CA_list(context->ssl, names);
  context->client_auth = true;
  return true;
}

/* What sessions may be resumed within: the embedder's name for it, and whom clients are verified by. */
static bool name_sessions(struct tls_context *context, const struct tls_server_options *options) {
  EVP_MD_CTX *digest = EVP_MD_CTX_new();
  unsigned length = 0;
  bool named = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
               EVP_DigestUpdate(digest, options->session_context, strlen(options->session_context) + 1) == 1 &&
               EVP_DigestUpdate(digest, options->client_ca, strlen(options->client_ca)) == 1 &&
               EVP_DigestFinal_ex(digest, context->session_context, &length) == 1;
  EVP_MD_CTX_free(digest);
  return named;
}

static bool configure(struct tls_context *context, const struct tls_server_options *options, char *error) {
  const char *ciphers = options->ciphers[0] != 0 ? options->ciphers : CIPHERS;
  if (SSL_CTX_set_cipher_list(context->ssl, ciphers) != 1) {
    return tls_problem(error, "none of the ciphers is known to OpenSSL");
  }
  for (uint32_t i = 0; i < options->certificate_count; i++) {
    if (!tls_use_certificate(context->ssl, &options->certificates[i], error)) return false;
  }
  if (!name_sessions(context, options)) return tls_problem(error, "no memory for a TLS context");
  memcpy(context->alpn, options->alpn, options->alpn_length);
  context->alpn_length = options->alpn_length;
  SSL_CTX_set_alpn_select_cb(context->ssl, on_alpn, NULL);
  return options->client_ca[0] == 0 || ask_for_certificates(context, options->client_ca, error);
}

uint32_t tls_server_context(const struct tls_server_options *options, char *error) {
  if (options->certificate_count == 0) {
    snprintf(error, TLS_ERROR_BYTES, "a TLS context for clients needs a certificate");
    return 0;
  }
  struct tls_context *context = tls_context_new(TLS_server_method(), options->tls13_only, error);
  if (context == NULL) return 0;
  context->server = true;
  if (configure(context, options, error)) return tls_context_register(context, error);
  tls_context_drop(context);
  return 0;
}

bool tls_accept(struct engine *engine, struct side *side, const struct listener *listener) {
  SSL_CTX *context = tls_front();
  struct sni_table *table = sni_hold(listener);
  if (table == NULL || context == NULL || !tls_side_new(engine, side, context)) {
    sni_drop(table);
    return false;
  }
  side->tls->table = table;
  SSL_set_accept_state(side->tls->ssl);
  return true;
}
