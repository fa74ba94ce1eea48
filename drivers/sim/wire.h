/* The place where a bus meets its master: a pseudo terminal under a stable link, or a TCP port on loopback.
 * One thread. */
#ifndef DUST_SIM_WIRE_H
#define DUST_SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_PEERS_MAX = 8, WIRE_BYTES = 1024 };

struct wire_peer {             /* one who may ask; RTU has exactly one */
    int fd;                    /* -1: none */
    unsigned number;           /* another for each connection */
    size_t have;               /* bytes that wait */
    int64_t first_us, last_us; /* wire time when the first and the last of them came */
    uint8_t bytes[WIRE_BYTES];
};

struct wire {
    const struct bus_setup *setup;
    char link[256];  /* RTU */
    char place[128]; /* the terminal's path, or "127.0.0.1:port" */
    int port;        /* TCP: the real one */
    int listener;    /* TCP, -1 */
    int hold;        /* RTU: the terminal's other end, so that it lives while no master has it open; -1 */
    unsigned number; /* of the last peer */
    struct wire_peer peers[WIRE_PEERS_MAX];
};

/* A closed wire. A relative link lies in `dir`. */
void wire_init(struct wire *w, const struct bus_setup *setup, const char *dir);

/* Opens the terminal and points the link to it in one step (rename), or listens. ERR_IO with errno; EEXIST:
 * something that is no link has the link's name. */
int wire_open(struct wire *w);
void wire_close(struct wire *w);
bool wire_is_open(const struct wire *w);

/* The listener is readable. */
void wire_accept(struct wire *w);

/* The peer is readable at `now_us`: takes what came. A peer that went away is dropped. */
void wire_take(struct wire *w, struct wire_peer *peer, int64_t now_us);

/* Sends; false when it did not go through whole. */
bool wire_send(struct wire_peer *peer, const uint8_t *bytes, size_t length);

void wire_drop(struct wire_peer *peer);

/* Whether the master's terminal is set to the bus's speed. (Linux keeps no parity for pseudo terminals.) */
bool wire_speed_fits(const struct wire *w);

#endif
