/* Steps: a typed program over one row of float64 registers, without jumps. Every step reads registers before it and
   writes the next ones; all of them, and every place of a constant, are checked once, when the model is loaded. The
   Python twin is _steps_python.py, the layout _steps.py. Included behind the engine of trees, which members are. */

#include "_hashes.h"

#define MAX_REGISTERS (1 << 20)
#define MAX_WORK ((uint64_t)1 << 26)
#define MAX_MEMBERS 1000
#define MAX_SUMMED 1000
#define NO_MISSING 1u
#define SINGLE_RANGE 2u

enum {
    CONSTANT, COPY, ADD, SUBTRACT, MULTIPLY, DIVIDE, ADD_TWO, SUBTRACT_TWO, MULTIPLY_TWO, DIVIDE_TWO, FUNCTION, IS,
    REPLACE, CLIP, RANK, FIND, LOOKUP, ONE_HOT, INTERPOLATE, WHERE, DOT, SUM, LINK, MEMBER, FINITE, FIND_HASH,
    STEP_KINDS
};
enum { NEGATIVE, ABSOLUTE, SIGN_OF, SQUARED, SQUARE_ROOT, RECIPROCAL, FLOOR, CEIL, TRUNC, RINT, EXPONENTIAL, FUNCTIONS };

static const uint32_t operands_of[STEP_KINDS] = {1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1,
                                                 1, 3, 2, 2, 1, 2, 0, 3, 1, 3, 1, 1, 3};
static const int links_of_steps[] = {IDENTITY, SIGMOID, SOFTMAX, SOFTMAX_PAIRWISE, EXP, FAST_EXP, FAST_SOFTMAX};

typedef struct {
    PyObject_HEAD
    int task, decision;
    Py_ssize_t features, registers, raws, raw_first, outputs, score_first, members_count;
    double threshold;
    uint32_t *words;
    size_t words_count;
    double *constants;
    uint64_t constants_count;
    uint64_t *keys;      /* of hashes, and their codes */
    uint64_t keys_count;
    Hashes *hashes;      /* one for each step that finds some, in order */
    uint32_t hashes_count;
    PyObject *members;   /* a tuple of engines, which own what the pointers point to */
    Engine **engines;
    size_t widest;       /* sources that are gathered */
    size_t walking;      /* bytes that the largest member walks in */
} Steps;

static State *steps_state(Steps *self) { return PyType_GetModuleState(Py_TYPE((PyObject *)self)); }

/* ---- running ---- */

/* What became of a row: answered, refused for a register, or for what steps made of it. */
#define ANSWERED (-1)
#define NOT_FINITE_INSIDE (-2)
#define NO_ANSWER (-3)

static inline double is_same(double value, double other) {
    return value == other || (value != value && other != other) ? 1.0 : 0.0;
}

static double function_of(uint32_t function, double value) {
    switch (function) {
    case NEGATIVE: return -value;
    case ABSOLUTE: return fabs(value);
    case SIGN_OF: return value != value ? value : (double)(value > 0) - (double)(value < 0);
    case SQUARED: return value * value;
    case SQUARE_ROOT: return value >= 0 ? sqrt(value) : NAN;
    case RECIPROCAL: return 1.0 / value;
    case FLOOR: return floor(value);
    case CEIL: return ceil(value);
    case TRUNC: return trunc(value);
    case RINT: return rint(value);
    default: return value != value ? value : exp_of(value, 0.0);
    }
}

static double find_of(const double *table, uint32_t size, double value) {
    if (value != value) return value;
    const uint32_t place = rank_of(table, size, value, 0);
    return place < size && table[place] == value ? (double)place : (double)size;
}

