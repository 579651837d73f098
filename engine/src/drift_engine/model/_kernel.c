/* The compiled engine: decodes the columns of a packed model, ranks each value of a row once, and walks several trees
   (or rows) at once over ranks alone.

   An input has its thresholds, sorted; the rank of a value is how many of them it is beyond. A split compares the rank
   of an entry with a code, and rows go right where the rank exceeds it. Missing values cost no branch: an input has an
   entry where they rank lowest, and so go left everywhere, and one where they rank highest. Every set of categories is
   an entry of its own, of rank 0 or 1.

   A tree of up to 8 levels is a heap of 4-byte nodes, whose steps need no pointers; heaps of one depth lie side by side,
   so that walks in flight share one address. Any other tree has a pair of nodes for its root (the second is not used)
   and one for the children of each split, in preorder of the splits: a walk steps to `slot + way to the children +
   (rank > code)`. No rank exceeds a leaf's code, and its way is 0, so that walks of different lengths need no branch.
   The children of a split come behind it, so every walk ends. */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>

#include "../_columns.h"
#include "_links.h"

#define LANES 10        /* walks in flight together, to overlap their cache misses */
#define STEPS 4         /* steps between two looks whether all walks of rows have ended */
#define FIRST_STEPS 6   /* of a row's walks before the first look which have ended; few leaves are nearer */
#define MORE_STEPS 3    /* of those that go on */
#define BLOCK 256       /* rows that one tree sees before the next tree, at most */
#define BLOCK_RANKS 65536 /* ranks of these rows, as many as stay near */
#define ON_STACK 16384  /* bytes of a row's scratch that need no allocation */
#define DEEPEST_HEAP 8
#define COMMON_BITS 16  /* of a node's way, where both halves of its word fit: shifts by a constant are faster */
#define SPARSEST_HEAP 8 /* a heap has at most so many leaves for each leaf of its tree */
#define HEAP_CODES 0xffffu
#define COUNTED 8       /* thresholds that are counted, not halved */
#define MAX_OUTPUTS 1000
#define MAX_COLUMNS (1 << 20)
#define COLUMN_WORDS 8
#define MORE_ROWS 2     /* of a category's table: any other code, and missing */
#define LEAF 0x80000000u
#define WORD_BITS 32
#define TINY ((double)1e-35f)

enum { FLOAT64, FLOAT32, RATIO };
enum { KEEP, ZERO_IS_TINY, ZERO_IS_MISSING };
enum { DIRECTION, MISSING_IS_ZERO, REFUSE };

typedef struct {
    uint32_t code;
    uint32_t word; /* from the highest bit: entry, slots from here to the left child */
} Node;

typedef struct {
    uint32_t source, thresholds, categories, sets, words, entry;
    uint8_t single, strict, zero, missing, finite, lookup, by_sets, directional;
    const double *sorted; /* thresholds */
    const double *values; /* of a lookup */
    const uint32_t *bits; /* of sets: `words` for each code, any other, missing; 1 goes right */
} Input;

typedef struct {
    size_t first;    /* of its nodes, or of the words of its heap */
    uint32_t splits, depth;
    int is_heap;
} Tree;

typedef struct {
    int task, sum, link, decision, of_vectors, scalar_kind, scalar_bits, rows_bits, split_code_bits, leaf_code_bits;
    int vector_code_bits, output_bits;
    Py_ssize_t features, columns, trees, splits, outputs, raws, distinct, scalars, vectors, singles_bytes;
    long long lowest_numerator;
    double divisor, first, second, threshold;
} Shape;

/* A tree that a row is on its way down. */
typedef struct {
    size_t slot;
    uint32_t tree;
} Walk;

typedef struct {
    PyObject_HEAD
    Shape shape;
    uint32_t entries, slot_bits;
    Py_ssize_t heaps;    /* of `order`, these first */
    int in_order;        /* trees are walked in the order in which they are added */
    double *start;
    Input *inputs;
    double *numbers;     /* thresholds, then lookups */
    uint32_t *set_bits;
    Tree *trees;
    uint32_t *order;     /* trees by depth, heaps first: walks of one length go together */
    Node *nodes;
    uint32_t *heap;
    double *values;      /* of leaves: a number, or `raws` numbers */
    uint16_t *outputs;   /* which raw score each tree adds to */
} Engine;

typedef struct {
    PyObject *bad_model, *bad_row;
    PyTypeObject *engine_type; /* what members of steps are */
} State;

static State *state_of(Engine *self) { return PyType_GetModuleState(Py_TYPE((PyObject *)self)); }

/* ---- ranks ---- */

/* How many thresholds a value is beyond: above, or not below where the rule is strict. No branch depends on the value, as
   half of all would be guessed wrong; the last few are counted, which needs no step to wait for the step before. */
static inline uint32_t rank_of(const double *sorted, uint32_t count, double value, int strict) {
    const double *base = sorted;
    int64_t beyond = 0; /* of 64 bits, as the comparisons are: the compiler counts two at once */
    if (strict) {
        for (uint32_t half; count > COUNTED; count -= half) {
            half = count / 2;
            base += half & (0 - (uint32_t)(base[half - 1] <= value));
        }
        for (uint32_t place = 0; place < count; place++) beyond += base[place] <= value;
    } else {
        for (uint32_t half; count > COUNTED; count -= half) {
            half = count / 2;
            base += half & (0 - (uint32_t)(base[half - 1] < value));
        }
        for (uint32_t place = 0; place < count; place++) beyond += base[place] < value;
    }
    return (uint32_t)(base - sorted) + (uint32_t)beyond;
}

/* The code of a category: `categories` for any other, one more for a missing value. */
static inline uint32_t code_of(double value, uint32_t categories) {
    if (value != value) return categories + 1;
    return value > -1.0 && value < (double)categories ? (uint32_t)(int64_t)value : categories;
}

static const uint32_t bit_of[32] = {
    1u << 0,  1u << 1,  1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,  1u << 8,  1u << 9,  1u << 10,
    1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15, 1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21,
    1u << 22, 1u << 23, 1u << 24, 1u << 25, 1u << 26, 1u << 27, 1u << 28, 1u << 29, 1u << 30, 1u << 31};

static void rank_sets(const Input *input, double value, uint32_t *ranks) {
    const uint32_t *bits = input->bits + (size_t)code_of(value, input->categories) * input->words;
    for (uint32_t word = 0; word < input->words; word++, ranks += 32) {
        const uint32_t set = bits[word];
        for (int bit = 0; bit < 32; bit++) ranks[bit] = (set & bit_of[bit]) != 0;
    }
}

/* The rank of each entry. Returns the input that refuses its value, NULL if none does. */
static const Input *rank_row(const Engine *self, const double *row, uint32_t *ranks) {
    for (Py_ssize_t index = 0; index < self->shape.columns; index++) {
        const Input *input = self->inputs + index;
        double value = row[input->source];
        if (input->by_sets) {
            if (value != value && input->missing == REFUSE) return input;
            rank_sets(input, value, ranks + input->entry);
            continue;
        }
        if (input->lookup) value = input->values[code_of(value, input->categories)];
        if (input->single) value = (double)(float)value;
        if (input->zero != KEEP && fabs(value) <= TINY) value = input->zero == ZERO_IS_TINY ? 0.0 : NAN;
        if (value != value) {
            if (input->missing == REFUSE) return input;
            if (input->missing == DIRECTION) {
                ranks[input->entry] = 0;
                ranks[input->entry + 1] = input->thresholds;
                continue;
            }
            value = 0.0;
        } else if (input->finite && isinf(value)) {
            return input;
        }
        const uint32_t rank = rank_of(input->sorted, input->thresholds, value, input->strict);
        ranks[input->entry] = rank;
        if (input->directional) ranks[input->entry + 1] = rank;
    }
    return NULL;
}

