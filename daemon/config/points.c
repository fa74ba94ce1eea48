/* What a device's points are on this site: a relay board's third coil is the spray valve here, and something
 * else elsewhere. Such a device has a profile of its own, the file's with other roles and titles. */
#include "daemon/config/loaded.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/base/yaml.h"
#include "drivers/profile.h"

#include <string.h>

static int find_point(const struct profile *p, const char *name)
{
    for (int i = 0; i < p->npoints; i++)
        if (strcmp(p->points[i].name, name) == 0)
            return i;
    return -1;
}

static int refuse_name(const struct loading *l, const struct yaml_node *at, const struct profile *p,
                       const char *name)
{
    const char **names = mem_array((size_t)p->npoints + 1, sizeof *names);
    struct buf all = {0};
    for (int i = 0; i < p->npoints; i++) {
        names[i] = p->points[i].name;
        buf_printf(&all, " %s", names[i]);
    }
    const char *near = schema_suggest(name, names);
    char *text = buf_take(&all);
    int error = yaml_complain(
        l->doc, at, l->why, "found \"%s\", which %s has not%s%s%s; allowed: a point of that profile:%s", name,
        p->name, near ? ", did you mean " : "", near ? near : "", near ? "?" : "", text);
    mem_free(text);
    mem_free(names);
    return error;
}

static int check_role(const struct loading *l, const struct yaml_node *at, const struct point *p,
                      const char *role)
{
    const char *unit = role_unit(role);
    if (p->watch)
        return yaml_complain(l->doc, at, l->why,
                             "found the role %s for %s; allowed: none, it is a setting of the device (watch)",
                             role, p->name);
    if (!role_takes(role, p->unit))
        return yaml_complain(l->doc, at, l->why,
                             "found the role %s for %s, whose unit is \"%s\"; allowed: a role of that unit, "
                             "this one needs one that fits \"%s\"",
                             role, p->name, p->unit, unit);
    return ERR_OK;
}

static int change_point(const struct loading *l, const struct yaml_node *map, const struct device_point *is,
                        struct profile *own)
{
    const struct yaml_node *at = map, *value = yaml_get(map, is->name);
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i].text, is->name) == 0)
            at = &map->keys[i];
    int i = find_point(own, is->name);
    if (i < 0)
        return refuse_name(l, at, own, is->name);
    struct point *p = &own->points[i];
    const struct yaml_node *role = value ? yaml_get(value, "role") : NULL;
    int error = is->role[0] ? check_role(l, role ? role : at, p, is->role) : ERR_OK;
    if (is->role[0])
        p->role = is->role;
    if (is->title_zh[0] || is->title_en[0]) {
        p->title_zh = is->title_zh;
        p->title_en = is->title_en;
    }
    return error;
}

int own_points(const struct loading *l, const struct device_entry *e, const struct profile **profile)
{
    struct loaded *d = l->l;
    if (e->npoints == 0)
        return ERR_OK;
    struct profile *own = mem_new(struct profile);
    *own = **profile; /* its strings stay the file's, or the entry's */
    own->points = mem_array((size_t)own->npoints, sizeof *own->points);
    memcpy(own->points, (*profile)->points, (size_t)own->npoints * sizeof *own->points);
    d->own = mem_resize(d->own, (size_t)d->nown + 1, sizeof *d->own);
    d->own[d->nown++] = own;
    *profile = own;
    const struct yaml_node *map = place(l, "devices", e->device.name, "points");
    int error = ERR_OK;
    for (int i = 0; i < e->npoints && !error; i++)
        error = change_point(l, map, &e->points[i], own);
    return error;
}

void free_own_points(struct loaded *d)
{
    for (int i = 0; i < d->nown; i++) {
        mem_free(d->own[i]->points);
        mem_free(d->own[i]);
    }
    mem_free(d->own);
}
