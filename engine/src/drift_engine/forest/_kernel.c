/* The compiled engine: decodes the columns of a forest file to flat nodes, and walks several trees (or rows) at once.

   A tree has a pair of nodes for its root (the second is not used) and one for the children of each split, in preorder
   of the splits. A walk steps to `pair of the children + (value > threshold)`; a leaf's threshold is NaN, which nothing
   exceeds, and its step leads to itself, so that walks of different lengths need no branch. The bits of the NaN hold
   the code of the leaf's value, or the number of the leaf in its tree where the file has no codes. The children of a
   split come behind it, so every walk ends.

   Exact as scikit-learn: float32 rows and thresholds, a float64 sum in the order of the trees, one division. */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>

#include "../_columns.h"

#define LANES 10       /* walks in flight together, to overlap their cache misses; 100 trees are ten times ten */
#define STEPS 4        /* steps between two looks whether all walks have ended */
#define ROW_ON_STACK 64 /* features of a row that need no allocation */
#define BLOCK 1024     /* rows that one tree sees before the next tree */
#define NAN_BITS 0x7fc00000u
#define FLOAT_BITS 64      /* of a leaf value that is a float64 and no numerator */
#define LEAF_BITS 0x003fffffu /* what a quiet NaN can hold besides */
#define WORD_BITS 31   /* of a node's word, for feature and slot; the one left says whether missing goes left */

typedef struct {
    float threshold;
    uint32_t word; /* from the highest bit: feature, missing goes left, slot of the left child */
} Node;

typedef struct {
    PyObject_HEAD
    Py_ssize_t features, trees;
    uint32_t slot_bits;
    int missing;
    Py_ssize_t *first_leaf; /* of each tree; its nodes begin at twice that, as it has as many pairs as leaves */
    Node *nodes;
    double *leaf_values; /* behind the nodes, in one block */
    int leaf_code_bits; /* 0: leaf k has value k, and a node holds its number in the tree */
} Engine;

typedef struct {
    PyObject *bad_forest, *bad_row;
} State;

static State *state_of(Engine *self) { return PyType_GetModuleState(Py_TYPE((PyObject *)self)); }

/* ---- walking ---- */

static inline uint32_t step(const Node *tree, uint32_t slot, const float *row, uint32_t slot_bits, const int missing) {
    const Node node = tree[slot];
    const float value = row[node.word >> (slot_bits + 1)];
    uint32_t right = value > node.threshold;
    if (missing && value != value) right = ~(node.word >> slot_bits) & 1;
    return (node.word & (((uint32_t)1 << slot_bits) - 1)) + right;
}

/* What the numbers that a tree's leaves hold count from. */
static inline const double *leaf_values(const Engine *self, Py_ssize_t tree) {
    return self->leaf_values + (self->leaf_code_bits ? 0 : self->first_leaf[tree]);
}

/* Walk LANES pairs of tree and row to their leaves; gives what each leaf's NaN holds. */
static inline void walk(const Node *const *trees, const float *const *rows, uint32_t slot_bits, uint32_t *leaves,
                        const int missing) {
    uint32_t slots[LANES] = {0}, moved;
    do {
        for (int again = 1; again < STEPS; again++)
            for (int lane = 0; lane < LANES; lane++)
                slots[lane] = step(trees[lane], slots[lane], rows[lane], slot_bits, missing);
        moved = 0;
        for (int lane = 0; lane < LANES; lane++) {
            const uint32_t next = step(trees[lane], slots[lane], rows[lane], slot_bits, missing);
            moved |= next ^ slots[lane];
            slots[lane] = next;
        }
    } while (moved);
    for (int lane = 0; lane < LANES; lane++) {
        memcpy(leaves + lane, &trees[lane][slots[lane]].threshold, 4);
        leaves[lane] &= LEAF_BITS;
    }
}

