/* The compiled engine: decodes the columns of a forest file to flat nodes, and walks several trees (or rows) at once.

   A node is a split; leaves have none. Nodes stand in preorder: a split's left child, if that is a split too, comes
   right after it, its right child after the splits of its left subtree. A subtree of k splits has k + 1 leaves, so the
   number of leaves passed on the right turns says which leaf a walk ends in. See docs/forest-format.md.

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

#define MISSING_LEFT 0x80000000u   /* a missing value goes left */
#define RIGHT_IS_LEAF 0x40000000u
#define WORD_BITS 30               /* the rest of the word: feature, then the number of splits in the left subtree */
#define LANES 16                   /* walks that are in flight together, to overlap their cache misses */
#define ROW_ON_STACK 64            /* features of a row that need no allocation */
#define BLOCK 1024                 /* rows that one tree sees before the next tree */

typedef struct {
    float threshold;
    uint32_t word;
} Node;

typedef struct {
    uint32_t node, leaf; /* of the root: its index, and that of the tree's first leaf */
    uint32_t splits;
} Root;

typedef struct {
    PyObject_HEAD
    Py_ssize_t features, trees;
    uint32_t left_bits;
    int missing, leaf_code_width;
    Root *roots;
    Node *nodes;
    double *leaf_values;
    void *leaf_codes;
} Engine;

typedef struct {
    PyObject *bad_forest, *bad_row;
} State;

static State *state_of(Engine *self) { return PyType_GetModuleState(Py_TYPE(self)); }

/* ---- walking ---- */

typedef struct {
    uint32_t node, leaf, slot;
    const float *row;
} Walk;

static inline double leaf_value(const Engine *self, uint32_t leaf) {
    switch (self->leaf_code_width) {
        case 0: return self->leaf_values[leaf];
        case 2: return self->leaf_values[((const uint16_t *)self->leaf_codes)[leaf]];
        default: return self->leaf_values[((const uint32_t *)self->leaf_codes)[leaf]];
    }
}

/* Walk `count` times: walk k starts at roots[k * next_root] with the row rows[k * next_row] and adds to sums[k]. */
static inline void walk_all(const Engine *self, Py_ssize_t count, const Root *roots, Py_ssize_t next_root,
                            const float *rows, Py_ssize_t next_row, double *sums, const int missing) {
    const Node *nodes = self->nodes;
    const uint32_t left_bits = self->left_bits, left_mask = ((uint32_t)1 << left_bits) - 1;
    const uint32_t feature_mask = ((uint32_t)1 << (WORD_BITS - left_bits)) - 1;
    Walk walks[LANES];
    int active = 0;
    Py_ssize_t started = 0;
    for (;;) {
        while (active < LANES && started < count) {
            const Root *root = roots + started * next_root;
            if (root->splits)
                walks[active++] = (Walk){root->node, root->leaf, (uint32_t)started, rows + started * next_row};
            else
                sums[started] += leaf_value(self, root->leaf);
            started++;
        }
        if (!active) return;
        for (int k = 0; k < active;) {
            Walk *walk = walks + k;
            const Node node = nodes[walk->node];
            const float value = walk->row[(node.word >> left_bits) & feature_mask];
            const uint32_t left = node.word & left_mask;
            int goes_left = value <= node.threshold;
            if (missing && value != value) goes_left = (node.word & MISSING_LEFT) != 0;
            const uint32_t passed = goes_left ? 0 : left + 1;
            const int at_leaf = goes_left ? left == 0 : (node.word & RIGHT_IS_LEAF) != 0;
            walk->leaf += passed;
            walk->node += passed + (uint32_t)goes_left;
            if (at_leaf) {
                sums[walk->slot] += leaf_value(self, walk->leaf);
                *walk = walks[--active];
            } else {
                k++;
            }
        }
    }
}

static void walk_rows(const Engine *self, const float *rows, Py_ssize_t count, double *sums, int missing) {
    for (Py_ssize_t start = 0; start < count; start += BLOCK) {
        const Py_ssize_t size = count - start < BLOCK ? count - start : BLOCK;
        const float *block = rows + start * self->features;
        for (Py_ssize_t tree = 0; tree < self->trees; tree++) {
            if (missing)
                walk_all(self, size, self->roots + tree, 0, block, self->features, sums + start, 1);
            else
                walk_all(self, size, self->roots + tree, 0, block, self->features, sums + start, 0);
        }
    }
    for (Py_ssize_t row = 0; row < count; row++) sums[row] /= (double)self->trees;
}

static double walk_row(const Engine *self, const float *row, int missing) {
    double total = 0;
    for (Py_ssize_t start = 0; start < self->trees; start += 4 * LANES) {
        double values[4 * LANES] = {0};
        const Py_ssize_t size = self->trees - start < 4 * LANES ? self->trees - start : 4 * LANES;
        if (missing)
            walk_all(self, size, self->roots + start, 1, row, 0, values, 1);
        else
            walk_all(self, size, self->roots + start, 1, row, 0, values, 0);
        for (Py_ssize_t tree = 0; tree < size; tree++) total += values[tree];
    }
    return total / (double)self->trees;
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
    if (read_row(self, given, row, &missing) == 0) answer = PyFloat_FromDouble(walk_row(self, row, missing));
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

static uint32_t bits_of(uint64_t number) {
    uint32_t bits = 0;
    for (; number; number >>= 1) bits++;
    return bits;
}

/* The layout has checked these already; checked again because every bound below follows from them. */
static int check_lengths(Engine *self, const Columns *in, int split_width, int leaf_width) {
    const Py_ssize_t distinct = in->thresholds.len / 4;
    uint64_t splits = 0, distinct_sum = 0;
    int holds = self->features >= 1 && self->features <= 65535 && (split_width == 2 || split_width == 4) &&
                (leaf_width == 0 || leaf_width == 2 || leaf_width == 4) && self->trees >= 1 &&
                in->feature_splits.len == 4 * self->features;
    for (Py_ssize_t tree = 0; holds && tree < self->trees; tree++) {
        const uint32_t size = number_at(&in->tree_sizes, 4, tree);
        splits += size;
        holds = bits_of(size) + bits_of((uint64_t)self->features) <= WORD_BITS;
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
            table[code].word = (uint32_t)feature << self->left_bits;
            if (self->missing && bit_at(&in->missing_left, code)) table[code].word |= MISSING_LEFT;
            if (isnan(table[code].threshold)) return refuse(self, "forest: thresholds: expected numbers, not NaN");
        }
    }
    return 0;
}

