#pragma once
#include <stddef.h>
#include <stdint.h>

/// A running digest by OpenSSL's libcrypto, which uses the processor's SHA instructions.
typedef struct cdigest *cdigest_t;

typedef enum { CDIGEST_SHA256, CDIGEST_MD5 } cdigest_kind_t;

/// A new running digest; NULL when there is no memory. Release it with `cdigest_free`.
cdigest_t cdigest_new(cdigest_kind_t kind);
void cdigest_update(cdigest_t digest, const void *bytes, size_t count);
/// Writes the 32 or 16 bytes of the digest; nothing can be added afterwards.
void cdigest_finish(cdigest_t digest, uint8_t *out);
void cdigest_free(cdigest_t digest);

/// The CRC-32C (RFC 3720) of what `crc` is the checksum of (0 for nothing), followed by `count` bytes.
uint32_t cdigest_crc32c(uint32_t crc, const void *bytes, size_t count);