static inline double walk_row(const Engine *self, const float *row, const int missing) {
    double total = 0;
    const Node *trees[LANES];
    const float *rows[LANES];
    uint32_t leaves[LANES];
    for (Py_ssize_t start = 0; start < self->trees; start += LANES) {
        const Py_ssize_t last = self->trees - 1 - start;
        for (Py_ssize_t lane = 0; lane < LANES; lane++) {
            trees[lane] = self->nodes + 2 * self->first_leaf[start + (lane < last ? lane : last)];
            rows[lane] = row;
        }
        walk(trees, rows, self->slot_bits, leaves, missing);
        for (Py_ssize_t lane = 0; lane < LANES && lane <= last; lane++)
            total += leaf_values(self, start + lane)[leaves[lane]];
    }
    return total / (double)self->trees;
}

static inline void walk_tree(const Engine *self, Py_ssize_t tree, const float *values, Py_ssize_t count, double *sums,
                             const int missing) {
    const Node *trees[LANES];
    const float *rows[LANES];
    uint32_t leaves[LANES];
    for (Py_ssize_t lane = 0; lane < LANES; lane++) trees[lane] = self->nodes + 2 * self->first_leaf[tree];
    for (Py_ssize_t start = 0; start < count; start += LANES) {
        const Py_ssize_t last = count - 1 - start;
        for (Py_ssize_t lane = 0; lane < LANES; lane++)
            rows[lane] = values + (start + (lane < last ? lane : last)) * self->features;
        walk(trees, rows, self->slot_bits, leaves, missing);
        for (Py_ssize_t lane = 0; lane < LANES && lane <= last; lane++)
            sums[start + lane] += leaf_values(self, tree)[leaves[lane]];
    }
}

static void walk_rows(const Engine *self, const float *values, Py_ssize_t count, double *sums, int missing) {
    for (Py_ssize_t start = 0; start < count; start += BLOCK) {
        const Py_ssize_t size = count - start < BLOCK ? count - start : BLOCK;
        const float *block = values + start * self->features;
        for (Py_ssize_t tree = 0; tree < self->trees; tree++) {
            if (missing)
                walk_tree(self, tree, block, size, sums + start, 1);
            else
                walk_tree(self, tree, block, size, sums + start, 0);
        }
    }
    for (Py_ssize_t row = 0; row < count; row++) sums[row] /= (double)self->trees;
}

/* ---- rows ---- */

/* The row as float32; sets *missing if a value is NaN. Returns -1 with an exception set if it cannot be answered. */
static int read_row(Engine *self, PyObject *given, float *row, int *missing) {
    PyObject *values = given;
    if (PyTuple_CheckExact(given)) {
        Py_INCREF(values);
    } else if (!(values = PySequence_Tuple(given))) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_SetString(state_of(self)->bad_row, "row: expected a sequence of numbers");
        return -1;
    }
    if (PyTuple_Size(values) != self->features) {
        PyErr_Format(state_of(self)->bad_row, "row: expected %zd numbers, got %zd", self->features,
                     PyTuple_Size(values));
        goto fail;
    }
    for (Py_ssize_t position = 0; position < self->features; position++) {
        double value = PyFloat_AsDouble(PyTuple_GetItem(values, position));
        if (value == -1.0 && PyErr_Occurred()) {
            if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError) &&
                !PyErr_ExceptionMatches(PyExc_OverflowError))
                goto fail;
            PyErr_Clear();
            value = INFINITY;
        }
        const float single = (float)value;
        if (!(fabsf(single) <= FLT_MAX)) {
            if (!self->missing || single == single) {
                PyErr_Format(state_of(self)->bad_row,
                             "row: position %zd: expected a finite number in the range of a float32", position);
                goto fail;
            }
            *missing = 1;
        }
        row[position] = single;
    }
    Py_DECREF(values);
    return 0;
fail:
    Py_DECREF(values);
    return -1;
}

