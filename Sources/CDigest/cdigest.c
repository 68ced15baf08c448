#include "cdigest.h"
#include <openssl/evp.h>
#include <stdlib.h>

struct cdigest { EVP_MD_CTX *context; };

cdigest_t cdigest_new(cdigest_kind_t kind) {
    cdigest_t digest = malloc(sizeof *digest);
    if (!digest) return NULL;
    digest->context = EVP_MD_CTX_new();
    if (digest->context && EVP_DigestInit_ex(digest->context, kind == CDIGEST_MD5 ? EVP_md5() : EVP_sha256(), NULL) == 1) return digest;
    cdigest_free(digest);
    return NULL;
}
void cdigest_update(cdigest_t digest, const void *bytes, size_t count) {
    if (EVP_DigestUpdate(digest->context, bytes, count) != 1) abort();
}
void cdigest_finish(cdigest_t digest, uint8_t *out) {
    if (EVP_DigestFinal_ex(digest->context, out, NULL) != 1) abort();
}
void cdigest_free(cdigest_t digest) {
    if (!digest) return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}
