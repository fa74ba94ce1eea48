/* What the site's configuration says: plain const structs, read-only for every thread once loaded. Every
 * setting is one row of a schema table (schema.h). */
#ifndef DUST_CONFIG_H
#define DUST_CONFIG_H

#include "daemon/base/yaml.h"
#include "daemon/config/duty.h"
#include "daemon/config/escalation.h"
#include "daemon/config/inspection.h"
#include "daemon/config/quality.h"
#include "daemon/config/requirement.h"
#include "drivers/device.h"

#include <stdint.h>
#include <stdio.h>

enum role {
    ROLE_SITE = 1,
    ROLE_CONTRACTOR = 2,
    ROLE_COMMUNITY = 4,
    ROLE_OFFICE = 8,
    ROLE_INSPECTOR = 16,
    ROLE_OF_UNIT = 32, /* gives no right: somebody of the responsible unit (责任单位), by his organisation */
};

/* Whoever has one of these is of the responsible unit: he neither decides nor testifies, with whatever hat.
 */
enum { ROLES_UNIT = ROLE_SITE | ROLE_CONTRACTOR | ROLE_OF_UNIT };

struct person {
    const char *name;         /* key in the configuration, "site-manager" */
    const char *title;        /* as shown */
    unsigned roles;           /* set of enum role, as configured: see config_roles */
    const char *unix_user;    /* "" none */
    const char *mqtt_user;    /* at the brokers; "" none */
    const char *organisation; /* organisation.name; "" none */
    const char *phone;        /* "" none; in no public notice */
    const char *email;        /* "" none */
    const char **channels;    /* channel_config.name: where he is told */
    int nchannels;
};

enum organisation_kind { ORGANISATION_COMMUNITY, ORGANISATION_DEPARTMENT, ORGANISATION_UNIT };

struct organisation {
    const char *name; /* key in the configuration */
    const char *title_zh, *title_en;
    enum organisation_kind kind; /* 属地社区, 行业主管部门, 责任单位 */
};

enum limit_compare { COMPARE_OVER, COMPARE_REACHES }; /* > and >= */
enum limit_over { OVER_EACH, OVER_MEAN, OVER_MAX };   /* of the points with its role */

/* One rule of a limit file, config/limits/<profile>.yaml. */
struct limit {
    const char *id; /* "shanxi-taiyuan/pm10-hour": profile and rule, unique */
    const char *title_zh, *title_en;
    const char *standard, *source, *doubt;
    const char *role;  /* of the points it judges, "pm10" */
    int64_t window_ms; /* 5 min, 15 min, 1 h, 24 h: divides a day */
    enum limit_compare compare;
    double value;     /* in `unit` */
    const char *unit; /* of the points: converted when the file says another that fits */
    enum limit_over over;
    double round; /* in `unit`: compared is the whole multiple of it nearest to the mean, a tie goes to the
                     even one (GB/T 8170); 0: the mean, to 4 decimals */
    int allowed;  /* exceedances a day may have; 0: each is a breach */
    bool minus;   /* compared is the mean less the background of the same time */
    double cap;   /* the background counts as at most this, in `unit`; 0: as it is */
    int64_t background_wait_ms; /* a window waits for its background, then it is unknown */
    unsigned stages;            /* set of enum stage in which it applies; 0: always */
    double release;   /* once exceeded it is a breach until the mean is below this; 0: no such rule */
    int hours_needed; /* of 24 h: the mean of hourly means, at least so many; 0: of minutes, 75 % */
    bool informs;     /* a breach is recorded, but opens no issue: for information, or a condition */
    int64_t valid_from_ms, valid_to_ms; /* of the time of measurement; INT64_MIN / INT64_MAX: open */
    const char *action_zh, *action_en;  /* what the site must do */
    /* from the site's configuration: */
    const char *person;            /* who is responsible: person.name */
    int64_t answer_ms, rectify_ms; /* deadlines from finding, site time */
    double warn_share;             /* of what a window may still take; 0: no warning */
};

struct unjudged {
    const char *id; /* as a limit's */
    const char *role;
};

