// The whole C++ interface from a program that has only the installed files: it quantizes a base,
// trains ten steps, evaluates, encodes and searches.
//   foreign BASE DATA WORK
#include <lacos/error.h>
#include <lacos/evaluate.h>
#include <lacos/quantize.h>
#include <lacos/search.h>
#include <lacos/sentence_encoder.h>
#include <lacos/server.h>
#include <lacos/trainer.h>
#include <lacos/version.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

void Check(bool holds, const std::string& what) {
  if (holds) return;
  std::cerr << "foreign: expected that " << what << "\n";
  std::exit(1);
}

// Runs `work`, which must throw an Error whose message contains `part`.
template <class Work>
void ExpectError(const std::string& part, const Work& work) {
  try {
    work();
  } catch (const lacos::Error& error) {
    Check(std::string(error.what()).find(part) != std::string::npos,
          "the message '" + std::string(error.what()) + "' contains '" + part + "'");
    return;
  }
  Check(false, "an error says '" + part + "'");
}

// Checks that the folder has a record of the function that made it.
void CheckRecord(const std::string& folder, const std::string& function) {
  std::ifstream file(folder + "/run.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Check(text.find("\"function\": \"" + function + "\"") != std::string::npos,
        "run.json names " + function);
  Check(text.find("\"inputs\"") != std::string::npos, "run.json has the inputs");
}

void TestQuantize(const std::string& base, const std::string& work) {
  lacos::QuantizeOptions options;
  bool all_done = false;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    all_done = done == total;
    return true;
  };
  const lacos::QuantizeReport report = lacos::Quantize(base, work + "/base-int8", options);
  Check(all_done, "progress reaches the end");
  Check(report.bytes_after < report.bytes_before * 3 / 4, "8 bits are fewer than 16");
  Check(report.relative_error.at("query_key_value") < 0.02, "rounding is small");
  CheckRecord(work + "/base-int8", "lacos::Quantize");
  ExpectError("already exists", [&] { lacos::Quantize(base, work + "/base-int8"); });
  ExpectError("[`scheme`] found 'cubic'; expected", [&] {
    lacos::QuantizeOptions wrong;
    wrong.scheme = "cubic";
    lacos::Quantize(base, work + "/wrong", wrong);
  });
  options.progress = [](std::int64_t, std::int64_t) { return false; };
  bool cancelled = false;
  try {
    lacos::Quantize(base, work + "/cancelled", options);
  } catch (const lacos::Cancelled&) {
    cancelled = true;
  }
  Check(cancelled, "a progress function ends the work");
}

void TestTrain(const std::string& data, const std::string& work) {
  lacos::TrainOptions options;
  options.model = work + "/base-int8";
  options.train = {data + "/snli-cad-train.tsv.gz"};
  options.dev = data + "/stsb-captions-dev.tsv";
  options.output = work + "/trained";
  options.settings.max_steps = 10;
  options.settings.batch_size = 16;
  options.settings.learning_rate = 2e-3;
  options.settings.pooling = "weighted_mean";
  std::vector<lacos::TrainStep> steps;
  options.on_step = [&](const lacos::TrainStep& step) {
    steps.push_back(step);
    return true;
  };
  const lacos::TrainReport report = lacos::Train(options);
  Check(report.steps == 10 && steps.size() == 10, "ten steps were trained");
  Check(steps[9].total_steps == 10 && std::isfinite(steps[9].loss), "steps have a loss");
  CheckRecord(work + "/trained", "lacos::Train");
  Check(report.has_dev_score && std::isfinite(report.best.spearman), "the dev set was scored");

  options.output = work + "/wrong";
  options.settings.lora_rank = 0;
  ExpectError("[`lora_rank`] found 0; expected a whole number from 1 to",
              [&] { lacos::Train(options); });
  options.settings.lora_rank = 8;
  options.settings.loss = "square";
  ExpectError("[`loss`] found 'square'; expected mnr", [&] { lacos::Train(options); });
  options.settings.loss = "mnr";
  options.settings.lora_target = {"dense", "sparse"};
  ExpectError("[`lora_target`] found 'sparse'", [&] { lacos::Train(options); });
}

