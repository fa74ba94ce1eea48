/* What main knows goes over to another configuration, by name: `is` is the new one, `before` (change.h) says
 * for each of its entries which one of the old it was, -1 none. Main thread. */
#ifndef DUST_CARRY_H
#define DUST_CARRY_H

struct config;
struct dustd;

void carry_points(struct dustd *d, const struct config *is, const int *before);
void carry_devices(struct dustd *d, const struct config *is, const int *before);
void carry_cursors(struct dustd *d, const struct config *is, const int *before); /* of batches on their way */
void carry_removed(struct dustd *d, const struct config *is); /* devices that are no more */

#endif