/* Between two rows of a table, in the operations of numpy's interp. */
static double interpolate(const double *xs, const double *ys, uint32_t size, double value) {
    if (value != value) return value;
    const uint32_t beyond = rank_of(xs, size, value, 1);
    if (!beyond) return ys[0];
    const uint32_t below = beyond - 1;
    if (below == size - 1 || xs[below] == value) return ys[below];
    const double slope = (ys[below + 1] - ys[below]) / (xs[below + 1] - xs[below]);
    double result = slope * (value - xs[below]) + ys[below];
    if (result != result) {
        result = slope * (value - xs[below + 1]) + ys[below + 1];
        if (result != result && ys[below] == ys[below + 1]) result = ys[below];
    }
    return result;
}

static double dot_in_order(const double *registers, const uint32_t *sources, uint32_t count, const double *factors) {
    double total = 0.0;
    for (uint32_t index = 0; index < count; index++) total += registers[sources[index]] * factors[index];
    return total;
}

/* As if computed in twice the precision (Ogita, Rump and Oishi 2005, algorithm 5.3). */
static double dot_nearest(const double *registers, const uint32_t *sources, uint32_t count, const double *factors) {
    double total = 0.0, rest = 0.0;
    for (uint32_t index = 0; index < count; index++) {
        const double value = registers[sources[index]], product = value * factors[index];
        const double rounding = isfinite(product) ? fma(value, factors[index], -product) : 0.0;
        const double larger = total + product, part = larger - total;
        rest += ((total - (larger - part)) + (product - part)) + rounding;
        total = larger;
    }
    return total + rest;
}

/* Ask a member, whose raw scores and answer are written. Returns whether it answers. */
static int ask(const Engine *member, const double *row, Walk *walks, double *out) {
    uint32_t *ranks = (uint32_t *)((char *)walks + walks_size(member)), *leaves = ranks + member->entries;
    if (rank_row(member, row, ranks)) return 0;
    raw_of(member, ranks, walks, leaves, out);
    return link_row(member, out, out + member->shape.raws);
}

