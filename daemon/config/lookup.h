/* Entries of a loaded configuration, by name, user or time. All return a pointer into the configuration,
 * which lives as long as that, and NULL when there is none. Pure; any thread that keeps the configuration. */
#ifndef DUST_CONFIG_LOOKUP_H
#define DUST_CONFIG_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct escalation_step;

const struct person *config_person(const struct config *c, const char *name);
const struct person *config_person_of_user(const struct config *c, const char *unix_user); /* "": nobody */
const struct person *config_person_at_broker(const struct config *c, const char *mqtt_user);
const struct organisation *config_organisation(const struct config *c, const char *name);
const struct channel_config *config_channel(const struct config *c, const char *name);
const struct input_source *config_source(const struct config *c, const char *name);

/* What is demanded of an issue: its category's for what people find, else its kind's; NULL: nothing is said.
 */
const struct duty *config_duty(const struct config *c, const char *kind, const char *subject);
const struct duty *config_category(const struct config *c, const char *name);

/* Whether the limit of that id judges the highest of its points. */
bool config_is_of_highest(const struct config *c, const char *limit);

/* The phase of the campaign at a time, of several the one that began last. */
const struct campaign_phase *config_phase(const struct config *c, int64_t at_ms);

/* The k-th word of a step's tell and organisations that reaches nobody as the people are; NULL: no more. */
const char *config_unheard(const struct config *c, const struct escalation_step *s, int k);

/* The person's roles, with ROLE_OF_UNIT if his organisation is a unit; of NULL none. */
unsigned config_roles(const struct config *c, const struct person *p);

/* The check of the kind attest, by "<requirement>/<check>". */
const struct check *config_attest(const struct config *c, const char *name);

/* The name of such a check that is most like `name`; false: none is. */
bool config_attest_near(const struct config *c, const char *name, char near[static 64]);

/* Whether the look of somebody with these roles (config_roles) counts for it: who is of the responsible unit
 * too does not testify with another hat on. */
bool config_attests(const struct check *c, unsigned roles);

#endif
