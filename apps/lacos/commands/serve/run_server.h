// What `lacos serve` does once its command line is accepted.
#pragma once

#include <string>
#include <vector>

#include "flags/common.h"
#include "lacos/serve/embedding_server.h"

namespace lacos::cli {

struct ServeFlags {
  serve::EmbeddingServerOptions options;
  double drain = 30;  // seconds
};

// In the program lacos-serve: serves until a signal asks it to stop. In the program lacos: becomes
// lacos-serve, with the same command line.
void RunServer(const GlobalOptions& globals, const ServeFlags& flags);

}  // namespace lacos::cli
