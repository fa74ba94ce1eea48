/* Debian 12's <poll.h>, fortified, hands ppoll's 64-bit time to the function for 32 bits (glibc 2.36 on
 * armhf), which takes each wait below a second for none. So this file alone is not fortified; script/cross
 * looks for such calls. */
#undef _FORTIFY_SOURCE

#include "daemon/base/wait.h"

#include <stddef.h>
#include <time.h>

int wait_us(struct pollfd *fds, nfds_t n, int64_t left_us)
{
    int64_t left = left_us > 0 ? left_us : 0;
    struct timespec t = {.tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000};
    return ppoll(fds, n, left_us == INT64_MAX ? NULL : &t, NULL);
}
