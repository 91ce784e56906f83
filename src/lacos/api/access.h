// The model behind an encoder of the C++ interface, for other functions of the interface.
#pragma once

#include "lacos.h"
#include "lacos/sentence_encoder.h"

namespace lacos::v0 {

struct SentenceEncoderAccess {
  static const lacos_model& Model(const SentenceEncoder& encoder);
};

}  // namespace lacos::v0
