/* The people of the configuration: which of them is which user of this machine, and what they and the site
 * are called, as JSON (new references). Main thread. */
#ifndef DUST_PEOPLE_H
#define DUST_PEOPLE_H

#include <jansson.h>

struct config;
struct dustd;

/* Looks up each person's unix_user: into d->person_uid. */
void people_lookup(struct dustd *d);

json_t *people_json(const struct config *c);        /* {"site-manager":{"title","organisation","phone"}} */
json_t *organisations_json(const struct config *c); /* {"name":{"title":{zh,en},"kind"}} */
json_t *categories_json(const struct config *c);    /* {"road":{zh,en}}: of what people find */
json_t *site_json(const struct config *c); /* {"name","title","community","contractor","authority"} */

#endif
