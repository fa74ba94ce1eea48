/* wb-mqtt-serial 2.121.3 crashed on many incorrect packets. Any bytes as an answer: only a frame that fits
 * its question gives values, and no byte outside it is read.
 */
#include "drivers/frame.h"
#include "drivers/plan.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint16_t values[FRAME_VALUES_MAX];
    uint8_t exception = 0, question[FRAME_PDU_REQUEST];
    if (size < 4)
        return 0;
    struct request r = {.table = (enum modbus_table)(1 + data[0] % 4), .address = data[1]};
    r.count = r.table <= TABLE_DISCRETE_INPUT ? (uint16_t)(1 + data[2] * 7) : 1 + data[2] % 125;
    int unit = data[3];
    const uint8_t *answer = data + 4;
    size_t n = size - 4;
    frame_request(unit, &r, question);
    enum why why = frame_check(unit, &r, answer, n, values, &exception);
    bool fits = n > 2 && answer[0] == unit && answer[1] == r.table &&
                n + 2 == (size_t)frame_answer_bytes(&r) && answer[2] == n - 3;
    if ((why == WHY_NONE) != fits)
        abort();
    if (frame_mbap_fits(0x0102, answer, n) && (n < 8 || memcmp(answer, "\1\2\0\0", 4) != 0))
        abort();
    return 0;
}
