// libsrtp2 for Swift, and what wipes a secret so that no compiler leaves it out.
#pragma once

#include <srtp2/srtp.h>
#include <string.h>

static inline void csrtp_wipe(void *bytes, size_t count) { explicit_bzero(bytes, count); }