/* ---- walking ---- */

/* Walk LANES rows down a heap; gives the numbers of their leaves. */
static inline void walk_heap(const uint32_t *heap, const uint32_t *const *ranks, const uint32_t depth,
                             uint32_t *leaves) {
    uint32_t places[LANES];
    for (int lane = 0; lane < LANES; lane++) places[lane] = 1;
    for (uint32_t level = 0; level < depth; level++)
        for (int lane = 0; lane < LANES; lane++) {
            const uint32_t node = heap[places[lane]];
            places[lane] = 2 * places[lane] + (ranks[lane][node >> 16] > (node & HEAP_CODES));
        }
    /* the numbers of leaves follow the nodes, so that a place is where its number is */
    for (int lane = 0; lane < LANES; lane++) leaves[lane] = heap[places[lane]];
}

static inline size_t step(const Node *nodes, size_t slot, const uint32_t *ranks, uint32_t slot_bits) {
    const Node node = nodes[slot];
    const uint32_t entry = (uint32_t)((uint64_t)node.word >> slot_bits);
    return slot + (node.word & (uint32_t)(((uint64_t)1 << slot_bits) - 1)) + (ranks[entry] > node.code);
}

/* Walk LANES pairs of a tree, by the slot of its root, and a row to their leaves. */
static inline void walk_nodes(const Node *nodes, size_t *slots, const uint32_t *const *ranks, const uint32_t slot_bits,
                              uint32_t *leaves) {
    size_t moved;
    do {
        for (int again = 1; again < STEPS; again++)
            for (int lane = 0; lane < LANES; lane++) slots[lane] = step(nodes, slots[lane], ranks[lane], slot_bits);
        moved = 0;
        for (int lane = 0; lane < LANES; lane++) {
            const size_t next = step(nodes, slots[lane], ranks[lane], slot_bits);
            moved |= next ^ slots[lane];
            slots[lane] = next;
        }
    } while (moved);
    for (int lane = 0; lane < LANES; lane++) leaves[lane] = nodes[slots[lane]].code & ~LEAF;
}

static void walk_trees(const Engine *self, size_t *slots, const uint32_t *const *ranks, uint32_t *leaves) {
    if (self->slot_bits == COMMON_BITS)
        walk_nodes(self->nodes, slots, ranks, COMMON_BITS, leaves);
    else
        walk_nodes(self->nodes, slots, ranks, self->slot_bits, leaves);
}

/* Walk LANES rows down one tree. */
static inline void walk_tree(const Engine *self, const Tree *tree, const uint32_t *const *ranks, uint32_t *leaves) {
    if (tree->is_heap) {
        walk_heap(self->heap + tree->first, ranks, tree->depth, leaves);
        return;
    }
    size_t slots[LANES];
    for (int lane = 0; lane < LANES; lane++) slots[lane] = tree->first;
    walk_trees(self, slots, ranks, leaves);
}

/* Walk a row down LANES heaps that lie side by side. */
static inline void walk_beside(const uint32_t *heap, const uint32_t *ranks, const uint32_t depth, uint32_t *leaves) {
    uint32_t places[LANES];
    for (int lane = 0; lane < LANES; lane++) places[lane] = 1;
    for (uint32_t level = 0; level < depth; level++)
        for (uint32_t lane = 0; lane < LANES; lane++) {
            const uint32_t node = heap[((size_t)lane << (depth + 1)) + places[lane]];
            places[lane] = 2 * places[lane] + ((node & HEAP_CODES) < ranks[node >> 16]);
        }
    for (uint32_t lane = 0; lane < LANES; lane++) leaves[lane] = heap[((size_t)lane << (depth + 1)) + places[lane]];
}

static void walk_side_by_side(const uint32_t *heap, const uint32_t *ranks, uint32_t depth, uint32_t *leaves) {
    switch (depth) { /* a depth that the compiler knows needs no loop */
    case 0: walk_beside(heap, ranks, 0, leaves); break;
    case 1: walk_beside(heap, ranks, 1, leaves); break;
    case 2: walk_beside(heap, ranks, 2, leaves); break;
    case 3: walk_beside(heap, ranks, 3, leaves); break;
    case 4: walk_beside(heap, ranks, 4, leaves); break;
    case 5: walk_beside(heap, ranks, 5, leaves); break;
    case 6: walk_beside(heap, ranks, 6, leaves); break;
    case 7: walk_beside(heap, ranks, 7, leaves); break;
    default: walk_beside(heap, ranks, DEEPEST_HEAP, leaves);
    }
}

/* Walk a row down the next heaps of the order, at most LANES and all of one depth; gives how many. */
static Py_ssize_t walk_heaps(const Engine *self, Py_ssize_t start, const uint32_t *ranks, uint32_t *leaves) {
    const Tree *first = self->trees + self->order[start];
    Py_ssize_t count = self->heaps - start < LANES ? self->heaps - start : LANES;
    while (self->trees[self->order[start + count - 1]].depth != first->depth) count--;
    walk_side_by_side(self->heap + first->first, ranks, first->depth, leaves);
    return count;
}

/* One half of a node's word. Read from memory it needs no shift and no mask; walks wait for instructions more than for
   nodes. */
static inline size_t half_at(const Node *node, int place) {
    uint16_t half;
    memcpy(&half, (const char *)&node->word + 2 * place, 2);
    return half;
}

/* Let LANES walks of one row take so many steps; those that are at their leaves stay there. */
static inline void walk_on(const Engine *self, const uint32_t *ranks, Walk *walks, const int steps, const int common) {
    const Node *const nodes = self->nodes;
    const uint32_t slot_bits = self->slot_bits;
    size_t slots[LANES];
    for (int lane = 0; lane < LANES; lane++) slots[lane] = walks[lane].slot;
    for (int again = 0; again < steps; again++)
        for (int lane = 0; lane < LANES; lane++) {
            const Node *node = nodes + slots[lane];
            if (common)
                slots[lane] += half_at(node, 0) + (ranks[half_at(node, 1)] > node->code);
            else
                slots[lane] = step(nodes, slots[lane], ranks, slot_bits);
        }
    for (int lane = 0; lane < LANES; lane++) walks[lane].slot = slots[lane];
}

static void walk_further(const Engine *self, const uint32_t *ranks, Walk *walks, Py_ssize_t count, int is_first) {
    for (Py_ssize_t start = 0; start < count; start += LANES) {
        if (self->slot_bits != COMMON_BITS)
            walk_on(self, ranks, walks + start, is_first ? FIRST_STEPS : MORE_STEPS, 0);
        else if (is_first)
            walk_on(self, ranks, walks + start, FIRST_STEPS, 1);
        else
            walk_on(self, ranks, walks + start, MORE_STEPS, 1);
    }
}

/* Walk a row down all trees that are no heaps. Paths differ in length: after some steps those that have ended make
   room, so that no lane waits for the longest path of its neighbours. No branch depends on the row. */
static void walk_paths(const Engine *self, const uint32_t *ranks, Walk *walks, uint32_t *leaves) {
    const uint32_t *order = self->order + self->heaps;
    Py_ssize_t count = self->shape.trees - self->heaps;
    for (Py_ssize_t place = 0; place < count; place++)
        walks[place] = (Walk){self->trees[order[place]].first, order[place]};
    for (int is_first = 1; count; is_first = 0) {
        for (int lane = 0; lane < LANES; lane++) walks[count + lane] = walks[0];
        walk_further(self, ranks, walks, count, is_first);
        Py_ssize_t open = 0;
        for (Py_ssize_t place = 0; place < count; place++) {
            const Walk walk = walks[place];
            const uint32_t code = self->nodes[walk.slot].code;
            leaves[walk.tree] = code & ~LEAF; /* written again while it is no leaf */
            walks[open] = walk;
            open += code < LEAF;
        }
        count = open;
    }
}

