// Pairs of raw files that make one set together. They usually lie in one folder, and sometimes in
// two archives.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lacos/data/prepare/raw_text.h"

namespace lacos {

class Pairing {
 public:
  // Called with a file of the first kind and the file of the second kind that has the same key.
  using Convert = std::function<void(const RawFile& first, const RawFile& second)>;
  // The names of the two kinds in messages, such as "STS.input" and "STS.gs".
  Pairing(std::string first_name, std::string second_name)
      : names_{std::move(first_name), std::move(second_name)} {}

  // Adds a file of one kind, and converts the pair at once if the partner from the same folder is
  // there. `key` distinguishes pairs within a folder. `wider_key` distinguishes them in all
  // folders; it includes what the folder's name says, such as a year.
  void Add(bool is_second, const std::string& key, const std::string& wider_key, RawFile file,
           const Convert& convert);
  // Joins the remaining files by their wider keys. Throws UserError if one half of a pair is
  // missing, or if there are several different ones.
  void Finish(const Convert& convert);

 private:
  struct Half {
    bool is_second;
    std::string wider_key;
    RawFile file;
  };
  std::string names_[2];
  std::map<std::string, Half> waiting_;  // indexed by folder and key
};

// The folder of a name: "a/b" for "a/b/c.txt".
std::string FolderOf(const std::string& name);

}  // namespace lacos