/* Run all steps over registers that begin with the row. Returns ANSWERED, or what the row is refused for. */
static long long run_steps(const Steps *self, double *registers, double *gathered, Walk *walks) {
    const uint32_t *word = self->words, *const end = word + self->words_count;
    const Hashes *hashes = self->hashes;
    double *out = registers + self->features;
    while (word < end) {
        const uint32_t kind = word[0], count = word[1], *sources = word + 2, *operands = sources + count;
        const double *constants = self->constants;
        const double first = count ? registers[sources[0]] : 0.0;
        word = operands + operands_of[kind];
        if (operands_of[kind] && kind != FUNCTION && kind != ONE_HOT && kind < LINK) constants += operands[0];
        switch (kind) {
        case CONSTANT: *out++ = constants[0]; break;
        case COPY:
            for (uint32_t index = 0; index < count; index++) *out++ = registers[sources[index]];
            break;
        case ADD:
            for (uint32_t index = 0; index < count; index++) *out++ = registers[sources[index]] + constants[index];
            break;
        case SUBTRACT:
            for (uint32_t index = 0; index < count; index++) *out++ = registers[sources[index]] - constants[index];
            break;
        case MULTIPLY:
            for (uint32_t index = 0; index < count; index++) *out++ = registers[sources[index]] * constants[index];
            break;
        case DIVIDE:
            for (uint32_t index = 0; index < count; index++) *out++ = registers[sources[index]] / constants[index];
            break;
        case ADD_TWO:
            for (uint32_t index = 0; index < count / 2; index++)
                *out++ = registers[sources[index]] + registers[sources[count / 2 + index]];
            break;
        case SUBTRACT_TWO:
            for (uint32_t index = 0; index < count / 2; index++)
                *out++ = registers[sources[index]] - registers[sources[count / 2 + index]];
            break;
        case MULTIPLY_TWO:
            for (uint32_t index = 0; index < count / 2; index++)
                *out++ = registers[sources[index]] * registers[sources[count / 2 + index]];
            break;
        case DIVIDE_TWO:
            for (uint32_t index = 0; index < count / 2; index++)
                *out++ = registers[sources[index]] / registers[sources[count / 2 + index]];
            break;
        case FUNCTION:
            for (uint32_t index = 0; index < count; index++)
                *out++ = function_of(operands[0], registers[sources[index]]);
            break;
        case IS:
            for (uint32_t index = 0; index < count; index++)
                *out++ = is_same(registers[sources[index]], constants[index]);
            break;
        case REPLACE:
            for (uint32_t index = 0; index < count; index++) {
                const double value = registers[sources[index]];
                *out++ = is_same(value, constants[2 * index]) != 0 ? constants[2 * index + 1] : value;
            }
            break;
        case CLIP:
            for (uint32_t index = 0; index < count; index++) {
                const double value = registers[sources[index]];
                const double low = constants[2 * index], high = constants[2 * index + 1];
                *out++ = value < low ? low : value > high ? high : value;
            }
            break;
        case RANK: *out++ = (double)rank_of(constants, operands[1], first, (int)operands[2]); break;
        case FIND: *out++ = find_of(constants, operands[1], first); break;
        case LOOKUP: *out++ = constants[code_of(first, operands[1])]; break;
        case ONE_HOT:
            for (uint32_t place = 0; place < operands[0]; place++) *out++ = first == (double)place ? 1.0 : 0.0;
            break;
        case INTERPOLATE: *out++ = interpolate(constants, constants + operands[1], operands[1], first); break;
        case WHERE: *out++ = first != 0 ? registers[sources[1]] : registers[sources[2]]; break;
        case DOT:
            for (uint32_t row = 0; row < operands[1]; row++, constants += (size_t)count + 1)
                *out++ = (operands[2] ? dot_nearest : dot_in_order)(registers, sources, count, constants) +
                         constants[count];
            break;
        case SUM: {
            double total = 0.0;
            for (uint32_t index = 0; index < count; index++) gathered[index] = registers[sources[index]];
            for (uint32_t index = 0; index < count; index++) total += gathered[index];
            *out++ = operands[0] ? pairwise_sum(gathered, (Py_ssize_t)count) : total;
            break;
        }
        case LINK: {
            int finite = 1;
            for (uint32_t index = 0; index < count; index++) {
                gathered[index] = registers[sources[index]];
                finite &= isfinite(gathered[index]) != 0;
            }
            if (!finite || !link_scores(links_of_steps[operands[0]], gathered, (Py_ssize_t)count,
                                        (Py_ssize_t)operands[1], constants[operands[2]], 0.0, out))
                return NO_ANSWER;
            out += operands[1];
            break;
        }
        case MEMBER: {
            const Engine *member = self->engines[operands[0]];
            for (uint32_t index = 0; index < count; index++) gathered[index] = registers[sources[index]];
            if (!ask(member, gathered, walks, out)) return NOT_FINITE_INSIDE;
            out += member->shape.raws + member->shape.outputs;
            break;
        }
        case FIND_HASH: *out++ = code_of_hash(hashes++, registers, sources, count); break;
        default: /* FINITE */
            for (uint32_t index = 0; index < count; index++) {
                const double value = registers[sources[index]];
                const double seen = operands[0] & SINGLE_RANGE ? (double)(float)value : value;
                if (value != value ? operands[0] & NO_MISSING : isinf(seen) != 0)
                    return sources[index] < (uint32_t)self->features ? (long long)sources[index] : NOT_FINITE_INSIDE;
            }
        }
    }
    int finite = 1;
    for (Py_ssize_t place = 0; place < self->raws; place++) finite &= isfinite(registers[self->raw_first + place]) != 0;
    for (Py_ssize_t place = 0; place < self->outputs; place++)
        finite &= isfinite(registers[self->score_first + place]) != 0;
    return finite ? ANSWERED : NO_ANSWER;
}