/* Add the leaf of a tree to the sums, in the model's precision. */
static inline void add_leaf(const Engine *self, Py_ssize_t tree, uint32_t leaf, double *sums) {
    const int single = self->shape.sum;
    if (!self->shape.of_vectors) {
        double *sum = sums + self->outputs[tree];
        *sum = single ? (double)((float)*sum + (float)self->values[leaf]) : *sum + self->values[leaf];
        return;
    }
    const Py_ssize_t raws = self->shape.raws;
    const double *values = self->values + (size_t)leaf * (size_t)raws;
    for (Py_ssize_t place = 0; place < raws; place++)
        sums[place] = single ? (double)((float)sums[place] + (float)values[place]) : sums[place] + values[place];
}

static void divide(const Engine *self, double *sums) {
    if (self->shape.divisor != 0)
        for (Py_ssize_t place = 0; place < self->shape.raws; place++) sums[place] /= self->shape.divisor;
}

/* Add vectors of so few numbers that the sums need no memory. */
static inline void add_vectors(const double *values, Py_ssize_t count, const uint32_t *leaves, double *raw,
                               const int width) {
    double sums[4];
    for (int place = 0; place < width; place++) sums[place] = raw[place];
    for (Py_ssize_t tree = 0; tree < count; tree++) {
        const double *vector = values + (size_t)leaves[tree] * (size_t)width;
        for (int place = 0; place < width; place++) sums[place] += vector[place];
    }
    for (int place = 0; place < width; place++) raw[place] = sums[place];
}

/* Add the leaves of `count` trees, from `first` on and in their order. Models of one score, the usual ones, add without
   asking anything at each leaf; so do forests of vectors of float64. */
static inline void add_leaves(const Engine *self, Py_ssize_t first, Py_ssize_t count, const uint32_t *leaves,
                              double *raw) {
    const Shape *shape = &self->shape;
    const double *values = self->values;
    if (shape->of_vectors && !shape->sum && shape->raws == 2) {
        add_vectors(values, count, leaves, raw, 2);
    } else if (shape->of_vectors && !shape->sum && shape->raws == 3) {
        add_vectors(values, count, leaves, raw, 3);
    } else if (shape->of_vectors && !shape->sum && shape->raws == 4) {
        add_vectors(values, count, leaves, raw, 4);
    } else if (shape->of_vectors && !shape->sum) {
        for (Py_ssize_t tree = 0; tree < count; tree++) {
            const double *vector = values + (size_t)leaves[tree] * (size_t)shape->raws;
            for (Py_ssize_t place = 0; place < shape->raws; place++) raw[place] += vector[place];
        }
    } else if (shape->raws > 1 || shape->of_vectors) {
        for (Py_ssize_t tree = 0; tree < count; tree++) add_leaf(self, first + tree, leaves[tree], raw);
    } else if (shape->sum) {
        float sum = (float)raw[0];
        for (Py_ssize_t tree = 0; tree < count; tree++) sum += (float)values[leaves[tree]];
        raw[0] = (double)sum;
    } else {
        double sum = raw[0];
        for (Py_ssize_t tree = 0; tree < count; tree++) sum += values[leaves[tree]];
        raw[0] = sum;
    }
}

/* The raw scores of a row by its ranks. Where all trees are heaps, and walked in the order in which they are added,
   leaves are added while the next trees are walked, as sums wait for each addition before the next. */
static void raw_of(const Engine *self, const uint32_t *ranks, Walk *walks, uint32_t *leaves, double *raw) {
    const Py_ssize_t trees = self->shape.trees;
    const int at_once = self->in_order && self->heaps == trees;
    uint32_t found[LANES];
    memcpy(raw, self->start, (size_t)self->shape.raws * sizeof(double));
    for (Py_ssize_t start = 0, count; start < self->heaps; start += count) {
        count = walk_heaps(self, start, ranks, found);
        if (at_once)
            add_leaves(self, start, count, found, raw);
        else
            for (Py_ssize_t lane = 0; lane < count; lane++) leaves[self->order[start + lane]] = found[lane];
    }
    if (self->heaps < trees) walk_paths(self, ranks, walks, leaves);
    if (!at_once) add_leaves(self, 0, trees, leaves, raw);
    divide(self, raw);
}

/* Add the leaves of rows to their sums, tree after tree: a tree that was read for one row is near for the next. */
static void walk_rows(const Engine *self, const uint32_t *ranks, Py_ssize_t count, double *raw) {
    const Py_ssize_t raws = self->shape.raws;
    const uint32_t *rows[LANES];
    uint32_t leaves[LANES];
    for (Py_ssize_t row = 0; row < count; row++)
        memcpy(raw + row * raws, self->start, (size_t)raws * sizeof(double));
    for (Py_ssize_t tree = 0; tree < self->shape.trees; tree++) {
        for (Py_ssize_t start = 0; start < count; start += LANES) {
            const Py_ssize_t last = count - 1 - start;
            for (Py_ssize_t lane = 0; lane < LANES; lane++)
                rows[lane] = ranks + (size_t)(start + (lane < last ? lane : last)) * self->entries;
            walk_tree(self, self->trees + tree, rows, leaves);
            for (Py_ssize_t lane = 0; lane < LANES && lane <= last; lane++)
                add_leaf(self, tree, leaves[lane], raw + (start + lane) * raws);
        }
    }
    for (Py_ssize_t row = 0; row < count; row++) divide(self, raw + row * raws);
}

/* ---- rows ---- */

/* The row as float64. Returns -1 with an exception set if it holds something else. */
static int read_numbers(const State *state, PyObject *given, Py_ssize_t features, double *row) {
    PyObject *values = given;
    if (PyTuple_CheckExact(given)) {
        Py_INCREF(values);
    } else if (!(values = PySequence_Tuple(given))) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_SetString(state->bad_row, "row: expected a sequence of numbers");
        return -1;
    }
    if (PyTuple_Size(values) != features) {
        PyErr_Format(state->bad_row, "row: expected %zd numbers, got %zd", features, PyTuple_Size(values));
        goto fail;
    }
    for (Py_ssize_t position = 0; position < features; position++) {
        row[position] = PyFloat_AsDouble(PyTuple_GetItem(values, position));
        if (row[position] == -1.0 && PyErr_Occurred()) {
            if (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError) ||
                PyErr_ExceptionMatches(PyExc_OverflowError))
                PyErr_Format(state->bad_row, "row: position %zd: expected a number", position);
            goto fail;
        }
    }
    Py_DECREF(values);
    return 0;
fail:
    Py_DECREF(values);
    return -1;
}

static int read_row(Engine *self, PyObject *given, double *row) {
    return read_numbers(state_of(self), given, self->shape.features, row);
}

static int refuse_value(Engine *self, const Input *input) {
    PyErr_Format(state_of(self)->bad_row, "row: position %u: expected a finite number %s", input->source,
                 input->single ? "in the range of a float32" : "that is not missing");
    return -1;
}

static int refuse_answer(Engine *self) {
    PyErr_SetString(state_of(self)->bad_row, "row: expected one whose answer is a finite number");
    return -1;
}

/* What one row needs, in one block: on the stack where it is small. */
typedef struct {
    double *row, *raw, *scores;
    Walk *walks;
    uint32_t *ranks, *leaves;
    void *block;
} Scratch;

static size_t walks_size(const Engine *self) {
    return ((size_t)self->shape.trees + LANES) * sizeof(Walk);
}

