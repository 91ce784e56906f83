/* Prints the cosine similarity of two texts, computed from C:
 *
 *     cc embed.c $(pkg-config --cflags --libs lacos) -o embed
 *     ./embed trained 'A man plays a guitar.' 'Someone makes music.' */
#include <stdio.h>
#include <stdlib.h>

#include <lacos.h>

static int Fail(void) {
  fprintf(stderr, "embed: %s\n", lacos_last_error());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: embed MODEL TEXT TEXT\n");
    return 2;
  }
  lacos_options options = LACOS_OPTIONS_INIT;
  options.compute = LACOS_COMPUTE_F32;
  lacos_model* model = NULL;
  if (lacos_open(argv[1], &options, &model) != LACOS_OK) return Fail();

  const char* const texts[] = {argv[2], argv[3]};
  const size_t dimension = lacos_dimension(model);
  float* vectors = malloc(2 * dimension * sizeof *vectors);
  float cosine = 0;
  int status = 1;
  if (vectors == NULL) {
    fprintf(stderr, "embed: out of memory\n");
  } else if (lacos_encode(model, texts, NULL, 2, NULL, vectors, 2 * dimension, NULL) != LACOS_OK ||
             lacos_similarity(vectors, 1, vectors + dimension, 1, dimension, &cosine, 1) !=
                 LACOS_OK) {
    status = Fail();
  } else {
    printf("%.6f\n", cosine);
    status = 0;
  }
  free(vectors);
  lacos_close(model);
  return status;
}