static PyObject *refuse_row(Steps *self, long long refusal) {
    PyObject *bad_row = steps_state(self)->bad_row;
    if (refusal == NO_ANSWER)
        PyErr_SetString(bad_row, "row: expected one whose answer is a finite number");
    else if (refusal == NOT_FINITE_INSIDE)
        PyErr_SetString(bad_row, "row: expected one whose numbers stay finite in every step of the model");
    else
        PyErr_Format(bad_row, "row: position %u: expected a finite number", (unsigned int)refusal);
    return NULL;
}

enum { SCORES, DECISION, RAW };

static PyObject *steps_answer(const Steps *self, const double *registers, int wanted) {
    const double *raw = registers + self->raw_first, *scores = registers + self->score_first;
    if (wanted == RAW) return to_tuple(raw, self->raws);
    PyObject *tuple = to_tuple(scores, self->outputs);
    if (!tuple || wanted == SCORES) return tuple;
    return Py_BuildValue("Nn", tuple, label_of(self->decision, raw, scores, self->outputs, self->threshold));
}

/* The registers, then what is gathered, then what a member walks in. */
static size_t steps_scratch(const Steps *self) {
    return ((size_t)self->registers + self->widest) * sizeof(double) + self->walking;
}

static PyObject *steps_one(Steps *self, PyObject *given, int wanted) {
    double on_stack[ON_STACK / sizeof(double)];
    const size_t size = steps_scratch(self);
    double *registers = size > sizeof on_stack ? PyMem_Malloc(size) : on_stack;
    PyObject *answer = NULL;
    if (!registers) return PyErr_NoMemory();
    if (read_numbers(steps_state(self), given, self->features, registers) == 0) {
        double *gathered = registers + self->registers;
        const long long refusal = run_steps(self, registers, gathered, (Walk *)(gathered + self->widest));
        answer = refusal == ANSWERED ? steps_answer(self, registers, wanted) : refuse_row(self, refusal);
    }
    if (registers != on_stack) PyMem_Free(registers);
    return answer;
}

static PyObject *steps_scores(PyObject *self, PyObject *given) { return steps_one((Steps *)self, given, SCORES); }

static PyObject *steps_decide(PyObject *self, PyObject *given) { return steps_one((Steps *)self, given, DECISION); }

static PyObject *steps_raw(PyObject *self, PyObject *given) { return steps_one((Steps *)self, given, RAW); }

/* Rows are read before any is answered, so that a row that is none is refused first, as by the engine of trees. */
static PyObject *steps_many(Steps *self, PyObject *given, int wanted) {
    PyObject *answer = NULL, *rows = PySequence_Tuple(given);
    if (!rows) return NULL;
    const Py_ssize_t count = PyTuple_Size(rows), wide = self->features + self->raws + self->outputs;
    const size_t scratch = steps_scratch(self);
    double *values = PyMem_Calloc((size_t)count * (size_t)wide + 1, sizeof(double));
    double *registers = PyMem_Malloc(scratch + 1);
    long long refusal = ANSWERED;
    if (!values || !registers) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t row = 0; row < count; row++)
        if (read_numbers(steps_state(self), PyTuple_GetItem(rows, row), self->features, values + row * wide) < 0)
            goto done;
    Py_BEGIN_ALLOW_THREADS
    double *gathered = registers + self->registers;
    for (Py_ssize_t row = 0; row < count && refusal == ANSWERED; row++) {
        double *place = values + row * wide;
        memcpy(registers, place, (size_t)self->features * sizeof(double));
        refusal = run_steps(self, registers, gathered, (Walk *)(gathered + self->widest));
        memcpy(place + self->features, registers + self->raw_first, (size_t)self->raws * sizeof(double));
        memcpy(place + self->features + self->raws, registers + self->score_first,
               (size_t)self->outputs * sizeof(double));
    }
    Py_END_ALLOW_THREADS
    if (refusal != ANSWERED) {
        refuse_row(self, refusal);
        goto done;
    }
    answer = PyList_New(count);
    for (Py_ssize_t row = 0; answer && row < count; row++) {
        const double *raw = values + row * wide + self->features, *scores = raw + self->raws;
        PyObject *of_row = to_tuple(scores, self->outputs);
        if (of_row && wanted == DECISION)
            of_row = Py_BuildValue("Nn", of_row, label_of(self->decision, raw, scores, self->outputs, self->threshold));
        if (!of_row || PyList_SetItem(answer, row, of_row) < 0) Py_CLEAR(answer);
    }