/* Walks, ranks and leaves, one behind the other. */
static size_t walking_size(const Engine *self) {
    return walks_size(self) + ((size_t)self->entries + (size_t)self->shape.trees) * sizeof(uint32_t);
}

static size_t scratch_size(const Engine *self) {
    const Shape *shape = &self->shape;
    return (size_t)(shape->features + shape->raws + shape->outputs) * sizeof(double) + walking_size(self);
}

static int open_scratch(const Engine *self, Scratch *scratch, void *on_stack) {
    const size_t size = scratch_size(self);
    scratch->block = size > ON_STACK ? PyMem_Malloc(size) : NULL;
    if (size > ON_STACK && !scratch->block) {
        PyErr_NoMemory();
        return -1;
    }
    scratch->row = scratch->block ? scratch->block : on_stack;
    scratch->raw = scratch->row + self->shape.features;
    scratch->scores = scratch->raw + self->shape.raws;
    scratch->walks = (Walk *)(scratch->scores + self->shape.outputs);
    scratch->ranks = (uint32_t *)((char *)scratch->walks + walks_size(self));
    scratch->leaves = scratch->ranks + self->entries;
    return 0;
}

static int answer_row(Engine *self, PyObject *given, Scratch *scratch) {
    const Input *refusing;
    if (read_row(self, given, scratch->row) < 0) return -1;
    if ((refusing = rank_row(self, scratch->row, scratch->ranks))) return refuse_value(self, refusing);
    raw_of(self, scratch->ranks, scratch->walks, scratch->leaves, scratch->raw);
    return 0;
}

static int link_row(const Engine *self, const double *raw, double *scores) {
    const Shape *shape = &self->shape;
    return link_scores(shape->link, raw, shape->raws, shape->outputs, shape->first, shape->second, scores);
}

static PyObject *to_tuple(const double *values, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t index = 0; tuple && index < count; index++) {
        PyObject *value = PyFloat_FromDouble(values[index]);
        if (!value || PyTuple_SetItem(tuple, index, value) < 0) Py_CLEAR(tuple);
    }
    return tuple;
}

/* The scores, with their label where it is asked for. */
static PyObject *to_answer(const Engine *self, const double *raw, const double *scores, int labelled) {
    const Shape *shape = &self->shape;
    PyObject *tuple = to_tuple(scores, shape->outputs);
    if (!tuple || !labelled) return tuple;
    return Py_BuildValue("Nn", tuple, label_of(shape->decision, raw, scores, shape->outputs, shape->threshold));
}

static PyObject *answer_one(Engine *self, PyObject *given, int labelled) {
    double on_stack[ON_STACK / sizeof(double)];
    Scratch scratch;
    PyObject *answer = NULL;
    if (open_scratch(self, &scratch, on_stack) < 0) return NULL;
    if (answer_row(self, given, &scratch) == 0) {
        if (link_row(self, scratch.raw, scratch.scores))
            answer = to_answer(self, scratch.raw, scratch.scores, labelled);
        else
            refuse_answer(self);
    }
    PyMem_Free(scratch.block);
    return answer;
}

static PyObject *scores(PyObject *object, PyObject *given) { return answer_one((Engine *)object, given, 0); }

static PyObject *decide(PyObject *object, PyObject *given) { return answer_one((Engine *)object, given, 1); }

static PyObject *raw(PyObject *object, PyObject *given) {
    Engine *self = (Engine *)object;
    double on_stack[ON_STACK / sizeof(double)];
    Scratch scratch;
    PyObject *answer = NULL;
    if (open_scratch(self, &scratch, on_stack) < 0) return NULL;
    if (answer_row(self, given, &scratch) == 0) answer = to_tuple(scratch.raw, self->shape.raws);
    PyMem_Free(scratch.block);
    return answer;
}

static Py_ssize_t block_of(const Engine *self) {
    const Py_ssize_t rows = (Py_ssize_t)(BLOCK_RANKS / ((size_t)self->entries + 1));
    return rows < LANES ? LANES : rows < BLOCK ? rows : BLOCK;
}

/* Raw scores and scores of rows, a block at a time. Returns the input that refuses a value, NULL if none does. */
static const Input *answer_rows(const Engine *self, const double *rows, Py_ssize_t count, uint32_t *ranks, double *raw,
                                double *scores, int *finite) {
    const Shape *shape = &self->shape;
    const Py_ssize_t block = block_of(self);
    for (Py_ssize_t start = 0; start < count; start += block) {
        const Py_ssize_t size = count - start < block ? count - start : block;
        for (Py_ssize_t row = 0; row < size; row++) {
            const Input *refusing =
                rank_row(self, rows + (start + row) * shape->features, ranks + (size_t)row * self->entries);
            if (refusing) return refusing;
        }
        walk_rows(self, ranks, size, raw + start * shape->raws);
        for (Py_ssize_t row = start; row < start + size; row++)
            *finite &= link_row(self, raw + row * shape->raws, scores + row * shape->outputs);
    }
    return NULL;
}

static PyObject *to_answers(const Engine *self, const double *raw, const double *scores, Py_ssize_t count,
                            int labelled) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t row = 0; list && row < count; row++) {
        PyObject *answer =
            to_answer(self, raw + row * self->shape.raws, scores + row * self->shape.outputs, labelled);
        if (!answer || PyList_SetItem(list, row, answer) < 0) Py_CLEAR(list);
    }
    return list;
}

static PyObject *answer_many(Engine *self, PyObject *given, int labelled) {
    const Shape *shape = &self->shape;
    const Input *refusing = NULL;
    int finite = 1;
    PyObject *answer = NULL, *rows = PySequence_Tuple(given);
    if (!rows) return NULL;
    const Py_ssize_t count = PyTuple_Size(rows);
    const Py_ssize_t block = block_of(self);
    const size_t wide = (size_t)(shape->features + shape->raws + shape->outputs);
    double *values = PyMem_Calloc((size_t)count * wide + 1, sizeof(double));
    uint32_t *ranks = PyMem_Calloc((size_t)(count < block ? count : block) * self->entries + 1, sizeof(uint32_t));
    if (!values || !ranks) {
        PyErr_NoMemory();
        goto done;
    }
    double *raw = values + count * shape->features, *scores = raw + count * shape->raws;
    for (Py_ssize_t row = 0; row < count; row++)
        if (read_row(self, PyTuple_GetItem(rows, row), values + row * shape->features) < 0) goto done;
    Py_BEGIN_ALLOW_THREADS
    refusing = answer_rows(self, values, count, ranks, raw, scores, &finite);
    Py_END_ALLOW_THREADS
    if (refusing)
        refuse_value(self, refusing);
    else if (!finite)
        refuse_answer(self);
    else
        answer = to_answers(self, raw, scores, count, labelled);
done:
    PyMem_Free(values);
    PyMem_Free(ranks);
    Py_DECREF(rows);
    return answer;
}

static PyObject *scores_many(PyObject *object, PyObject *given) { return answer_many((Engine *)object, given, 0); }

static PyObject *decide_many(PyObject *object, PyObject *given) { return answer_many((Engine *)object, given, 1); }

/* ---- loading ---- */

/* The columns of the file. */
typedef struct {
    Py_buffer start, columns, lookups, singles, doubles, directions, sets, scalars, scalar_rows, vectors, structure;
    Py_buffer split_codes, leaf_codes, tree_outputs;
} File;

static inline double double_at(const Py_buffer *column, size_t index) {
    double number;
    memcpy(&number, (const char *)column->buf + 8 * index, 8);
    return number;
}

static int refuse(Engine *self, const char *message) {
    PyErr_SetString(state_of(self)->bad_model, message);
    return -1;
}

static int is_within(long long number, long long low, long long high) { return low <= number && number <= high; }

