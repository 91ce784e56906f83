// Writes zip archives and pickles byte by byte, so that tests can make every damaged PyTorch file
// that they need.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lacos {

template <class T>
std::string Bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

struct TestMember {
  std::string name, data;
  uint16_t method = 0, flags = 0;
  std::string local_name = name;  // name in the member's own header
  int64_t places_back = 0;        // subtracted from the position that the directory gives
  int64_t directory_extra = 0;    // added to the size that the directory gives
};

struct TestZip {
  std::vector<TestMember> members;
  bool zip64 = false;       // the 32-bit fields refer to the extra field
  int64_t count_extra = 0;  // added to the number of members
  std::string after;        // bytes after the end record

  std::string Write() const {
    std::string file, directory;
    for (const TestMember& m : members) {
      const auto at = static_cast<uint64_t>(static_cast<int64_t>(file.size()) - m.places_back);
      const auto size =
          static_cast<uint64_t>(static_cast<int64_t>(m.data.size()) + m.directory_extra);
      const auto local_size = static_cast<uint32_t>(m.data.size());
      file += "PK\3\4" + Bytes<uint16_t>(20) + Bytes(m.flags) + Bytes(m.method) +
              std::string(8, '\0') + Bytes(local_size) + Bytes(local_size) +
              Bytes(static_cast<uint16_t>(m.local_name.size())) + Bytes<uint16_t>(0) +
              m.local_name + m.data;
      const std::string extra =
          zip64 ? Bytes<uint16_t>(1) + Bytes<uint16_t>(24) + Bytes(size) + Bytes(size) + Bytes(at)
                : "";
      const auto narrow = [&](uint64_t value) {
        return zip64 ? ~uint32_t{0} : static_cast<uint32_t>(value);
      };
      directory += "PK\1\2" + Bytes<uint32_t>(20 | 20 << 16) + Bytes(m.flags) + Bytes(m.method) +
                   std::string(8, '\0') + Bytes(narrow(size)) + Bytes(narrow(size)) +
                   Bytes(static_cast<uint16_t>(m.name.size())) +
                   Bytes(static_cast<uint16_t>(extra.size())) + std::string(10, '\0') +
                   Bytes(narrow(at)) + m.name + extra;
    }
    const uint64_t begin = file.size(), size = directory.size();
    const auto count = static_cast<uint64_t>(static_cast<int64_t>(members.size()) + count_extra);
    file += directory;
    const uint64_t end64 = file.size();
    if (zip64) {
      file += "PK\6\6" + Bytes<uint64_t>(44) + Bytes<uint32_t>(0) + Bytes<uint64_t>(0) +
              Bytes(count) + Bytes(count) + Bytes(size) + Bytes(begin);
      file += "PK\6\7" + Bytes<uint32_t>(0) + Bytes(end64) + Bytes<uint32_t>(1);
    }
    const auto narrow_count = zip64 ? uint16_t{0xFFFF} : static_cast<uint16_t>(count);
    file += "PK\5\6" + Bytes<uint32_t>(0) + Bytes(narrow_count) + Bytes(narrow_count) +
            Bytes(zip64 ? ~uint32_t{0} : static_cast<uint32_t>(size)) +
            Bytes(zip64 ? ~uint32_t{0} : static_cast<uint32_t>(begin)) + Bytes<uint16_t>(0);
    return file + after;
  }
};

// Parts of pickles with protocol 2.
inline std::string PickleText(const std::string& text) {
  return "X" + Bytes(static_cast<uint32_t>(text.size())) + text;
}
inline std::string PickleNumber(int64_t number) { return "\x8a\x08" + Bytes(number); }
inline std::string PickleTuple(const std::vector<int64_t>& numbers) {
  std::string pickle = "(";
  for (const int64_t number : numbers) pickle += PickleNumber(number);
  return pickle + "t";
}
inline std::string PickleStorage(const std::string& type, const std::string& key,
                                 int64_t elements) {
  return "(" + PickleText("storage") + "ctorch\n" + type + "\n" + PickleText(key) +
         PickleText("cpu") + PickleNumber(elements) + "tQ";
}
struct TestTensor {
  std::string type = "FloatStorage", key = "0";
  int64_t elements = 6, offset = 0;
  std::vector<int64_t> shape = {2, 3}, strides = {3, 1};

  std::string Pickle() const {
    return "ctorch._utils\n_rebuild_tensor_v2\n(" + PickleStorage(type, key, elements) +
           PickleNumber(offset) + PickleTuple(shape) + PickleTuple(strides) + "\x89" +
           "ccollections\nOrderedDict\n)RtR";
  }
};
inline std::string PickleDict(const std::string& items) { return "\x80\x02}(" + items + "u."; }

// A complete file of torch.save with one storage of 24 bytes under key 0.
inline TestZip TorchArchive(const std::string& pickle) {
  return {.members = {{.name = "m/data.pkl", .data = pickle},
                      {.name = "m/byteorder", .data = "little"},
                      {.name = "m/data/0", .data = std::string(24, '\1')},
                      {.name = "m/version", .data = "3\n"},
                      {.name = "m/.data/serialization_id", .data = "0123"}}};
}
inline TestZip TorchArchive(const TestTensor& tensor) {
  return TorchArchive(PickleDict(PickleText("w") + tensor.Pickle()));
}

}  // namespace lacos