static PyObject *predict(PyObject *object, PyObject *given) {
    Engine *self = (Engine *)object;
    float on_stack[ROW_ON_STACK], *row = on_stack;
    int missing = 0;
    PyObject *answer = NULL;
    if (self->features > ROW_ON_STACK && !(row = PyMem_Malloc((size_t)self->features * sizeof(float))))
        return PyErr_NoMemory();
    if (read_row(self, given, row, &missing) == 0) answer = PyFloat_FromDouble(missing ? walk_row(self, row, 1) : walk_row(self, row, 0));
    if (row != on_stack) PyMem_Free(row);
    return answer;
}

static PyObject *to_list(const double *values, Py_ssize_t count) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t index = 0; list && index < count; index++) {
        PyObject *value = PyFloat_FromDouble(values[index]);
        if (!value || PyList_SetItem(list, index, value) < 0) Py_CLEAR(list);
    }
    return list;
}

static PyObject *predict_many(PyObject *object, PyObject *given) {
    Engine *self = (Engine *)object;
    PyObject *answer = NULL, *rows = PySequence_Tuple(given);
    if (!rows) return NULL;
    const Py_ssize_t count = PyTuple_Size(rows);
    int missing = 0;
    float *values = PyMem_Calloc((size_t)count * (size_t)self->features + 1, sizeof(float));
    double *sums = PyMem_Calloc((size_t)count + 1, sizeof(double));
    if (!values || !sums) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t row = 0; row < count; row++)
        if (read_row(self, PyTuple_GetItem(rows, row), values + row * self->features, &missing) < 0) goto done;
    Py_BEGIN_ALLOW_THREADS
    walk_rows(self, values, count, sums, missing);
    Py_END_ALLOW_THREADS
    answer = to_list(sums, count);
done:
    PyMem_Free(values);
    PyMem_Free(sums);
    Py_DECREF(rows);
    return answer;
}

/* ---- loading ---- */

/* What the header of the file says, and its columns. */
typedef struct {
    Py_ssize_t splits, distinct, threshold_bytes, values;
    int value_bits, rows_bits, split_code_bits;
    long long lowest_numerator;
    Py_buffer tree_sizes, split_table, thresholds, missing_left, leaf_values, leaf_rows;
    Py_buffer structure, split_codes, leaf_codes;
} File;

static inline int bit_at(const Py_buffer *column, Py_ssize_t index) {
    return (((const unsigned char *)column->buf)[index >> 3] >> (index & 7)) & 1;
}

static int refuse(Engine *self, const char *message) {
    PyErr_SetString(state_of(self)->bad_forest, message);
    return -1;
}

static int refuse_code(Engine *self, const char *kind, Py_ssize_t distinct) {
    PyErr_Format(state_of(self)->bad_forest, "forest: %s codes: expected codes below %zd", kind, distinct);
    return -1;
}

