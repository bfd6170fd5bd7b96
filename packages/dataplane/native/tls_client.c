/*
 * Contexts for backends: verified by the given authorities and by name. Only who says so, and gives neither authorities nor
 * names, gets one that is not.
 *
 * A certificate must have one of the names: a DNS name (one wildcard label, the subject is never looked at, RFC 9525), an
 * address, or a URI (spiffe://…).
 */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_openssl.h"

static bool has_uri(X509 *certificate, const char *uri) {
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  bool found = false;
  for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    found = type == GEN_URI && (size_t)ASN1_STRING_length(value) == strlen(uri) &&
            memcmp(ASN1_STRING_get0_data(value), uri, strlen(uri)) == 0;
  }
  GENERAL_NAMES_free(names);
  return found;
}

static bool has_name(X509 *certificate, const char *name) {
  if (strstr(name, "://") != NULL) return has_uri(certificate, name);
  int address = X509_check_ip_asc(certificate, name, 0);
  if (address != -2) return address == 1; /* it is one: no DNS name, nor a wildcard, stands for it */
  unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return X509_check_host(certificate, name, 0, flags, NULL) == 1;
}

static int on_backend_certificate(X509_STORE_CTX *store, void *argument) {
  const struct tls_context *context = argument; /* lives as long as the SSL_CTX: a side holds it */
  int verified = X509_verify_cert(store);
  if (verified != 1) return verified;
  X509 *certificate = X509_STORE_CTX_get0_cert(store);
  for (uint32_t i = 0; i < context->name_count; i++) {
    if (has_name(certificate, context->names[i])) return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

static bool trust(struct tls_context *context, const char *authorities, char *error) {
  unsigned length = sizeof context->ca_digest;
  if (EVP_Digest(authorities, strlen(authorities), context->ca_digest, &length, EVP_sha256(), NULL) != 1) {
    return tls_problem(error, "no memory for a TLS context");
  }
  X509_STORE *store = tls_context_store(context->ca_digest);
  if (store == NULL) store = tls_read_authorities(authorities, NULL, error);
  if (store == NULL) return false;
  SSL_CTX_set_cert_store(context->ssl, store);
  return true;
}

static bool take_names(struct tls_context *context, const struct tls_client_options *options, char *error) {
  for (uint32_t i = 0; i < options->name_count; i++) {
    context->names[i] = strdup(options->names[i]);
    if (context->names[i] == NULL) return tls_problem(error, "no memory for a TLS context");
    context->name_count++;
  }
  context->server_name = strdup(options->server_name);
  return context->server_name != NULL || tls_problem(error, "no memory for a TLS context");
}

static bool configure(struct tls_context *context, const struct tls_client_options *options, char *error) {
  if (!take_names(context, options, error)) return false;
  if (options->verify) {
    if (!trust(context, options->ca, error)) return false;
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context->ssl, on_backend_certificate, context);
  } else {
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_NONE, NULL);
  }
  if (SSL_CTX_set_alpn_protos(context->ssl, (const uint8_t *)"\x08http/1.1", 9) != 0) {
    return tls_problem(error, "no memory for a TLS context");
  }
  return options->certificate.chain == NULL || tls_use_certificate(context->ssl, &options->certificate, error);
}

uint32_t tls_client_context(const struct tls_client_options *options, char *error) {
  bool bare = options->name_count == 0 && options->ca[0] == 0;
  if (options->verify ? options->name_count == 0 : !bare) {
    snprintf(error, TLS_ERROR_BYTES, options->verify ? "a TLS context for backends needs a name to verify"
                                                     : "a TLS context that verifies nothing has neither names nor authorities");
    return 0;
  }
  struct tls_context *context = tls_context_new(TLS_client_method(), options->tls13_only, error);
  if (context == NULL) return 0;
  if (configure(context, options, error)) return tls_context_register(context, error);
  tls_context_drop(context);
  return 0;
}

bool tls_connect(struct engine *engine, struct side *side, uint32_t number) {
  struct tls_context *context = tls_context_hold(number, false);
  if (context == NULL) return false;
  bool made = tls_side_new(engine, side, context->ssl);
  if (made && context->server_name[0] != 0) {
    made = SSL_set_tlsext_host_name(side->tls->ssl, context->server_name) == 1;
  }
  if (made) {
    SSL_set_connect_state(side->tls->ssl);
    side->tls->context = context; /* held: the names are asked for during the handshake */
  } else {
    tls_context_drop(context);
  }
  return made;
}