done:
    PyMem_Free(values);
    PyMem_Free(registers);
    Py_DECREF(rows);
    return answer;
}

static PyObject *steps_scores_many(PyObject *self, PyObject *given) { return steps_many((Steps *)self, given, SCORES); }

static PyObject *steps_decide_many(PyObject *self, PyObject *given) {
    return steps_many((Steps *)self, given, DECISION);
}

/* ---- loading ---- */

static int refuse_steps(Steps *self, const char *message) {
    PyErr_SetString(steps_state(self)->bad_model, message);
    return -1;
}

static int has_constants(const Steps *self, uint64_t first, uint64_t count) {
    return first + count <= self->constants_count;
}

static int ascends(const double *table, uint32_t size) {
    for (uint32_t row = 0; row < size; row++)
        if (!(table[row] >= table[row ? row - 1 : 0])) return 0;
    return 1;
}

/* Take the next keys for a step that finds hashes: each word of them belongs to one step. Returns 0 if there are none. */
static int take_hashes(Steps *self, const uint32_t *operands, uint64_t *keys_used) {
    const uint64_t count = operands[1], size = hash_words(count, operands[2]);
    if (operands[0] != *keys_used || operands[2] > 32 || size > self->keys_count - *keys_used) return 0;
    Hashes *more = PyMem_Realloc(self->hashes, ((size_t)self->hashes_count + 1) * sizeof *more);
    if (!more) {
        PyErr_NoMemory();
        return 0;
    }
    self->hashes = more;
    if (!index_hashes(more + self->hashes_count, self->keys + *keys_used, (uint32_t)count, (int)operands[2])) return 0;
    self->hashes_count++;
    *keys_used += size;
    return 1;
}

/* How many registers a step writes, whose words are all there; -1 if it reads what there is not. */
static int64_t check_step(Steps *self, const uint32_t *word, Py_ssize_t *used, uint64_t *keys_used, uint64_t *work) {
    const uint32_t kind = word[0], count = word[1], *operands = word + 2 + count;
    switch (kind) {
    case CONSTANT: return has_constants(self, operands[0], 1) ? 1 : -1;
    case COPY: return count;
    case ADD: case SUBTRACT: case MULTIPLY: case DIVIDE: case IS:
        return has_constants(self, operands[0], count) ? (int64_t)count : -1;
    case ADD_TWO: case SUBTRACT_TWO: case MULTIPLY_TWO: case DIVIDE_TWO: return count % 2 ? -1 : (int64_t)(count / 2);
    case FUNCTION: return operands[0] < FUNCTIONS ? (int64_t)count : -1;
    case REPLACE: case CLIP: return has_constants(self, operands[0], 2 * (uint64_t)count) ? (int64_t)count : -1;
    case RANK: case FIND: case INTERPOLATE: {
        const uint64_t size = operands[1];
        const int holds = count == 1 && (kind != INTERPOLATE || size) && (kind != RANK || operands[2] <= 1) &&
                          has_constants(self, operands[0], kind == INTERPOLATE ? 2 * size : size);
        return holds && ascends(self->constants + operands[0], operands[1]) ? 1 : -1;
    }
    case LOOKUP:
        return count == 1 && has_constants(self, operands[0], (uint64_t)operands[1] + MORE_ROWS) ? 1 : -1;
    case ONE_HOT: return count == 1 && operands[0] && operands[0] <= MAX_REGISTERS ? (int64_t)operands[0] : -1;
    case WHERE: return count == 3 ? 1 : -1;
    case DOT: {
        const uint64_t rows = operands[1];
        if (!rows || rows > MAX_OUTPUTS || operands[2] > 1 ||
            !has_constants(self, operands[0], rows * ((uint64_t)count + 1)))
            return -1;
        *work += rows * count;
        return (int64_t)rows;
    }
    case SUM: return count <= MAX_SUMMED && operands[0] <= 1 ? 1 : -1;
    case LINK: {
        const uint32_t link = operands[0], outputs = operands[1];
        const int holds = link < sizeof links_of_steps / sizeof *links_of_steps && count <= MAX_SUMMED &&
                          (outputs == count || (link == 1 && count == 1 && outputs == 2)) &&
                          operands[2] < self->constants_count && isfinite(self->constants[operands[2]]);
        return holds ? (int64_t)outputs : -1;
    }
    case MEMBER: {
        if (*used >= self->members_count || operands[0] != (uint32_t)*used) return -1;
        const Engine *member = self->engines[(*used)++];
        if ((Py_ssize_t)count != member->shape.features) return -1;
        return (int64_t)(member->shape.raws + member->shape.outputs);
    }
    case FIND_HASH: return take_hashes(self, operands, keys_used) ? 1 : -1;
    default: return operands[0] <= (NO_MISSING | SINGLE_RANGE) ? 0 : -1;
    }
}

