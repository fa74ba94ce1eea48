/* Who is told and who may do what: the people of a site and the units they belong to. Plain const data; any
 * thread. */
#ifndef DUST_CONFIG_PERSON_H
#define DUST_CONFIG_PERSON_H

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

/* Who decides (a stage of the work, a holiday), and who testifies (a background, a picture). */
enum {
    ROLES_DECIDE = ROLE_COMMUNITY | ROLE_OFFICE,
    ROLES_WITNESS = ROLE_COMMUNITY | ROLE_OFFICE | ROLE_INSPECTOR
};

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

#endif