/* The layout has checked these already; checked again because every bound below follows from them. */
static int check_shape(Engine *self, const File *in) {
    const Shape *shape = &self->shape;
    const long long most = (long long)UINT32_MAX;
    int holds = is_within(shape->features, 1, 65535) && is_within(shape->columns, 0, MAX_COLUMNS) &&
                is_within(shape->trees, 1, most) && is_within(shape->splits, 0, most - shape->trees) &&
                is_within(shape->outputs, 1, MAX_OUTPUTS) && is_within(shape->raws, 1, MAX_OUTPUTS) &&
                is_within(shape->distinct, 0, most) && is_within(shape->scalars, 1, LEAF) &&
                is_within(shape->vectors, 0, LEAF) && is_within(shape->link, IDENTITY, LINKS - 1) &&
                is_within(shape->decision, ARGMAX, RAW_AT_LEAST) && is_within(shape->sum, 0, 1) &&
                is_within(shape->of_vectors, 0, 1) && is_within(shape->scalar_kind, FLOAT64, RATIO) &&
                is_within(shape->scalar_bits, 0, 64) && is_within(shape->rows_bits, 0, 32) &&
                is_within(shape->split_code_bits, 0, 32) && is_within(shape->leaf_code_bits, 0, 32) &&
                is_within(shape->vector_code_bits, 0, 32) && is_within(shape->output_bits, 0, 32) &&
                is_within(shape->lowest_numerator, -(1LL << NUMERATOR_BITS), 1LL << NUMERATOR_BITS);
    if (!holds) return refuse(self, "model: shape: expected numbers in their ranges");
    const uint64_t splits = (uint64_t)shape->splits, trees = (uint64_t)shape->trees, leaves = splits + trees;
    const uint64_t scalars = (uint64_t)shape->scalars, vectors = (uint64_t)shape->vectors;
    const uint64_t raws = (uint64_t)shape->raws, values = shape->of_vectors ? vectors : scalars;
    const int binary = shape->raws == 1 && shape->outputs == 2;
    const int sigmoid = shape->link == SIGMOID || shape->link == SIGMOID_SINGLE;
    holds = (shape->raws == shape->outputs || (binary && sigmoid)) &&
            (shape->decision == ARGMAX || (shape->decision == RAW_ARGMAX && shape->raws == shape->outputs) ||
             shape->outputs == 2) &&
            (shape->leaf_code_bits ? values >= 1 && values <= leaves : values == leaves) &&
            (shape->of_vectors ? shape->vector_code_bits || scalars == vectors * raws : !vectors) &&
            scalars <= (shape->of_vectors ? vectors * raws : leaves) &&
            (shape->scalar_kind == RATIO
                 ? shape->scalar_bits <= NUMERATOR_BITS
                 : shape->scalar_bits == (shape->scalar_kind == FLOAT64 ? 64 : 32) && !shape->rows_bits) &&
            (uint64_t)in->singles.len == (uint64_t)shape->singles_bytes &&
            holds_bits(&in->columns, 32 * COLUMN_WORDS * (uint64_t)shape->columns) &&
            holds_bits(&in->start, 64 * raws) && holds_bits(&in->scalars, scalars * (uint64_t)shape->scalar_bits) &&
            holds_bits(&in->scalar_rows, scalars * (uint64_t)shape->rows_bits) &&
            holds_bits(&in->vectors, vectors * raws * (uint64_t)shape->vector_code_bits) &&
            holds_bits(&in->structure, splits + leaves) &&
            holds_bits(&in->split_codes, splits * (uint64_t)shape->split_code_bits) &&
            holds_bits(&in->leaf_codes, leaves * (uint64_t)shape->leaf_code_bits) &&
            holds_bits(&in->tree_outputs, trees * (uint64_t)shape->output_bits);
    return holds ? 0 : refuse(self, "model: sections: expected lengths that agree");
}

/* The inputs, and how much their tables hold. */
typedef struct {
    uint64_t thresholds, doubles, lookups, directions, set_bits, words, splits;
} Sizes;

static int read_inputs(Engine *self, const File *in, Sizes *sizes) {
    uint64_t entries = 0;
    for (Py_ssize_t index = 0; index < self->shape.columns; index++) {
        Input *input = self->inputs + index;
        uint32_t words[COLUMN_WORDS];
        for (int word = 0; word < COLUMN_WORDS; word++)
            words[word] = word_at(&in->columns, (size_t)(COLUMN_WORDS * index + word));
        const uint32_t flags = words[1];
        *input = (Input){.source = words[0],
                         .thresholds = words[2],
                         .categories = words[5],
                         .sets = words[6],
                         .single = flags & 1,
                         .strict = flags >> 1 & 1,
                         .zero = flags >> 2 & 3,
                         .missing = flags >> 4 & 3,
                         .finite = flags >> 6 & 1,
                         .lookup = flags >> 7 & 1,
                         .by_sets = flags >> 8 & 1};
        input->directional = !input->by_sets && input->missing == DIRECTION;
        input->words = (input->sets + 31) / 32;
        if (input->source >= (uint32_t)self->shape.features || input->zero > ZERO_IS_MISSING ||
            input->missing > REFUSE || (input->by_sets ? input->thresholds || input->lookup : input->sets) ||
            (input->zero == ZERO_IS_MISSING && input->missing != DIRECTION) || input->sets > UINT32_MAX - 31 ||
            input->categories > UINT32_MAX - MORE_ROWS)
            return refuse(self, "model: inputs: expected rows that agree with themselves");
        const uint64_t rows = (uint64_t)input->categories + MORE_ROWS;
        sizes->thresholds += input->thresholds;
        sizes->doubles += input->single ? 0 : input->thresholds;
        sizes->lookups += input->lookup ? rows : 0;
        sizes->directions += input->directional ? 2 * (uint64_t)input->thresholds : 0;
        /* checked before it is used: a product of two numbers of 32 bits cannot leave 64, their sum could */
        if (rows * input->sets > 8 * (uint64_t)in->sets.len)
            return refuse(self, "model: sets: expected a bit for each code");
        sizes->set_bits += rows * input->sets;
        sizes->words += rows * input->words;
        sizes->splits += input->sets + (uint64_t)input->thresholds * (1 + (uint64_t)input->directional);
        input->entry = (uint32_t)entries;
        entries += input->by_sets ? 32 * (uint64_t)input->words : 1 + (uint64_t)input->directional;
        if (entries > UINT32_MAX) return refuse(self, "model: inputs: expected fewer sets");
    }
    self->entries = (uint32_t)entries;
    const int holds = sizes->thresholds - sizes->doubles <= 8 * (uint64_t)in->singles.len &&
                      holds_bits(&in->lookups, 64 * sizes->lookups) && holds_bits(&in->doubles, 64 * sizes->doubles) &&
                      holds_bits(&in->directions, sizes->directions) && holds_bits(&in->sets, sizes->set_bits);
    if (!holds) return refuse(self, "model: inputs: expected sections of their lengths");
    /* before room for them is taken */
    if ((uint64_t)self->shape.distinct > sizes->splits)
        return refuse(self, "model: distinct splits: expected no more than inputs have");
    return 0;
}

/* Float32 thresholds of an input from their gaps, in the order of all float32: low bits, then as many zeros as the high
   bits count, then a one. */
