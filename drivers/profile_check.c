/* What a profile must not say, beyond what each setting says by itself. */
#include "drivers/profile_private.h"

#include "daemon/base/err.h"
#include "daemon/base/level.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/base/yaml.h"
#include "drivers/example.h"
#include "drivers/profile.h"

#include <math.h>
#include <string.h>

enum { MEASURED_PERIOD_MAX_MS = 60000 };

/* A unit that the unit of a point with that role must fit. */
static const char *const role_units[] = {"ug/m3", "ug/m3", "ug/m3", "ug/m3", "m/s", "deg", "degC", "%",
                                         "kPa",   "dB",    "mm",    "m3/h",  "m3",  "kPa", "",     "",
                                         "",      "",      "",      "",      "",    "deg", "deg",  "deg"};

const char *role_unit(const char *role)
{
    for (const struct word *w = role_words; w->text; w++)
        if (strcmp(w->text, role) == 0)
            return role_units[w->value];
    return "";
}

bool role_takes(const char *role, const char *unit)
{
    double converted;
    const char *own = role_unit(role);
    return !unit_convert(1, unit, own, &converted) || (unit_is_level(unit) && unit_is_level(own));
}

static bool is_bit_table(const struct point *p)
{
    return p->table == TABLE_COIL || p->table == TABLE_DISCRETE_INPUT;
}

/* --- numbers of registers --- */

/* How manuals number registers: the first digit names the table (Modbus Application Protocol V1.1b3, 4.3,
 * calls the tables so; the numbers are an older custom). */
static const struct {
    unsigned first, last;
    enum modbus_table table;
} numbers[] = {{1, 9999, TABLE_COIL},
               {10001, 19999, TABLE_DISCRETE_INPUT},
               {30001, 39999, TABLE_INPUT_REGISTER},
               {40001, 49999, TABLE_HOLDING}};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

static int number_kind(unsigned number)
{
    int i = 0;
    while (i < NUMBERS && (number < numbers[i].first || number > numbers[i].last))
        i++;
    return i;
}

void profile_settle(enum address_base base, struct point *p)
{
    int kind = number_kind(p->address);
    if (base == BASE_1)
        p->address--;
    if (base != BASE_40001 || kind == NUMBERS)
        return;
    p->table = numbers[kind].table;
    p->address = (uint16_t)(p->address - numbers[kind].first);
}

static enum address_base base_of(const struct yaml_doc *doc)
{
    const struct yaml_node *base = yaml_get(yaml_root(doc), "base");
    const struct word *w = base && base->kind == YAML_SCALAR ? base_words : NULL;
    while (w && w->text && strcmp(w->text, base->text) != 0)
        w++;
    return w && w->text ? (enum address_base)w->value : BASE_UNSAID;
}

/* A number such as 40001 is an address too, but hardly ever meant as one: it must be said which it is. */
static int check_unsaid(const struct yaml_doc *doc, const struct yaml_node *address, const struct point *p,
                        struct complaint *why)
{
    int kind = number_kind(p->address);
    if (p->table == TABLE_COIL || kind == NUMBERS || numbers[kind].table != p->table ||
        strncmp(address->text, "0x", 2) == 0)
        return ERR_OK;
    return yaml_complain(doc, address, why,
                         "found %s without a base; allowed: with base: 40001, where it is the %s register at "
                         "%u, with base: 0, or as 0x%04X",
                         address->text, table_str(p->table), p->address - numbers[kind].first, p->address);
}

