// Trains an adapter that makes a BLOOM embed sentences.
//
//     lacos::TrainOptions options;
//     options.model = "bloom-560m-int8";
//     options.train = {"nli.tsv"};
//     options.output = "trained";
//     options.settings.epochs = 3;
//     lacos::TrainReport report = lacos::Train(options);
//
// The default objective ranks the positive of an anchor first among all positives of the batch
// (Henderson et al., "Efficient natural language response suggestion for Smart Reply", 2017), the
// trained weights are low-rank updates (Hu et al., "LoRA", ICLR 2022), and the optimizer is Adam
// with block-wise 8-bit moments (Dettmers et al., ICLR 2022).
#ifndef LACOS_CPP_TRAINER_H_
#define LACOS_CPP_TRAINER_H_

#include <lacos/train_settings.h>
#include <lacos/version.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

LACOS_BEGIN_NAMESPACE

struct TrainStep {
  std::int64_t step = 0, total_steps = 0, epoch = 0;
  // NaN or infinite if the step was bad. Such a step has no update.
  double loss = 0;
  double learning_rate = 0;
  double gradient_norm = 0;      // before clipping
  double tokens_per_second = 0;  // tokens in this step divided by its duration
  double seconds = 0;            // time since training began
  bool has_update = true;
};

// Correlations of the cosines of the dev pairs with their scores, times 100; NaN if undefined.
struct DevScore {
  std::int64_t step = 0;
  double spearman = 0, pearson = 0;
  bool best = false;  // whether it is the best so far
};

struct TrainOptions {
  // An original BLOOM folder, a quantized one, or a trained output folder, whose adapter is trained
  // further.
  std::string model;
  std::string base;                // new path of a trained base after a move; "": not moved
  std::string adapter;             // folder of a PEFT adapter to go on from; "": a new one
  std::vector<std::string> train;  // files: pairs, triplets, scored pairs, classes or texts
  std::string dev;                 // file of scored pairs that choose the best adapter; "": none
  std::string output;              // folder to make, in the layout of sentence-transformers
  TrainSettings settings;
  bool overwrite = false;      // replace an existing output
  int threads = 0;             // of the process, from now on; 0: all cores that it may use
  std::string device = "cpu";  // cpu, cuda, cuda:N or auto, as in SentenceEncoderOptions
  // Called after each step, in the thread of the call. If it returns false, the state is saved, and
  // the report has `interrupted`. settings.resume goes on from there.
  std::function<bool(const TrainStep&)> on_step;
  std::function<void(const DevScore&)> on_dev_score;
  // Events worth a line, and those that deserve attention: a checkpoint, a step without update.
  std::function<void(const std::string&)> on_message, on_warning;
};

struct TrainReport {
  std::int64_t steps = 0, bad_steps = 0;  // steps in all, and those without an update
  std::int64_t tokens = 0, truncated = 0;
  double seconds = 0;
  double loss_first = 0, loss_last = 0;  // NaN if no step had an update
  bool interrupted = false;
  bool has_dev_score = false;
  DevScore first, best, last;  // `best` is that of the adapter that was exported
};

// Trains and writes the output folder. Memory is planned before the first step: a run that does not
// fit is refused. Throws Error if an option is wrong, an input is damaged or a write fails; the last
// checkpoint stays intact.
LACOS_API TrainReport Train(const TrainOptions& options);

LACOS_END_NAMESPACE

#endif  // LACOS_CPP_TRAINER_H_
