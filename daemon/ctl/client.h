/* The client half of the control socket. Blocking, with a time limit, but for client_take. */
#ifndef DUST_CLIENT_H
#define DUST_CLIENT_H

#include <jansson.h>

struct client;

/* A data line, as text and parsed (both borrowed; client_ask_text does not parse: NULL). ERR_OK, or anything
 * else to get no more of them. */
typedef int (*client_line)(const char *text, const json_t *data, void *arg);

/* ERR_NOT_FOUND: nobody listens there; ERR_DENIED: not for this user; ERR_RANGE: too long a path; ERR_IO. */
int client_open(const char *path, struct client **out);

/* Sends a request (its reference is stolen) and reads up to the final line, a new reference in `final`.
 * ERR_CLOSED: the daemon hung up; ERR_TIMEOUT: silence for 30 s; ERR_FORMAT: what came is no answer. */
int client_ask(struct client *k, json_t *request, client_line each, void *arg, json_t **final);

/* The same for long lists that are handed on as they are. Only a line that begins with its "ok" is taken for
 * the final one. */
int client_ask_text(struct client *k, json_t *request, client_line each, void *arg, json_t **final);

/* client_ask in two halves, for who has other things to look at: client_take reads what has come, and returns
 * ERR_TIMEOUT while the final line has not. Data lines that have come are handed to `each` at once. A request
 * fits into what the system keeps for the daemon: sending it does not wait in practice. */
int client_send(struct client *k, json_t *request);
int client_take(struct client *k, client_line each, void *arg, json_t **final);

/* The descriptor to poll for POLLIN. */
int client_fd(const struct client *k);

/* NULL ok. */
void client_close(struct client *k);

/* The next request takes this open file along. It stays the caller's. */
void client_attach(struct client *k, int fd);

#endif
