/* Entries of a loaded configuration by name, user or time. */
#include "daemon/config/lookup.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/config/person.h"

#include <string.h>

const struct person *config_person(const struct config *c, const char *name)
{
    for (int i = 0; i < c->npeople; i++)
        if (strcmp(c->people[i].name, name) == 0)
            return &c->people[i];
    return NULL;
}

const struct person *config_person_of_user(const struct config *c, const char *unix_user)
{
    for (int i = 0; i < c->npeople; i++)
        if (unix_user[0] && strcmp(c->people[i].unix_user, unix_user) == 0)
            return &c->people[i];
    return NULL;
}

const struct person *config_person_at_broker(const struct config *c, const char *mqtt_user)
{
    for (int i = 0; i < c->npeople; i++)
        if (mqtt_user[0] && strcmp(c->people[i].mqtt_user, mqtt_user) == 0)
            return &c->people[i];
    return NULL;
}

const struct organisation *config_organisation(const struct config *c, const char *name)
{
    for (int i = 0; i < c->norganisations; i++)
        if (strcmp(c->organisations[i].name, name) == 0)
            return &c->organisations[i];
    return NULL;
}

bool config_is_of_highest(const struct config *c, const char *limit)
{
    for (int i = 0; i < c->nlimits; i++)
        if (strcmp(c->limits[i].id, limit) == 0)
            return c->limits[i].over == OVER_MAX;
    return false;
}

unsigned config_roles(const struct config *c, const struct person *p)
{
    if (!p)
        return 0;
    const struct organisation *of = p->organisation ? config_organisation(c, p->organisation) : NULL;
    return p->roles | (of && of->kind == ORGANISATION_UNIT ? (unsigned)ROLE_OF_UNIT : 0);
}

static const struct duty *find_duty(const struct duty *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

const struct duty *config_category(const struct config *c, const char *name)
{
    return find_duty(c->issues.categories, c->issues.ncategories, name);
}

const struct duty *config_duty(const struct config *c, const char *kind, const char *subject)
{
    const struct duty *category = strcmp(kind, "finding") == 0 ? config_category(c, subject) : NULL;
    return category ? category : find_duty(c->issues.kinds, c->issues.nkinds, kind);
}

const struct campaign_phase *config_phase(const struct config *c, int64_t at_ms)
{
    const struct campaign_phase *current = NULL;
    for (int i = 0; i < c->nphases; i++)
        if (c->phases[i].from_ms <= at_ms && at_ms < c->phases[i].to_ms &&
            (!current || c->phases[i].from_ms > current->from_ms))
            current = &c->phases[i];
    return current;
}
