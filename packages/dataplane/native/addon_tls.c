/*
 * TLS contexts, tables of server names and ticket keys: calls of the primary.
 *
 * Options are copied into C for the call and freed behind it, keys wiped; what is wrong with them is an exception with words
 * for the operator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "listeners.h"
#include "tls.h"

#define ENTRIES_MAX 65536

static void wipe(char *text) {
  if (text == NULL) return;
  explicit_bzero(text, strlen(text));
  free(text);
}

static char *copy_string(napi_env env, napi_value value) {
  size_t length = 0;
  if (value == NULL || napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = malloc(length + 1);
  if (text == NULL) return NULL;
  napi_get_value_string_utf8(env, value, text, length + 1, &length);
  if (strlen(text) == length) return text;
  free(text);
  return NULL;
}

static napi_value member(napi_env env, napi_value object, const char *name) {
  napi_value value = NULL;
  napi_get_named_property(env, object, name, &value);
  return value;
}

static char *copy_member(napi_env env, napi_value object, const char *name) {
  return copy_string(env, member(env, object, name));
}

static bool is_tls13(napi_env env, napi_value object) {
  char version[8] = "";
  napi_get_value_string_latin1(env, member(env, object, "minVersion"), version, sizeof version, NULL);
  return strcmp(version, "1.3") == 0;
}

static uint32_t list_length(napi_env env, napi_value list, uint32_t max) {
  uint32_t length = 0;
  bool is_list = false;
  napi_is_array(env, list, &is_list);
  if (is_list) napi_get_array_length(env, list, &length);
  return length < max ? length : max;
}

static napi_value item(napi_env env, napi_value list, uint32_t index) {
  napi_value value = NULL;
  napi_get_element(env, list, index, &value);
  return value;
}

static struct tls_certificate read_certificate(napi_env env, napi_value object) {
  return (struct tls_certificate){.chain = copy_member(env, object, "chain"), .key = copy_member(env, object, "key")};
}

static void free_certificate(struct tls_certificate *certificate) {
  free(certificate->chain);
  wipe(certificate->key);
}

static napi_value result_of(napi_env env, uint32_t number, const char *error) {
  napi_value result = NULL;
  if (number == 0) {
    napi_throw_error(env, "ERR_SLUICE_TLS", error);
  } else {
    napi_create_uint32(env, number, &result);
  }
  return result;
}

/* Names of protocols as they go on the wire. False: one is empty or no text, or they are more than fit. */
static bool read_protocols(napi_env env, napi_value list, struct tls_server_options *options) {
  uint32_t count = list_length(env, list, TLS_ALPN_BYTES);
  for (uint32_t i = 0; i < count; i++) {
    char *name = copy_string(env, item(env, list, i));
    size_t length = name != NULL ? strlen(name) : 0;
    bool fits = length > 0 && options->alpn_length + 1 + length <= TLS_ALPN_BYTES;
    if (fits) {
      options->alpn[options->alpn_length] = (uint8_t)length;
      memcpy(options->alpn + options->alpn_length + 1, name, length);
      options->alpn_length += (uint32_t)(1 + length);
    }
    free(name);
    if (!fits) return false;
  }
  return true;
}

static uint32_t make_server(struct tls_server_options *options, char *error) {
  bool whole = options->ciphers != NULL && options->client_ca != NULL && options->session_context != NULL;
  for (uint32_t i = 0; i < options->certificate_count; i++) {
    whole = whole && options->certificates[i].chain != NULL && options->certificates[i].key != NULL;
  }
  snprintf(error, TLS_ERROR_BYTES, "a TLS context for clients has a member that is no text");
  return whole ? tls_server_context(options, error) : 0;
}

static napi_value server_context(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  napi_value object = call.arguments[0], list = member(env, object, "certificates");
  char error[TLS_ERROR_BYTES];
  struct tls_server_options *options = calloc(1, sizeof *options);
  if (options == NULL) return result_of(env, 0, "no memory");
  options->certificate_count = list_length(env, list, TLS_CERTIFICATES_MAX);
  for (uint32_t i = 0; i < options->certificate_count; i++) {
    options->certificates[i] = read_certificate(env, item(env, list, i));
  }
  options->tls13_only = is_tls13(env, object);
  options->ciphers = copy_member(env, object, "ciphers");
  options->client_ca = copy_member(env, object, "clientCa");
  options->session_context = copy_member(env, object, "sessionContext");
  bool named = read_protocols(env, member(env, object, "alpn"), options);
  snprintf(error, sizeof error, "the protocols of ALPN are no names, or more than fit");
  uint32_t number = named ? make_server(options, error) : 0;
  for (uint32_t i = 0; i < options->certificate_count; i++) free_certificate(&options->certificates[i]);
  free(options->ciphers);
  free(options->client_ca);
  free(options->session_context);
  free(options);
  return result_of(env, number, error);
}

