/* A bus of bad units (storm_faults.h) behind a pseudo terminal, a converter or a Modbus TCP server. Each
 * request is numbered, also one that is lost on its way; so whoever reads a cell can tell whether it answers
 * what was asked last. Faults are drawn by weight from a seeded generator. What each question has to be
 * counted as is known here, from the fault and from what was on the line while it was open:
 *   - its fault says it (storm_kinds), or the dice do (storm_spoil);
 *   - but bytes that belong to another question, or to nobody's, make it garbled, because the answer must be
 *     the first thing after the question; where what comes so is an exception of the same unit on a wire,
 *     nothing tells it from an answer to this question, and it is counted as one;
 *   - unless they are, by chance, the one byte that its own answer lacked;
 *   - and a connection that ends before its answer is whole makes it a failure of the line.
 * So a question that another one's late answer hits is counted by that, not by its own fault. How the bytes
 * travel, and in what time, is storm_wire.h's. */
#ifndef STORM_SLAVE_H
#define STORM_SLAVE_H

#include "storm_faults.h"

enum { STORM_WAITING = 64, STORM_UNITS = 4, STORM_BLOCKS = 3, STORM_REGISTERS = 1024, STORM_NOBODY = -1 };

struct storm_piece {
    int64_t due_us;   /* 0: free */
    int number;       /* of the question whose it is, or nobody's */
    int connection;   /* it goes there or nowhere; 0: to whatever there is then */
    int exception_of; /* the unit, -1: it is none */
    enum { THEN_NOTHING, THEN_CLOSE, THEN_RESET } then;
    struct storm_bytes data;
};

struct storm {
    enum transport transport;
    uint64_t random;
    int weight[STORM__COUNT];
    int slow_ms, late_ms;  /* when an answer comes: within the time-out, and at most how late beyond it */
    int drip_ms;           /* how long a dripping one takes: longer than the driver waits for its end */
    bool refuse_beyond;    /* what lies beyond the cells of a block is exception 2 */
    int end[STORM_BLOCKS]; /* of the blocks: first address behind each */
    struct storm_held held[STORM_UNITS];
    unsigned pretends;           /* % of orders that are answered and not obeyed, but for a relay's time */
    int orders, obeyed;          /* that came, that were taken */
    struct storm_question order; /* the last one that came */
    atomic_int asked;
    int last_of[STORM_UNITS][STORM_REGISTERS]; /* unit id - 1, address: the last request for it */
    int injected[STORM__COUNT], hit;       /* `hit`: questions that other bytes or a lost connection met */
    int expected[STORM_UNITS][WHY__COUNT]; /* unit id - 1 */
    struct {                               /* the question that waits for its outcome; unit 0: none */
        int unit, number, heard;
        int lacks;              /* the last byte of its answer, if it was cut before that; -1 */
        enum why outcome, said; /* `said`: by the unit, whatever became of it */
    } open;
    int connection; /* counts them, from 1 */
    int mute;       /* the one on which nothing ever comes again */
    struct storm_piece waiting[STORM_WAITING];
};

static inline enum storm_fault storm_pick(struct storm *s)
{
    int weight[STORM__COUNT], sum = 0;
    for (int i = 0; i < STORM__COUNT; i++)
        sum += weight[i] = storm_kinds[i].on & storm_on(s->transport) ? s->weight[i] : 0;
    int at = (int)storm_draw(&s->random, (unsigned)sum);
    for (int i = 0; i < STORM__COUNT; i++)
        if ((at -= weight[i]) < 0)
            return (enum storm_fault)i;
    return STORM_NONE;
}

static inline struct storm_piece *storm_piece(struct storm *s, const struct storm_bytes *data, int64_t due_us,
                                              int number)
{
    for (int i = 0; i < STORM_WAITING; i++) {
        if (s->waiting[i].due_us)
            continue;
        s->waiting[i] = (struct storm_piece){.due_us = due_us,
                                             .number = number,
                                             .connection = s->connection,
                                             .exception_of = -1,
                                             .data = *data};
        return &s->waiting[i];
    }
    abort();
}

