// XQuAD as a retrieval task. The relevant document of a question is the paragraph about which it
// was asked. Ids are the same in all languages, so questions in any language can be combined with
// paragraphs in any language.
#include <fmt/format.h>

#include <set>

#include "lacos/base/error.h"
#include "lacos/data/prepare/raw_format.h"
#include "lacos/io/json.h"

namespace lacos {
namespace {

// Appends one line of .jsonl in BEIR's form.
void AppendDocument(const std::string& id, const std::string* title, const std::string& text,
                    std::string& out) {
  Json line = Json::Object();
  line.Set("_id", id);
  if (title != nullptr) line.Set("title", *title);
  line.Set("text", text);
  out += line.Dump();
  out += '\n';
}

class XquadFormat : public RawFormat {
 public:
  std::string Task() const override { return "retrieval"; }
  bool Wants(const std::vector<std::string>& parts) const override {
    return !Language(parts.back()).empty();
  }

  void Add(RawFile file, SuiteWriter& out) override {
    const std::string language = Language(LowerParts(file.name).back());
    // The title of the article is left out, because in every language it is the name of the English
    // page.
    const std::string no_title;
    std::string documents, queries, qrels = "query-id\tcorpus-id\tscore\n";
    std::set<std::string> seen;
    int64_t articles = 0;
    Json::Parse(file.bytes, file.shown).At("data").ForEachElement([&](const Json& article) {
      int64_t paragraphs = 0;
      article.At("paragraphs").ForEachElement([&](const Json& paragraph) {
        const std::string document = fmt::format("{}-{}", articles, paragraphs++);
        AppendDocument(document, &no_title, paragraph.At("context").AsString(), documents);
        paragraph.At("qas").ForEachElement([&](const Json& question) {
          const std::string id = question.At("id").AsString();
          if (id.empty() || id.find_first_of("\t\r\n") != std::string::npos ||
              !seen.insert(id).second) {
            throw UserError(fmt::format(
                "{} is '{}'; expected an id that occurs once; copy or download the file again",
                question.At("id").Where(), id));
          }
          AppendDocument(id, nullptr, question.At("question").AsString(), queries);
          qrels += fmt::format("{}\t{}\t1\n", id, document);
        });
      });
      ++articles;
    });
    SuiteSet set{.task = "retrieval",
                 .name = "XQuAD",
                 .subset = language,
                 .split = "test",
                 .languages = {language},
                 .path = fmt::format("retrieval/xquad/{}.corpus.jsonl", language)};
    set.queries.path = fmt::format("retrieval/xquad/{}.queries.jsonl", language);
    set.qrels.path = "retrieval/xquad/qrels.tsv";
    out.AddRetrieval(std::move(set), documents, queries, qrels, {.files = {&file}});
  }

 private:
  // The language in a file name, such as "zh" in "xquad.zh.json".
  static std::string Language(std::string_view file) {
    constexpr std::string_view kStart = "xquad.", kEnd = ".json";
    if (!file.starts_with(kStart) || !file.ends_with(kEnd) ||
        file.size() <= kStart.size() + kEnd.size())
      return "";
    const std::string_view language =
        file.substr(kStart.size(), file.size() - kStart.size() - kEnd.size());
    return IsLanguageCode(language) ? std::string(language) : "";
  }
};

}  // namespace

std::unique_ptr<RawFormat> MakeXquadFormat() { return std::make_unique<XquadFormat>(); }

}  // namespace lacos
