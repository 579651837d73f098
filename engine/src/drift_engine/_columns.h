/* What both compiled engines read their files with: columns of bits behind a Python buffer, and blocks of memory.

   Included behind Python.h. Every function stands within the file that includes it, so that nothing is exported. */

#ifndef DRIFT_ENGINE_COLUMNS_H
#define DRIFT_ENGINE_COLUMNS_H

#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float32 numbers would be computed in another precision; the Python engine serves this machine"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "model files are little-endian; the Python engine serves this machine"
#endif

#define SIGN 0x80000000u
#define LOWEST 0x007fffffu  /* minus infinity and infinity, as numbers in the order of all float32 */
#define HIGHEST 0xff800000u
#define NUMERATOR_BITS 52
#define HUGE_PAGE ((size_t)1 << 21)

static inline uint32_t word_at(const Py_buffer *column, size_t index) {
    uint32_t word;
    memcpy(&word, (const char *)column->buf + 4 * index, 4);
    return word;
}

/* A number of up to 56 bits from that bit on; bits behind the end of the column are zeros. */
static inline uint64_t bits_at(const Py_buffer *column, uint64_t bit, int width) {
    const uint64_t byte = bit >> 3, length = (uint64_t)column->len;
    uint64_t wide = 0;
    if (length >= 8 && byte <= length - 8)
        memcpy(&wide, (const char *)column->buf + byte, 8);
    else if (byte < length)
        memcpy(&wide, (const char *)column->buf + byte, (size_t)(length - byte));
    return (wide >> (bit & 7)) & (((uint64_t)1 << width) - 1);
}

static inline uint64_t number_at(const Py_buffer *column, int width, uint64_t index) {
    return bits_at(column, index * (uint64_t)width, width);
}

/* How many zeros stand there before the next one, or before the end of the column. */
static inline uint64_t zeros_from(const Py_buffer *column, uint64_t bit) {
    const uint64_t end = 8 * (uint64_t)column->len;
    uint64_t wide, from = bit;
    while (!(wide = bits_at(column, from, 56)) && from < end) from += 56;
    if (!wide) return end > bit ? end - bit : 0;
#ifdef __GNUC__
    from += (uint64_t)__builtin_ctzll(wide);
#else
    for (; !(wide & 1); wide >>= 1) from++;
#endif
    return from - bit;
}

static uint32_t bits_of(uint64_t number) {
    uint32_t bits = 0;
    for (; number; number >>= 1) bits++;
    return bits;
}

static int holds_bits(const Py_buffer *column, uint64_t bits) { return (uint64_t)column->len == (bits + 7) / 8; }

/* A block that `free` takes; NULL with an exception set. To a new process every page is a fault: a huge page is one
   instead of 512, and walks find it faster too. Where there are none the advice is in vain and nothing else changes. */
static void *allocate_block(size_t size) {
    void *memory = NULL;
#ifdef MADV_HUGEPAGE
    const size_t huge = (size + HUGE_PAGE / 2) / HUGE_PAGE * HUGE_PAGE; /* the rest is pages as usual */
    if (huge && posix_memalign(&memory, HUGE_PAGE, size > huge ? size : huge)) memory = NULL;
    if (memory) madvise(memory, huge, MADV_HUGEPAGE);
#endif
    if (!memory && !(memory = malloc(size ? size : 1))) PyErr_NoMemory();
    return memory;
}

#endif