/* In at most twelve pieces, the last one `last_us` after the first. */
static inline void storm_in_pieces(struct storm *s, const struct storm_bytes *b, int64_t at_us, int last_us,
                                   int number)
{
    enum { PIECES = 12 };
    int n = b->length < PIECES ? b->length : PIECES;
    for (int i = 0; i < n; i++) {
        struct storm_bytes part = {0};
        storm_append(&part, b->bytes + i, i == n - 1 ? b->length - i : 1);
        storm_piece(s, &part, at_us + (int64_t)i * last_us / (n - 1), number);
    }
}

/* A part of the answer, then the end of the connection, a moment later so that the part is seen. */
static inline void storm_breaks(struct storm *s, const struct storm_bytes *b, int64_t at_us, int number,
                                bool reset)
{
    struct storm_bytes part = {0};
    storm_append(&part, b->bytes, (int)storm_draw(&s->random, (unsigned)b->length));
    if (part.length)
        storm_piece(s, &part, at_us, number);
    part.length = 0;
    storm_piece(s, &part, at_us + 200, number)->then = reset ? THEN_RESET : THEN_CLOSE;
}

static inline void storm_other_speaks(struct storm *s, const struct storm_question *q, int64_t at_us)
{
    struct storm_bytes asks, answers;
    storm_other(s->transport, q, &asks, &answers);
    at_us += 500 + storm_draw(&s->random, 10000);
    storm_piece(s, &asks, at_us, STORM_NOBODY);
    storm_piece(s, &answers, at_us + 3000 + storm_draw(&s->random, 1000 * (unsigned)s->late_ms / 2),
                STORM_NOBODY);
}

static inline void storm_hangs_up(struct storm *s, int64_t at_us)
{
    const struct storm_bytes nothing = {0};
    unsigned draw = storm_draw(&s->random, 6000);
    storm_piece(s, &nothing, at_us + 200 + draw, STORM_NOBODY)->then = draw % 2 ? THEN_RESET : THEN_CLOSE;
}

/* What `b` becomes on its way back. */
static inline void storm_send(struct storm *s, enum storm_fault fault, const struct storm_question *q,
                              const struct storm_bytes *b, int64_t now_us)
{
    int64_t soon_us = now_us + 500, late_us = 1000 * (int64_t)s->late_ms;
    bool refusal = s->transport != TRANSPORT_TCP && b->length == 5 && b->bytes[1] & 0x80;
    struct storm_piece *p;
    switch ((int)fault) {
    case STORM_LOST: return;
    case STORM_HALF_OPEN: s->mute = s->connection; return;
    case STORM_DRIP: storm_in_pieces(s, b, soon_us, 1000 * s->drip_ms, q->number); return;
    case STORM_TRICKLE: storm_in_pieces(s, b, soon_us, 11000, q->number); return;
    case STORM_RESET: storm_breaks(s, b, soon_us, q->number, true); return;
    case STORM_CLOSED: storm_breaks(s, b, soon_us, q->number, false); return;
    case STORM_SLOW: p = storm_piece(s, b, now_us + 1000 * (int64_t)s->slow_ms, q->number); break;
    case STORM_LATE:
        p = storm_piece(s, b, now_us + late_us * (3 + storm_draw(&s->random, 5)) / 7, q->number);
        p->connection = 0;
        break;
    default: p = storm_piece(s, b, soon_us, q->number); break;
    }
    p->exception_of = refusal ? q->unit : -1;
    if (fault == STORM_OTHER_MASTER)
        storm_other_speaks(s, q, soon_us);
    if (fault == STORM_HANG_UP)
        storm_hangs_up(s, soon_us);
}

static inline bool storm_refuses(const struct storm *s, int address, int count)
{
    for (int i = 0; s->refuse_beyond && i < STORM_BLOCKS; i++)
        if (address < s->end[i] && address + count > s->end[i])
            return true;
    return false;
}

/* Counts the question before, whose outcome is certain by now. */
static inline void storm_conclude(struct storm *s)
{
    if (s->open.unit)
        s->expected[s->open.unit - 1][s->open.outcome]++;
    s->open.unit = 0;
}