/* The layout has checked these already; checked again because every bound below follows from them. */
static int check_lengths(Engine *self, const File *in) {
    const int code_bits = self->leaf_code_bits;
    const uint64_t trees = (uint64_t)self->trees, splits = (uint64_t)in->splits, leaves = splits + trees;
    const uint64_t distinct = (uint64_t)in->distinct, values = (uint64_t)in->values;
    uint64_t sum = 0, distinct_sum = 0;
    int holds = self->features >= 1 && self->features <= 65535 && self->trees >= 1 && trees <= UINT32_MAX &&
                splits <= UINT32_MAX && leaves <= UINT32_MAX && distinct <= UINT32_MAX && values <= UINT32_MAX &&
                in->split_code_bits >= 0 && in->split_code_bits <= 32 && in->rows_bits >= 0 && in->rows_bits <= 32 &&
                in->value_bits >= 0 &&
                (in->value_bits <= NUMERATOR_BITS || (in->value_bits == FLOAT_BITS && in->rows_bits == 0)) &&
                in->lowest_numerator >= -(1LL << NUMERATOR_BITS) && in->lowest_numerator <= 1LL << NUMERATOR_BITS &&
                (code_bits == 0 ? values == leaves : code_bits > 0 && code_bits <= 22 && values <= LEAF_BITS + 1);
    holds = holds && holds_bits(&in->tree_sizes, 32 * trees) &&
            holds_bits(&in->split_table, 3 * 32 * (uint64_t)self->features) &&
            in->thresholds.len == in->threshold_bytes && distinct <= 8 * (uint64_t)in->thresholds.len &&
            (!self->missing || holds_bits(&in->missing_left, distinct)) &&
            holds_bits(&in->leaf_values, values * (uint64_t)in->value_bits) &&
            holds_bits(&in->leaf_rows, values * (uint64_t)in->rows_bits) &&
            holds_bits(&in->structure, splits + leaves) &&
            holds_bits(&in->split_codes, splits * (uint64_t)in->split_code_bits) &&
            holds_bits(&in->leaf_codes, leaves * (uint64_t)code_bits);
    for (Py_ssize_t tree = 0; holds && tree < self->trees; tree++) {
        const uint32_t size = word_at(&in->tree_sizes, tree);
        sum += size;
        holds = size <= LEAF_BITS && bits_of(size) + 1 + bits_of((uint64_t)self->features) <= WORD_BITS;
    }
    for (Py_ssize_t feature = 0; holds && feature < self->features; feature++)
        distinct_sum += word_at(&in->split_table, 3 * feature);
    return holds && sum == splits && distinct_sum == distinct
               ? 0
               : refuse(self, "forest: columns: expected lengths that agree");
}

/* The distinct splits as nodes that know all but their left subtree. A threshold is a gap from the one before it, in the
   order of all float32: low bits, then as many zeros as the high bits count, then a one. */
static int read_split_table(Engine *self, const File *in, Node *table) {
    const uint64_t end = 8 * (uint64_t)in->thresholds.len;
    uint64_t bit = 0;
    Py_ssize_t code = 0;
    for (Py_ssize_t feature = 0; feature < self->features; feature++) {
        uint64_t order = word_at(&in->split_table, 3 * feature + 1);
        const uint32_t low_bits = word_at(&in->split_table, 3 * feature + 2);
        if (low_bits > 31) return refuse(self, "forest: thresholds: expected low bits up to 31");
        for (uint32_t more = word_at(&in->split_table, 3 * feature); more; more--, code++) {
            order += bits_at(&in->thresholds, bit, (int)low_bits);
            const uint64_t high = zeros_from(&in->thresholds, bit += low_bits);
            order += high << low_bits;
            bit += high + 1;
            if (bit > end) return refuse(self, "forest: thresholds: expected the gaps of every distinct split");
            if (order < LOWEST || order > HIGHEST)
                return refuse(self, "forest: thresholds: expected ascending numbers, not NaN");
            const uint32_t single = (uint32_t)order ^ (order & SIGN ? SIGN : UINT32_MAX);
            memcpy(&table[code].threshold, &single, 4);
            table[code].word = (uint32_t)feature << (self->slot_bits + 1);
            if (self->missing && bit_at(&in->missing_left, code)) table[code].word |= (uint32_t)1 << self->slot_bits;
        }
    }
    if (end - bit >= 8 || bits_at(&in->thresholds, bit, 8))
        return refuse(self, "forest: thresholds: expected nothing behind the last gap");
    return 0;
}

static int read_leaf_values(Engine *self, const File *in) {
    const double limit = DBL_MAX / (2 * (double)self->trees);
    for (Py_ssize_t index = 0; index < in->values; index++) {
        double value;
        if (in->value_bits == FLOAT_BITS) {
            memcpy(&value, (const char *)in->leaf_values.buf + 8 * index, 8);
        } else { /* both are exact in float64, so the quotient is the nearest to the ratio */
            const int64_t numerator = (int64_t)number_at(&in->leaf_values, in->value_bits, index);
            value = (double)(in->lowest_numerator + numerator) /
                    (double)(1 + number_at(&in->leaf_rows, in->rows_bits, index));
        }
        if (!(fabs(value) <= limit))
            return refuse(self, "forest: leaf values: expected finite numbers that can be summed over the trees");
        self->leaf_values[index] = value;
    }
    return 0;
}