static int read_singles(Engine *self, const File *in, Py_ssize_t index, double *sorted, uint64_t *bit) {
    const uint64_t end = 8 * (uint64_t)in->singles.len;
    uint64_t order = word_at(&in->columns, (size_t)(COLUMN_WORDS * index + 3));
    const uint32_t low_bits = word_at(&in->columns, (size_t)(COLUMN_WORDS * index + 4));
    if (low_bits > 31) return refuse(self, "model: thresholds: expected low bits up to 31");
    for (uint32_t place = 0; place < self->inputs[index].thresholds; place++) {
        float threshold;
        order += bits_at(&in->singles, *bit, (int)low_bits);
        const uint64_t high = zeros_from(&in->singles, *bit += low_bits);
        order += high << low_bits;
        *bit += high + 1;
        if (*bit > end) return refuse(self, "model: thresholds: expected the gaps of every one");
        if (order < LOWEST || order > HIGHEST)
            return refuse(self, "model: thresholds: expected ascending numbers, not NaN");
        const uint32_t single = (uint32_t)order ^ (order & SIGN ? SIGN : UINT32_MAX);
        memcpy(&threshold, &single, 4);
        sorted[place] = (double)threshold;
    }
    return 0;
}

static int read_thresholds(Engine *self, const File *in) {
    const uint64_t end = 8 * (uint64_t)in->singles.len;
    double *sorted = self->numbers;
    uint64_t bit = 0;
    size_t taken = 0;
    for (Py_ssize_t index = 0; index < self->shape.columns; index++) {
        Input *input = self->inputs + index;
        input->sorted = sorted;
        if (input->single) {
            if (read_singles(self, in, index, sorted, &bit) < 0) return -1;
        } else {
            for (uint32_t place = 0; place < input->thresholds; place++) sorted[place] = double_at(&in->doubles, taken++);
            for (uint32_t place = 0; place < input->thresholds; place++)
                if (!(sorted[place] >= sorted[place ? place - 1 : 0]))
                    return refuse(self, "model: thresholds: expected ascending numbers, not NaN");
        }
        sorted += input->thresholds;
    }
    if (end - bit >= 8 || bits_at(&in->singles, bit, 8))
        return refuse(self, "model: thresholds: expected nothing behind the last gap");
    taken = 0;
    for (Py_ssize_t index = 0; index < self->shape.columns; index++) {
        Input *input = self->inputs + index;
        if (!input->lookup) continue;
        input->values = sorted;
        for (uint64_t row = 0; row < (uint64_t)input->categories + MORE_ROWS; row++)
            *sorted++ = double_at(&in->lookups, taken++);
    }
    return 0;
}

/* Turn the bits of sets, one set after the other, into words of all sets, one code after the other. */
static void read_sets(Engine *self, const File *in) {
    uint32_t *words = self->set_bits;
    uint64_t bit = 0;
    for (Py_ssize_t index = 0; index < self->shape.columns; index++) {
        Input *input = self->inputs + index;
        if (!input->by_sets) continue;
        const uint64_t rows = (uint64_t)input->categories + MORE_ROWS;
        input->bits = words;
        memset(words, 0, (size_t)(rows * input->words) * sizeof(uint32_t));
        for (uint32_t set = 0; set < input->sets; set++)
            for (uint64_t row = 0; row < rows; row++, bit++)
                if (!bits_at(&in->sets, bit, 1)) words[row * input->words + set / 32] |= (uint32_t)1 << set % 32;
        words += rows * input->words;
    }
}

/* Entry and code of each distinct split. */
static int read_split_table(Engine *self, const File *in, Node *table) {
    const uint64_t distinct = (uint64_t)self->shape.distinct;
    uint64_t split = 0, bit = 0;
    for (Py_ssize_t index = 0; index < self->shape.columns; index++) {
        const Input *input = self->inputs + index;
        for (uint32_t set = 0; set < input->sets; set++) {
            if (split == distinct) return refuse(self, "model: distinct splits: expected all of them");
            table[split++] = (Node){0, input->entry + set};
        }
        for (uint32_t code = 0; code < input->thresholds; code++) {
            uint64_t goes = 1;
            if (input->directional) {
                goes = bits_at(&in->directions, bit, 2);
                bit += 2;
            }
            if (!goes) return refuse(self, "model: directions: expected one or two of each threshold");
            for (uint32_t place = 0; place < 2; place++) {
                if (!(goes >> place & 1)) continue;
                if (split == distinct) return refuse(self, "model: distinct splits: expected all of them");
                table[split++] = (Node){code, input->entry + place};
            }
        }
    }
    return split == distinct ? 0 : refuse(self, "model: distinct splits: expected all of them");
}

static double scalar_at(const Engine *self, const File *in, uint64_t index) {
    const Shape *shape = &self->shape;
    float single;
    if (shape->scalar_kind == FLOAT64) return double_at(&in->scalars, (size_t)index);
    if (shape->scalar_kind == FLOAT32) {
        memcpy(&single, (const char *)in->scalars.buf + 4 * index, 4);
        return (double)single;
    }
    /* both are exact in float64, so the quotient is the nearest to the ratio */
    const int64_t numerator = (int64_t)number_at(&in->scalars, shape->scalar_bits, index);
    return (double)(shape->lowest_numerator + numerator) /
           (double)(1 + number_at(&in->scalar_rows, shape->rows_bits, index));
}

static int can_be_summed(const Engine *self, double number) {
    const double limit = (self->shape.sum ? (double)FLT_MAX : DBL_MAX) / (2.0 * ((double)self->shape.trees + 1.0));
    return fabs(number) <= limit && (!self->shape.sum || (double)(float)number == number);
}

static int read_values(Engine *self, const File *in) {
    const Shape *shape = &self->shape;
    const uint64_t scalars = (uint64_t)shape->scalars, size = (uint64_t)(shape->vectors * shape->raws);
    for (Py_ssize_t place = 0; place < shape->raws; place++) {
        self->start[place] = double_at(&in->start, (size_t)place);
        if (!can_be_summed(self, self->start[place])) return refuse(self, "model: start: expected numbers that can be summed");
    }
    for (uint64_t index = 0; index < scalars; index++) {
        const double number = scalar_at(self, in, index);
        if (!can_be_summed(self, number)) return refuse(self, "model: leaves: expected numbers that can be summed");
        if (!shape->of_vectors || !shape->vector_code_bits) self->values[index] = number;
    }
    for (uint64_t place = 0; shape->vector_code_bits && place < size; place++) {
        const uint64_t code = number_at(&in->vectors, shape->vector_code_bits, place);
        if (code >= scalars) return refuse(self, "model: codes: expected codes in their tables");
        self->values[place] = scalar_at(self, in, code);
    }
    return 0;
}

/* The levels of a tree that is small enough for a heap, whose bits are known to be whole. */
static uint32_t depth_of(const File *in, uint64_t bit) {
    uint32_t depths[1 << DEEPEST_HEAP], deepest = 0, open = 1;
    depths[0] = 0;
    while (open) {
        const uint32_t depth = depths[--open];
        if (bits_at(&in->structure, bit++, 1)) {
            depths[open++] = depth + 1;
            depths[open++] = depth + 1;
        } else if (depth > deepest) {
            deepest = depth;
        }
    }
    return deepest;
}

/* Splits of each tree, and the depth of those that could be heaps. Returns the splits of the largest, -1 if the bits
   are not those of whole trees. */
static int64_t measure_trees(Engine *self, const File *in) {
    const uint64_t splits = (uint64_t)self->shape.splits, end = 2 * splits + (uint64_t)self->shape.trees;
    uint64_t bit = 0, taken = 0, bits = 0;
    uint32_t largest = 0;
    int left = 0;
    for (Py_ssize_t index = 0; index < self->shape.trees; index++) {
        Tree *tree = self->trees + index;
        const uint64_t first = bit;
        for (uint64_t open = 1; open; bit++, left--, bits >>= 1) {
            if (bit == end) return refuse(self, "model: structure: expected the bits of whole trees");
            if (!left) {
                bits = bits_at(&in->structure, bit, 56);
                left = 56;
            }
            tree->splits += (uint32_t)bits & 1;
            open += 2 * (bits & 1) - 1;
        }
        taken += tree->splits;
        if (tree->splits > largest) largest = tree->splits;
        tree->depth = tree->splits < (uint32_t)1 << DEEPEST_HEAP ? depth_of(in, first) : UINT32_MAX;
    }
    if (bit != end || taken != splits) return refuse(self, "model: structure: expected the bits of whole trees");
    return largest;
}