/* Takes an order, unless it was lost on its way or is refused. */
static inline void storm_order(struct storm *s, enum storm_fault fault, const struct storm_question *q)
{
    const uint8_t *pdu = storm_pdu(s->transport, q);
    if (!storm_writes(q->function))
        return;
    s->orders++;
    s->order = *q;
    if (fault == STORM_LOST || fault == STORM_EXCEPTION)
        return;
    bool time = q->function == 5 && pdu[4] != 0xFF && (pdu[4] || pdu[5]);
    if (!time && s->pretends && storm_draw(&s->random, 100) < s->pretends)
        return;
    s->obeyed++;
    for (int i = 0; i < q->count; i++) {
        int at = (q->address + i) % STORM_WRITABLE % STORM_HELD;
        uint16_t *cell = q->function == 5 || q->function == 15 ? &s->held[q->unit - 1].coils[at]
                                                               : &s->held[q->unit - 1].registers[at];
        if (q->function == 15)
            *cell = pdu[7 + i / 8] >> i % 8 & 1;
        else
            *cell =
                (uint16_t)(q->function == 16 ? pdu[7 + 2 * i] << 8 | pdu[8 + 2 * i] : pdu[4] << 8 | pdu[5]);
    }
}

/* A request came, or would have: `heard` is NULL when the connection had ended before it got here. */
static inline void storm_take(struct storm *s, int unit, const uint8_t *heard, size_t length, int64_t now_us)
{
    storm_conclude(s);
    s->open.unit = unit;
    s->open.heard = 0;
    s->open.number = STORM_NOBODY - 1;
    s->open.outcome = WHY_LINE;
    s->open.lacks = -1;
    if (!heard)
        return;
    const uint8_t *pdu = heard + (s->transport == TRANSPORT_TCP ? STORM_HEADER : 0);
    struct storm_question q = {.number = atomic_fetch_add(&s->asked, 1) + 1,
                               .unit = unit,
                               .function = pdu[1],
                               .address = pdu[2] << 8 | pdu[3],
                               .count = pdu[1] == 5 || pdu[1] == 6 ? 1 : pdu[4] << 8 | pdu[5],
                               .length = (int)length,
                               .tid = (uint16_t)(heard[0] << 8 | heard[1]),
                               .held = &s->held[unit - 1]};
    memcpy(q.bytes, heard, length);
    s->open.number = q.number;
    for (int i = q.address; q.function == 3 && i < q.address + q.count && i < STORM_REGISTERS; i++)
        s->last_of[unit - 1][i] = q.number;
    enum storm_fault fault = storm_pick(s);
    storm_order(s, fault, &q);
    struct storm_bytes b;
    bool refused = storm_refuses(s, q.address, q.count);
    s->injected[fault]++;
    if (refused)
        storm_exception(s->transport, &q, 2, &b);
    else
        storm_answer(s->transport, &q, q.unit, q.address, &b);
    const struct storm_bytes good = b;
    s->open.said = refused ? WHY_EXCEPTION : WHY_NONE;
    s->open.outcome = storm_spoil(s->transport, fault, &q, &s->random, &b);
    if (s->open.outcome == WHY_NONE)
        s->open.outcome = s->open.said;
    if (fault == STORM_TRUNCATED && b.length == good.length - 1)
        s->open.lacks = good.bytes[b.length];
    storm_send(s, fault, &q, &b, now_us);
}

/* `p` reaches the driver while a question is open. */
static inline void storm_heard(struct storm *s, const struct storm_piece *p)
{
    bool first = s->open.heard <= STORM_GLITCH, stray = p->number != s->open.number;
    bool completes = p->data.length && p->data.bytes[0] == s->open.lacks;
    s->open.heard += p->data.length;
    s->hit += stray;
    if (p->then)
        s->open.outcome = WHY_LINE;
    else if (stray && completes)
        s->open.outcome = s->open.said;
    else if (stray)
        s->open.outcome = p->exception_of == s->open.unit && first ? WHY_EXCEPTION : WHY_GARBLED;
    if (stray)
        s->open.lacks = -1;
}

/* The next piece that is due at `now_us` (taken: free it by due_us = 0), NULL; then *next_us is when the next
 * one will be, INT64_MAX without. */
static inline struct storm_piece *storm_due(struct storm *s, int64_t now_us, int64_t *next_us)
{
    struct storm_piece *first = NULL;
    for (int i = 0; i < STORM_WAITING; i++)
        if (s->waiting[i].due_us && (!first || s->waiting[i].due_us < first->due_us))
            first = &s->waiting[i];
    *next_us = first ? first->due_us : INT64_MAX;
    return first && first->due_us <= now_us ? first : NULL;
}

#endif
