// The names of test sets on pages: short ones, and once for all subsets of a set.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lacos/report/table.h"

namespace lacos {

// A set's name, which is a path for a user's file, and the rest of its title: subset and split.
using SetAndPart = std::pair<std::string, std::string>;

class SetTitles {
 public:
  explicit SetTitles(std::vector<SetAndPart> sets);

  // The whole title, with a path's end instead of the path, which is shown on hover.
  ShownText Title(const SetAndPart& set) const;
  // The name for the next row of a table: the part alone, below a heading with the set's name, if
  // several sets of the table have that name; else the whole title.
  ShownText RowName(const SetAndPart& set, HtmlTable& table) const;

 private:
  std::vector<SetAndPart> sets_;
  NamesOfPaths names_;
};

}  // namespace lacos
