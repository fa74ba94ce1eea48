#include "daemon/config/config.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/broker.h"
#include "daemon/config/loaded.h"
#include "drivers/profile.h"

#include <string.h>

#include <sodium.h>

const struct yaml_node *place(const struct loading *l, const char *section, const char *name, const char *key)
{
    const struct yaml_node *map = yaml_get(yaml_root(l->doc), section), *entry = yaml_get(map, name);
    const struct yaml_node *value = key ? yaml_get(entry, key) : NULL;
    if (value)
        return value;
    for (size_t i = 0; map && i < map->count; i++)
        if (&map->items[i] == entry)
            return &map->keys[i];
    return map ? map : yaml_root(l->doc);
}

/* --- profiles and points --- */

static int load_profile(const struct loading *l, const struct device_entry *e, const struct profile **out)
{
    struct loaded *d = l->l;
    for (int i = 0; i < d->nprofiles; i++) {
        if (strcmp(d->profiles[i]->name, e->profile) == 0) {
            *out = d->profiles[i];
            return ERR_OK;
        }
    }
    char *path;
    struct profile *p;
    int error = find_file(l, "devices", e->profile, place(l, "devices", e->device.name, "profile"), &path);
    if (error)
        return error;
    error = profile_load(path, &p, l->why);
    mem_free(path);
    if (error)
        return error;
    d->profiles[d->nprofiles++] = p;
    *out = p;
    return ERR_OK;
}

static void add_points(struct config *c, struct device *d)
{
    const struct profile *p = d->profile;
    d->first_point = c->npoints;
    c->points = mem_resize(c->points, (size_t)c->npoints + (size_t)p->npoints, sizeof(*c->points));
    for (int i = 0; i < p->npoints; i++)
        c->points[c->npoints++] = (struct config_point){
            .device = d, .point = &p->points[i], .name = mem_printf("%s/%s", d->name, p->points[i].name)};
}

int load_profiles(const struct loading *l)
{
    struct loaded *d = l->l;
    struct config *c = &d->c;
    d->profiles = mem_array((size_t)d->ndevices, sizeof(*d->profiles));
    c->devices = mem_array((size_t)d->ndevices, sizeof(*c->devices));
    for (int i = 0; i < d->ndevices; i++) {
        struct device *device = &c->devices[i];
        *device = d->devices[i].device;
        device->index = i;
        if (device->calibration_due[0] &&
            read_day(device->calibration_due, c->site.zone_min, &device->calibrated_ms) == ERR_OK)
            device->calibrated_ms += CLOCK_DAY_MS; /* the day itself counts */
        int error = load_profile(l, &d->devices[i], &device->profile);
        if (!error)
            error = own_points(l, &d->devices[i], &device->profile);
        if (error)
            return error;
        if (!device->title_zh[0] && !device->title_en[0]) {
            device->title_zh = device->profile->title_zh;
            device->title_en = device->profile->title_en;
        }
        add_points(c, device);
        c->ndevices++;
    }
    return ERR_OK;
}

/* --- the whole --- */

static void join_buses(struct loaded *d)
{
    struct config *c = &d->c;
    for (int i = 0; i < c->nbuses; i++) {
        struct bus_config *bus = &c->buses[i];
        const struct device **list = mem_array((size_t)d->ndevices, sizeof(*list));
        for (int k = 0; k < d->ndevices; k++)
            if (strcmp(d->devices[k].bus, bus->name) == 0)
                list[bus->ndevices++] = &c->devices[k];
        bus->devices = list;
        bus->index = i;
        bus->data_bits = 8; /* RTU has no other */
    }
}

static void name_clients(struct config *c)
{
    for (int i = 0; i < c->nmqtt; i++) {
        if (c->mqtt[i].client_id[0])
            continue;
        mem_free((char *)c->mqtt[i].client_id);
        c->mqtt[i].client_id = mem_printf("dustd-%s", c->site.name);
    }
}

int config_load(const char *file, const char *const *dirs, struct config **out, struct complaint *why)
{
    struct loaded *d = mem_new(struct loaded);
    struct yaml_doc *doc = NULL;
    int error = schema_load(&config_schema, file, d, &doc, why);
    if (error) {
        mem_free(d);
        return error;
    }
    struct loading l = {d, doc, dirs, why};
    d->file = mem_string(file);
    d->c.file = d->file;
    name_clients(&d->c);
    error = load_profiles(&l);
    if (!error)
        error = check_site(&l);
    if (!error)
        error = load_duties(&l);
    if (!error)
        error = load_limits(&l);
    if (!error)
        error = check_needs(&l);
    if (!error)
        error = load_requirements(&l);
    if (!error)
        error = check_inspections(&l);
    for (int i = 0; i < d->nlimit_files; i++) {
        yaml_close(d->limit_files[i].doc);
        d->limit_files[i].doc = NULL;
    }
    yaml_close(doc);
    if (error) {
        config_free(&d->c);
        return error;
    }
    join_buses(d);
    *out = &d->c;
    return ERR_OK;
}