static int check_number(const struct yaml_doc *doc, const struct yaml_node *map, const struct point *p,
                        struct complaint *why)
{
    const struct yaml_node *address = yaml_get(map, "address"), *table = yaml_get(map, "table");
    int kind = number_kind(p->address);
    switch (base_of(doc)) {
    case BASE_UNSAID: return check_unsaid(doc, address, p, why);
    case BASE_0: return ERR_OK;
    case BASE_1:
        return p->address ? ERR_OK
                          : yaml_complain(doc, address, why, "found address 0 with base 1; allowed: from 1");
    case BASE_40001: break;
    }
    if (kind == NUMBERS)
        return yaml_complain(
            doc, address, why,
            "found %s with base 40001; allowed: 1 to 9999 (coil), 10001 to 19999 (discrete), "
            "30001 to 39999 (input), 40001 to 49999 (holding)",
            address->text);
    if (table && p->table != numbers[kind].table)
        return yaml_complain(doc, table, why, "found table %s for number %s; allowed: %s, or none",
                             table_str(p->table), address->text, table_str(numbers[kind].table));
    return ERR_OK;
}

/* --- one point --- */

static int check_bits(const struct yaml_doc *doc, const struct yaml_node *map, const struct point *p,
                      struct complaint *why)
{
    const struct yaml_node *type = yaml_get(map, "type"), *bit = yaml_get(map, "bit");
    if (is_bit_table(p) && p->type != TYPE_BIT)
        return yaml_complain(doc, type, why, "found type %s in table %s; allowed: bit", type_str(p->type),
                             table_str(p->table));
    if (is_bit_table(p) && p->bit >= 0)
        return yaml_complain(doc, bit, why, "found a bit in table %s; allowed: only in holding and input",
                             table_str(p->table));
    if (!is_bit_table(p) && (p->type == TYPE_BIT) != (p->bit >= 0))
        return yaml_complain(doc, bit ? bit : type, why,
                             "found type %s and bit %d; allowed: in registers, type bit with bit 0 to 15",
                             type_str(p->type), p->bit);
    if (p->writable && (p->table == TABLE_DISCRETE_INPUT || p->table == TABLE_INPUT_REGISTER))
        return yaml_complain(doc, yaml_get(map, "writable"), why,
                             "found a writable point in table %s; allowed: in coil and holding",
                             table_str(p->table));
    return ERR_OK;
}

static int check_numbers(const struct yaml_doc *doc, const struct yaml_node *map, const struct point *p,
                         struct complaint *why)
{
    int registers = point_registers(p);
    uint64_t most = registers == 4 ? UINT64_MAX : (UINT64_C(1) << (16 * registers)) - 1;
    if (p->spike <= 0)
        return yaml_complain(doc, yaml_get(map, "spike"), why, "found spike %g; allowed: more than 0",
                             p->spike);
    if (p->scale == 0)
        return yaml_complain(doc, yaml_get(map, "scale"), why, "found scale 0; allowed: any other number");
    if (p->low >= p->high)
        return yaml_complain(doc, yaml_get(map, "high"), why,
                             "found a range from %g to %g; allowed: low < high", p->low, p->high);
    if (p->address + registers > 65536)
        return yaml_complain(doc, yaml_get(map, "address"), why,
                             "found address %u for %d registers; allowed: up to 65535", p->address,
                             registers);
    if (p->usual_low >= p->usual_high)
        return yaml_complain(doc, yaml_get(map, "usual_high"), why,
                             "found a usual range from %g to %g; allowed: usual_low < usual_high",
                             p->usual_low, p->usual_high);
    for (int i = 0; i < p->ninvalid; i++)
        if (p->invalid[i] > most)
            return yaml_complain(doc, &yaml_get(map, "invalid")->items[i], why,
                                 "found a raw value that type %s cannot hold; allowed: at most 0x%llX",
                                 type_str(p->type), (unsigned long long)most);
    return ERR_OK;
}

/* What is watched is no measurement: it is in no mean, and no limit looks at it. */
static int check_watch(const struct yaml_doc *doc, const struct yaml_node *map, const struct point *p,
                       struct complaint *why)
{
    if (p->watch && p->role[0])
        return yaml_complain(doc, yaml_get(map, "watch"), why,
                             "found watch with the role %s; allowed: a setting of the device, without a role",
                             p->role);
    if (!p->watch && p->period_ms > MEASURED_PERIOD_MAX_MS)
        return yaml_complain(doc, yaml_get(map, "period"), why,
                             "found a period of %lld s; allowed: at most 60s, or with watch: true",
                             (long long)p->period_ms / 1000);
    return ERR_OK;
}

