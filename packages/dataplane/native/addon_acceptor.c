/*
 * The acceptor's calls, made by the primary: no JavaScript between a client's SYN and a worker's engine.
 */
#include <errno.h>
#include <string.h>
#include <uv.h>

#include "addon.h"

#define LOG_FIELDS_MAX 4096

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

static napi_value property(const struct call *call, const char *name) {
  napi_value value = NULL;
  napi_get_named_property(call->env, call->arguments[0], name, &value);
  return value;
}

static uint32_t property_u32(const struct call *call, const char *name) {
  uint32_t number = 0;
  napi_get_value_uint32(call->env, property(call, name), &number);
  return number;
}

static napi_value listen_on(napi_env env, napi_callback_info info) {
  struct call call;
  if (!call_read(&call, env, info, 1)) return NULL;
  char address[64], fields[LOG_FIELDS_MAX];
  size_t length = 0;
  napi_get_value_string_latin1(env, property(&call, "address"), address, sizeof address, &length);
  napi_get_value_string_utf8(env, property(&call, "logFields"), fields, sizeof fields, &length);
  struct listen_options options = {.address = address,
                                   .port = (uint16_t)property_u32(&call, "port"),
                                   .backlog = property_u32(&call, "backlog"),
                                   .defer_accept_s = property_u32(&call, "deferAcceptS"),
                                   .tag = property_u32(&call, "tag"),
                                   .group = property_u32(&call, "group"),
                                   .log_fields = fields,
                                   .keepalive = {.idle_s = property_u32(&call, "keepaliveIdleS"),
                                                 .interval_s = property_u32(&call, "keepaliveIntervalS"),
                                                 .count = property_u32(&call, "keepaliveCount"),
                                                 .user_timeout_ms = property_u32(&call, "userTimeoutMs")}};
  napi_get_value_bool(env, property(&call, "reusePort"), &options.reuse_port);
  uint16_t port = 0;
  const char *syscall_name = "";
  int listener = acceptor_listen(&options, &port, &syscall_name);
  bool listening = listener >= 0;
  if (listening) {
    syscall_name = "pthread_create";
    listening = acceptor_run();
  }
  if (!listening) {
    throw_errno(env, errno, syscall_name);
    return NULL;
  }
  if (listener == 0) napi_add_env_cleanup_hook(env, on_cleanup, NULL);
  napi_value result = NULL, number = NULL;
  napi_create_object(env, &result);
  napi_create_uint32(env, (uint32_t)listener, &number);
  napi_set_named_property(env, result, "listener", number);
  napi_create_uint32(env, port, &number);
  napi_set_named_property(env, result, "port", number);
  return result;
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
                                          {"acceptStart", accept_start},
                                          {"acceptPause", accept_pause},
                                          {"acceptClose", accept_close},
                                          {"descriptors", descriptors}};
  addon_define(env, exports, methods, sizeof methods / sizeof *methods);
}
