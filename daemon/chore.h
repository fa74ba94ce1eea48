/* What falls due by the calendar: rows `task`, the topic `task`, a finding for what was missed. Main thread.
 */
#ifndef DUST_CHORE_H
#define DUST_CHORE_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct dustd;
struct input;

/* Each minute of site time, while the clock has a date: what is due, done, missed; reminders. */
void chore_turn(struct dustd *d, int64_t now_ms);

/* Somebody says that he has looked: now, or at start. Nothing happens for other kinds of input. */
void chore_input(struct dustd *d, const struct input *i, unsigned roles);

/* The control socket's request "tasks". */
void chore_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);

/* Tells the brokers when something of the tasks has changed and is on the disk. */
void chore_publish(struct dustd *d);

/* At start, before the store's thread: the journal's task rows; and an alert row, if it is about a task. */
int chore_scan(struct dustd *d);
void chore_alerted(struct dustd *d, const char *subject, const json_t *body);

#endif