static int check_role(const struct yaml_doc *doc, const struct yaml_node *map, const struct point *p,
                      struct complaint *why)
{
    const struct yaml_node *unit = yaml_get(map, "unit");
    if (p->role[0] && !role_takes(p->role, p->unit))
        return yaml_complain(doc, unit ? unit : yaml_get(map, "role"), why,
                             "found the unit \"%s\" for the role %s; allowed: one that fits \"%s\"", p->unit,
                             p->role, role_unit(p->role));
    return ERR_OK;
}

int profile_check_point(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                        struct complaint *why)
{
    int (*const checks[])(const struct yaml_doc *, const struct yaml_node *, const struct point *,
                          struct complaint *) = {check_bits, check_numbers, check_watch, check_role};
    struct point p = *(const struct point *)object;
    int error = check_number(doc, map, &p, why);
    if (!error)
        profile_settle(base_of(doc), &p);
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !error; i++)
        error = checks[i](doc, map, &p, why);
    return error;
}

/* --- all of them --- */

/* The settled points, as they will be; the caller frees them (mem_free). They own nothing. */
static struct point *settled(const struct yaml_doc *doc, const struct profile *p)
{
    struct point *points = mem_array((size_t)p->npoints, sizeof *points);
    for (int i = 0; i < p->npoints; i++) {
        points[i] = p->points[i];
        profile_settle(base_of(doc), &points[i]);
    }
    return points;
}

/* Bits of one register are different things. */
static bool overlap(const struct point *a, const struct point *b)
{
    bool apart =
        a->address + point_registers(a) <= b->address || b->address + point_registers(b) <= a->address;
    return a->table == b->table && !apart && !(a->bit >= 0 && b->bit >= 0 && a->bit != b->bit);
}

static int check_overlaps(const struct yaml_doc *doc, const struct yaml_node *points, const struct point *p,
                          int n, struct complaint *why)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (overlap(&p[i], &p[k]))
                return yaml_complain(
                    doc, &points->keys[i], why,
                    "found point %s at %s %u, which point %s reads already; allowed: registers "
                    "of its own, or another bit of the same",
                    p[i].name, table_str(p[i].table), p[i].address, p[k].name);
    return ERR_OK;
}

static int check_examples(const struct yaml_doc *doc, const struct yaml_node *map, const struct profile *p,
                          struct complaint *why)
{
    const struct yaml_node *examples = yaml_get(map, "examples");
    for (int i = 0; i < p->nexamples; i++) {
        struct example_fault fault;
        const struct yaml_node *example = &examples->items[i], *at;
        if (example_check(p, &p->examples[i], &fault) == ERR_OK)
            continue;
        at = yaml_get(example, fault.key);
        if (at && at->kind == YAML_LIST && fault.item >= 0)
            at = &at->items[fault.item];
        return yaml_complain(doc, at ? at : example, why, "%s", fault.text);
    }
    return ERR_OK;
}

int profile_check(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                  struct complaint *why)
{
    struct profile p = *(const struct profile *)object;
    const struct yaml_node *points = yaml_get(map, "points");
    if (p.npoints > PROFILE_POINTS_MAX)
        return yaml_complain(doc, points, why, "found %d points; allowed: at most %d", p.npoints,
                             PROFILE_POINTS_MAX);
    for (int i = 0; i < p.npoints; i++)
        if (point_registers(&p.points[i]) > p.max_registers)
            return yaml_complain(doc, &points->keys[i], why,
                                 "found a point of %d registers; allowed: max_registers, %d",
                                 point_registers(&p.points[i]), p.max_registers);
    p.points = settled(doc, &p);
    int error = check_overlaps(doc, points, p.points, p.npoints, why);
    if (!error)
        error = check_examples(doc, map, &p, why);
    mem_free(p.points);
    return error;
}
