// libopus for Swift: its settings are variadic, which Swift does not import.
#pragma once

#include <opus.h>

static inline int copus_encoder_set(OpusEncoder *encoder, int request, opus_int32 value) {
  return opus_encoder_ctl(encoder, request, value);
}