void TestEncode(const lacos::SentenceEncoder& encoder) {
  Check(encoder.pooling() == "weighted_mean", "the folder's pooling is used");
  Check(encoder.dimension() > 0 && encoder.max_length() == 75, "settings are those of the folder");
  const std::vector<std::string> texts = {"A man plays a guitar.", "Someone makes music.", ""};
  lacos::EncodeStatistics statistics;
  lacos::EncodeOptions options;
  options.statistics = &statistics;
  const lacos::Vectors vectors = encoder.Encode(texts, options);
  Check(encoder.warnings().empty(), "all keys of the folder's settings files are known");
  Check(vectors.size() == 3 && vectors.dimension == encoder.dimension(), "a text has a vector");
  Check(statistics.texts == 3 && statistics.empty == 1, "texts without tokens are counted");

  // Every text has its own prompt, and its vector is that of the text behind the prompt.
  options.prompts = {"query: ", "", "query: "};
  const lacos::Vectors prompted = encoder.Encode(texts, options);
  options.prompts.clear();
  const lacos::Vectors behind = encoder.Encode({"query: A man plays a guitar."}, options);
  for (std::size_t k = 0; k < vectors.dimension; ++k) {
    Check(prompted[0][k] == behind[0][k], "a prompt goes before its text");
    Check(prompted[1][k] == vectors[1][k], "an empty prompt changes nothing");
  }
  options.prompts = {"one"};
  ExpectError("[prompts] found 1 prompts for 3 texts", [&] { encoder.Encode(texts, options); });
  options.prompts.clear();
  options.truncate_dim = 4;
  options.normalize = true;
  const lacos::Vectors cut = encoder.Encode(texts, options);
  double squares = 0;
  for (std::size_t k = 0; k < 4; ++k) squares += double(cut[0][k]) * cut[0][k];
  Check(cut.dimension == 4 && std::abs(squares - 1) < 1e-5, "vectors are cut, then scaled");
  options.truncate_dim = encoder.dimension() + 1;
  ExpectError("truncate_dim", [&] { encoder.Encode(texts, options); });
  ExpectError("byte 0 is not valid UTF-8", [&] { encoder.Encode({"\xff"}); });

  const std::vector<float> cosines = lacos::Cosines(vectors, vectors);
  Check(cosines.size() == 9 && cosines[0] == 1 && cosines[1] == cosines[3] && cosines[2] == 0,
        "cosines are symmetric");
  Check(encoder.similarity() == "cosine" &&
            lacos::Similarities(vectors, vectors, encoder.similarity()) == cosines,
        "vectors are compared by the folder's similarity");
  const std::vector<float> distances = lacos::Similarities(vectors, vectors, "euclidean");
  Check(distances[0] == 0 && distances[1] < 0 && distances[1] == distances[3],
        "distances are negative");
  ExpectError("similarity", [&] { lacos::Similarities(vectors, vectors, "l2"); });
  const auto nearest = lacos::Nearest(vectors, vectors, 2);
  Check(nearest.size() == 3 && nearest[0].size() == 2 && nearest[0][0].index == 0 &&
            nearest[0][1].index == 1 && std::abs(nearest[0][1].cosine - cosines[1]) < 1e-6,
        "the nearest text is the text itself");
}

void TestEvaluate(const lacos::SentenceEncoder& encoder, const std::string& data,
                  const std::string& work) {
  const lacos::Evaluation sts = lacos::Evaluate(encoder, "sts", data + "/stsb-captions-test.tsv");
  Check(sts.items > 100 && sts.measures.at(0).name == "spearman", "pairs are scored");
  Check(sts.measures[0].value > 20 && sts.measures[0].value < 100, "the score is plausible");
  std::cout << "Spearman " << sts.measures[0].value << "\n";
  ExpectError("[`task`] found 'poetry'; expected sts, retrieval",
              [&] { lacos::Evaluate(encoder, "poetry", data); });
  lacos::EvaluateOptions options;
  options.output = work + "/results";
  const lacos::Evaluation kept =
      lacos::Evaluate(encoder, "sts", data + "/stsb-captions-test.tsv", options);
  Check(kept.measures[0].value == sts.measures[0].value, "keeping results changes no score");
  Check(std::ifstream(options.output + "/report.html").good(), "the results have a page");
  CheckRecord(options.output, "lacos::Evaluate");
  ExpectError("already exists",
              [&] { lacos::Evaluate(encoder, "sts", data + "/stsb-captions-test.tsv", options); });
}

void TestServer(const std::string& model) {
  lacos::ServerOptions options;
  options.listen = "0.0.0.0:0";
  ExpectError("[listen 0.0.0.0:0]", [&] { lacos::Server(model, options); });
  options.listen = "127.0.0.1:0";
  lacos::Server server(model, options);
  Check(server.url().rfind("http://127.0.0.1:", 0) == 0, "the server has an address");
  Check(server.Stop() == 0, "no request was lost");
}

}  // namespace

int main(int argc, char** argv) {
  Check(argc == 4, "the arguments are BASE DATA WORK");
  const std::string base = argv[1], data = argv[2], work = argv[3];
  Check(lacos::Version() == LACOS_VERSION_STRING, "library and headers have one version");
  ExpectError("/no/such/model", [] { lacos::SentenceEncoder("/no/such/model"); });
  ExpectError("[`pooling`] found 'median'; expected mean", [&] {
    lacos::SentenceEncoderOptions options;
    options.pooling = "median";
    lacos::SentenceEncoder(base, options);
  });
  TestQuantize(base, work);
  TestTrain(data, work);
  const lacos::SentenceEncoder encoder(work + "/trained");
  TestEncode(encoder);
  TestEvaluate(encoder, data, work);
  TestServer(work + "/trained");
}
