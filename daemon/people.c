#include "daemon/dustd.h"

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"
#include "daemon/people.h"

#include <errno.h>
#include <pwd.h>

void people_lookup(struct dustd *d)
{
    mem_free(d->person_uid);
    d->person_uid = mem_array((size_t)d->config->npeople, sizeof *d->person_uid);
    for (int i = 0; i < d->config->npeople; i++) {
        const char *user = d->config->people[i].unix_user;
        errno = 0;
        const struct passwd *entry = user[0] ? getpwnam(user) : NULL;
        if (!entry && errno == ENOMEM)
            mem_exhausted();
        d->person_uid[i] = entry ? entry->pw_uid : (uid_t)-1;
        if (user[0] && !entry)
            log_warning("person %s: there is no user %s on this machine", d->config->people[i].name, user);
    }
}

static void add_text(json_t *to, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(to, key, json_string(text));
}

static json_t *titles(const char *zh, const char *en)
{
    return json_pack("{s:s,s:s}", "zh", zh, "en", en);
}

json_t *people_json(const struct config *c)
{
    json_t *people = json_object();
    for (int i = 0; i < c->npeople; i++) {
        const struct person *p = &c->people[i];
        json_t *j = json_pack("{s:s}", "title", p->title);
        add_text(j, "organisation", p->organisation);
        add_text(j, "phone", p->phone);
        json_object_set_new(people, p->name, j);
    }
    return people;
}

json_t *organisations_json(const struct config *c)
{
    static const char *const kinds[] = {[ORGANISATION_COMMUNITY] = "community",
                                        [ORGANISATION_DEPARTMENT] = "department",
                                        [ORGANISATION_UNIT] = "unit"};
    json_t *organisations = json_object();
    for (int i = 0; i < c->norganisations; i++) {
        const struct organisation *o = &c->organisations[i];
        json_object_set_new(
            organisations, o->name,
            json_pack("{s:o,s:s}", "title", titles(o->title_zh, o->title_en), "kind", kinds[o->kind]));
    }
    return organisations;
}

json_t *categories_json(const struct config *c)
{
    json_t *categories = json_object();
    for (int i = 0; i < c->issues.ncategories; i++) {
        const struct duty *category = &c->issues.categories[i];
        json_object_set_new(categories, category->name, titles(category->title_zh, category->title_en));
    }
    return categories;
}

json_t *site_json(const struct config *c)
{
    json_t *site = json_pack("{s:s,s:o,s:s,s:s}", "name", c->site.name, "title",
                             titles(c->site.title_zh, c->site.title_en), "community", c->site.community,
                             "contractor", c->site.contractor);
    add_text(site, "authority", c->site.authority);
    return site;
}
