/*
 * The acceptor's calls, made by the primary: no JavaScript between a client's SYN and a worker's engine.
 */
#include <errno.h>
#include <string.h>
#include <uv.h>

#include "addon.h"

#define LOG_FIELDS_MAX 4096
#define SOURCE_BYTES 17 /* an address and its prefix */

static void on_cleanup(void *data) {
  (void)data;
  acceptor_close();
}

static void throw_errno(napi_env env, int error, const char *syscall_name) {
  napi_value code = NULL, message = NULL, object = NULL, name = NULL;
  napi_create_string_utf8(env, uv_err_name(-error), NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, strerror(error), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &object);
  napi_create_string_utf8(env, syscall_name, NAPI_AUTO_LENGTH, &name);
  napi_set_named_property(env, object, "syscall", name);
  napi_throw(env, object);
}

static napi_value property(const struct call *call, size_t index, const char *name) {
  napi_value value = NULL;
  napi_get_named_property(call->env, call->arguments[index], name, &value);
  return value;
}

static uint32_t property_u32(const struct call *call, size_t index, const char *name) {
  uint32_t number = 0;
  napi_get_value_uint32(call->env, property(call, index, name), &number);
  return number;
}

/* Who has to send a PROXY header: SOURCE_BYTES each in a Uint8Array, which may be absent. False: an exception is pending. */
static bool read_sources(const struct call *call, size_t index, struct proxy_source *sources, uint32_t *count) {
  const uint8_t *bytes = NULL;
  size_t length = 0;
  napi_value array = property(call, index, "proxySources");
  napi_valuetype type = napi_undefined;
  napi_typeof(call->env, array, &type);
  *count = 0;
  if (type == napi_undefined) return true;
  bool read = napi_get_typedarray_info(call->env, array, NULL, &length, (void **)&bytes, NULL, NULL) == napi_ok;
  read = read && length % SOURCE_BYTES == 0 && length / SOURCE_BYTES <= PROXY_SOURCES_MAX;
  *count = read ? (uint32_t)(length / SOURCE_BYTES) : 0;
  for (uint32_t i = 0; i < *count; i++) {
    memcpy(&sources[i].address, bytes + (size_t)i * SOURCE_BYTES, 16);
    sources[i].prefix = bytes[(size_t)i * SOURCE_BYTES + 16];
    read = read && sources[i].prefix <= 128;
  }
  if (!read) napi_throw_range_error(call->env, "ERR_SLUICE_ARGUMENTS", "proxySources wants at most 256 of 17 bytes each");
  return read;
}

/* What an identity points to while it is being read. */
struct identity_memory {
  char fields[LOG_FIELDS_MAX];
  struct proxy_source sources[PROXY_SOURCES_MAX];
};

/* The identity in the object `index`; false: an exception is pending. */
static bool read_identity(const struct call *call, size_t index, struct identity_memory *memory,
                          struct listener_identity *identity) {
  size_t length = 0;
  uint32_t sources = 0;
  napi_value text = property(call, index, "logFields");
  bool read = napi_get_value_string_utf8(call->env, text, memory->fields, LOG_FIELDS_MAX, &length) == napi_ok;
  if (!read || length >= LOG_FIELDS_MAX - 1) { /* as long as that: cut */
    napi_throw_range_error(call->env, "ERR_SLUICE_STRING", "logFields is too long, or no string");
    return false;
  }
  if (!read_sources(call, index, memory->sources, &sources)) return false;
  *identity = (struct listener_identity){.tag = property_u32(call, index, "tag"),
                                         .group = property_u32(call, index, "group"),
                                         .log_fields = memory->fields,
                                         .proxy_sources = memory->sources,
                                         .proxy_count = sources};
  return true;
}

static napi_value listening_at(napi_env env, int listener, uint16_t port) {
  if (listener == 0) napi_add_env_cleanup_hook(env, on_cleanup, NULL);
  napi_value result = NULL, number = NULL;
  napi_create_object(env, &result);
  napi_create_uint32(env, (uint32_t)listener, &number);
  napi_set_named_property(env, result, "listener", number);
  napi_create_uint32(env, port, &number);
  napi_set_named_property(env, result, "port", number);
  return result;
}