/* Which trees are heaps. Where it costs at most a quarter more words, all are of the depth of the deepest: trees of one
   depth need no order of their own. */
static void choose_heaps(Engine *self) {
    const Py_ssize_t trees = self->shape.trees;
    uint32_t longest = 0, deepest = 0;
    uint64_t words = 0, heaps = 0;
    for (Py_ssize_t index = 0; index < self->shape.columns; index++)
        if (self->inputs[index].thresholds > longest) longest = self->inputs[index].thresholds;
    const int has_heaps = longest < HEAP_CODES && self->entries <= HEAP_CODES;
    for (Py_ssize_t index = 0; index < trees; index++) {
        Tree *tree = self->trees + index;
        const uint64_t places = (uint64_t)1 << (tree->depth <= DEEPEST_HEAP ? tree->depth : 0);
        tree->is_heap = has_heaps && tree->depth <= DEEPEST_HEAP &&
                        SPARSEST_HEAP * ((uint64_t)tree->splits + 1) >= places;
        if (!tree->is_heap) continue;
        if (tree->depth > deepest) deepest = tree->depth;
        words += places;
        heaps++;
    }
    if (4 * (heaps << deepest) > 5 * words) return;
    for (Py_ssize_t index = 0; index < trees; index++)
        if (self->trees[index].is_heap) self->trees[index].depth = deepest;
}

/* Where each tree begins, and in which order they are walked. Behind the heaps of a depth is room for LANES - 1 more,
   of zeros: a walk of few heaps goes down these beside them. */
static int place_trees(Engine *self, uint32_t largest, size_t *nodes, size_t *words) {
    const Py_ssize_t trees = self->shape.trees;
    Py_ssize_t place = 0;
    choose_heaps(self);
    for (uint32_t depth = 0; depth <= DEEPEST_HEAP; depth++) {
        const Py_ssize_t first = place;
        for (Py_ssize_t index = 0; index < trees; index++) {
            Tree *tree = self->trees + index;
            if (!tree->is_heap || tree->depth != depth) continue;
            tree->first = *words;
            *words += (size_t)2 << depth;
            self->order[place++] = (uint32_t)index;
        }
        if (place > first) *words += (size_t)(LANES - 1) << (depth + 1);
    }
    self->heaps = place;
    for (Py_ssize_t index = 0; index < trees; index++) {
        Tree *tree = self->trees + index;
        if (tree->is_heap) continue;
        tree->first = *nodes;
        *nodes += 2 * ((size_t)tree->splits + 1);
        self->order[place++] = (uint32_t)index;
    }
    self->in_order = 1;
    for (Py_ssize_t index = 0; index < trees; index++) self->in_order &= self->order[index] == (uint32_t)index;
    const uint32_t way = bits_of(2 * (uint64_t)largest + 1), entry = bits_of(self->entries);
    self->slot_bits = way <= COMMON_BITS && entry <= WORD_BITS - COMMON_BITS ? COMMON_BITS : way;
    return self->slot_bits + entry > WORD_BITS
               ? refuse(self, "model: structure: expected fewer nodes in a tree, or fewer inputs and sets")
               : 0;
}

/* What a tree needs while it is read, each with room for twice the largest: the slots of its splits and of its leaves in
   preorder, the slots of the right children that are still to come, and its nodes if it will be a heap. */
typedef struct {
    uint32_t *splits, *leaves, *open;
    Node small[2 << DEEPEST_HEAP];
    uint64_t bit, split, leaf;
} Reading;

/* The slots of all nodes of a tree. No branch depends on a bit: half of all would be guessed wrong. `open` begins with a
   slot that is nobody's: the leaf that takes it ends the tree. */
static void read_structure(const File *in, uint64_t bit, uint32_t size, const Reading *reading) {
    const uint64_t stop = bit + 2 * (uint64_t)size + 1;
    uint32_t *const open = reading->open, *const split_slots = reading->splits, *const leaf_slots = reading->leaves;
    uint32_t slot = 0, split = 0, leaf = 0, depth = 1;
    open[0] = 0;
    while (bit < stop) {
        uint64_t bits = bits_at(&in->structure, bit, 56);
        const uint64_t until = bit + 56 < stop ? bit + 56 : stop;
        for (; bit < until; bit++, bits >>= 1) {
            const uint32_t splits = (uint32_t)bits & 1;
            split_slots[split] = slot;
            leaf_slots[leaf] = slot;
            split += splits;
            leaf += 1 - splits;
            open[depth] = 2 * split + 1;
            const uint32_t next = open[depth - 1];
            slot = next ^ ((next ^ 2 * split) & (0 - splits));
            depth += 2 * splits - 1;
        }
    }
}

static int read_tree(Engine *self, const File *in, Py_ssize_t index, const Node *table, Reading *reading, Node *nodes,
                     uint32_t slot_bits) {
    const Shape *shape = &self->shape;
    const uint32_t size = self->trees[index].splits;
    const uint64_t distinct = (uint64_t)shape->distinct;
    const uint64_t values = (uint64_t)(shape->of_vectors ? shape->vectors : shape->scalars);
    uint32_t *const codes = reading->open; /* all closed; two loops, so that many looks into the table are under way */
    int known = 1;
    read_structure(in, reading->bit, size, reading);
    for (uint32_t split = 0; split < size; split++) {
        const uint64_t code = number_at(&in->split_codes, shape->split_code_bits, reading->split + split);
        known &= code < distinct;
        codes[split] = (uint32_t)code;
    }
    if (!known) return refuse(self, "model: codes: expected codes in their tables");
    nodes[1] = (Node){LEAF, 0}; /* the root has no sibling */
    for (uint32_t split = 0; split < size; split++) {
        const Node node = table[codes[split]];
        const uint32_t slot = reading->splits[split], way = 2 * (split + 1) - slot;
        nodes[slot] = (Node){node.code, (uint32_t)((uint64_t)node.word << slot_bits) | way};
    }
    for (uint32_t leaf = 0; leaf <= size; leaf++) {
        const uint64_t place = reading->leaf + leaf;
        const uint64_t value =
            shape->leaf_code_bits ? number_at(&in->leaf_codes, shape->leaf_code_bits, place) : place;
        known &= value < values;
        nodes[reading->leaves[leaf]] = (Node){LEAF | (uint32_t)value, 0};
    }
    const uint64_t output = number_at(&in->tree_outputs, shape->output_bits, (uint64_t)index);
    if (!known || output >= (uint64_t)shape->raws) return refuse(self, "model: codes: expected codes in their tables");
    self->outputs[index] = (uint16_t)output;
    reading->bit += 2 * (uint64_t)size + 1;
    reading->split += size;
    reading->leaf += (uint64_t)size + 1;
    return 0;
}

