#pragma once
#include "cimages.h"
#include <stdio.h>

/// Writes the message and returns the status, for `return fail(...)`.
static inline ci_status_t ci_fail(ci_status_t status, char *message, const char *text) {
    snprintf(message, CI_MESSAGE_CAPACITY, "%s", text);
    return status;
}

/// Composes `count` RGBA pixels on white, in place: the RGB pixels are at the front afterwards.
void ci_compose_on_white(uint8_t *pixels, size_t count);
