/* CatBoost's exponential, with its very operations: that of fmath (S. Mitsunari, BSD), whose table of 2^(k/2048) holds
   what glibc's pow(2, k/2048) gives. Included by _links.h; the Python twin is fast_exp in _links.py. */

#define FAST_BITS 11
#define FAST_ROOTS (1 << FAST_BITS)
#define FAST_SHIFT 0x1.8p52 /* as SHIFT */
#define FAST_PER_LN2 0x1.71547652b82fep11 /* 2048 / ln 2 */
#define FAST_LN2 0x1.62e42fefa39efp-12 /* one divided by it */
#define FAST_LARGEST 0x1.62e42fefa39efp9 /* from here on it is infinite */
#define FAST_SMALLEST (-0x1.6232bdd7abcd2p9) /* up to here it is 0, or stays where it is */
#define FAST_SIDE 4                           /* numbers that it computes side by side */

/* e^x. Numbers that it computes side by side do not fall below the smallest one; those left over become 0. */
static double fast_exp(double x, int side_by_side) {
    if (x <= FAST_SMALLEST) {
        if (!side_by_side) return 0.0;
        x = FAST_SMALLEST;
    }
    if (x >= FAST_LARGEST) return INFINITY;
    const double whole = (x * FAST_PER_LN2 + FAST_SHIFT) - FAST_SHIFT;
    const double t = whole * FAST_LN2 - x;
    const double y = (0x1.8000000600dd3p1 - t) * (t * t) * 0x1.5555555bb5fdbp-3 - t + 1.0;
    const int number = (int)whole, place = number & (FAST_ROOTS - 1);
    return y * ldexp(power_of_two((double)place / FAST_ROOTS), (number - place) / FAST_ROOTS);
}

static void fast_softmax(const double *raw, Py_ssize_t count, double *scores) {
    const double largest = largest_of(raw, count);
    const Py_ssize_t whole = count - count % FAST_SIDE;
    double total = 0.0;
    for (Py_ssize_t place = 0; place < count; place++) {
        scores[place] = fast_exp(raw[place] - largest, place < whole);
        total += scores[place];
    }
    for (Py_ssize_t place = 0; place < count; place++) scores[place] /= total;
}
