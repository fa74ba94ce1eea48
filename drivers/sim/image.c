#include "drivers/sim/image.h"

#include "daemon/base/mem.h"
#include "drivers/sim/adu.h"

enum { READABLE = 1, WRITABLE = 2, TABLES = TABLE_INPUT_REGISTER + 1 };

struct table {
    int first, count; /* count 0: the unit has no such table */
    bool writable;    /* something in it is */
    uint16_t *values;
    uint8_t *access; /* set of READABLE, WRITABLE */
};

struct image {
    int max_registers;
    struct table tables[TABLES]; /* by enum modbus_table */
};

/* First and last address over all points of the table. */
static void span(const struct profile *p, enum modbus_table which, struct table *t)
{
    int last = -1;
    for (int i = 0; i < p->npoints; i++) {
        const struct point *point = &p->points[i];
        int end = point->address + point_registers(point) - 1;
        if (point->table != which)
            continue;
        if (last < 0 || point->address < t->first)
            t->first = point->address;
        if (end > last)
            last = end;
    }
    t->count = last < 0 ? 0 : last - t->first + 1;
}

static void allow(struct table *t, const struct point *point)
{
    for (int k = 0; k < point_registers(point); k++)
        t->access[point->address - t->first + k] |= point->writable ? READABLE | WRITABLE : READABLE;
    t->writable |= point->writable;
}

struct image *image_create(const struct profile *p, bool strict)
{
    struct image *image = mem_new(struct image);
    image->max_registers = p->max_registers;
    for (int k = TABLE_COIL; k < TABLES; k++) {
        struct table *t = &image->tables[k];
        span(p, (enum modbus_table)k, t);
        t->values = mem_array((size_t)t->count + 1, sizeof *t->values);
        t->access = mem_array((size_t)t->count + 1, 1);
        for (int i = 0; !strict && i < t->count; i++)
            t->access[i] = READABLE;
    }
    for (int i = 0; i < p->npoints; i++)
        allow(&image->tables[p->points[i].table], &p->points[i]);
    return image;
}

enum modbus_table image_table(uint8_t function)
{
    switch (function) {
    case 1:
    case 5:
    case 15: return TABLE_COIL;
    case 2: return TABLE_DISCRETE_INPUT;
    case 4: return TABLE_INPUT_REGISTER;
    default: return TABLE_HOLDING;
    }
}

int image_refusal(const struct image *image, const struct adu_request *r)
{
    enum modbus_table which = image_table(r->function);
    const struct table *t = &image->tables[which];
    bool write = adu_is_write(r), registers = which == TABLE_HOLDING || which == TABLE_INPUT_REGISTER;
    if (t->count == 0 || (write && !t->writable))
        return EXCEPTION_FUNCTION;
    if (registers && image->max_registers > 0 && r->count > image->max_registers)
        return EXCEPTION_VALUE;
    if (r->address < t->first || r->address + r->count > t->first + t->count)
        return EXCEPTION_ADDRESS;
    for (int i = 0; i < r->count; i++)
        if (!(t->access[r->address - t->first + i] & (write ? WRITABLE : READABLE)))
            return EXCEPTION_ADDRESS;
    return 0;
}

uint16_t *image_at(struct image *image, enum modbus_table table, uint16_t address)
{
    struct table *t = &image->tables[table];
    if (address < t->first || address >= t->first + t->count)
        return NULL;
    return &t->values[address - t->first];
}

void image_write(struct image *image, const struct adu_request *r)
{
    uint16_t *at = image_at(image, image_table(r->function), r->address);
    for (int i = 0; at && i < r->count; i++)
        at[i] = adu_written(r, i);
}

void image_destroy(struct image *image)
{
    if (!image)
        return;
    for (int k = 0; k < TABLES; k++) {
        mem_free(image->tables[k].values);
        mem_free(image->tables[k].access);
    }
    mem_free(image);
}
