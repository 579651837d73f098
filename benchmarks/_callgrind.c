/* What lets a Python process say where valgrind counts; without valgrind these calls do nothing. */

#include <valgrind/callgrind.h>

void begin_counting(void) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

void end_counting(void) {
    CALLGRIND_DUMP_STATS;
    CALLGRIND_STOP_INSTRUMENTATION;
}
