#include "daemon/base/err.h"

static const char *const texts[] = {
    [-ERR_OK] = "ok",
    [-ERR_IO] = "input/output error",
    [-ERR_FORMAT] = "cannot be read",
    [-ERR_RANGE] = "out of range",
    [-ERR_NOT_FOUND] = "not found",
    [-ERR_FULL] = "no room left",
    [-ERR_STATE] = "not possible in this state",
    [-ERR_DENIED] = "not allowed",
    [-ERR_TIMEOUT] = "no answer in time",
    [-ERR_CLOSED] = "closed by the far end",
    [-ERR_DAMAGED] = "damaged",
    [-ERR_VERSION] = "made by a newer version",
};

const char *err_str(int code)
{
    if (code > 0 || code < ERR__LAST)
        return "unknown error";
    return texts[-code];
}