/* A heap of a tree's nodes: a leaf that is not on the last level stands for all places below it. */
static void fill_heap(const Tree *tree, const Node *nodes, uint32_t slot_bits, uint32_t *heap) {
    const uint32_t places = (uint32_t)1 << tree->depth, mask = ((uint32_t)1 << slot_bits) - 1;
    uint32_t slots[2 << DEEPEST_HEAP];
    slots[1] = 0;
    heap[0] = 0;
    for (uint32_t place = 1; place < 2 * places; place++) {
        const Node node = nodes[slots[place]];
        const int is_leaf = node.code >= LEAF;
        if (place >= places) {
            heap[place] = node.code & ~LEAF;
            continue;
        }
        heap[place] = is_leaf ? HEAP_CODES : (node.word >> slot_bits) << 16 | node.code;
        slots[2 * place] = slots[place] + (is_leaf ? 0 : node.word & mask);
        slots[2 * place + 1] = slots[2 * place] + !is_leaf;
    }
}

static int read_trees(Engine *self, const File *in, const Node *table, Reading *reading) {
    /* a tree that becomes a heap has few nodes: a slot of 16 bits leaves 16 for the entry */
    const uint32_t small_bits = 16;
    for (Py_ssize_t index = 0; index < self->shape.trees; index++) {
        Tree *tree = self->trees + index;
        Node *nodes = tree->is_heap ? reading->small : self->nodes + tree->first;
        const uint32_t slot_bits = tree->is_heap ? small_bits : self->slot_bits;
        if (read_tree(self, in, index, table, reading, nodes, slot_bits) < 0) return -1;
        if (tree->is_heap) fill_heap(tree, nodes, small_bits, self->heap + tree->first);
    }
    return 0;
}

static int load_trees(Engine *self, const File *in) {
    const Shape *shape = &self->shape;
    size_t nodes = 0, words = 0;
    int result = -1;
    const int64_t largest = measure_trees(self, in);
    if (largest < 0 || place_trees(self, (uint32_t)largest, &nodes, &words) < 0) return -1;
    const size_t distinct = (size_t)shape->distinct, room = 2 * (size_t)largest + 3;
    Node *table = allocate_block(distinct * sizeof(Node) + 3 * room * sizeof(uint32_t));
    self->nodes = allocate_block(nodes * sizeof(Node));
    self->heap = allocate_block(words * sizeof(uint32_t));
    if (table && self->nodes && self->heap && read_split_table(self, in, table) == 0) {
        uint32_t *slots = (uint32_t *)(table + distinct);
        Reading reading = {.splits = slots, .leaves = slots + room, .open = slots + 2 * room};
        memset(self->heap, 0, words * sizeof(uint32_t));
        result = read_trees(self, in, table, &reading);
    }
    free(table);
    return result;
}

static int load(Engine *self, const File *in) {
    const Shape *shape = &self->shape;
    Sizes sizes = {0};
    if (check_shape(self, in) < 0) return -1;
    const size_t values = (size_t)(shape->of_vectors ? shape->vectors * shape->raws : shape->scalars);
    self->start = allocate_block((size_t)shape->raws * sizeof(double));
    self->inputs = allocate_block((size_t)shape->columns * sizeof(Input));
    self->values = allocate_block(values * sizeof(double));
    self->trees = allocate_block((size_t)shape->trees * sizeof(Tree));
    self->order = allocate_block((size_t)shape->trees * sizeof(uint32_t));
    self->outputs = allocate_block((size_t)shape->trees * sizeof(uint16_t));
    if (!self->start || !self->inputs || !self->values || !self->trees || !self->order || !self->outputs) return -1;
    memset(self->trees, 0, (size_t)shape->trees * sizeof(Tree));
    if (read_inputs(self, in, &sizes) < 0) return -1;
    self->numbers = allocate_block((size_t)(sizes.thresholds + sizes.lookups) * sizeof(double));
    self->set_bits = allocate_block((size_t)sizes.words * sizeof(uint32_t));
    if (!self->numbers || !self->set_bits || read_thresholds(self, in) < 0) return -1;
    read_sets(self, in);
    return read_values(self, in) < 0 ? -1 : load_trees(self, in);
}

static PyObject *engine_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    (void)named;
    File in;
    Shape shape;
    if (!PyArg_ParseTuple(arguments, "iiiiiiiiiiiinnnnnnnnnnLddddy*y*y*y*y*y*y*y*y*y*y*y*y*y*", &shape.task, &shape.sum,
                          &shape.link, &shape.decision, &shape.of_vectors, &shape.scalar_kind, &shape.scalar_bits,
                          &shape.rows_bits, &shape.split_code_bits, &shape.leaf_code_bits, &shape.vector_code_bits,
                          &shape.output_bits, &shape.features, &shape.columns, &shape.trees, &shape.splits,
                          &shape.outputs, &shape.raws, &shape.distinct, &shape.scalars, &shape.vectors,
                          &shape.singles_bytes, &shape.lowest_numerator, &shape.divisor, &shape.first, &shape.second,
                          &shape.threshold, &in.start, &in.columns, &in.lookups, &in.singles, &in.doubles,
                          &in.directions, &in.sets, &in.scalars, &in.scalar_rows, &in.vectors, &in.structure,
                          &in.split_codes, &in.leaf_codes, &in.tree_outputs))
        return NULL;
    Engine *self = (Engine *)PyType_GenericAlloc(type, 0);
    if (self) {
        self->shape = shape;
        if (load(self, &in) < 0) Py_CLEAR(self);
    }
    Py_buffer *columns[] = {&in.start,   &in.columns,   &in.lookups,     &in.singles,    &in.doubles,
                            &in.directions, &in.sets,   &in.scalars,     &in.scalar_rows, &in.vectors,
                            &in.structure, &in.split_codes, &in.leaf_codes, &in.tree_outputs};
    for (size_t index = 0; index < sizeof columns / sizeof *columns; index++) PyBuffer_Release(columns[index]);
    return (PyObject *)self;
}

static void engine_dealloc(PyObject *object) {
    Engine *self = (Engine *)object;
    PyTypeObject *type = Py_TYPE(object);
    free(self->start);
    free(self->inputs);
    free(self->numbers);
    free(self->set_bits);
    free(self->trees);
    free(self->order);
    free(self->nodes);
    free(self->heap);
    free(self->values);
    free(self->outputs);
    PyObject_Free(object);
    Py_DECREF(type);
}

#include "_steps.h"

/* ---- the module ---- */

static PyMethodDef engine_methods[] = {
    {"scores", scores, METH_O, "The answer."},
    {"scores_many", scores_many, METH_O, "The answer to each row."},
    {"decide", decide, METH_O, "The answer, and the place of its class."},
    {"decide_many", decide_many, METH_O, "The answer to each row, and the place of its class."},
    {"raw", raw, METH_O, "The raw scores."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_new, engine_new},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_methods, engine_methods},
    {0, NULL},
};

static PyType_Spec engine_spec = {
    .name = "drift_engine.model._kernel.Engine",
    .basicsize = sizeof(Engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = engine_slots,
};

static int module_exec(PyObject *module) {
    State *state = PyModule_GetState(module);
    PyObject *errors = PyImport_ImportModule("drift_engine.model._errors");
    if (!errors) return -1;
    state->bad_model = PyObject_GetAttrString(errors, "BadModel");
    Py_DECREF(errors);
    if (!state->bad_model || !(errors = PyImport_ImportModule("drift_engine.forest._errors"))) return -1;
    state->bad_row = PyObject_GetAttrString(errors, "BadRow");
    Py_DECREF(errors);
    if (!state->bad_row) return -1;
    state->engine_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    if (!state->engine_type || PyModule_AddType(module, state->engine_type) < 0) return -1;
    PyObject *type = PyType_FromModuleAndSpec(module, &steps_spec, NULL);
    if (!type) return -1;
    const int added = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return added;
}

static void module_free(void *module) {
    State *state = PyModule_GetState(module);
    if (!state) return;
    Py_CLEAR(state->bad_model);
    Py_CLEAR(state->bad_row);
    Py_CLEAR(state->engine_type);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "drift_engine.model._kernel",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