/* The layout has checked these already; checked again because no step looks where it reads or writes. */
static int check_steps(Steps *self) {
    const uint64_t end = self->words_count;
    uint64_t place = 0, free_register = (uint64_t)self->features, work = 0, keys_used = 0;
    Py_ssize_t used = 0;
    while (place < end) {
        const uint32_t *word = self->words + place;
        if (end - place < 2 || word[0] >= STEP_KINDS) return refuse_steps(self, "model: steps: expected whole steps");
        const uint64_t count = word[1], size = 2 + count + operands_of[word[0]];
        if (end - place < size) return refuse_steps(self, "model: steps: expected whole steps");
        if ((word[0] == CONSTANT) != !count)
            return refuse_steps(self, "model: steps: expected sources, or none for a constant");
        for (uint64_t index = 0; index < count; index++)
            if (word[2 + index] >= free_register)
                return refuse_steps(self, "model: steps: expected registers that were written before");
        const int64_t written = check_step(self, word, &used, &keys_used, &work);
        if (written < 0)
            return PyErr_Occurred() ? -1 : refuse_steps(self, "model: steps: expected what each step needs");
        free_register += (uint64_t)written;
        work += count + (uint64_t)written;
        if (free_register > MAX_REGISTERS || work > MAX_WORK)
            return refuse_steps(self, "model: steps: expected fewer numbers to touch");
        if (count > self->widest) self->widest = (size_t)count;
        place += size;
    }
    if (free_register != (uint64_t)self->registers || used != self->members_count || keys_used != self->keys_count)
        return refuse_steps(self, "model: steps: expected all registers, members and keys");
    return 0;
}

static int check_steps_shape(Steps *self) {
    const int holds = is_within(self->features, 1, 65535) && is_within(self->registers, self->features, MAX_REGISTERS) &&
                      is_within(self->raws, 1, MAX_OUTPUTS) && is_within(self->outputs, 1, MAX_OUTPUTS) &&
                      is_within(self->raw_first, 0, self->registers - self->raws) &&
                      is_within(self->score_first, 0, self->registers - self->outputs) &&
                      is_within(self->task, 0, 1) && is_within(self->decision, ARGMAX, RAW_AT_LEAST) &&
                      is_within(self->members_count, 0, MAX_MEMBERS) && isfinite(self->threshold) &&
                      (self->decision == ARGMAX ||
                       (self->decision == RAW_ARGMAX ? self->raws == self->outputs : self->outputs == 2));
    return holds ? 0 : refuse_steps(self, "model: shape: expected numbers in their ranges");
}

