// `lacos cluster`: groups texts by their vectors, into a given number of groups (k-means) or into all
// groups of texts that are alike (communities).
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <span>

#include "commands/commands.h"
#include "flags/command_record.h"
#include "flags/common.h"
#include "flags/vector_input.h"
#include "lacos/base/error.h"
#include "lacos/base/version.h"
#include "lacos/io/atomic_file.h"
#include "lacos/io/npy.h"
#include "lacos/record/run_record.h"
#include "lacos/search/communities.h"
#include "lacos/search/kmeans.h"
#include "lacos/search/stored_vectors.h"
#include "terminal/interrupt.h"
#include "terminal/output.h"
#include "terminal/progress.h"

namespace lacos::cli {
namespace {

constexpr int32_t kNoCluster = -1;

struct ClusterFlags {
  VectorInput input;
  KMeansOptions kmeans{.clusters = 0};
  std::string initial_centres;
  std::optional<double> threshold;
  std::optional<Similarity> similarity;
  int64_t min_size = CommunityOptions{}.min_size;
  int64_t examples = 3;
  std::string output;
  bool overwrite = false;
};

// Groups of rows. `nearness` is the similarity of each row to its centre, which is a negative
// distance with k-means.
struct Clusters {
  Json about = Json::Object();                // method and measures
  std::vector<std::vector<int64_t>> members;  // of each cluster, the nearest to the centre first
  std::vector<int32_t> labels;                // [n], kNoCluster for rows in no cluster
  std::vector<double> nearness;               // [n]
  std::vector<float> centres;                 // [clusters, d]
};

std::vector<float> InitialCentres(const ClusterFlags& flags, int64_t d) {
  if (flags.initial_centres.empty()) return {};
  VectorFile file = ReadStoredVectors(flags.initial_centres);
  const Vectors centres = file;
  if (centres.d != d || centres.n() != flags.kmeans.clusters) {
    throw UserError(fmt::format(
        "[{}] holds {} centres of {} values; expected {} of {}; give the centres of a run with as "
        "many clusters on vectors of the same model",
        flags.initial_centres, centres.n(), centres.d, flags.kmeans.clusters, d));
  }
  return std::move(file.values);
}

Clusters FindByKMeans(const GlobalOptions& globals, const ClusterFlags& flags, TextVectors& input) {
  KMeansOptions options = flags.kmeans;
  options.initial_centres = InitialCentres(flags, input.vectors().d);
  options.seed = globals.seed;
  Progress progress(globals, {.what = "clustering", .unit = "passes"});
  options.progress = [&](int64_t iterations) {
    CheckInterrupt();
    progress.Update(iterations);
  };
  KMeansResult found = KMeans(input.backend(), input.vectors(), options);
  progress.Finish();

  Clusters clusters;
  clusters.about.Set("method", "kmeans");
  clusters.about.Set("inertia", found.inertia);
  clusters.about.Set("iterations", found.iterations);
  clusters.labels = std::move(found.clusters);
  clusters.centres = std::move(found.centres);
  clusters.members.resize(static_cast<size_t>(options.clusters));
  const Vectors centres{.values = clusters.centres, .d = input.vectors().d};
  for (size_t row = 0; row < clusters.labels.size(); ++row) {
    const int32_t cluster = clusters.labels[row];
    clusters.members[static_cast<size_t>(cluster)].push_back(static_cast<int64_t>(row));
    clusters.nearness.push_back(SimilarityOf(Similarity::kEuclidean,
                                             input.vectors().Row(static_cast<int64_t>(row)),
                                             centres.Row(cluster)));
  }
  for (auto& members : clusters.members) {
    std::stable_sort(members.begin(), members.end(), [&](int64_t a, int64_t b) {
      return clusters.nearness[static_cast<size_t>(a)] > clusters.nearness[static_cast<size_t>(b)];
    });
  }
  if (found.iterations == options.max_iterations) {
    spdlog::warn("k-means was stopped after {} passes; raise --max-iterations to let it settle",
                 found.iterations);
  }
  const auto empty = std::ranges::count_if(clusters.members, &std::vector<int64_t>::empty);
  if (empty > 0) {
    spdlog::warn("{} clusters have no texts, since there are fewer different vectors than clusters",
                 empty);
  }
  return clusters;
}

Clusters FindByThreshold(const GlobalOptions& globals, const ClusterFlags& flags,
                         TextVectors& input) {
  const Similarity similarity = flags.similarity.value_or(input.similarity());
  Progress progress(globals, {.what = "clustering", .unit = "parts"});
  const std::vector<Community> found = FindCommunities(
      input.backend(), input.vectors(),
      {.similarity = similarity,
       .threshold = *flags.threshold,
       .min_size = flags.min_size,
       .progress = [&](int64_t done, int64_t total) {
         CheckInterrupt();
         progress.Update(done, "", static_cast<double>(done) / static_cast<double>(total));
       }});
  progress.Finish();

  Clusters clusters;
  clusters.about.Set("method", "threshold");
  clusters.about.Set("similarity", Name(similarity));
  clusters.about.Set("threshold", *flags.threshold);
  clusters.about.Set("min_size", flags.min_size);
  const auto n = static_cast<size_t>(input.vectors().n());
  clusters.labels.assign(n, kNoCluster);
  clusters.nearness.assign(n, 0);
  for (const Community& community : found) {
    const auto centre = input.vectors().Row(community[0]);
    for (const int64_t row : community) {
      clusters.labels[static_cast<size_t>(row)] = static_cast<int32_t>(clusters.members.size());
      clusters.nearness[static_cast<size_t>(row)] =
          SimilarityOf(similarity, centre, input.vectors().Row(row));
    }
    clusters.members.push_back(community);
    clusters.centres.insert(clusters.centres.end(), centre.begin(), centre.end());
  }
  clusters.about.Set("unclustered", std::ranges::count(clusters.labels, kNoCluster));
  return clusters;
}

// "distance" of k-means, or the similarity's name.
std::string NearnessName(const Clusters& clusters) {
  const auto similarity = clusters.about.Find("similarity");
  return similarity ? similarity->AsString() : "distance";
}
double ShownNearness(const Clusters& clusters, int64_t row) {
  const double nearness = clusters.nearness[static_cast<size_t>(row)];
  return clusters.about.Has("similarity") ? nearness : -nearness;
}

Json RowJson(const Clusters& clusters, const TextVectors& input, int64_t row) {
  Json json = Json::Object();
  json.Set("line", row + 1);
  json.Set(NearnessName(clusters), ShownNearness(clusters, row));
  if (input.has_texts()) json.Set("text", input.text(row));
  return json;
}

std::span<const int64_t> Examples(const ClusterFlags& flags, const std::vector<int64_t>& members) {
  const auto count = std::min(static_cast<size_t>(flags.examples), members.size());
  return std::span(members).first(count);
}

Json Report(const ClusterFlags& flags, const Clusters& clusters, const TextVectors& input) {
  Json report = Json::Object();
  input.Describe(report);
  for (const std::string& key : clusters.about.Keys()) report.Set(key, clusters.about.At(key));
  Json list = Json::Array();
  for (size_t c = 0; c < clusters.members.size(); ++c) {
    Json json = Json::Object();
    json.Set("cluster", static_cast<int64_t>(c));
    json.Set("size", std::ssize(clusters.members[c]));
    Json nearest = Json::Array();
    for (const int64_t row : Examples(flags, clusters.members[c]))
      nearest.Append(RowJson(clusters, input, row));
    json.Set("nearest", nearest);
    list.Append(json);
  }
  report.Set("clusters", list);
  return report;
}

void PrintText(const ClusterFlags& flags, const Clusters& clusters, const TextVectors& input) {
  for (size_t c = 0; c < clusters.members.size(); ++c) {
    Out().Write(fmt::format("cluster {}: {} texts\n", c, clusters.members[c].size()));
    for (const int64_t row : Examples(flags, clusters.members[c])) {
      Out().Write(fmt::format("  {:.4f}\t{}\t{}\n", ShownNearness(clusters, row), row + 1,
                              input.has_texts() ? input.text(row) : ""));
    }
  }
  if (clusters.about.Has("unclustered")) {
    Out().Write(fmt::format("in no cluster: {} of {} texts\n",
                            clusters.about.At("unclustered").AsInt(), clusters.labels.size()));
  }
}

void WriteFolder(const GlobalOptions& globals, const ClusterFlags& flags, const Clusters& clusters,
                 TextVectors& input) {
  const OutputOptions writing = MakeOutputOptions(globals, flags.output, flags.overwrite);
  AtomicFolder folder(flags.output, flags.overwrite);
  const std::string& target = folder.temporary();
  AtomicFile labels(target + "/labels.jsonl");
  for (size_t i = 0; i < clusters.labels.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const bool is_member = clusters.labels[i] != kNoCluster;
    Json json = Json::Object();
    json.Set("line", row + 1);
    json.Set("cluster", is_member ? Json(int64_t{clusters.labels[i]}) : Json());
    json.Set(NearnessName(clusters), is_member ? Json(ShownNearness(clusters, row)) : Json());
    if (input.has_texts()) json.Set("text", input.text(row));
    labels.WriteText(json.Dump() + "\n");
  }
  labels.Commit();
  NpyWriter centres(target + "/centres.npy", DType::kF32, input.vectors().d);
  centres.WriteRows(std::as_bytes(std::span(clusters.centres)));
  centres.Commit();
  WriteFileAtomically(target + "/clusters.json", Report(flags, clusters, input).Dump(2) + "\n");

  Json extra = Json::Object();
  extra.Set("lacos_version", kLacosVersion);
  extra.Set("kind", "clusters");
  CommitFolder(folder, writing,
               {.inputs =
                    [&](RunInputs& inputs) {
                      input.AddInputs(inputs);
                      if (!flags.initial_centres.empty())
                        inputs.AddFile("initial centres", flags.initial_centres);
                    },
                .kernels = [&] { return input.backend().Describe(); },
                .hashed_bytes = 0},
               extra);
}

void Cluster(const GlobalOptions& globals, const ClusterFlags& flags) {
  CheckVectorInput(flags.input);
  if ((flags.kmeans.clusters > 0) == flags.threshold.has_value()) {
    FailUsage("--clusters",
              "name either --clusters N for so many clusters, or --threshold X for all groups of "
              "texts that are alike");
  }
  if (!flags.output.empty()) {
    CheckOutput(flags.output, {.overwrite = flags.overwrite,
                               .inputs = {flags.input.texts.path, flags.input.embeddings,
                                          flags.initial_centres}});
  }
  TextVectors input(globals, flags.input);
  const Clusters clusters = flags.threshold ? FindByThreshold(globals, flags, input)
                                            : FindByKMeans(globals, flags, input);
  if (!flags.output.empty()) WriteFolder(globals, flags, clusters, input);
  if (globals.json) {
    Json report = Report(flags, clusters, input);
    Json labels = Json::Array();
    for (const int32_t label : clusters.labels)
      labels.Append(label == kNoCluster ? Json() : Json(int64_t{label}));
    report.Set("labels", labels);
    Out().Write(report.Dump() + "\n");
  } else {
    PrintText(flags, clusters, input);
  }
  Out().Flush();
  input.Warn();
}

void AddMethodOptions(CLI::App* command, ClusterFlags& flags) {
  CLI::Option* clusters =
      command
          ->add_option("--clusters", flags.kmeans.clusters,
                       "Make so many clusters of all texts, by k-means on Euclidean distances")
          ->type_name("N")
          ->default_str("none")
          ->check(IntegerIn(1, INT32_MAX));
  CLI::Option* threshold =
      command
          ->add_option_function<double>(
              "--threshold", [&flags](double value) { flags.threshold = value; },
              "Make all groups of texts at least so similar to one of them, the largest first; "
              "other texts stay in no cluster")
          ->type_name("X")
          ->check(NumberIn(-1e30, 1e30));
  clusters->excludes(threshold);
  CLI::Option* starts =
      command
          ->add_option("--starts", flags.kmeans.starts,
                       "k-means: the best of so many random choices of first centres is kept")
          ->type_name("N")
          ->capture_default_str()
          ->check(IntegerIn(1, 1000))
          ->needs(clusters);
  command
      ->add_option("--max-iterations", flags.kmeans.max_iterations,
                   "k-means: passes over the texts at most")
      ->type_name("N")
      ->capture_default_str()
      ->check(IntegerIn(1, INT32_MAX))
      ->needs(clusters);
  command
      ->add_option("--initial-centres", flags.initial_centres,
                   "k-means: the first centres instead of random ones, such as the centres.npy of "
                   "an earlier run")
      ->type_name("FILE")
      ->needs(clusters)
      ->excludes(starts);
  command
      ->add_option("--min-size", flags.min_size,
                   "--threshold: the least number of texts of a cluster")
      ->type_name("N")
      ->capture_default_str()
      ->check(IntegerIn(1, INT32_MAX))
      ->needs(threshold);
  AddSimilarityOption(command, flags.similarity)->needs(threshold);
}

}  // namespace

void AddClusterCommand(CLI::App& app, GlobalOptions& globals) {
  CLI::App* command = NewCommand(
      app, globals, "cluster", "Group texts by meaning: into N clusters, or all that are alike",
      "lacos cluster --model trained --input texts.txt --clusters 20 --output clusters");
  auto flags = std::make_shared<ClusterFlags>();
  AddModelOptions(command, flags->input.model);
  AddTextInputOptions(command, flags->input.texts,
                      "One text a line, or a table: .jsonl, .json, .csv, .tsv, or a folder of "
                      "shards; .gz and .zst are read too; - is stdin");
  AddMethodOptions(command, *flags);
  command
      ->add_option("--examples", flags->examples,
                   "How many texts of each cluster are shown, the nearest to its centre first")
      ->type_name("N")
      ->capture_default_str()
      ->check(IntegerIn(0, INT32_MAX));
  command
      ->add_option("--output", flags->output,
                   "Folder for labels.jsonl (the cluster of every text), centres.npy and "
                   "clusters.json")
      ->type_name("DIR");
  AddOverwriteOption(command, flags->overwrite);
  AddPromptOptions(command, flags->input.embed);
  AddVectorOptions(command, flags->input);
  OnRun(command, globals, [&globals, flags] { Cluster(globals, *flags); });
}

}  // namespace lacos::cli
