// Which row a process was working on when it crashed.
#ifndef CRASHLOG_H
#define CRASHLOG_H

#include <stdint.h>

// From now on a fatal signal writes the line of the thread that it strikes to `descriptor`, if the thread has one, and then
// ends the process as it would have. `name`, of at most 64 bytes, says which process it is. Returns 0 or an errno.
int crashlog_install(int descriptor, const char *name);

// The line of this thread until crashlog_clear: `name unit row` and the signal's number.
void crashlog_set(const char *unit, int64_t row);
void crashlog_clear(void);

#endif
