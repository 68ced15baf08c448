// What a thread was working on when its process crashed.
#ifndef CRASHLOG_H
#define CRASHLOG_H

// From now on a fatal signal writes the line of the thread that it strikes to `descriptor`, if the thread has one, and then
// ends the process as it would have. Returns 0 or an errno.
int crashlog_install(int descriptor);

// The line of this thread until crashlog_clear: `text`, of less than 1,000 bytes, and the signal's number.
void crashlog_set(const char *text);
void crashlog_clear(void);

#endif