static int read_leaves(Engine *self, const Columns *in, int width) {
    const Py_ssize_t distinct = in->leaf_values.len / 8;
    const double limit = DBL_MAX / (2 * (double)self->trees);
    self->leaf_code_width = width;
    memcpy(self->leaf_values, in->leaf_values.buf, (size_t)distinct * 8);
    for (Py_ssize_t index = 0; index < distinct; index++)
        if (!(fabs(self->leaf_values[index]) <= limit))
            return refuse(self, "forest: leaf values: expected finite numbers that can be summed over the trees");
    if (width == 0) return 0;
    memcpy(self->leaf_codes, in->leaf_codes.buf, (size_t)in->leaf_codes.len);
    uint32_t largest = 0;
    for (Py_ssize_t index = 0; index < in->leaf_codes.len / width; index++) {
        const uint32_t code = number_at(&in->leaf_codes, width, index);
        if (code > largest) largest = code;
    }
    if ((Py_ssize_t)largest >= distinct) {
        PyErr_Format(state_of(self)->bad_forest, "forest: leaf codes: expected codes below %zd", distinct);
        return -1;
    }
    return 0;
}

/* One tree of `size` splits whose bits begin at `bit`: `table` by code, `stack` has room for `size` numbers.
   The stack holds the splits whose left subtree is being read; a leaf ends the innermost of these, and the next node
   is that split's right child. A leaf with nothing on the stack ends the tree. */
static int read_tree(Engine *self, const Columns *in, const Root *root, int split_width, const Node *table,
                     uint32_t *stack) {
    const Py_ssize_t distinct = in->thresholds.len / 4, bit = (Py_ssize_t)root->node + root->leaf;
    const uint32_t end = root->node + root->splits;
    uint32_t split = root->node, depth = 0, parent = UINT32_MAX;
    for (Py_ssize_t step = 0; step <= 2 * (Py_ssize_t)root->splits; step++) {
        if (bit_at(&in->structure, bit + step)) {
            if (split == end) break;
            const uint32_t code = number_at(&in->split_codes, split_width, split);
            if ((Py_ssize_t)code >= distinct) {
                PyErr_Format(state_of(self)->bad_forest, "forest: split codes: expected codes below %zd", distinct);
                return -1;
            }
            self->nodes[split] = table[code];
            parent = UINT32_MAX;
            stack[depth++] = split++;
        } else {
            if (parent != UINT32_MAX) self->nodes[parent].word |= RIGHT_IS_LEAF;
            if (depth == 0) {
                if (split == end && step == 2 * (Py_ssize_t)root->splits) return 0;
                break;
            }
            parent = stack[--depth];
            self->nodes[parent].word |= split - parent - 1;
        }
    }
    return refuse(self, "forest: structure: expected the bits of whole trees");
}

static int read_trees(Engine *self, const Columns *in, int split_width, const Node *table, uint32_t *stack) {
    uint32_t split = 0;
    for (Py_ssize_t tree = 0; tree < self->trees; tree++) {
        Root *root = self->roots + tree;
        *root = (Root){split, split + (uint32_t)tree, number_at(&in->tree_sizes, 4, tree)};
        if (read_tree(self, in, root, split_width, table, stack) < 0) return -1;
        split += root->splits;
    }
    return 0;
}

static void *allocate(size_t count, size_t size) {
    void *memory = PyMem_Calloc(count + 1, size);
    if (!memory) PyErr_NoMemory();
    return memory;
}

static int load(Engine *self, const Columns *in, int split_width, int leaf_width) {
    int result = -1;
    Node *table = NULL;
    uint32_t *stack = NULL;
    self->trees = in->tree_sizes.len / 4;
    if (check_lengths(self, in, split_width, leaf_width) < 0) return -1;
    self->left_bits = WORD_BITS - bits_of((uint64_t)self->features);
    const size_t splits = (size_t)in->split_codes.len / (size_t)split_width;
    if ((self->roots = allocate((size_t)self->trees, sizeof(Root))) &&
        (self->nodes = allocate(splits, sizeof(Node))) &&
        (self->leaf_values = allocate((size_t)in->leaf_values.len / 8, 8)) &&
        (self->leaf_codes = allocate((size_t)in->leaf_codes.len, 1)) &&
        (table = allocate((size_t)in->thresholds.len / 4, sizeof(Node))) && (stack = allocate(splits, 4)) &&
        read_split_table(self, in, table) == 0 && read_leaves(self, in, leaf_width) == 0)
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
        if (load(self, &in, split_width, leaf_width) < 0) Py_CLEAR(self);
    }
    Py_buffer *columns = (Py_buffer *)&in;
    for (size_t index = 0; index < sizeof in / sizeof *columns; index++) PyBuffer_Release(columns + index);
    return (PyObject *)self;
}

static void engine_dealloc(PyObject *object) {
    Engine *self = (Engine *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->roots);
    PyMem_Free(self->nodes);
    PyMem_Free(self->leaf_values);
    PyMem_Free(self->leaf_codes);
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
