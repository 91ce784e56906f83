// Two raw files that make one set together: they usually lie in one folder, sometimes in two
// archives.
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
  // Called with the first kind of file and the second of the same key.
  using Convert = std::function<void(const RawFile& first, const RawFile& second)>;
  // `names`: what the two kinds are called in messages ("STS.input", "STS.gs").
  Pairing(std::string first_name, std::string second_name)
      : names_{std::move(first_name), std::move(second_name)} {}

  // Adds a file of one kind; converts at once when its partner lies in the same folder. `key` tells
  // partners apart within a folder; `wider_key` names them wherever they lie (it includes what the
  // folder says, a year).
  void Add(bool is_second, const std::string& key, const std::string& wider_key, RawFile file,
           const Convert& convert);
  // Joins what is left by the wider key. UserError where one half is missing, or there are several
  // different ones.
  void Finish(const Convert& convert);

 private:
  struct Half {
    bool is_second;
    std::string wider_key;
    RawFile file;
  };
  std::string names_[2];
  std::map<std::string, Half> waiting_;  // by folder and key
};

// "a/b" of "a/b/c.txt".
std::string FolderOf(const std::string& name);

}  // namespace lacos
