/* What the site's configuration says: plain const structs, read-only for every thread once loaded. Every
 * setting is one row of a schema table (schema.h). */
#ifndef DUST_CONFIG_H
#define DUST_CONFIG_H

#include "daemon/config/duty.h"
#include "daemon/config/quality.h"
#include "daemon/config/requirements.h"

#include <stdint.h>
#include <stdio.h>

struct complaint;

struct config_point { /* the flat list all samples refer to */
    const struct device *device;
    const struct point *point;
    const char *name; /* "<device>/<point>" */
};

struct config {
    const char *file;
    const char *language; /* "zh" or "en" */
    struct {
        const char *name; /* in topics: [a-z0-9-] */
        const char *title_zh, *title_en, *community, *contractor, *authority, *address;
        const char *issue_prefix;   /* "LQ" */
        double longitude, latitude; /* NaN: not given */
        int zone_min;
    } site;
    struct {
        const char *dir;         /* state directory */
        int64_t commit_every_ms; /* raw samples, 1 to 60 s */
        int64_t keep_raw_ms, keep_minutes_ms;
        int64_t max_size, ballast; /* bytes; ballast 0: none */
    } store;
    struct {
        bool require_sync; /* false: a clock that nobody synchronises is believed (an RTC) */
    } clock;
    const char **power_off; /* "22:00-06:00", site's zone: when the site's power is off as a rule */
    int npower_off;
    const char *control_socket;
    int64_t live_every_ms; /* 0: with each reading */
    int64_t health_every_ms;
    struct bus_config *buses;
    int nbuses;
    struct device *devices;
    int ndevices;
    struct config_point *points;
    int npoints;
    struct limit *limits;
    int nlimits;
    struct unjudged *unjudged; /* rules of the limit files that no point has the role for */
    int nunjudged;
    struct quality_config quality;
    struct role_table roles;
    struct issue_rules issues;
    struct calendar calendar;
    struct campaign_phase *phases; /* of the campaign */
    int nphases;
    struct organisation *organisations;
    int norganisations;
    struct person *people;
    int npeople;
    struct requirements requirements;
    struct escalation_step *escalation; /* in the order of the file */
    int nescalation;
    struct inspection *inspections;
    int ninspections;
    struct input_source *sources;
    int nsources;
    struct mqtt_config *mqtt;
    int nmqtt;
    struct channel_config *channels;
    int nchannels;
    struct {
        const char **quiet; /* "22:00-06:00", site's zone: general ones wait until it ends */
        int nquiet;
        int64_t gather_ms; /* at most one message of all but critical ones in so long, a person and channel */
        int64_t keep_ms;   /* older ones are given up */
    } alerts;
};

/* Loads and checks a site's configuration with the profiles and limit files it names. `dirs` is a NULL-ended
 * list of directories searched for "devices/<name>.yaml" and "limits/<name>.yaml", first one first (beside
 * the file, then /etc/dustd, then the share directory). ERR_FORMAT with one message, or ERR_OK and a config
 * to free. */
int config_load(const char *file, const char *const *dirs, struct config **out, struct complaint *why);

/* How many of its points are measured: the others, settings of devices, are only watched. */
int config_measured(const struct config *c);

/* Prints what is in force as YAML that loads to the same (dustd --print). */
void config_print(const struct config *c, FILE *out);

/* SHA-256 of what config_print prints, as 64 hex digits: "the settings in force". */
void config_hash(const struct config *c, char hex[static 65]);

/* A loaded configuration lives as long as somebody keeps it: the one who loaded it, and after a reload the
 * threads that were started under it and go on. config_keep returns `c`; each is given back by config_free.
 * Main thread. config_free accepts NULL. */
struct config *config_keep(struct config *c);
void config_free(struct config *c);

#endif