static int take_members(Steps *self, PyTypeObject *engine_type) {
    self->members_count = PyTuple_Size(self->members);
    self->engines = PyMem_Calloc((size_t)self->members_count + 1, sizeof *self->engines);
    if (!self->engines) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t index = 0; index < self->members_count; index++) {
        PyObject *member = PyTuple_GetItem(self->members, index);
        if (Py_TYPE(member) != engine_type) return refuse_steps(self, "model: members: expected engines");
        self->engines[index] = (Engine *)member;
        const size_t walking = walking_size(self->engines[index]);
        if (walking > self->walking) self->walking = walking;
    }
    return 0;
}

static int load_steps(Steps *self, const Py_buffer *words, const Py_buffer *constants, const Py_buffer *keys) {
    if (words->len % 4 || constants->len % 8 || keys->len % 8) return refuse_steps(self, "model: steps: expected whole words");
    self->words_count = (size_t)words->len / 4;
    self->constants_count = (uint64_t)constants->len / 8;
    self->words = PyMem_Malloc((size_t)words->len + 1);
    self->constants = PyMem_Malloc((size_t)constants->len + 1);
    self->keys = PyMem_Malloc((size_t)keys->len + 1);
    self->keys_count = (uint64_t)keys->len / 8;
    if (!self->words || !self->constants || !self->keys) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(self->words, words->buf, (size_t)words->len);
    memcpy(self->constants, constants->buf, (size_t)constants->len);
    if (keys->len) memcpy(self->keys, keys->buf, (size_t)keys->len);
    if (take_members(self, steps_state(self)->engine_type) < 0 || check_steps_shape(self) < 0) return -1;
    return check_steps(self);
}

static PyObject *steps_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    (void)named;
    Py_buffer words, constants, keys = {0};
    Steps read = {0};
    Py_ssize_t members;
    PyObject *engines;
    if (!PyArg_ParseTuple(arguments, "iinnnnnnndy*y*O!|y*", &read.task, &read.decision, &read.features, &read.registers,
                          &read.raws, &read.raw_first, &read.outputs, &read.score_first, &members, &read.threshold,
                          &words, &constants, &PyTuple_Type, &engines, &keys))
        return NULL;
    Steps *self = (Steps *)PyType_GenericAlloc(type, 0);
    if (self) {
        self->task = read.task;
        self->decision = read.decision;
        self->features = read.features;
        self->registers = read.registers;
        self->raws = read.raws;
        self->raw_first = read.raw_first;
        self->outputs = read.outputs;
        self->score_first = read.score_first;
        self->threshold = read.threshold;
        self->members = Py_NewRef(engines);
        if (load_steps(self, &words, &constants, &keys) < 0) Py_CLEAR(self);
    }
    PyBuffer_Release(&words);
    PyBuffer_Release(&constants);
    if (keys.obj) PyBuffer_Release(&keys);
    return (PyObject *)self;
}

static void steps_dealloc(PyObject *object) {
    Steps *self = (Steps *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->words);
    PyMem_Free(self->constants);
    for (uint32_t index = 0; index < self->hashes_count; index++) PyMem_Free(self->hashes[index].starts);
    PyMem_Free(self->hashes);
    PyMem_Free(self->keys);
    PyMem_Free(self->engines);
    Py_XDECREF(self->members);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyMethodDef steps_methods[] = {
    {"scores", steps_scores, METH_O, "The answer."},
    {"scores_many", steps_scores_many, METH_O, "The answer to each row."},
    {"decide", steps_decide, METH_O, "The answer, and the place of its class."},
    {"decide_many", steps_decide_many, METH_O, "The answer to each row, and the place of its class."},
    {"raw", steps_raw, METH_O, "The raw scores."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot steps_slots[] = {
    {Py_tp_new, steps_new},
    {Py_tp_dealloc, steps_dealloc},
    {Py_tp_methods, steps_methods},
    {0, NULL},
};

static PyType_Spec steps_spec = {
    .name = "drift_engine.model._kernel.Steps",
    .basicsize = sizeof(Steps),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = steps_slots,
};
