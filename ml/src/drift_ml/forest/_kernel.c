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
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float32 comparisons would be made in another precision; the Python engine serves this machine"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "forest files are little-endian; the Python engine serves this machine"
#endif

#define LANES 8        /* walks in flight together, to overlap their cache misses; more spill out of the registers */
#define STEPS 4        /* steps between two looks whether all walks have ended */
#define ROW_ON_STACK 64 /* features of a row that need no allocation */
#define BLOCK 1024     /* rows that one tree sees before the next tree */
#define NAN_BITS 0x7fc00000u
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
    double *leaf_values;
    int leaf_width; /* bytes of a leaf's code; 0: leaf k has value k, and a node holds its number in the tree */
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
    return self->leaf_values + (self->leaf_width ? 0 : self->first_leaf[tree]);
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

typedef struct {
    Py_buffer tree_sizes, feature_splits, thresholds, missing_left, leaf_values, structure, split_codes, leaf_codes;
} Columns;

static inline uint32_t number_at(const Py_buffer *column, int width, Py_ssize_t index) {
    uint32_t wide = 0;
    memcpy(&wide, (const char *)column->buf + index * width, (size_t)width);
    return wide;
}

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

static uint32_t bits_of(uint64_t number) {
    uint32_t bits = 0;
    for (; number; number >>= 1) bits++;
    return bits;
}

/* The layout has checked these already; checked again because every bound below follows from them. */
static int check_lengths(Engine *self, const Columns *in, int split_width) {
    const int leaf_width = self->leaf_width;
    const Py_ssize_t distinct = in->thresholds.len / 4;
    uint64_t splits = 0, distinct_sum = 0;
    int holds = self->features >= 1 && self->features <= 65535 && split_width >= 2 && split_width <= 4 &&
                (leaf_width == 0 || ((leaf_width == 2 || leaf_width == 3) && in->leaf_values.len / 8 <= (Py_ssize_t)LEAF_BITS + 1)) && self->trees >= 1 &&
                in->feature_splits.len == 4 * self->features;
    for (Py_ssize_t tree = 0; holds && tree < self->trees; tree++) {
        const uint32_t size = number_at(&in->tree_sizes, 4, tree);
        splits += size;
        holds = size <= LEAF_BITS && bits_of(size) + 1 + bits_of((uint64_t)self->features) <= WORD_BITS;
    }
    for (Py_ssize_t feature = 0; holds && feature < self->features; feature++)
        distinct_sum += number_at(&in->feature_splits, 4, feature);
    const uint64_t leaves = splits + (uint64_t)self->trees, nodes = splits + leaves;
    holds = holds && leaves <= UINT32_MAX && distinct_sum == (uint64_t)distinct &&
            (uint64_t)in->split_codes.len == splits * (uint64_t)split_width &&
            (uint64_t)in->leaf_codes.len == leaves * (uint64_t)leaf_width &&
            (uint64_t)in->structure.len == (nodes + 7) / 8 &&
            (!self->missing || in->missing_left.len == (distinct + 7) / 8) &&
            (leaf_width != 0 || (uint64_t)in->leaf_values.len == 8 * leaves);
    return holds ? 0 : refuse(self, "forest: columns: expected lengths that agree");
}

/* The distinct splits as nodes that know all but their left subtree. */
static int read_split_table(Engine *self, const Columns *in, Node *table) {
    Py_ssize_t code = 0;
    for (Py_ssize_t feature = 0; feature < self->features; feature++) {
        for (uint32_t more = number_at(&in->feature_splits, 4, feature); more; more--, code++) {
            memcpy(&table[code].threshold, (const char *)in->thresholds.buf + 4 * code, 4);
            table[code].word = (uint32_t)feature << (self->slot_bits + 1);
            if (self->missing && bit_at(&in->missing_left, code)) table[code].word |= (uint32_t)1 << self->slot_bits;
            if (isnan(table[code].threshold)) return refuse(self, "forest: thresholds: expected numbers, not NaN");
        }
    }
    return 0;
}

static int read_leaf_values(Engine *self, const Columns *in) {
    const double limit = DBL_MAX / (2 * (double)self->trees);
    memcpy(self->leaf_values, in->leaf_values.buf, (size_t)in->leaf_values.len);
    for (Py_ssize_t index = 0; index < in->leaf_values.len / 8; index++)
        if (!(fabs(self->leaf_values[index]) <= limit))
            return refuse(self, "forest: leaf values: expected finite numbers that can be summed over the trees");
    return 0;
}

/* The tree whose first leaf is number `first` and whose splits end before number `end` among all. `table` is by code;
   `stack` has room for every split, and holds the slots of the right children that are still to come. */
