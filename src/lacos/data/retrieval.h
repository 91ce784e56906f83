// Queries, documents and judgements of retrieval in BEIR's layout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lacos {

// Texts for retrieval. Ids are unique. The text of a document is its title, a space and its text,
// without whitespace at both ends, as BEIR and MTEB put them together.
struct RetrievalTexts {
  std::vector<std::string> ids, texts;
};
struct Relevance {
  int32_t query = 0, document = 0;  // indices into the texts
  double score = 0;                 // above 0 for a relevant document
};
struct RetrievalData {
  RetrievalTexts queries, documents;
  std::vector<Relevance> relevant;
  std::vector<std::string> notes;  // what was not used, for the user
};

// Reads JSON lines {"_id", "title", "text"} of documents and {"_id", "text"} of queries ("id" counts
// as "_id"), and judgements: a .tsv of three columns with a header, whose names do not matter, or JSON
// lines {"query-id", "corpus-id", "score"}. Throws UserError for an id that occurs twice or that only
// the judgements name, and for a pair that is judged twice and differently.
RetrievalData ReadRetrieval(const std::string& corpus, const std::string& queries,
                            const std::string& qrels);

}  // namespace lacos
