/* Stages of construction in the words of the site-dust standards (DB61/1078-2017 and
 * DB51/2682-2020 limit by stage). Any thread. */
#ifndef DUST_STAGE_H
#define DUST_STAGE_H

/* Bits, so that a set of them is an or. */
enum stage {
    STAGE_UNKNOWN = 0,
    STAGE_DEMOLITION = 1, /* 拆除 */
    STAGE_EARTHWORK = 2,  /* 土方 */
    STAGE_FOUNDATION = 4, /* 地基、基础 */
    STAGE_STRUCTURE = 8,  /* 主体 */
    STAGE_FINISHING = 16, /* 装饰 */
    STAGE_SUSPENDED = 32, /* 停工 */
    STAGE_ALL = 63,
};

const char *stage_str(enum stage stage); /* "unknown" for 0 */

#endif
