/* What a new configuration leaves as it was: for a reload, which must not interrupt that. Pure. */
#ifndef DUST_CHANGE_H
#define DUST_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct bus_config;
struct channel_config;
struct config;
struct mqtt_config;
struct point;

/* The same value is read in the same way from the same registers, in the same unit: means of the one go on as
 * means of the other. Titles, roles and decimals are not part of it. */
bool same_point(const struct point *a, const struct point *b);

/* A bus thread started for the one does exactly what the other asks for: line, devices in their order, their
 * periods, and how their points are read. */
bool same_bus(const struct bus_config *a, const struct bus_config *b);

/* A connection made for the one is right for the other. */
bool same_broker(const struct mqtt_config *a, const struct mqtt_config *b);

/* A thread started for the one sends what the other asks for: all but how often, which is main's. */
bool same_channel(const struct channel_config *a, const struct channel_config *b);

/* The first setting that only a restart can change and that differs, with both values, into `text`. False:
 * there is none. */
bool needs_restart(const struct config *was, const struct config *is, char *text, size_t size);

/* Where each point of `is` was in `was`, by name; -1: nowhere, or as a point that is read differently. A heap
 * block of is->npoints. */
int *points_before(const struct config *was, const struct config *is);

/* The same for buses (-1 also for one of which anything changes), and for devices: of the same name and unit
 * on a bus of the same name, read in the same way. */
int *buses_before(const struct config *was, const struct config *is);
int *devices_before(const struct config *was, const struct config *is);

/* Of buses that change only in their devices, so that the line may stay open; -1: of no other. And where each
 * device of such a bus was on it, if it is read in the same way and as often. A heap block of is->nbuses, of
 * is->ndevices. */
int *lines_before(const struct config *was, const struct config *is);
int *places_before(const struct bus_config *was, const struct bus_config *is);

/* Where each broker of `is` was in `was`, by name alone: the name is its cursor's. */
int *brokers_before(const struct config *was, const struct config *is);

#endif
