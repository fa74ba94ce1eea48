#include "daemon/sample.h"

static const char *const texts[WHY__COUNT] = {
    [WHY_NONE] = "",
    [WHY_NO_ANSWER] = "no answer",
    [WHY_GARBLED] = "garbled answer",
    [WHY_EXCEPTION] = "exception",
    [WHY_LINE] = "line gone",
    [WHY_INVALID] = "invalid value",
    [WHY_BELOW] = "below range",
    [WHY_ABOVE] = "over range",
    [WHY_NOT_A_NUMBER] = "not a number",
    [WHY_LENT] = "bus lent",
    [WHY_JAMMED] = "line jammed",
    [WHY_SPIKE] = "spike",
};

const char *why_str(int why)
{
    return why >= 0 && why < WHY__COUNT ? texts[why] : "unknown";
}