static napi_value listen_on(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  char address[64] = "";
  struct identity_memory memory;
  size_t length = 0;
  napi_get_value_string_latin1(env, property(&call, 0, "address"), address, sizeof address, &length);
  struct listen_options options = {.address = address,
                                   .port = (uint16_t)property_u32(&call, 0, "port"),
                                   .backlog = property_u32(&call, 0, "backlog"),
                                   .defer_accept_s = property_u32(&call, 0, "deferAcceptS"),
                                   .keepalive = {.idle_s = property_u32(&call, 0, "keepaliveIdleS"),
                                                 .interval_s = property_u32(&call, 0, "keepaliveIntervalS"),
                                                 .count = property_u32(&call, 0, "keepaliveCount"),
                                                 .user_timeout_ms = property_u32(&call, 0, "userTimeoutMs")}};
  if (!read_identity(&call, 0, &memory, &options.identity)) return NULL;
  napi_get_value_bool(env, property(&call, 0, "reusePort"), &options.reuse_port);
  napi_get_value_bool(env, property(&call, 0, "held"), &options.held);
  uint16_t port = 0;
  const char *syscall_name = "";
  int listener = acceptor_listen(&options, &port, &syscall_name);
  if (listener < 0) {
    throw_errno(env, errno, syscall_name);
  } else if (!acceptor_run()) {
    acceptor_close_listener((uint32_t)listener);
    throw_errno(env, EAGAIN, "pthread_create");
  } else {
    return listening_at(env, listener, port);
  }
  return NULL;
}

static napi_value done_unless(napi_env env, enum listener_outcome outcome) {
  if (outcome == LISTENER_UNKNOWN) {
    napi_throw_range_error(env, "ERR_SLUICE_LISTENER", "no listener has had this number");
  } else if (outcome == LISTENER_NO_MEMORY) {
    napi_throw_error(env, "ERR_SLUICE_LISTENER", strerror(ENOMEM));
  } else {
    napi_value result = NULL;
    napi_get_boolean(env, outcome == LISTENER_DONE, &result);
    return result;
  }
  return NULL;
}

/* UINT32_MAX, which is nobody's number, for what is none. */
static uint32_t call_listener(const struct call *call) {
  double number = call_double(call, 0);
  return number >= 0 && number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static napi_value listener_identify(napi_env env, napi_callback_info info) {
  struct call call;
  struct identity_memory memory;
  struct listener_identity identity;
  if (!call_read(&call, env, info, 2) || !read_identity(&call, 1, &memory, &identity)) return NULL;
  return done_unless(env, acceptor_identify_listener(call_listener(&call), &identity));
}

static napi_value listener_admit(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  return done_unless(env, acceptor_admit_listener(call_listener(&call)));
}

static napi_value listener_close(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  return done_unless(env, acceptor_close_listener(call_listener(&call)));
}

static napi_value accept_start(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  acceptor_start();
  return NULL;
}

static napi_value accept_pause(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  acceptor_pause();
  return NULL;
}

static napi_value accept_close(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  acceptor_close();
  return NULL;
}

static napi_value descriptors(napi_env env, napi_callback_info info) {
  (void)info;
  uint64_t clients = 0, limit = 0;
  bool paused = false;
  acceptor_descriptors(&clients, &limit, &paused);
  napi_value result = NULL, value = NULL;
  napi_create_object(env, &result);
  napi_create_double(env, (double)clients, &value);
  napi_set_named_property(env, result, "clients", value);
  napi_create_double(env, (double)limit, &value);
  napi_set_named_property(env, result, "limit", value);
  static const char *const waits[] = {[WAIT_NONE] = "", [WAIT_DESCRIPTORS] = "descriptors", [WAIT_ENGINES] = "workers"};
  napi_create_string_latin1(env, waits[acceptor_waits()], NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, result, "waitsFor", value);
  return result;
}

void addon_acceptor_init(napi_env env, napi_value exports) {
  static const struct method methods[] = {{"listen", listen_on},
                                          {"listenerIdentify", listener_identify},
                                          {"listenerAdmit", listener_admit},
                                          {"listenerClose", listener_close},
                                          {"acceptStart", accept_start},
                                          {"acceptPause", accept_pause},
                                          {"acceptClose", accept_close},
                                          {"descriptors", descriptors}};
  addon_define(env, exports, methods, sizeof methods / sizeof *methods);
}
