// Prints the cosine of two sentences. Build it with
//   c++ -std=c++17 embed.cc $(pkg-config --cflags --libs lacos) -o embed
// or, with CMake, find_package(lacos 0.1 REQUIRED) and target_link_libraries(embed lacos::lacos).
#include <lacos/error.h>
#include <lacos/sentence_encoder.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: embed MODEL TEXT TEXT\n";
    return 2;
  }
  try {
    const lacos::SentenceEncoder encoder(argv[1]);
    const lacos::Vectors vectors = encoder.Encode({argv[2], argv[3]});
    std::cout << lacos::Cosines(vectors, vectors)[1] << "\n";
  } catch (const lacos::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
