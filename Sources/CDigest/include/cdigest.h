#pragma once
#include <stddef.h>
#include <stdint.h>

/// A running SHA-256 (OpenSSL's libcrypto, which uses the processor's SHA instructions).
typedef struct cdigest *cdigest_t;

/// A new running digest; NULL when there is no memory. Release it with `cdigest_free`.
cdigest_t cdigest_new(void);
void cdigest_update(cdigest_t digest, const void *bytes, size_t count);
/// Writes the 32 bytes of the digest; nothing can be added afterwards.
void cdigest_finish(cdigest_t digest, uint8_t *out);
void cdigest_free(cdigest_t digest);
