/* The registers and bits of one unit: as much of each table as its profile's points span. One thread. */
#ifndef DUST_SIM_IMAGE_H
#define DUST_SIM_IMAGE_H

#include "drivers/device.h"

struct adu_request;
struct image;

/* `strict`: what lies between two points cannot be read either (exception 2); else it reads 0. All begins
 * at 0. */
struct image *image_create(const struct profile *p, bool strict);

/* The exception a well-formed request deserves by the tables, 0 for none: 1 the profile has no such table,
 * or nothing in it can be written; 2 outside of it, or not writable; 3 more than the profile's
 * max_registers. */
int image_refusal(const struct image *image, const struct adu_request *r);

/* Registers or bits from `address` on, to read or to change; NULL outside the table. */
uint16_t *image_at(struct image *image, enum modbus_table table, uint16_t address);

/* The table a function works on. */
enum modbus_table image_table(uint8_t function);

/* Stores what a write carries; image_refusal has said 0. */
void image_write(struct image *image, const struct adu_request *r);

/* Accepts NULL. */
void image_destroy(struct image *image);

#endif