static int read_tree(Engine *self, const Columns *in, Py_ssize_t tree, Py_ssize_t end, int split_width,
                     const Node *table, uint32_t *stack) {
    const Py_ssize_t distinct = in->thresholds.len / 4, first = self->first_leaf[tree];
    Node *nodes = self->nodes + 2 * first;
    Py_ssize_t split = first - tree, bit = split + first, depth = 0;
    const Py_ssize_t values = in->leaf_values.len / 8;
    const int width = self->leaf_width;
    uint32_t slot = 0, pair = 0, leaf = 0;
    for (const Py_ssize_t last = bit + 2 * (end - split); bit <= last; bit++) {
        if (bit_at(&in->structure, bit)) {
            if (split == end) break;
            const uint32_t code = number_at(&in->split_codes, split_width, split++);
            if ((Py_ssize_t)code >= distinct) return refuse_code(self, "split", distinct);
            nodes[slot] = table[code];
            nodes[slot].word |= 2 * ++pair;
            slot = 2 * pair;
            stack[depth++] = slot + 1;
        } else {
            const uint32_t code = width ? number_at(&in->leaf_codes, width, first + leaf) : leaf;
            if (code >= values) return refuse_code(self, "leaf", values);
            const uint32_t not_a_number = NAN_BITS | code;
            leaf++;
            memcpy(&nodes[slot].threshold, &not_a_number, 4);
            nodes[slot].word = slot | (uint32_t)1 << self->slot_bits;
            if (depth == 0) {
                if (bit == last) return 0;
                break;
            }
            slot = stack[--depth];
        }
    }
    return refuse(self, "forest: structure: expected the bits of whole trees");
}

static int read_trees(Engine *self, const Columns *in, int split_width, const Node *table, uint32_t *stack) {
    Py_ssize_t splits = 0;
    for (Py_ssize_t tree = 0; tree < self->trees; tree++) {
        self->first_leaf[tree] = splits + tree;
        splits += number_at(&in->tree_sizes, 4, tree);
        if (read_tree(self, in, tree, splits, split_width, table, stack) < 0) return -1;
    }
    return 0;
}

static void *allocate(size_t count, size_t size) {
    void *memory = PyMem_Calloc(count + 1, size);
    if (!memory) PyErr_NoMemory();
    return memory;
}

static int load(Engine *self, const Columns *in, int split_width) {
    int result = -1;
    Node *table = NULL;
    uint32_t *stack = NULL;
    self->trees = in->tree_sizes.len / 4;
    if (check_lengths(self, in, split_width) < 0) return -1;
    self->slot_bits = WORD_BITS - bits_of((uint64_t)self->features);
    const size_t splits = (size_t)in->split_codes.len / (size_t)split_width;
    if ((self->first_leaf = allocate((size_t)self->trees, sizeof(Py_ssize_t))) &&
        (self->nodes = allocate(2 * (splits + (size_t)self->trees), sizeof(Node))) &&
        (self->leaf_values = allocate((size_t)in->leaf_values.len / 8, sizeof(double))) &&
        (table = allocate((size_t)in->thresholds.len / 4, sizeof(Node))) && (stack = allocate(splits, 4)) &&
        read_split_table(self, in, table) == 0 && read_leaf_values(self, in) == 0)
        result = read_trees(self, in, split_width, table, stack);
    PyMem_Free(table);
    PyMem_Free(stack);
    return result;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    (void)named;
    Columns in;
    int missing, split_width, leaf_width;
    Py_ssize_t features;
    if (!PyArg_ParseTuple(arguments, "npiiy*y*y*y*y*y*y*y*", &features, &missing, &split_width, &leaf_width,
                          &in.tree_sizes, &in.feature_splits, &in.thresholds, &in.missing_left, &in.leaf_values,
                          &in.structure, &in.split_codes, &in.leaf_codes))
        return NULL;
    Engine *self = (Engine *)PyType_GenericAlloc(type, 0);
    if (self) {
        self->features = features;
        self->missing = missing;
        self->leaf_width = leaf_width;
        if (load(self, &in, split_width) < 0) Py_CLEAR(self);
    }
    Py_buffer *columns = (Py_buffer *)&in;
    for (size_t index = 0; index < sizeof in / sizeof *columns; index++) PyBuffer_Release(columns + index);
    return (PyObject *)self;
}

static void engine_dealloc(PyObject *object) {
    Engine *self = (Engine *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->first_leaf);
    PyMem_Free(self->nodes);
    PyMem_Free(self->leaf_values);
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
    .name = "drift_ml.forest._kernel.Engine",
    .basicsize = sizeof(Engine),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = engine_slots,
};

static int module_exec(PyObject *module) {
    State *state = PyModule_GetState(module);
    PyObject *errors = PyImport_ImportModule("drift_ml.forest._errors");
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
    .m_name = "drift_ml.forest._kernel",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module); }
