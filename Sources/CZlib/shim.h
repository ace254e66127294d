// zlib for Swift: its initialisation is a macro, which Swift does not import.
#pragma once

#include <zlib.h>

// Begins to unpack gzip (RFC 1952), and nothing else.
static inline int czlib_begin_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }

// Begins to unpack DEFLATE without a wrapping (RFC 1951).
static inline int czlib_begin_deflate(z_stream *stream) { return inflateInit2(stream, -15); }
