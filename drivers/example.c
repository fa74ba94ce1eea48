#include "drivers/example.h"

#include "daemon/base/err.h"
#include "daemon/base/scalar.h"
#include "drivers/decode.h"
#include "drivers/frame.h"
#include "drivers/plan.h"
#include "drivers/profile.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CRC = 2, READ_BYTES = FRAME_PDU_REQUEST + CRC };

/* A request taken apart, to be built again. */
struct question {
    int unit;
    bool reads;
    struct request request;
    struct frame_order order;
};

__attribute__((format(printf, 4, 5))) static int refuse(struct example_fault *fault, const char *key,
                                                        int item, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault->key = key;
    fault->item = item;
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return ERR_FORMAT;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

int example_bytes(const char *text, uint8_t *out, int max)
{
    int n = 0;
    for (; n < max; n++) {
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return -1;
        out[n] = (uint8_t)(high << 4 | low);
        if (!text[2])
            return n + 1;
        if (text[2] != ' ')
            return -1;
        text += 3;
    }
    return -1;
}

static unsigned get16(const uint8_t *in)
{
    return (unsigned)in[0] << 8 | in[1];
}

/* Bytes of a frame with the right CRC; `key` is what they stand under. */
static int frame_bytes(const char *text, const char *key, uint8_t out[static FRAME_MAX], int *n,
                       struct example_fault *fault)
{
    *n = example_bytes(text, out, FRAME_MAX);
    if (*n < 2 + CRC)
        return refuse(fault, key, -1,
                      "found \"%.60s\"; allowed: bytes in hexadecimal, unit to CRC, with a space "
                      "between",
                      text);
    uint16_t crc = frame_crc(out, (size_t)(*n - CRC));
    if (out[*n - 2] != (crc & 0xFF) || out[*n - 1] != crc >> 8)
        return refuse(fault, key, -1, "found the CRC %02X %02X in %s; allowed: %02X %02X%s", out[*n - 2],
                      out[*n - 1], key, crc & 0xFF, crc >> 8,
                      strcmp(key, "request") == 0 ? ", and misprint: for what the manual shows" : "");
    return ERR_OK;
}

static bool is_order(unsigned function)
{
    return function == ORDER_COIL || function == ORDER_REGISTER || function == ORDER_COILS ||
           function == ORDER_REGISTERS;
}

static bool take_order(const uint8_t *bytes, int n, struct frame_order *o)
{
    bool single = bytes[1] == ORDER_COIL || bytes[1] == ORDER_REGISTER, bits = bytes[1] == ORDER_COILS;
    *o = (struct frame_order){.function = bytes[1], .address = (uint16_t)get16(bytes + 2), .count = 1};
    o->values[0] = (uint16_t)get16(bytes + 4);
    if (single)
        return true;
    o->count = (uint16_t)get16(bytes + 4);
    if (o->count < 1 || o->count > ORDER_VALUES_MAX ||
        n < 7 + (bits ? (o->count + 7) / 8 : 2 * o->count) + CRC)
        return false;
    for (size_t i = 0; i < o->count; i++)
        o->values[i] = bits ? bytes[7 + i / 8] >> i % 8 & 1 : (uint16_t)get16(bytes + 7 + 2 * i);
    return true;
}

static bool take_apart(const uint8_t *bytes, int n, struct question *q)
{
    q->unit = bytes[0];
    q->reads = bytes[1] >= TABLE_COIL && bytes[1] <= TABLE_INPUT_REGISTER;
    if (n < READ_BYTES || (!q->reads && !is_order(bytes[1])))
        return false;
    q->request =
        (struct request){(enum modbus_table)bytes[1], (uint16_t)get16(bytes + 2), (uint16_t)get16(bytes + 4)};
    if (q->reads)
        return q->request.count > 0 && q->request.count <= (plan_bits(q->request.table) ? 2000 : 125);
    return take_order(bytes, n, &q->order);
}

/* What dustd would send. */
static int build(const struct question *q, uint8_t out[static FRAME_MAX])
{
    int n = FRAME_PDU_REQUEST;
    if (q->reads)
        frame_request(q->unit, &q->request, out);
    else
        n = frame_order(q->unit, &q->order, out);
    uint16_t crc = frame_crc(out, (size_t)n);
    out[n++] = (uint8_t)crc;
    out[n++] = (uint8_t)(crc >> 8);
    return n;
}

static int check_request(const struct profile *p, const struct example *e, struct question *q,
                         struct example_fault *fault)
{
    uint8_t bytes[FRAME_MAX] = {0}, built[FRAME_MAX];
    int n, error = frame_bytes(e->request, "request", bytes, &n, fault);
    if (error)
        return error;
    if (!take_apart(bytes, n, q) || build(q, built) != n || memcmp(bytes, built, (size_t)n) != 0)
        return refuse(
            fault, "request", -1,
            "found a request that dustd does not send; allowed: functions 1 to 6, 15 and 16 as Modbus "
            "has them");
    for (int i = 0; q->reads && i < p->npoints; i++)
        if (plan_covers(&q->request, &p->points[i]))
            return ERR_OK;
    return q->reads ? refuse(fault, "request", -1,
                             "found a request for %s %u, %u of them, that is of no point; allowed: one that "
                             "reads a point of this profile",
                             table_str(q->request.table), q->request.address, q->request.count)
                    : ERR_OK;
}

/* A frame that the manual shows wrongly is another than the right one. */
static int check_misprint(const struct example *e, struct example_fault *fault)
{
    if (strcmp(e->misprint, e->request) == 0)
        return refuse(fault, "misprint", -1,
                      "found the request itself; allowed: what the manual shows instead");
    return ERR_OK;
}

static int check_response(const struct example *e, const struct question *q, uint16_t *values,
                          struct example_fault *fault)
{
    uint8_t bytes[FRAME_MAX], exception;
    int n, error = frame_bytes(e->response, "response", bytes, &n, fault);
    if (error)
        return error;
    size_t body = (size_t)(n - CRC);
    enum why why = q->reads ? frame_check(q->unit, &q->request, bytes, body, values, &exception)
                            : frame_check_order(q->unit, &q->order, bytes, body, &exception);
    return why == WHY_NONE ? ERR_OK
                           : refuse(fault, "response", -1,
                                    "found a response that does not answer the request; allowed: the unit, "
                                    "function and length that were asked for");
}

const struct point *example_value(const struct profile *p, const char *line, double *value)
{
    size_t name = strcspn(line, " ");
    const struct point *point = NULL;
    for (int i = 0; i < p->npoints && !point; i++)
        if (strlen(p->points[i].name) == name && memcmp(p->points[i].name, line, name) == 0)
            point = &p->points[i];
    if (!point || !line[name])
        return NULL;
    if (strcmp(line + name, " -") == 0) {
        *value = NAN;
        return point;
    }
    return scalar_quantity(line + name + 1, point->unit, value) == ERR_OK ? point : NULL;
}

static int check_value(const struct profile *p, const struct example *e, int i, const struct question *q,
                       const uint16_t *values, struct example_fault *fault)
{
    double want;
    const struct point *point = example_value(p, e->values[i], &want);
    if (!point || !q->reads || !plan_covers(&q->request, point))
        return refuse(fault, "values", i,
                      "found \"%.60s\"; allowed: a point of the request and its value, such as \"pm10 66 "
                      "ug/m3\", or \"pm10 -\"",
                      e->values[i]);
    struct sample s = {.nreg = (uint8_t)point_registers(point)};
    memcpy(s.reg, values + (point->address - q->request.address), s.nreg * sizeof *s.reg);
    decode_point(point, &s);
    if ((isnan(want) && isnan(s.value)) || fabs(want - s.value) <= 1e-6 * fabs(want))
        return ERR_OK;
    return refuse(fault, "values", i,
                  "found \"%.60s\", but the response says %.10g %s; allowed: what it says", e->values[i],
                  s.value, point->unit);
}

int example_check(const struct profile *p, const struct example *e, struct example_fault *fault)
{
    uint16_t values[FRAME_VALUES_MAX];
    struct question q;
    int error = check_request(p, e, &q, fault);
    if (!error)
        error = check_misprint(e, fault);
    if (!error && e->nvalues && !e->response[0])
        return refuse(fault, "values", -1, "found values without a response; allowed: both");
    if (!error && e->response[0])
        error = check_response(e, &q, values, fault);
    for (int i = 0; i < e->nvalues && !error; i++)
        error = check_value(p, e, i, &q, values, fault);
    return error;
}
