#pragma once
#include <curl/curl.h>
#include <stdint.h>

// libcurl, and its variadic functions with the types that Swift can call. Each returns curl's own code.

CURLcode ccurl_global_init(void);
CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
/// For strings, lists, callback data and NULL; curl copies strings and keeps all other pointers.
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value);
/// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION, whose types are the same.
CURLcode ccurl_set_write_callback(CURL *easy, CURLoption option, curl_write_callback callback);
CURLcode ccurl_set_open_socket_callback(CURL *easy, curl_opensocket_callback callback);
CURLcode ccurl_set_close_socket_callback(CURL *easy, curl_closesocket_callback callback);
CURLcode ccurl_set_progress_callback(CURL *easy, curl_xferinfo_callback callback);
CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value);
CURLcode ccurl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value);
CURLcode ccurl_get_pointer(CURL *easy, CURLINFO info, void **value);
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);

/// The bytes that came over the TCP socket since it was opened; -1 where the system does not say.
int64_t ccurl_received_byte_count(curl_socket_t socket);

/// A stream of deflated bytes that is undone part by part: raw, or behind the header of zlib or gzip.
typedef struct ccurl_inflate ccurl_inflate_t;

/// NULL where there is no memory.
ccurl_inflate_t *ccurl_inflate_create(int is_raw);
void ccurl_inflate_free(ccurl_inflate_t *inflate);
/// Undoes a part; the counts become those of the bytes that were used and made. Returns 1 at the end of the stream, -1 where
/// the bytes are none, otherwise 0.
int ccurl_inflate(ccurl_inflate_t *inflate, const void *input, size_t *input_count, void *output, size_t *output_count);