/* What a tree needs while it is read, each with room for twice the largest, so that no damage can leave them: the slots
   of its splits and of its leaves in preorder, and the slots of the right children that are still to come. */
typedef struct {
    uint32_t *splits, *leaves, *open;
} Slots;

/* The slots of all nodes of the tree whose bits begin there. No branch depends on a bit: half of all would be guessed
   wrong. `open` begins with a slot that is nobody's: the leaf that takes it ends the tree. */
static int read_structure(const File *in, uint64_t bit, uint32_t size, const Slots *slots) {
    const uint64_t stop = bit + 2 * (uint64_t)size + 1;
    uint32_t *const open = slots->open, *const split_slots = slots->splits, *const leaf_slots = slots->leaves;
    uint32_t slot = 0, split = 0, leaf = 0, depth = 1;
    open[0] = 0;
    while (depth && bit < stop) {
        uint64_t bits = bits_at(&in->structure, bit, 56);
        const uint64_t until = bit + 56 < stop ? bit + 56 : stop;
        for (; depth && bit < until; bit++, bits >>= 1) {
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
    return !depth && bit == stop;
}

static int read_tree(Engine *self, const File *in, Py_ssize_t tree, uint32_t size, const Node *table,
                     const Slots *slots) {
    const Py_ssize_t first_leaf = self->first_leaf[tree], first_split = first_leaf - tree;
    const uint64_t distinct = (uint64_t)in->distinct, values = (uint64_t)in->values;
    const int code_bits = self->leaf_code_bits;
    const uint32_t stays = (uint32_t)1 << self->slot_bits;
    Node *nodes = self->nodes + 2 * first_leaf;
    int known = 1;
    if (!read_structure(in, (uint64_t)(first_split + first_leaf), size, slots))
        return refuse(self, "forest: structure: expected the bits of whole trees");
    uint32_t *const codes = slots->open; /* all closed; two loops, so that many looks into the table are under way */
    for (uint32_t split = 0; split < size; split++) {
        const uint64_t code = number_at(&in->split_codes, in->split_code_bits, first_split + split);
        known &= code < distinct;
        codes[split] = (uint32_t)code;
    }
    if (!known) return refuse_code(self, "split", in->distinct);
    for (uint32_t split = 0; split < size; split++) {
        Node node = table[codes[split]];
        node.word |= 2 * (split + 1);
        nodes[slots->splits[split]] = node;
    }
    for (uint32_t leaf = 0; leaf <= size; leaf++) {
        const uint64_t code = code_bits ? number_at(&in->leaf_codes, code_bits, first_leaf + leaf) : leaf;
        const uint32_t slot = slots->leaves[leaf], not_a_number = NAN_BITS | (uint32_t)code;
        known &= code < values;
        memcpy(&nodes[slot].threshold, &not_a_number, 4);
        nodes[slot].word = slot | stays;
    }
    return known ? 0 : refuse_code(self, "leaf", in->values);
}

static int read_trees(Engine *self, const File *in, const Node *table, const Slots *slots) {
    Py_ssize_t splits = 0;
    for (Py_ssize_t tree = 0; tree < self->trees; tree++) {
        const uint32_t size = word_at(&in->tree_sizes, tree);
        self->first_leaf[tree] = splits + tree;
        splits += size;
        if (read_tree(self, in, tree, size, table, slots) < 0) return -1;
    }
    return 0;
}

static uint32_t largest_tree(const Engine *self, const File *in) {
    uint32_t largest = 0;
    for (Py_ssize_t tree = 0; tree < self->trees; tree++)
        if (word_at(&in->tree_sizes, tree) > largest) largest = word_at(&in->tree_sizes, tree);
    return largest;
}

static int load(Engine *self, const File *in) {
    int result = -1;
    if (check_lengths(self, in) < 0) return -1;
    const size_t trees = (size_t)self->trees, nodes = 2 * ((size_t)in->splits + trees), values = (size_t)in->values;
    const size_t codes = (size_t)in->distinct, room = 2 * (size_t)largest_tree(self, in) + 3;
    self->slot_bits = WORD_BITS - bits_of((uint64_t)self->features);
    self->first_leaf = allocate_block(trees * sizeof(Py_ssize_t));
    self->nodes = allocate_block(nodes * sizeof(Node) + values * sizeof(double));
    Node *table = allocate_block(codes * sizeof(Node) + 3 * room * sizeof(uint32_t));
    if (self->first_leaf && self->nodes && table) {
        uint32_t *slots = (uint32_t *)(table + codes);
        self->leaf_values = (double *)(self->nodes + nodes);
        if (read_split_table(self, in, table) == 0 && read_leaf_values(self, in) == 0)
            result = read_trees(self, in, table, &(Slots){slots, slots + room, slots + 2 * room});
    }
    free(table);
    return result;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    (void)named;
    File in;
    int missing, leaf_code_bits;
    Py_ssize_t features, trees;
    if (!PyArg_ParseTuple(arguments, "npnnnnniiLiiy*y*y*y*y*y*y*y*y*", &features, &missing, &trees, &in.splits,
                          &in.distinct, &in.threshold_bytes, &in.values, &in.value_bits, &in.rows_bits,
                          &in.lowest_numerator, &in.split_code_bits, &leaf_code_bits, &in.tree_sizes, &in.split_table,
                          &in.thresholds, &in.missing_left, &in.leaf_values, &in.leaf_rows, &in.structure,
                          &in.split_codes, &in.leaf_codes))
        return NULL;
    Engine *self = (Engine *)PyType_GenericAlloc(type, 0);
    if (self) {
        self->features = features;
        self->trees = trees;
        self->missing = missing;
        self->leaf_code_bits = leaf_code_bits;
        if (load(self, &in) < 0) Py_CLEAR(self);
    }
    Py_buffer *columns[] = {&in.tree_sizes, &in.split_table, &in.thresholds,  &in.missing_left, &in.leaf_values,
                            &in.leaf_rows,  &in.structure,   &in.split_codes, &in.leaf_codes};
    for (size_t index = 0; index < sizeof columns / sizeof *columns; index++) PyBuffer_Release(columns[index]);
    return (PyObject *)self;
}

static void engine_dealloc(PyObject *object) {
    Engine *self = (Engine *)object;
    PyTypeObject *type = Py_TYPE(object);
    free(self->first_leaf);
    free(self->nodes);
    PyObject_Free(object);
    Py_DECREF(type);
}

/* ---- the module ---- */

static PyMethodDef engine_methods[] = {
    {"predict", predict, METH_O, "The mean over the trees."},
    {"predict_many", predict_many, METH_O, "The mean over the trees, for each row."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_new, engine_new},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_methods, engine_methods},
    {0, NULL},
};

static PyType_Spec engine_spec = {
    .name = "drift_engine.forest._kernel.Engine",
    .basicsize = sizeof(Engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = engine_slots,
};

static int module_exec(PyObject *module) {
    State *state = PyModule_GetState(module);
    PyObject *errors = PyImport_ImportModule("drift_engine.forest._errors");
    if (!errors) return -1;
    state->bad_forest = PyObject_GetAttrString(errors, "BadForest");
    state->bad_row = PyObject_GetAttrString(errors, "BadRow");
    Py_DECREF(errors);
    if (!state->bad_forest || !state->bad_row) return -1;
    PyObject *type = PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    if (!type) return -1;
    const int added = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return added;
}

static void module_free(void *module) {
    State *state = PyModule_GetState(module);
    if (!state) return;
    Py_CLEAR(state->bad_forest);
    Py_CLEAR(state->bad_row);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "drift_engine.forest._kernel",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
