/* Keeps a scene up to date: a round of questions each second, one after the other over one connection. Never
 * blocks; the daemon may stop and start. Times are wire time. */
#ifndef DUST_FEED_H
#define DUST_FEED_H

#include <stdbool.h>
#include <stdint.h>

struct ctl;
struct feed;

/* `past`: how many rows before now are looked through for events. */
struct feed *feed_create(struct ctl *c, int past);

/* The descriptor to poll for POLLIN, -1 while there is none; and how long to wait for it at most. */
int feed_fd(const struct feed *f);
int feed_wait_ms(const struct feed *f, int64_t now_us);

/* Takes what has come, asks what is due. True when the scene is another one: a whole round is in it, or the
 * contact has changed. */
bool feed_step(struct feed *f, int64_t now_us);

const struct scene *feed_scene(const struct feed *f);

/* NULL ok. */
void feed_destroy(struct feed *f);

#endif
