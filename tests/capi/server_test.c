/* lacos_server_start, lacos_server_url, lacos_server_reload_keys and lacos_server_stop: a request over
 * a socket, and wrong calls. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* Sends a request to a server on 127.0.0.1 and puts the reply into `reply`. */
static void Ask(const char* url, const char* request, char* reply, size_t capacity) {
  struct sockaddr_in address = {0};
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr*)&address, sizeof address) == 0);
  CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
  size_t size = 0;
  ssize_t n;
  while (size + 1 < capacity && (n = read(fd, reply + size, capacity - size - 1)) > 0)
    size += (size_t)n;
  reply[size] = '\0';
  close(fd);
}

static void TestRequests(void) {
  lacos_server_options options = LACOS_SERVER_OPTIONS_INIT;
  options.model_name = "nano";
  lacos_server* server = NULL;
  CHECK_STATUS(lacos_server_start(g_model, NULL, &options, &server), LACOS_OK);
  if (server == NULL) return;
  CHECK(strncmp(lacos_server_url(server), "http://127.0.0.1:", 17) == 0);
  static char reply[1 << 16];
  Ask(lacos_server_url(server),
      "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", reply, sizeof reply);
  CHECK(strstr(reply, "HTTP/1.1 200 OK") == reply);
  const char body[] = "{\"input\": \"A man plays a guitar.\", \"model\": \"x\"}";
  char request[512];
  snprintf(
      request, sizeof request,
      "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
      "%zu\r\n\r\n%s",
      sizeof body - 1, body);
  Ask(lacos_server_url(server), request, reply, sizeof reply);
  CHECK(strstr(reply, "\"embedding\"") != NULL && strstr(reply, "\"nano\"") != NULL);
  CHECK_STATUS(lacos_server_reload_keys(server), LACOS_OK);
  uint64_t lost = 1;
  CHECK_STATUS(lacos_server_stop(server, 5, &lost), LACOS_OK);
  CHECK(lost == 0);
}

static void TestWrongCalls(void) {
  lacos_server* server = NULL;
  lacos_server_options options = LACOS_SERVER_OPTIONS_INIT;
  CHECK_FAILS(lacos_server_start(g_model, NULL, NULL, NULL), LACOS_INVALID_ARGUMENT, "[server]");
  CHECK_FAILS(lacos_server_start(NULL, NULL, NULL, &server), LACOS_INVALID_ARGUMENT, "[path]");
  options.listen = "0.0.0.0:0";
  CHECK_FAILS(lacos_server_start(g_model, NULL, &options, &server), LACOS_USER_ERROR, "[listen");
  options.listen = "not an address";
  CHECK_FAILS(lacos_server_start(g_model, NULL, &options, &server), LACOS_USER_ERROR, "[listen");
  options.listen = NULL;
  options.max_wait = -1;
  CHECK_FAILS(lacos_server_start(g_model, NULL, &options, &server), LACOS_INVALID_ARGUMENT,
              "max_wait");
  options.max_wait = 0;
  options.reserved = 1;
  CHECK_FAILS(lacos_server_start(g_model, NULL, &options, &server), LACOS_INVALID_ARGUMENT,
              "reserved");
  CHECK(server == NULL);
  CHECK_FAILS(lacos_server_reload_keys(NULL), LACOS_INVALID_ARGUMENT, "[server]");
  CHECK(strcmp(lacos_server_url(NULL), "") == 0);
  CHECK_STATUS(lacos_server_stop(NULL, 0, NULL), LACOS_OK);
}

void TestServer(void) {
  TestRequests();
  TestWrongCalls();
}