static uint32_t make_client(struct tls_client_options *options, bool has_certificate, char *error) {
  bool whole = options->ca != NULL && options->server_name != NULL;
  for (uint32_t i = 0; i < options->name_count; i++) whole = whole && options->names[i] != NULL;
  if (has_certificate) whole = whole && options->certificate.chain != NULL && options->certificate.key != NULL;
  snprintf(error, TLS_ERROR_BYTES, "a TLS context for backends has a member that is no text");
  return whole ? tls_client_context(options, error) : 0;
}

static napi_value client_context(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  napi_value object = call.arguments[0], list = member(env, object, "names");
  napi_value certificate = member(env, object, "certificate");
  napi_valuetype type = napi_undefined;
  char error[TLS_ERROR_BYTES];
  struct tls_client_options *options = calloc(1, sizeof *options);
  if (options == NULL) return result_of(env, 0, "no memory");
  options->name_count = list_length(env, list, TLS_NAMES_MAX);
  for (uint32_t i = 0; i < options->name_count; i++) options->names[i] = copy_string(env, item(env, list, i));
  options->tls13_only = is_tls13(env, object);
  options->verify = true;
  napi_get_value_bool(env, member(env, object, "verify"), &options->verify);
  options->ca = copy_member(env, object, "ca");
  options->server_name = copy_member(env, object, "serverName");
  napi_typeof(env, certificate, &type);
  if (type == napi_object) options->certificate = read_certificate(env, certificate);
  uint32_t number = make_client(options, type == napi_object, error);
  for (uint32_t i = 0; i < options->name_count; i++) free(options->names[i]);
  free_certificate(&options->certificate);
  free(options->ca);
  free(options->server_name);
  free(options);
  return result_of(env, number, error);
}

static napi_value release(napi_env env, napi_callback_info info) {
  struct call call;
  if (call_read(&call, env, info, 1)) tls_context_release(call_u32(&call, 0));
  return NULL;
}

static bool set_names(struct listener *listener, struct sni_entry *entries, uint32_t count, bool secure, char *error) {
  bool whole = true;
  for (uint32_t i = 0; i < count; i++) whole = whole && entries[i].pattern != NULL;
  snprintf(error, TLS_ERROR_BYTES, "a server name is no text");
  return whole && listener_tls(listener, entries, count, secure, error);
}

static napi_value listener_names(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 3)) return NULL;
  struct listener *listener = acceptor_keep_listener(call_u32(&call, 0));
  uint32_t count = list_length(env, call.arguments[1], ENTRIES_MAX);
  struct sni_entry *entries = calloc(count > 0 ? count : 1, sizeof *entries);
  char error[TLS_ERROR_BYTES] = "no listener has this number";
  bool set = false;
  for (uint32_t i = 0; entries != NULL && i < count; i++) {
    napi_value object = item(env, call.arguments[1], i);
    entries[i].pattern = copy_member(env, object, "pattern");
    napi_get_value_uint32(env, member(env, object, "context"), &entries[i].context);
  }
  if (listener != NULL && entries != NULL) set = set_names(listener, entries, count, call_bool(&call, 2), error);
  for (uint32_t i = 0; entries != NULL && i < count; i++) free(entries[i].pattern);
  free(entries);
  if (listener != NULL) listener_release(listener);
  if (!set) napi_throw_error(env, "ERR_SLUICE_TLS", error);
  return NULL;
}

static napi_value ticket_keys(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  uint8_t *bytes = NULL;
  size_t length = 0;
  napi_get_typedarray_info(env, call.arguments[0], NULL, &length, (void **)&bytes, NULL, NULL);
  if (bytes == NULL || !tls_ticket_keys(bytes, length)) {
    napi_throw_range_error(env, "ERR_SLUICE_ARGUMENTS", "tlsTicketKeys wants 1 to 4 keys of 80 bytes");
  }
  return NULL;
}

void addon_tls_init(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"tlsServerContext", server_context},
                                          {"tlsClientContext", client_context},
                                          {"tlsContextRelease", release},
                                          {"listenerTls", listener_names},
                                          {"tlsTicketKeys", ticket_keys}};
  addon_define(env, exports, methods, sizeof methods / sizeof *methods);
}
