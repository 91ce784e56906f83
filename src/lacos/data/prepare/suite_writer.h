// Takes converted sets one after another, compares them with the known sets, and writes the suite's
// files.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lacos/data/prepare/raw_text.h"
#include "lacos/data/suite.h"

namespace lacos {

// The rows of a .tsv file without quoting. Tabs and line breaks inside a cell become spaces.
class TsvRows {
 public:
  TsvRows(std::initializer_list<std::string_view> header);
  void Add(std::initializer_list<std::string_view> cells);
  int64_t rows() const { return rows_; }
  int64_t changed_cells() const { return changed_cells_; }
  const std::string& text() const { return text_; }

 private:
  void Append(std::string_view cell);
  std::string text_;
  int64_t rows_ = -1, changed_cells_ = 0;  // the header does not count as a row
};

// A note about one raw file for users of the output.
struct PrepareNote {
  std::string file, what;
  int64_t count = 0;  // number of rows or cells; 0 if the note is about the whole file
};

struct WriterOptions {
  std::vector<std::string> only;  // the tasks to prepare; empty for all
  bool allow_changed_texts = false;
};

class SuiteWriter {
 public:
  SuiteWriter(std::string folder, WriterOptions options);

  bool WantsTask(std::string_view task) const;

  // The files from which a set was made, and whether they are another edition than the one with the
  // known hashes.
  struct Source {
    std::vector<const RawFile*> files;
    bool other_edition = false;
  };
  // Adds a set. `set` needs task, name, subset, split, languages, path and the other fields of its
  // task; rows and hashes are filled in. `scores` has the scores of sts, one a line. Throws
  // UserError for a wrong count or hash, and for a set that was added before with other contents.
  void AddTable(SuiteSet set, const TsvRows& rows, const Source& source,
                const std::string& scores = "");
  // Adds a retrieval set, given the contents of set.path, set.queries.path and set.qrels.path.
  void AddRetrieval(SuiteSet set, const std::string& documents, const std::string& queries,
                    const std::string& qrels, const Source& source);

  // Adds a note, unless the count is 0.
  void Note(const RawFile& file, const std::string& what, int64_t count);
  void NoteFile(const RawFile& file, const std::string& what);
  void NoteLines(const RawFile& file, const RawLines& lines);  // if it was converted to UTF-8

  // The known sets of the wanted tasks that have not been added.
  std::vector<AbsentSet> Absent() const;
  // Writes suite.json.
  void Finish();

  const std::vector<SuiteSet>& sets() const { return sets_; }
  const std::vector<PrepareNote>& notes() const { return notes_; }

 private:
  bool SeenBefore(const SuiteSet& set, const std::string& sha256, const Source& source);
  void CheckRows(const SuiteSet& set, const Source& source, int64_t found) const;
  void Write(const std::string& path, const std::string& contents);

  std::string folder_;
  WriterOptions options_;
  std::vector<SuiteSet> sets_;
  std::vector<PrepareNote> notes_;
  struct Seen {
    std::string sha256, shown;
  };
  std::map<std::string, Seen> seen_;  // indexed by path
};

}  // namespace lacos
