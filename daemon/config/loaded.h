/* What a loaded configuration consists of, for the files of this room. Strings belong to the schema-read
 * structs here; what the rest of the program sees (struct config) points to them. */
#ifndef DUST_LOADED_H
#define DUST_LOADED_H

#include "daemon/base/schema.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "drivers/device.h"

struct device_point {
    const char *name, *role, *title_zh, *title_en; /* "": the profile's */
};

struct device_entry {
    struct device device; /* name, titles, unit_id, period, what it is certified by */
    const char *bus, *profile;
    struct device_point *points; /* what they are on this site */
    int npoints;
};

struct limit_entry {
    const char *name, *person;
    int64_t answer_ms, rectify_ms;
    double warn_percent;
};

enum { RULE_A_YEAR = INT32_MAX }; /* among window_ms: a word's value may be no longer on every processor */
struct limit_rule {
    const char *name, *title_zh, *title_en, *role;
    int64_t window_ms; /* or RULE_A_YEAR */
    enum limit_compare compare;
    const char *value; /* "250 ug/m3" */
    enum limit_over over;
    const char *round, *cap, *release; /* as value; "" none */
    int allowed, hours_needed, days_needed, month_days_needed, february_days_needed;
    bool minus, informs;
    int64_t background_wait_ms;
    unsigned stages;
    const char *hours;                 /* "" always */
    const char *valid_from, *valid_to; /* first and last day, "" open */
    const char *action_zh, *action_en;
};

struct limit_file {
    char *name;
    const char *title_zh, *title_en, *standard, *source, *doubt;
    struct limit_rule *rules;
    int nrules;
    struct yaml_doc *doc; /* for messages while loading; then NULL */
};

struct requirement_file {
    const char *title_zh, *title_en, *source, *doubt;
    double frost_degc, humid_percent, rain_mm;
    struct requirement *list;
    int n;
};

struct wording_title {
    const char *name, *title_zh, *title_en;
};

struct wording_file {
    const char *title_zh, *title_en, *source, *doubt;
    struct wording_title *titles;
    int ntitles;
};

struct loaded {
    struct config c; /* first: config_load hands out a pointer to it */
    int keepers;     /* beside the one who loaded it */
    char *file;
    struct device_entry *devices;
    int ndevices;
    struct limit_entry *limits;
    int nlimits;
    struct profile **profiles; /* one of each that is named */
    int nprofiles;
    struct profile **own; /* of devices whose points are something of their own here (points.c) */
    int nown;
    struct limit_file *limit_files; /* in the order of `limits` */
    int nlimit_files;
    struct requirement_file requirement_file; /* n 0: none */
    struct wording_file wording_file;
};

/* While loading. */
struct loading {
    struct loaded *l;
    const struct yaml_doc *doc; /* the site's file */
    const char *const *dirs;
    struct complaint *why;
};

extern const struct schema channel_schema, alerts_schema; /* channels.c */
extern const struct schema config_schema, limit_schema, requirement_schema, wording_schema;
extern const struct schema person_schema, organisation_schema;
extern const struct schema role_schema, issues_schema, kind_schema, category_schema, phase_schema,
    calendar_schema;
extern const char *const issue_kind_names[];        /* NULL-ended */
extern const struct word organisation_kind_words[]; /* in the order of enum organisation_kind */
extern const struct word person_role_words[];
extern const struct word channel_kind_words[]; /* in the order of enum channel_kind */
extern const struct word input_kind_words[];   /* in the order of enum input_kind */

/* 00:00 of a day, "2026-03-01", in the zone; ERR_FORMAT for anything else, 2026-02-30 too. The check of a
 * setting that is one, or nothing. */
int read_day(const char *text, int zone_min, int64_t *at_ms);
const char *check_day(const char *text);

/* Checks of settings: NULL, or what would be right, in words. */
const char *check_host(const char *text);
const char *check_hours(const char *text);
const char *check_email(const char *text);

/* The node of a setting of the site's file, or the nearest thing above it that is there. */
const struct yaml_node *place(const struct loading *l, const char *section, const char *name,
                              const char *key);

/* <dir>/<kind>/<name>.yaml of the first directory that has it; a refusal at `at` that lists what there is
 * when none has. The caller frees `path` (mem_free). */
int find_file(const struct loading *l, const char *kind, const char *name, const struct yaml_node *at,
              char **path);

/* The steps of config_load after the site's file is read; each fills its part of l->l->c. */
int load_profiles(const struct loading *l);
/* The device's own profile in the place of the file's, if the site says what its points are. */
int own_points(const struct loading *l, const struct device_entry *e, const struct profile **profile);
void free_own_points(struct loaded *d);
int check_channels(const struct loading *l);
int check_site(const struct loading *l); /* buses, devices, people, brokers against each other */
int check_people(const struct loading *l);
int load_duties(const struct loading *l); /* roles, kinds of issues, phases */
int load_limits(const struct loading *l);

/* What a rule of a calendar year may not have, and others may not have of it. */
int check_rule_year(const struct yaml_doc *doc, const struct yaml_node *map, const struct limit_rule *r,
                    struct complaint *why);
int check_needs(const struct loading *l); /* of limits: stage, background */
int load_requirements(const struct loading *l);
int check_inspections(const struct loading *l); /* once requirements are loaded */

void free_requirements(struct loaded *d);

#endif
