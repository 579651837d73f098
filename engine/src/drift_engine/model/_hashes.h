/* Combinations of categories: numbers are hashed together, and the hash is looked for among those of training. The
   Python twin is in _steps_python.py. Included by _steps.h.

   Hashes are spread evenly, so that their highest bits say nearly where each stands: a table of starts by these bits
   leaves a few to be searched, one look into memory instead of one for each halving. */

#define HASH_FACTOR 0x4906ba494954cb65u /* CatBoost's */
#define HASH_RANGE 2147483648.0         /* what is hashed is a whole number of 32 bits with a sign */
#define HASHES_A_START 0                /* bits: one hash for each start, or less */
#define MOST_START_BITS 20
#define NO_CODE (-1.0)

typedef struct {
    const uint64_t *keys;  /* ascending */
    const uint64_t *codes; /* of each key, `bits` each; NULL where the code is the place */
    uint32_t *starts;
    int bits, shift;
} Hashes;

/* The code of what registers hash to, NO_CODE where that was not seen. */
static double code_of_hash(const Hashes *hashes, const double *registers, const uint32_t *sources, uint32_t count) {
    uint64_t hash = 0;
    for (uint32_t index = 0; index < count; index++) {
        const double value = registers[sources[index]];
        if (!(value >= -HASH_RANGE && value < HASH_RANGE)) return NO_CODE;
        hash = HASH_FACTOR * (hash + HASH_FACTOR * (uint64_t)(int64_t)value);
    }
    const uint64_t start = hash >> hashes->shift;
    uint32_t low = hashes->starts[start], high = hashes->starts[start + 1];
    const uint32_t end = high;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (hashes->keys[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == end || hashes->keys[low] != hash) return NO_CODE;
    if (!hashes->bits) return (double)low;
    const uint64_t bit = (uint64_t)low * (uint64_t)hashes->bits, word = bit / 64, first = bit % 64;
    uint64_t code = hashes->codes[word] >> first;
    if (first + (uint64_t)hashes->bits > 64) code |= hashes->codes[word + 1] << (64 - first);
    return (double)(code & (((uint64_t)1 << hashes->bits) - 1));
}

/* Words that keys and their codes take. */
static uint64_t hash_words(uint64_t keys, uint64_t bits) { return keys + (keys * bits + 63) / 64; }

/* Find where the keys of each start begin. Returns 0 where keys do not ascend, or without memory, with its exception. */
static int index_hashes(Hashes *hashes, const uint64_t *keys, uint32_t count, int bits) {
    const int wanted = (int)bits_of(count) - HASHES_A_START;
    const int start_bits = wanted < 1 ? 1 : wanted > MOST_START_BITS ? MOST_START_BITS : wanted;
    const size_t starts = (size_t)1 << start_bits;
    for (uint32_t place = 1; place < count; place++)
        if (keys[place] <= keys[place - 1]) return 0;
    *hashes = (Hashes){.keys = keys, .codes = keys + count, .bits = bits, .shift = 64 - start_bits};
    hashes->starts = PyMem_Calloc(starts + 1, sizeof *hashes->starts);
    if (!hashes->starts) {
        PyErr_NoMemory();
        return 0;
    }
    for (uint32_t place = 0; place < count; place++) hashes->starts[(keys[place] >> hashes->shift) + 1] = place + 1;
    for (size_t start = 1; start <= starts; start++)
        if (hashes->starts[start] < hashes->starts[start - 1]) hashes->starts[start] = hashes->starts[start - 1];
    return 1;
}