/* What may come in beside Modbus. */
enum input_kind {
    INPUT_ALIVE, /* the source has watched from .. to: without it silence proves nothing */
    INPUT_BACKGROUND,
    INPUT_CALENDAR,
    INPUT_CAMERA,
    INPUT_INSPECTION,
    INPUT_MAINTENANCE,
    INPUT_PASSAGE,
    INPUT_STAGE,
    INPUT_WARNING,
    INPUT__KINDS
};

/* Who may send such messages over MQTT, in/<kind>/<name>. */
struct input_source {
    const char *name;
    const char *title_zh, *title_en;
    unsigned kinds;     /* set of 1 << enum input_kind */
    const char *person; /* whose word it is: person.name; "" the source's own */
};

struct mqtt_config {
    const char *name; /* unique; its cursor's name */
    const char *host;
    int port;
    const char *client_id;                      /* default: dustd-<site> */
    const char *username, *password_file;       /* "" none */
    const char *ca_file, *cert_file, *key_file; /* ca_file "": no TLS */
    int keepalive_s;
    bool mqtt5;              /* false: 3.1.1 */
    bool inputs;             /* takes in/<kind>/<source> from there */
    bool commands;           /* and cmd/<mqtt_user> */
    int64_t data_plan_bytes; /* of a month, 0 none: dustd --check warns above it */
};

/* Where alerts go. */
enum channel_kind {
    CHANNEL_WECOM,    /* group robots: 企业微信, */
    CHANNEL_DINGTALK, /* 钉钉, */
    CHANNEL_FEISHU,   /* 飞书 */
    CHANNEL_WEBHOOK,  /* a plain POST */
    CHANNEL_SMTP,
    CHANNEL_MQTT, /* topic alert/<person> of a broker */
    CHANNEL__KINDS
};

enum mail_tls { MAIL_STARTTLS, MAIL_TLS, MAIL_PLAIN };

struct channel_config {
    const char *name; /* unique */
    enum channel_kind kind;
    const char *url_file; /* first line: the whole address, which holds the robot's key; "" by other kinds */
    const char *secret_file; /* of the signature; "" none */
    bool mention;            /* the robot gets the person's telephone number */
    const char *ca_file;     /* "": the system's */
    int per_minute;          /* messages in any 60 s */
    const char *host;        /* of the mail server, and so on */
    int port;
    enum mail_tls tls;
    const char *username, *password_file; /* "" none */
    const char *from;                     /* e-mail address */
    const char *broker;                   /* mqtt_config.name */
};

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

const struct person *config_person(const struct config *c, const char *name);
const struct person *config_person_of_user(const struct config *c, const char *unix_user);
const struct person *config_person_at_broker(const struct config *c, const char *mqtt_user);

const struct organisation *config_organisation(const struct config *c, const char *name);

const struct channel_config *config_channel(const struct config *c, const char *name); /* NULL: none */
const char *channel_kind_str(enum channel_kind k);                                     /* "wecom" */
/* What is demanded of an issue: its category's for what people find, else its kind's; NULL: nothing is said.
 */
const struct duty *config_duty(const struct config *c, const char *kind, const char *subject);
const struct duty *config_category(const struct config *c, const char *name);

/* The phase of the campaign at a time, of several the one that began last; NULL. */
const struct campaign_phase *config_phase(const struct config *c, int64_t at_ms);

const struct input_source *config_source(const struct config *c, const char *name);

/* The k-th word of a step's tell and organisations that reaches nobody as the people are; NULL: no more. */
const char *config_unheard(const struct config *c, const struct escalation_step *s, int k);

/* The person's roles, with ROLE_OF_UNIT if his organisation is a unit; of NULL none. */
unsigned config_roles(const struct config *c, const struct person *p);

/* The check of the kind attest, by "<requirement>/<check>"; NULL. */
const struct check *config_attest(const struct config *c, const char *name);

/* Whether the look of somebody with these roles (config_roles) counts for it: who is of the responsible unit
 * too does not testify with another hat on. */
bool config_attests(const struct check *c, unsigned roles);

const char *input_kind_str(enum input_kind k); /* "passage" */
int input_kind_parse(const char *text, enum input_kind *k);

/* A loaded configuration lives as long as somebody keeps it: the one who loaded it, and after a reload the
 * threads that were started under it and go on. config_keep returns `c`; each is given back by config_free.
 * Main thread. config_free accepts NULL. */
struct config *config_keep(struct config *c);
void config_free(struct config *c);

#endif