/* Each line of the text behind a '#'. */
static void print_comment(const char *text, struct buf *out)
{
    for (const char *end; text && *text; text = end) {
        end = strchr(text, '\n');
        end = end ? end + 1 : text + strlen(text);
        buf_text(out, "# ");
        buf_add(out, text, (size_t)(end - text));
    }
}

static void print_requirements(const struct loaded *d, struct buf *text, struct buf *out)
{
    const struct requirements *r = &d->c.requirements;
    if (!r->file || !r->file[0])
        return;
    buf_printf(out, "#\n# requirements/%s.yaml\n", r->file);
    buf_clear(text);
    schema_print(&requirement_schema, &d->requirement_file, 2, text);
    print_comment(text->data, out);
    if (!r->wording[0])
        return;
    buf_printf(out, "#\n# wording/%s.yaml\n", r->wording);
    buf_clear(text);
    schema_print(&wording_schema, &d->wording_file, 2, text);
    print_comment(text->data, out);
}

static void print_all(const struct loaded *d, struct buf *out)
{
    struct buf text = {0};
    schema_print(&config_schema, d, 0, out);
    buf_text(out, "\n# What the files named above say:\n");
    for (int i = 0; i < d->nprofiles; i++) {
        buf_printf(out, "#\n# devices/%s.yaml\n", d->profiles[i]->name);
        buf_clear(&text);
        profile_print(d->profiles[i], 2, &text);
        print_comment(text.data, out);
    }
    for (int i = 0; i < d->nlimit_files; i++) {
        buf_printf(out, "#\n# limits/%s.yaml\n", d->limit_files[i].name);
        buf_clear(&text);
        schema_print(&limit_schema, &d->limit_files[i], 2, &text);
        print_comment(text.data, out);
    }
    print_requirements(d, &text, out);
    buf_finish(&text);
}

void config_print(const struct config *c, FILE *out)
{
    struct buf text = {0};
    print_all((const struct loaded *)(const void *)c, &text);
    fwrite(text.data, 1, text.length, out);
    buf_finish(&text);
}

void config_hash(const struct config *c, char hex[static 65])
{
    struct buf text = {0};
    unsigned char hash[crypto_hash_sha256_BYTES];
    print_all((const struct loaded *)(const void *)c, &text);
    crypto_hash_sha256(hash, (const unsigned char *)text.data, text.length);
    sodium_bin2hex(hex, 65, hash, sizeof hash);
    buf_finish(&text);
}

int config_measured(const struct config *c)
{
    int n = 0;
    for (int i = 0; i < c->npoints; i++)
        n += !c->points[i].point->watch;
    return n;
}

struct config *config_keep(struct config *c)
{
    ((struct loaded *)(void *)c)->keepers++;
    return c;
}

void config_free(struct config *c)
{
    struct loaded *d = (struct loaded *)(void *)c;
    if (!c || d->keepers-- > 0)
        return;
    for (int i = 0; i < c->npoints; i++)
        mem_free((char *)c->points[i].name);
    for (int i = 0; i < c->nlimits; i++)
        mem_free((char *)c->limits[i].id);
    for (int i = 0; i < c->nunjudged; i++)
        mem_free((char *)c->unjudged[i].id);
    for (int i = 0; i < c->nbuses; i++)
        mem_free((void *)c->buses[i].devices);
    free_own_points(d);
    for (int i = 0; i < d->nprofiles; i++)
        profile_free(d->profiles[i]);
    for (int i = 0; i < d->nlimit_files; i++) {
        mem_free(d->limit_files[i].name);
        schema_finish(&limit_schema, &d->limit_files[i]);
    }
    free_requirements(d);
    mem_free(c->points);
    mem_free(c->limits);
    mem_free(c->unjudged);
    mem_free(c->devices);
    mem_free(d->profiles);
    mem_free(d->limit_files);
    mem_free(d->file);
    schema_finish(&config_schema, d);
    mem_free(d);
}
